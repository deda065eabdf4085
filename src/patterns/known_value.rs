//! A value that is looked for, as it may stand in logs.

use crate::codec::base64;
use crate::codec::hex;
use std::fmt::Write as _;

/// Shorter values have encodings so short that they occur by chance.
const ENCODED_FROM: usize = 6;

/// A rule that finds the value and nothing else.
pub(super) fn rule(value: &[u8]) -> String {
    format!(
        "[[rule]]\nid = \"known-value\"\nname = \"The value that was asked for\"\ncategory = \"credential\"\n\
         provider = \"generic\"\npattern = '''{}'''\nseverity = \"high\"\nconfidence = \"high\"\n\
         remediation = \"If it is a secret, rotate it.\"\n",
        pattern(value)
    )
}

/// An expression for the value in plain, with JSON's escapes, in hex, and in base64 wherever it lies in what was
/// encoded. The decode layers of a scan see through the rest.
fn pattern(value: &[u8]) -> String {
    let mut forms = vec![literal(value), literal(&json(value))];
    if value.len() >= ENCODED_FROM {
        let lower = hex::encode(value);
        forms.extend([literal(lower.to_ascii_uppercase().as_bytes()), literal(lower.as_bytes())]);
        for before in 0..3 {
            let text = in_base64(value, before);
            forms.extend([text.replace("\\x2b", "\\x2d").replace("\\x2f", "\\x5f"), text]);
        }
    }
    // The longest first, for of those that begin alike the first is taken.
    forms.sort_by_key(|form| (std::cmp::Reverse(form.len()), form.clone()));
    forms.dedup();
    forms.join("|")
}

/// What the value decides of its base64, with so many bytes before it: of the character that it shares with what comes
/// after, those that are possible.
fn in_base64(value: &[u8], before: usize) -> String {
    let bits = (before + value.len()) * 8;
    let encode = |after: u8| base64::encode(&[&vec![0; before][..], value, &[after]].concat());
    let mut text = literal(&encode(0).as_bytes()[(before * 8).div_ceil(6)..bits / 6]);
    if !bits.is_multiple_of(6) {
        let mut last: Vec<u8> = (0..=255).map(|after| encode(after).as_bytes()[bits / 6]).collect();
        last.sort_unstable();
        last.dedup();
        text.push_str(&format!("[{}]", literal(&last)));
    }
    text
}

/// As the value of a JSON string.
fn json(value: &[u8]) -> Vec<u8> {
    let escape = |byte: &u8| match byte {
        b'"' | b'\\' => vec![b'\\', *byte],
        b'\n' => b"\\n".to_vec(),
        b'\r' => b"\\r".to_vec(),
        b'\t' => b"\\t".to_vec(),
        _ => vec![*byte],
    };
    value.iter().flat_map(escape).collect()
}

fn literal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\x{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_value_is_found_wherever_it_lies() {
        let value = b"made-up value 42";
        let pattern = regex::bytes::Regex::new(&format!("(?-u){}", pattern(value))).unwrap();
        for before in 0..7 {
            for after in 0..7 {
                let text = [&b"prefix"[..before.min(6)], value, &b"suffix"[..after.min(6)]].concat();
                assert!(pattern.is_match(base64::encode(&text).as_bytes()), "{before} {after}");
            }
        }
        assert!(pattern.is_match(hex::encode(value).as_bytes()));
        assert!(!pattern.is_match(base64::encode(b"made-up value 43").as_bytes()));
    }
}

//! JSON Lines that a terminal can show.

use super::text::{is_plain, is_unsafe};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};
use std::io;

/// Writes one value as compact JSON and `\n`; nothing is written when it cannot be serialised.
///
/// Characters of [`is_unsafe`] come out as `\u` escapes, so the line is the same JSON value, is
/// exactly one line in every reader, and does nothing to a terminal.
pub fn write_line<T: Serialize>(out: &mut dyn io::Write, value: &T) -> io::Result<()> {
    let mut line = Vec::with_capacity(256);
    value.serialize(&mut Serializer::with_formatter(&mut line, Escaping))?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Compact JSON with escapes for what serde_json leaves raw: it escapes only U+0000 to U+001F.
struct Escaping;

impl Formatter for Escaping {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        if is_plain(fragment) {
            return CompactFormatter.write_string_fragment(out, fragment);
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_unsafe(c)) {
            let (head, tail) = rest.split_at(at);
            CompactFormatter.write_string_fragment(out, head)?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = tail.strip_prefix(c).unwrap_or_default();
        }
        CompactFormatter.write_string_fragment(out, rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn line(value: &Value) -> String {
        let mut out = Vec::new();
        write_line(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_compact_line_in_the_order_of_the_fields() {
        assert_eq!(
            line(&json!({"b": [1, null], "a": "grüße \"x\"\n"})),
            "{\"b\":[1,null],\"a\":\"grüße \\\"x\\\"\\n\"}\n"
        );
    }

    #[test]
    fn what_would_act_is_escaped_in_keys_and_values() {
        let value = json!({"k\u{202e}": "a\x7f\u{9b}\u{2028}b\u{2029}\u{feff}\x1b\u{e0041}"});
        let text = line(&value);
        assert_eq!(text, "{\"k\\u202e\":\"a\\u007f\\u009b\\u2028b\\u2029\\ufeff\\u001b\\udb40\\udc41\"}\n");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn every_unsafe_character_survives_the_round_trip_unseen() {
        let all: String = ('\0'..=char::MAX).filter(|&c| is_unsafe(c)).collect();
        let text = line(&json!([all]));
        assert!(!text.trim_end_matches('\n').contains(is_unsafe));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!([all]));
    }

    #[test]
    fn nothing_is_written_of_a_value_that_fails() {
        let keys = std::collections::BTreeMap::from([(vec![1u8], 1)]);
        let mut out = Vec::new();
        assert!(write_line(&mut out, &keys).is_err());
        assert!(out.is_empty());
    }
}

//! `%hh` and the escapes of JSON, character by character: what each stands for, and where it stands.

use crate::codec::hex;

/// How many bytes the next character takes, and the bytes that it stands for.
pub(super) type Unit = (usize, ([u8; 3], usize));

const fn one(taken: usize, byte: u8) -> Unit {
    (taken, ([byte, 0, 0], 1))
}

pub(super) fn url_unit(text: &[u8]) -> Unit {
    match text {
        [b'%', high, low, ..] => match hex::decode::<1>(&[*high, *low]) {
            Some([byte]) => one(3, byte),
            None => one(1, b'%'),
        },
        [byte, ..] => one(1, *byte),
        [] => (0, ([0; 3], 0)),
    }
}

pub(super) fn json_unit(text: &[u8]) -> Unit {
    match text {
        [b'\\', b'u', digits @ ..] if digits.len() >= 4 => {
            let Some(code) = hex::decode::<2>(&digits[..4]).map(u16::from_be_bytes) else { return one(1, b'\\') };
            let mut bytes = [0; 3];
            match char::from_u32(u32::from(code)) {
                Some(c) => {
                    let length = c.encode_utf8(&mut bytes).len();
                    (6, (bytes, length))
                }
                // Halves of a pair stand for nothing by themselves.
                None => one(6, b'?'),
            }
        }
        [b'\\', b'n', ..] => one(2, b'\n'),
        [b'\\', b't', ..] => one(2, b'\t'),
        [b'\\', b'r', ..] => one(2, b'\r'),
        [b'\\', byte @ (b'"' | b'\\' | b'/'), ..] => one(2, *byte),
        [byte, ..] => one(1, *byte),
        [] => (0, ([0; 3], 0)),
    }
}

pub(super) fn unescaped(text: &[u8], unit: fn(&[u8]) -> Unit) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let (taken, (bytes, length)) = unit(&text[at..]);
        out.extend_from_slice(&bytes[..length]);
        at += taken;
    }
    out
}

/// Where the decoded byte number `wanted` begins in the encoded text.
pub(super) fn offset(text: &[u8], wanted: usize, unit: fn(&[u8]) -> Unit) -> usize {
    let (mut at, mut decoded) = (0, 0);
    while at < text.len() && decoded < wanted {
        let (taken, (_, length)) = unit(&text[at..]);
        at += taken;
        decoded += length;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_its_place() {
        let text = br"a\u00e9\/\ud83d\n\x";
        assert_eq!(unescaped(text, json_unit), "aé/?\n\\x".as_bytes());
        assert_eq!((offset(text, 1, json_unit), offset(text, 3, json_unit), offset(text, 4, json_unit)), (1, 7, 9));
        assert_eq!(unescaped(b"%41%zz%4", url_unit), b"A%zz%4");
        assert_eq!((offset(b"%41%zz", 1, url_unit), offset(b"%41%zz", 9, url_unit)), (3, 6));
    }
}

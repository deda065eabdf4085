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

/// Decoded bytes between two places that are noted.
const STEP: usize = 1024;

/// Where the decoded bytes of one text begin in the encoded one: read once, asked for every match in it.
#[derive(Debug)]
pub(super) struct Places {
    /// Numbers of a decoded byte and of the encoded one, so far apart or a little more.
    steps: Vec<(usize, usize)>,
    unit: fn(&[u8]) -> Unit,
}

impl Places {
    pub fn of(text: &[u8], unit: fn(&[u8]) -> Unit) -> Self {
        let mut steps = vec![(0, 0)];
        let (mut at, mut decoded, mut next) = (0, 0, STEP);
        while at < text.len() {
            if decoded >= next {
                steps.push((decoded, at));
                next = decoded + STEP;
            }
            let (taken, (_, length)) = unit(&text[at..]);
            at += taken;
            decoded += length;
        }
        Self { steps, unit }
    }

    /// Where the decoded byte number `wanted` begins in the text, which is the one these are of.
    pub fn find(&self, text: &[u8], wanted: usize) -> usize {
        let step = self.steps.partition_point(|(decoded, _)| *decoded <= wanted);
        let (mut decoded, mut at) = self.steps[step.max(1) - 1];
        while at < text.len() && decoded < wanted {
            let (taken, (_, length)) = (self.unit)(&text[at..]);
            at += taken;
            decoded += length;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_its_place() {
        let text = br"a\u00e9\/\ud83d\n\x";
        assert_eq!(unescaped(text, json_unit), "aé/?\n\\x".as_bytes());
        let places = Places::of(text, json_unit);
        assert_eq!([1, 3, 4].map(|wanted| places.find(text, wanted)), [1, 7, 9]);
        assert_eq!(unescaped(b"%41%zz%4", url_unit), b"A%zz%4");
        let places = Places::of(b"%41%zz", url_unit);
        assert_eq!([1, 9].map(|wanted| places.find(b"%41%zz", wanted)), [3, 6]);
    }

    #[test]
    fn places_far_in_are_found_from_the_step_before() {
        let text = b"a%42\\u0043".repeat(2000);
        let places = Places::of(&text, url_unit);
        assert!(places.steps.len() > 10);
        // `a`, `B`, and six bytes that URLs leave alone.
        for n in [0, 1, 127, 128, 129, 1999] {
            assert_eq!(places.find(&text, n * 8), n * 10);
            assert_eq!(places.find(&text, n * 8 + 2), n * 10 + 4);
        }
    }
}

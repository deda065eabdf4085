//! Finds the end of a quoted text.

/// Bytes of a string looked at one by one before a vector search pays: names and most values are short.
const SHORT: usize = 16;

/// Position of the first `"` or `\`: most strings are short, so eight bytes at a time before memchr.
pub(super) fn quote_or_escape(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = 0;
    while at < SHORT
        && let Some(Ok(bytes)) = text.get(at..at + 8).map(<[u8; 8]>::try_from)
    {
        let word = u64::from_le_bytes(bytes);
        let hits = zero_bytes(word ^ (ONES * u64::from(b'"'))) | zero_bytes(word ^ (ONES * u64::from(b'\\')));
        if hits != 0 {
            return Some(at + hits.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr2(b'"', b'\\', text.get(at..)?).map(|found| found + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_both_wherever_it_stands() {
        for before in 0..80 {
            for (after, found) in [("\"x\\", true), ("\\\"", true), ("\u{22}", true), ("#]!\u{a2}", false)] {
                let text = format!("{}{after}", "é#".repeat(before / 3) + &"x".repeat(before % 3));
                let expected = text.bytes().position(|b| b == b'"' || b == b'\\');
                assert_eq!(expected.is_some(), found);
                assert_eq!(quote_or_escape(text.as_bytes()), expected, "{text}");
            }
        }
        assert_eq!(quote_or_escape(b""), None);
    }
}

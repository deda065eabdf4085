//! URL (percent) decoding.

use std::borrow::Cow;

/// Replaces `%hh` by its byte, and leaves every other byte, broken escapes included, as it is.
/// Bytes that do not form UTF-8 come out as U+FFFD.
pub fn decode(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'%', bytes).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn broken_escapes_stay() {
        assert_eq!(decode("a%2Fb%3a%zz%4"), "a/b:%zz%4");
        assert_eq!(decode("%ff"), "\u{fffd}");
    }
}

//! Base64 in the dialects tokens use.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Tokens come padded and unpadded; and their last symbol may carry stray bits.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes standard or URL-safe base64, padded or not. `None` when it is neither.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let url_safe = text.iter().any(|b| matches!(b, b'-' | b'_'));
    let engine = if url_safe { &URL_SAFE } else { &STANDARD };
    engine.decode(text).ok()
}

/// Number of a symbol of either alphabet; more than 63 where it is none.
const SYMBOLS: [u8; 256] = {
    let mut symbols = [u8::MAX; 256];
    let all = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut n = 0;
    while n < all.len() {
        symbols[all[n] as usize] = n as u8;
        n += 1;
    }
    (symbols[b'-' as usize], symbols[b'_' as usize]) = (62, 63);
    symbols
};

/// What 24 symbols at the beginning stand for, of either alphabet: a look before the whole is decoded. `None` where
/// there are fewer, or other bytes.
pub fn head(text: &[u8]) -> Option<[u8; 18]> {
    let (groups, _) = text.get(..24)?.as_chunks::<4>();
    let mut bytes = [0; 18];
    let mut all = 0;
    for (into, group) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(groups) {
        let [a, b, c, d] = group.map(|symbol| SYMBOLS[usize::from(symbol)]);
        all |= a | b | c | d;
        *into = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    }
    (all < 64).then_some(bytes)
}

/// Standard base64 with padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, head};

    #[test]
    fn dialects() {
        assert_eq!(decode(b"dXNlcjpwYXNz").as_deref(), Some(&b"user:pass"[..]));
        assert_eq!(decode(b"aGk=").as_deref(), Some(&b"hi"[..]));
        assert_eq!(decode(b"aGk").as_deref(), Some(&b"hi"[..]));
        assert_eq!(decode(b"_-8").as_deref(), Some(&[0xff, 0xef][..]));
        assert_eq!(decode(b"not base64!"), None);
        assert_eq!(encode(&[0xff, 0xef]), "/+8=");
        assert_eq!(head(b"aGlkZGVuIGluIGJhc2U2NCwgeWVz").as_ref(), Some(b"hidden in base64, "));
        assert_eq!((head(b"aGlkZGVuIGluIGJhc2U2NCw"), head(b"aGlkZGVuIGluIGJhc2U2NCw=")), (None, None));
        assert_eq!(head(b"_-8v_-8v_-8v_-8v_-8v_-8v"), head(b"/+8v/+8v/+8v/+8v/+8v/+8v"));
    }
}

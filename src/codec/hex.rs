//! Bytes as hexadecimal digits.

/// The two digits of a byte, in lower case.
#[inline]
pub fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// Two digits for each byte, in lower case.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

fn value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => u8::MAX,
    }
}

/// The bytes of just so many pairs of digits, of either case.
pub fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    let mut all = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (value(*high), value(*low));
        all |= high | low;
        *byte = high << 4 | low;
    }
    (all < 16).then_some(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_was_encoded_is_decoded_and_nothing_else() {
        let all: [u8; 256] = std::array::from_fn(|i| i as u8);
        let text = super::encode(&all);
        assert_eq!(super::decode(text.as_bytes()), Some(all));
        assert_eq!(super::decode(text.to_uppercase().as_bytes()), Some(all));
        assert_eq!(super::decode::<2>(b"00fF"), Some([0, 255]));
        for broken in ["", "00f", "00ff0", "00ff00", "0x12", "00g0", "00 0", "+0ff"] {
            assert_eq!(super::decode::<2>(broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn every_byte_has_two_digits() {
        let all: Vec<u8> = (0..=255).collect();
        let wanted: String = all.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(super::encode(&all), wanted);
    }
}

//! Bytes as lower-case hexadecimal digits.

/// The two digits of a byte.
#[inline]
pub fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

/// Two digits for each byte.
pub fn encode(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| digits(*byte)).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_has_two_digits() {
        let all: Vec<u8> = (0..=255).collect();
        let wanted: String = all.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(super::encode(&all), wanted);
    }
}

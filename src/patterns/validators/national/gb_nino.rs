//! British national insurance number: two letters, six digits, A to D; some letters and pairs are never issued; there is no checksum.

use super::National;

pub(in super::super) static GB_NINO: National = National { name: "gb-nino", check };

fn check(text: &[u8]) -> bool {
    let unused = [b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"];
    matches!(text.len(), 8 | 9)
        && text[..2].iter().all(|b| b.is_ascii_uppercase() && !b"DFIQUV".contains(b))
        && text[1] != b'O'
        && text[2..8].iter().all(u8::is_ascii_digit)
        && !unused.iter().any(|pair| text.starts_with(*pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        GB_NINO.must(&["AB123456C"], &["QQ123456C", "GB123456A"]);
    }
}

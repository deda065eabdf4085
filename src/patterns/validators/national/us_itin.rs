//! American taxpayer number (ITIN): 9 digits, the first 9, the fourth and fifth 50 to 65, 70 to 88, 90 to 92 or 94 to 99; there is no checksum.

use super::super::digits_of;
use super::National;

pub(in super::super) static US_ITIN: National = National { name: "us-itin", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 9 && digits[0] == 9 && matches!(digits[3] * 10 + digits[4], 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        US_ITIN.must(&["912903456"], &["912933456", "812903456"]);
    }
}

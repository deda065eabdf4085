//! Indian Aadhaar number: 12 digits, the first not 0 or 1, no palindrome, Verhoeff.

use super::super::digits_of;
use super::{National, verhoeff};

pub(in super::super) static IN_AADHAAR: National = National { name: "in-aadhaar", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 12 && digits[0] > 1 && !digits.iter().eq(digits.iter().rev()) && verhoeff(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        IN_AADHAAR.must(&["234123412346"], &["234123412347"]);
    }
}

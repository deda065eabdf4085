//! Canadian social insurance number: 9 digits with a Luhn digit; 0 and 8 are not issued as the first.

use super::super::{digits_of, luhn};
use super::National;

pub(in super::super) static CA_SIN: National = National { name: "ca-sin", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 9 && !matches!(digits[0], 0 | 8) && luhn::passes(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        CA_SIN.must(&["123456782"], &["123456783", "046454286"]);
    }
}

//! South African identity number: 13 digits: date of birth, serial, citizenship, and a Luhn digit.

use super::super::{digits_of, luhn};
use super::National;

pub(in super::super) static ZA_ID: National = National { name: "za-id", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 13
        && (1..=12).contains(&(digits[2] * 10 + digits[3]))
        && (1..=31).contains(&(digits[4] * 10 + digits[5]))
        && luhn::passes(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        ZA_ID.must(&["7503305044089"], &["7503305044088"]);
    }
}

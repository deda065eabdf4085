//! American provider number (NPI): 10 digits, the first 1 or 2; with 80840 before them they have a Luhn digit.

use super::super::{digits_of, luhn};
use super::National;

pub(in super::super) static US_NPI: National = National { name: "us-npi", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    let whole: Vec<u32> = [8, 0, 8, 4, 0].into_iter().chain(digits.iter().copied()).collect();
    digits.len() == 10 && matches!(digits[0], 1 | 2) && luhn::passes(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        US_NPI.must(&["1234567893"], &["1234567894", "3234567893"]);
    }
}

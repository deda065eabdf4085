//! British NHS number: 10 digits; 11 less the sum by 10 to 2 modulo 11 gives the last, 11 counting as 0.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static GB_NHS: National = National { name: "gb-nhs", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 10 && (11 - weighted(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11 == digits[9]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        GB_NHS.must(&["9434765919", "4505577104"], &["9434765871"]);
    }
}

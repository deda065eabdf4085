//! Polish person number (PESEL): 11 digits: date of birth with the century in the month, and the sum by 1, 3, 7, 9 … makes a multiple of 10.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static PL_PESEL: National = National { name: "pl-pesel", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    if digits.len() != 11 {
        return false;
    }
    let (month, day) = ((digits[2] * 10 + digits[3]) % 20, digits[4] * 10 + digits[5]);
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        PL_PESEL.must(&["44051401359"], &["44051401358", "44991401359"]);
    }
}

//! Dutch citizen number (BSN): 9 digits by 9 to 2 and -1, in sum a multiple of 11.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static NL_BSN: National = National { name: "nl-bsn", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    let sum = weighted(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    digits.len() == 9 && sum > 0 && sum % 11 == digits[8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        NL_BSN.must(&["111222333"], &["111222334"]);
    }
}

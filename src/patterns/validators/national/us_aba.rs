//! American routing number (ABA): 9 digits by 3, 7, 1, in sum a multiple of 10; the first two name a district.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static US_ABA: National = National { name: "us-aba", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 9
        && matches!(digits[0] * 10 + digits[1], 1..=12 | 21..=32 | 61..=72 | 80)
        && weighted(&digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        US_ABA.must(&["021000021", "011000015", "111000025"], &["021000022", "000000000"]);
    }
}

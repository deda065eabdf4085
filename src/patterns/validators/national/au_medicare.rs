//! Australian Medicare card: 10 digits (an 11th tells the person), the first 2 to 6; the first eight by 1, 3, 7, 9, 1, 3, 7, 9 give the ninth.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static AU_MEDICARE: National = National { name: "au-medicare", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    matches!(digits.len(), 10 | 11)
        && (2..=6).contains(&digits[0])
        && weighted(&digits, &[1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digits[8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        AU_MEDICARE.must(&["2123456701"], &["2123456711", "1123456701"]);
    }
}

//! Australian tax file number: 9 digits by 1, 4, 3, 7, 5, 8, 6, 9, 10, in sum a multiple of 11.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static AU_TFN: National = National { name: "au-tfn", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 9 && weighted(&digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        AU_TFN.must(&["123456782"], &["123456783"]);
    }
}

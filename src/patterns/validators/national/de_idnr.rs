//! German tax number (Steuer-ID): 11 digits, the first not 0; of the first ten one digit comes two or three times and no other twice; ISO 7064 mod 11, 10.

use super::super::digits_of;
use super::{National, iso7064_mod_11_10};

pub(in super::super) static DE_IDNR: National = National { name: "de-idnr", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    if digits.len() != 11 || digits[0] == 0 {
        return false;
    }
    let mut often: Vec<usize> = (0..10).map(|d| digits[..10].iter().filter(|x| **x == d).count()).collect();
    often.sort_unstable();
    matches!(often[9], 2 | 3) && often[8] == 1 && iso7064_mod_11_10(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        DE_IDNR.must(&["36574261809"], &["36574261808", "11111111111"]);
    }
}

//! DEA registration number: two letters and 7 digits: (1st + 3rd + 5th) + 2 (2nd + 4th + 6th) ends in the 7th.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static US_DEA: National = National { name: "us-dea", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text.get(2..).unwrap_or_default());
    text.len() == 9
        && b"ABCDEFGHJKLMPRSTUX".contains(&text[0])
        && (text[1].is_ascii_uppercase() || text[1] == b'9')
        && digits.len() == 7
        && weighted(&digits, &[1, 2, 1, 2, 1, 2]) % 10 == digits[6]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        US_DEA.must(&["AP5836727"], &["AP5836728", "IP5836727"]);
    }
}

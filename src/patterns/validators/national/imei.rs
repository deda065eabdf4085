//! Device number (IMEI): 15 digits with a Luhn digit.

use super::super::{digits_of, luhn};
use super::National;

pub(in super::super) static IMEI: National = National { name: "imei", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    digits.len() == 15 && luhn::passes(&digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        IMEI.must(&["490154203237518"], &["490154203237519"]);
    }
}

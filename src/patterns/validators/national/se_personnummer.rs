//! Swedish personal number: 10 digits after the century: date of birth, serial, Luhn digit.

use super::super::{digits_of, luhn};
use super::National;

pub(in super::super) static SE_PERSONNUMMER: National = National { name: "se-personnummer", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    let short = match digits.len() {
        10 => &digits[..],
        12 => &digits[2..],
        _ => return false,
    };
    (1..=12).contains(&(short[2] * 10 + short[3]))
        && (1..=91).contains(&(short[4] * 10 + short[5]))
        && luhn::passes(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        SE_PERSONNUMMER.must(&["8803200016"], &["8803200017"]);
    }
}

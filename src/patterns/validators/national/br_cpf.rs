//! Brazilian person number (CPF): 11 digits, two of them check digits: ten times the weighted sum modulo 11, 10 counting as 0.

use super::super::digits_of;
use super::{National, weighted};

pub(in super::super) static BR_CPF: National = National { name: "br-cpf", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    let check = |count: usize| {
        let weights: Vec<u32> = (2..=11).rev().skip(10 - count).collect();
        weighted(&digits, &weights) * 10 % 11 % 10
    };
    digits.len() == 11 && check(9) == digits[9] && check(10) == digits[10]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        BR_CPF.must(&["39053344705"], &["39053344706", "39053344715"]);
    }
}

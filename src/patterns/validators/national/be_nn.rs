//! Belgian national number: 11 digits; 97 less the first nine modulo 97 gives the last two, with a 2 before them for those born since 2000.

use super::super::digits_of;
use super::National;

pub(in super::super) static BE_NN: National = National { name: "be-nn", check };

fn check(text: &[u8]) -> bool {
    let digits = digits_of(text);
    if digits.len() != 11 {
        return false;
    }
    let number = |part: &[u32]| part.iter().fold(0u64, |all, d| all * 10 + u64::from(*d));
    let (body, key) = (number(&digits[..9]), number(&digits[9..]));
    let month = digits[2] * 10 + digits[3];
    // Nobody was born in 2030 yet.
    let young = digits[0] < 3;
    month <= 12 && (97 - body % 97 == key || young && 97 - (body + 2_000_000_000) % 97 == key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        BE_NN.must(&["85073003328"], &["85073003329"]);
    }
}

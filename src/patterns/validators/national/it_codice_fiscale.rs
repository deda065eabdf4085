//! Italian codice fiscale: 16 characters; the letter at the end is the sum modulo 26 of values that differ by place.

use super::National;

pub(in super::super) static IT_CODICE_FISCALE: National = National { name: "it-codice-fiscale", check };

fn check(text: &[u8]) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    if text.len() != 16 || !text[15].is_ascii_uppercase() {
        return false;
    }
    let value = |b: u8| u32::from(if b.is_ascii_digit() { b - b'0' } else { b.wrapping_sub(b'A') % 26 });
    let term = |(at, b): (usize, &u8)| if at % 2 == 0 { ODD[value(*b) as usize] } else { value(*b) };
    text[..15].iter().enumerate().map(term).sum::<u32>() % 26 == u32::from(text[15] - b'A')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        IT_CODICE_FISCALE.must(&["RCCMNL83S18D969H"], &["RCCMNL83S18D969A"]);
    }
}

//! Spanish DNI, NIF and NIE: 8 digits, or X, Y or Z for 0, 1 or 2 and 7 digits; the letter is the number modulo 23.

use super::National;

pub(in super::super) static ES_DNI: National = National { name: "es-dni", check };

fn check(text: &[u8]) -> bool {
    let Some((letter, body)) = text.split_last() else { return false };
    let lead = |b: u8| b"XYZ".iter().position(|x| *x == b).map_or(b, |at| b'0' + at.to_le_bytes()[0]);
    let number: Option<usize> = body
        .iter()
        .enumerate()
        .map(|(at, b)| if at == 0 { lead(*b) } else { *b })
        .try_fold(0, |all, b| b.is_ascii_digit().then(|| all * 10 + usize::from(b - b'0')));
    body.len() == 8 && number.is_some_and(|number| b"TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == *letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        ES_DNI.must(&["54362315K", "X2482300W"], &["54362315L", "X2482300A"]);
    }
}

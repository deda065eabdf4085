//! Payment cards: brand, length and Luhn. IIN ranges are facts of the card schemes (ISO/IEC 7812).

use super::{Candidate, Judgement, Validator, digits_of, invalid, valid};

pub struct Luhn;

/// Numbers that the schemes and payment providers publish for testing.
const TEST_CARDS: [&str; 12] = [
    "4111111111111111",
    "4012888888881881",
    "4222222222222",
    "4242424242424242",
    "378282246310005",
    "371449635398431",
    "5555555555554444",
    "5105105105105100",
    "2223003122003222",
    "6011111111111117",
    "30569309025904",
    "3530111333300000",
];

impl Validator for Luhn {
    fn name(&self) -> &'static str {
        "luhn"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let digits = digits_of(candidate.secret);
        if part_of_longer(candidate) || !passes(&digits) || is_sequence(&digits) {
            return Judgement::Refuted;
        }
        let Some(brand) = brand(&digits) else {
            return Judgement::Refuted;
        };
        let plain: String = digits.iter().map(u32::to_string).collect();
        if TEST_CARDS.contains(&plain.as_str()) {
            return Judgement::Doubtful(invalid("a published test card"));
        }
        Judgement::Proven(valid(&[("brand", brand.to_owned())]))
    }
}

/// From the right, every second digit doubled, its digits added; the sum ends in 0.
pub(super) fn passes(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, &d)| if i % 2 == 0 { d } else { d * 2 - if d > 4 { 9 } else { 0 } })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// All digits equal, or each one more than the last: made up.
fn is_sequence(digits: &[u32]) -> bool {
    digits.windows(2).all(|w| w[0] == w[1]) || digits.windows(2).all(|w| (w[0] + 1) % 10 == w[1])
}

/// Digits, dots or hex letters right beside the number: it is a piece of something else.
fn part_of_longer(candidate: &Candidate<'_>) -> bool {
    let (start, end) = candidate.span;
    let near = |at: Option<usize>| at.and_then(|i| candidate.record.get(i)).copied().unwrap_or(b' ');
    let before = near(start.checked_sub(1));
    let after = near(Some(end));
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let decimal = |b: u8, at: Option<usize>| matches!(b, b'.' | b'-') && near(at).is_ascii_digit();
    word(before) || word(after) || decimal(before, start.checked_sub(2)) || decimal(after, Some(end + 1))
}

fn brand(digits: &[u32]) -> Option<&'static str> {
    let prefix = |n: usize| digits.iter().take(n).fold(0, |all, d| all * 10 + d);
    let (two, three, four, six) = (prefix(2), prefix(3), prefix(4), prefix(6));
    match (digits.len(), two) {
        (13 | 16 | 19, 40..=49) => Some("visa"),
        (16, 51..=55) => Some("mastercard"),
        (16, 22..=27) if (2221..=2720).contains(&four) => Some("mastercard"),
        (16..=19, 22) if (2200..=2204).contains(&four) => Some("mir"),
        (15, 34 | 37) => Some("amex"),
        (15, 18 | 21) if matches!(four, 1800 | 2131) => Some("jcb"),
        (16..=19, 35) if (3528..=3589).contains(&four) => Some("jcb"),
        (14, 36 | 38 | 39) => Some("diners"),
        (14, 30) if (300..=305).contains(&three) || four == 3095 => Some("diners"),
        (16..=19, 60) if four == 6011 => Some("discover"),
        (16..=19, 64) if (644..=649).contains(&three) => Some("discover"),
        (16..=19, 65) => Some("discover"),
        (16..=19, 62) if (622_126..=622_925).contains(&six) => Some("discover"),
        (16..=19, 62 | 81) => Some("unionpay"),
        (12..=19, 50 | 56..=58 | 67) => Some("maestro"),
        (12..=19, 63) if matches!(four, 6304 | 6390) => Some("maestro"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn cards() {
        assert!(matches!(judge_text(&Luhn, "4539 5787 6362 1486"), Judgement::Proven(_)));
        assert!(matches!(judge_text(&Luhn, "4539578763621487"), Judgement::Refuted));
        assert!(matches!(judge_text(&Luhn, "4111-1111-1111-1111"), Judgement::Doubtful(_)));
        assert!(matches!(judge_text(&Luhn, "0000000000000000"), Judgement::Refuted));
        assert!(matches!(judge_text(&Luhn, "1234567812345670"), Judgement::Refuted));
    }

    #[test]
    fn pieces_of_longer_runs_are_no_cards() {
        let record = b"9.4539578763621486";
        let candidate = Candidate { secret: &record[2..], record, span: (2, record.len()) };
        assert_eq!(Luhn.judge(&candidate), Judgement::Refuted);
    }
}

//! Telephone numbers: E.164 lengths, North American plan rules, numbers kept for fiction.

use super::{Candidate, Judgement, Validator, digits_of};

pub struct Phone;

impl Validator for Phone {
    fn name(&self) -> &'static str {
        "phone"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let digits = digits_of(candidate.secret);
        let international = candidate.secret.first() == Some(&b'+');
        if digits.windows(2).all(|w| w[0] == w[1]) || part_of_longer(candidate) {
            return Judgement::Refuted;
        }
        let national = match (digits.len(), digits.first()) {
            (11, Some(1)) => &digits[1..],
            (10, _) if !international => &digits[..],
            (7..=15, Some(2..=9)) if international => return of_country(&digits),
            // MSISDN: the international number without its plus.
            (11..=15, Some(2..=9)) => return Judgement::Unknown,
            _ => return Judgement::Refuted,
        };
        // Area code, exchange code, four digits: neither code begins with 0 or 1, N11 is a service code, 555-01xx is fiction.
        let plan = national[0] >= 2 && national[3] >= 2 && !(national[1] == 1 && national[2] == 1);
        let fiction = national[3..6] == [5, 5, 5] && national[6..8] == [0, 1];
        if plan && !fiction { Judgement::Unknown } else { Judgement::Refuted }
    }
}

/// Whether the number begins with a code that ITU-T has given to a country or network (E.164, annex to Operational
/// Bulletin 1114), and goes on with as many digits as that one's numbers may have.
fn of_country(digits: &[u32]) -> Judgement {
    let two = digits[0] * 10 + digits[1];
    let three = two * 10 + digits[2];
    let national = match (two, three) {
        (70..=79, _) => return if digits.len() == 11 { Judgement::Unknown } else { Judgement::Refuted },
        (20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98, _) => {
            digits.len() - 2
        }
        (_, 211..=213 | 216 | 218 | 220..=258 | 260..=269 | 290 | 291 | 297..=299) => digits.len() - 3,
        (_, 350..=359 | 370..=383 | 385..=387 | 389 | 420 | 421 | 423) => digits.len() - 3,
        (_, 500..=509 | 590..=599 | 670 | 672..=683 | 685..=692) => digits.len() - 3,
        (_, 800 | 808 | 850 | 852 | 853 | 855 | 856 | 870 | 878 | 880..=883 | 886 | 888) => digits.len() - 3,
        (_, 960..=968 | 970..=977 | 979 | 992..=996 | 998) => digits.len() - 3,
        _ => 0,
    };
    let shortest = if digits.len() - national == 2 { 6 } else { 4 };
    if national >= shortest { Judgement::Unknown } else { Judgement::Refuted }
}

fn part_of_longer(candidate: &Candidate<'_>) -> bool {
    let (start, end) = candidate.span;
    let near = |at: Option<usize>| at.and_then(|i| candidate.record.get(i)).is_some_and(u8::is_ascii_alphanumeric);
    near(start.checked_sub(1)) || near(Some(end))
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn plans() {
        for text in ["+24740123", "+376712345", "+79123456789", "+4940669697610", "+1 212-456-7890", "(212) 456-7890"] {
            assert_eq!(judge_text(&Phone, text), Judgement::Unknown, "{text}");
        }
        for text in [
            "+1 212-555-0123",
            "112-456-7890",
            "911-456-7890",
            "+0123456789",
            "+123",
            "2222222222",
            "+2590000",
            "+2140612345",
            "+7912345678",
        ] {
            assert_eq!(judge_text(&Phone, text), Judgement::Refuted, "{text}");
        }
    }
}

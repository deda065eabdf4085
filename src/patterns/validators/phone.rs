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
            (8..=15, Some(1..=9)) if international => return Judgement::Unknown,
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
        for text in ["+4940669697610", "+1 212-456-7890", "(212) 456-7890"] {
            assert_eq!(judge_text(&Phone, text), Judgement::Unknown, "{text}");
        }
        for text in ["+1 212-555-0123", "112-456-7890", "911-456-7890", "+0123456789", "+123", "2222222222"] {
            assert_eq!(judge_text(&Phone, text), Judgement::Refuted, "{text}");
        }
    }
}

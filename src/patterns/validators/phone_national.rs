//! Telephone numbers without a country's code: as many digits as a national number may have (E.164), and nothing else
//! that is written in groups of digits.

use super::{Candidate, Judgement, Validator, digits_of};

pub struct PhoneNational;

impl Validator for PhoneNational {
    fn name(&self) -> &'static str {
        "phone-national"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        // An extension is no part of the number.
        let text = candidate.text().split(['x', 'e']).next().unwrap_or_default();
        let digits = digits_of(text.as_bytes());
        let groups: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|g| !g.is_empty()).collect();
        // One point alone makes a decimal.
        let decimal = groups.len() == 2 && text.contains('.');
        let fiction = digits.windows(5).any(|five| five == [5, 5, 5, 0, 1]);
        let same = digits.iter().all(|digit| *digit == digits[0]);
        if !(7..=13).contains(&digits.len())
            || same
            || decimal
            || fiction
            || is_date(&groups)
            || is_address(text, &groups)
        {
            return Judgement::Refuted;
        }
        Judgement::Unknown
    }
}

/// Year, month and day, in either order.
fn is_date(groups: &[&str]) -> bool {
    let number = |group: &str| group.parse::<u32>().unwrap_or(0);
    let is = |year: &str, month: &str, day: &str| {
        year.len() == 4
            && (1900..2100).contains(&number(year))
            && month.len() <= 2
            && day.len() <= 2
            && (1..=31).contains(&number(month))
            && (1..=31).contains(&number(day))
    };
    matches!(groups, [a, b, c, ..] if is(a, b, c) || is(c, b, a))
}

/// Four numbers of one byte with dots.
fn is_address(text: &str, groups: &[&str]) -> bool {
    groups.len() == 4 && text.matches('.').count() == 3 && groups.iter().all(|group| group.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn spellings() {
        for text in [
            "(08) 8747 6301",
            "0688 843 79 56",
            "030/901820-4711",
            "01.84.17.61.18",
            "780-999-2181",
            "451 5986",
            "780-999-2181x459",
        ] {
            assert_eq!(judge_text(&PhoneNational, text), Judgement::Unknown, "{text}");
        }
        for text in
            ["2026-11-22", "22.11.2026 10", "192.168.100.12", "000 000 0000", "12 34 56", "202-555-0147", "0.1234567"]
        {
            assert_eq!(judge_text(&PhoneNational, text), Judgement::Refuted, "{text}");
        }
    }
}

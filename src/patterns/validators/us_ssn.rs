//! US social security numbers: groups never issued, and numbers made public.

use super::{Candidate, Judgement, Validator, digits_of};

pub struct UsSsn;

/// Advertised or printed as examples; 987-65-432x have an area that is refused anyway.
const PUBLIC: [&str; 5] = ["078051120", "219099999", "457555462", "123456789", "111111111"];

impl Validator for UsSsn {
    fn name(&self) -> &'static str {
        "us-ssn"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let digits = digits_of(candidate.secret);
        if digits.len() != 9 {
            return Judgement::Refuted;
        }
        let number = |range: std::ops::Range<usize>| digits[range].iter().fold(0, |all, d| all * 10 + d);
        let (area, group, serial) = (number(0..3), number(3..5), number(5..9));
        let plain: String = digits.iter().map(u32::to_string).collect();
        let never = area == 0 || area == 666 || area >= 900 || group == 0 || serial == 0;
        if never || PUBLIC.contains(&plain.as_str()) {
            return Judgement::Refuted;
        }
        // Structure is no checksum: it refutes, it does not prove.
        Judgement::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn structure() {
        assert_eq!(judge_text(&UsSsn, "536-22-8417"), Judgement::Unknown);
        for text in
            ["000-12-3456", "666-12-3456", "900-12-3456", "536-00-8417", "536-22-0000", "078-05-1120", "123-45-6789"]
        {
            assert_eq!(judge_text(&UsSsn, text), Judgement::Refuted, "{text}");
        }
    }
}

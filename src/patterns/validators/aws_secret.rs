//! AWS secret access keys: 40 characters of base 64 without any check; what they are not is known.

use super::{Candidate, Judgement, Validator, has_entropy};

pub struct AwsSecret;

/// Random base 64 of 40 characters has about 4.8 bits per byte; words and paths have less.
const FLOOR: f64 = 4.2;

impl Validator for AwsSecret {
    fn name(&self) -> &'static str {
        "aws-secret"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let secret = candidate.secret;
        let has = |class: fn(&u8) -> bool| secret.iter().any(class);
        let mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
        let hex = secret.iter().all(u8::is_ascii_hexdigit);
        let path = secret.iter().filter(|b| **b == b'/').count() > 5;
        let (start, end) = candidate.span;
        let more = |at: Option<usize>| {
            at.and_then(|i| candidate.record.get(i))
                .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'+'))
        };
        if !mixed || hex || path || !has_entropy(secret, FLOOR) || more(start.checked_sub(1)) || more(Some(end)) {
            return Judgement::Refuted;
        }
        Judgement::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn hashes_and_paths_are_not_keys() {
        assert_eq!(judge_text(&AwsSecret, "da39a3ee5e6b4b0d3255bfef95601890afd80709"), Judgement::Refuted);
        assert_eq!(judge_text(&AwsSecret, "usr/local/lib/Python3/site/packages/abcd"), Judgement::Refuted);
        assert_eq!(judge_text(&AwsSecret, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYq9vK3xZ0tB"), Judgement::Unknown);
    }
}

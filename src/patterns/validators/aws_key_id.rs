//! AWS access key ids: base 32, and the account inside newer ones (reverse-engineered by the field,
//! not documented by AWS, and no validity check: nine of ten random ids decode to some number).

use super::{Candidate, Judgement, Validator};
use crate::model::occurrence::Verdict;

pub struct AwsKeyId;

impl Validator for AwsKeyId {
    fn name(&self) -> &'static str {
        "aws-key-id"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let id = candidate.text();
        if id.len() != 20 || !id[4..].bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7')) {
            return Judgement::Refuted;
        }
        let mut verdict = Verdict::default();
        verdict.public_ids.push(("access_key_id".to_owned(), id.to_owned()));
        if let Some(account) = account(id) {
            verdict.facts.push(("derived_account".to_owned(), account));
        }
        Judgement::Proven(verdict)
    }
}

/// The account of a key id of the newer format (fifth character Q to Z or 2 to 7).
fn account(id: &str) -> Option<String> {
    let tail = &id.as_bytes()[4..];
    if !matches!(tail[0], b'Q'..=b'Z' | b'2'..=b'7') {
        return None;
    }
    // Ten symbols of five bits hold the first six bytes (48 of their 50 bits).
    let bits = tail[..10].iter().fold(0u64, |all, b| {
        let value = if b.is_ascii_uppercase() { b - b'A' } else { b - b'2' + 26 };
        (all << 5) | u64::from(value)
    }) >> 2;
    let account = (bits & 0x7fff_ffff_ff80) >> 7;
    (account <= 999_999_999_999).then(|| format!("{account:012}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        assert_eq!(account("AKIARZPUZDIKLJNFUWS2").as_deref(), Some("123456789012"));
        assert_eq!(account("ASIAQNZGKIQY56JQ7WML").as_deref(), Some("029608264753"));
        assert_eq!(account("AKIAIOSFODNN7EXAMPLE"), None);
    }
}

//! HTTP Basic credentials (RFC 7617): base 64 of `user:password`.

use super::{Candidate, Judgement, Validator};
use crate::codec::base64;
use crate::model::occurrence::Verdict;

pub struct BasicAuth;

impl Validator for BasicAuth {
    fn name(&self) -> &'static str {
        "basic-auth"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let decoded = base64::decode(candidate.secret);
        let Some(text) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Judgement::Refuted;
        };
        match text.split_once(':') {
            Some((user, password)) if !password.is_empty() && !text.contains(char::is_control) => {
                let public_ids = vec![("user".to_owned(), user.to_owned())];
                Judgement::Proven(Verdict { valid: Some(true), facts: Vec::new(), public_ids })
            }
            _ => Judgement::Refuted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn needs_a_colon_and_a_password() {
        assert!(
            matches!(judge_text(&BasicAuth, "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Judgement::Proven(v) if v.public_ids[0].1 == "Aladdin")
        );
        assert_eq!(judge_text(&BasicAuth, "QWxhZGRpbg=="), Judgement::Refuted);
        assert_eq!(judge_text(&BasicAuth, "QWxhZGRpbjo="), Judgement::Refuted);
        assert_eq!(judge_text(&BasicAuth, "_w8P"), Judgement::Refuted);
    }
}

//! PEM private keys (RFC 7468): the body decodes to DER or an OpenSSH key.

use super::{Candidate, Judgement, Validator, invalid, valid};
use crate::codec::base64;

pub struct Pem;

impl Validator for Pem {
    fn name(&self) -> &'static str {
        "pem"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        // In JSON logs a line break is the two characters `\n`, sometimes with more backslashes.
        let text = candidate.text().replace("\\r", "").replace("\\n", "\n").replace('\\', "");
        let encrypted = text.contains("ENCRYPTED");
        let body: String = text
            .lines()
            .filter(|line| !line.contains("-----") && !line.contains(':'))
            .flat_map(str::chars)
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
            .collect();
        let whole = &body[..body.len() - body.len() % 4];
        if whole.is_empty() {
            // The header alone was logged, or the record was cut after it.
            return Judgement::Unknown;
        }
        let known = base64::decode(whole.as_bytes())
            .is_some_and(|der| der.first() == Some(&0x30) || der.starts_with(b"openssh-key-v1\0"));
        if known {
            Judgement::Proven(valid(&[("encrypted", encrypted.to_string())]))
        } else {
            Judgement::Doubtful(invalid("the body is no DER and no OpenSSH key"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn bodies() {
        let key = |body: &str| format!("-----BEGIN {0} KEY-----\\n{body}\\n-----END {0} KEY-----", "PRIVATE");
        assert!(matches!(judge_text(&Pem, &key("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")), Judgement::Proven(_)));
        assert!(matches!(judge_text(&Pem, &key("bm90IGEga2V5IGF0IGFsbCE=")), Judgement::Doubtful(_)));
        assert_eq!(judge_text(&Pem, "-----BEGIN PRIVATE KEY-----"), Judgement::Unknown);
    }
}

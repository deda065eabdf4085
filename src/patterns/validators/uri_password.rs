//! Passwords in URIs: placeholders are none; user and host may be shown.

use super::{Candidate, Judgement, Validator};
use crate::model::occurrence::Verdict;

pub struct UriPassword;

const PLACEHOLDERS: [&str; 4] = ["changeme", "xxx", "redacted", "yourpassword"];

/// Placeholders in manuals, and the passwords of many a database.
const WEAK: [&str; 7] = ["password", "passwd", "pass", "pwd", "secret", "user", "username"];

/// Hosts of manuals, among them the addresses of RFC 5737 and RFC 3849.
const SAMPLE_HOSTS: [&str; 9] =
    ["@host", "@example", "example.", "@server", "@your", "@192.0.2.", "@198.51.100.", "@203.0.113.", "@[2001:db8:"];

impl Validator for UriPassword {
    fn name(&self) -> &'static str {
        "uri-password"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let password = candidate.text().to_ascii_lowercase();
        let template = password.starts_with(['$', '{', '<', '[', '%']) && password.ends_with(['}', '>', ']', '%']);
        let hidden = password.bytes().all(|b| matches!(b, b'*' | b'x' | b'.'));
        if password.is_empty() || template || hidden || PLACEHOLDERS.contains(&password.as_str()) {
            return Judgement::Refuted;
        }
        if WEAK.contains(&password.as_str()) {
            let sample = user_at_host(candidate).is_none_or(|id| SAMPLE_HOSTS.iter().any(|host| id.contains(host)));
            return if sample { Judgement::Refuted } else { Judgement::Unknown };
        }
        let public_ids = user_at_host(candidate).map(|id| ("user_at_host".to_owned(), id)).into_iter().collect();
        Judgement::Proven(Verdict { valid: None, facts: Vec::new(), public_ids })
    }
}

/// `user@host` around the password of `scheme://user:password@host`.
fn user_at_host(candidate: &Candidate<'_>) -> Option<String> {
    let (start, end) = candidate.span;
    let before = &candidate.record[..start];
    let scheme = memchr::memmem::rfind(before, b"://")? + 3;
    let user = std::str::from_utf8(before.get(scheme..start.checked_sub(1)?)?).ok()?;
    let after = candidate.record.get(end..)?.strip_prefix(b"@")?;
    let host_end = after
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']')))
        .unwrap_or(after.len());
    let host = std::str::from_utf8(&after[..host_end]).ok()?;
    Some(format!("{user}@{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_host_are_public() {
        let record = b"url=postgres://app:k3y-w0rd@db.prod.internal:5432/shop";
        let span = (19, 27);
        let candidate = Candidate { secret: &record[span.0..span.1], record, span };
        let Judgement::Proven(verdict) = UriPassword.judge(&candidate) else { panic!("a password") };
        assert_eq!(verdict.public_ids[0].1, "app@db.prod.internal:5432");
        let record = b"postgres://app:secret@db1/shop";
        assert_eq!(UriPassword.judge(&Candidate { secret: b"secret", record, span: (15, 21) }), Judgement::Unknown);
        let record = b"postgres://user:secret@host/db";
        assert_eq!(UriPassword.judge(&Candidate { secret: b"secret", record, span: (16, 22) }), Judgement::Refuted);
        let record = b"postgres://app:secret@[2001:db8::12]/db";
        assert_eq!(UriPassword.judge(&Candidate { secret: b"secret", record, span: (15, 21) }), Judgement::Refuted);
        for word in ["password", "${DB_PASS}", "****", "<pass>"] {
            assert_eq!(super::super::judge_text(&UriPassword, word), Judgement::Refuted, "{word}");
        }
    }
}

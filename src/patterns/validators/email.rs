//! E-mail addresses: lengths (RFC 5321) and domains nobody receives at (RFC 2606).

use super::{Candidate, Judgement, Validator};

pub struct Email;

const RESERVED: [&str; 8] =
    ["example.com", "example.org", "example.net", "example.edu", ".example", ".test", ".invalid", ".localhost"];
/// File names such as `logo@2x.png`, and AWS's own service hosts.
const NOT_DOMAINS: [&str; 12] =
    [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".js", ".css", ".json", ".html", ".internal", ".local"];

impl Validator for Email {
    fn name(&self) -> &'static str {
        "email"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let Some((local, domain)) = candidate.text().rsplit_once('@') else {
            return Judgement::Refuted;
        };
        let domain = domain.to_ascii_lowercase();
        let shaped = !local.is_empty()
            && local.len() <= 64
            && domain.len() <= 253
            && domain.contains('.')
            && !local.starts_with('.')
            && !local.ends_with('.')
            && domain
                .split('.')
                .all(|label| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'));
        let reserved = RESERVED.iter().any(|r| match r.strip_prefix('.') {
            Some(_) => domain.ends_with(r),
            None => domain == *r || domain.ends_with(&format!(".{r}")),
        });
        let robot = matches!(local.to_ascii_lowercase().as_str(), "noreply" | "no-reply" | "donotreply" | "git");
        if !shaped || reserved || robot || NOT_DOMAINS.iter().any(|n| domain.ends_with(n)) || in_userinfo(candidate) {
            return Judgement::Refuted;
        }
        Judgement::Unknown
    }
}

/// `scheme://user:password@host`: the password before the `@` is no mailbox.
fn in_userinfo(candidate: &Candidate<'_>) -> bool {
    let before = &candidate.record[..candidate.span.0];
    let tail = &before[before.len().saturating_sub(128)..];
    let word_start = tail
        .iter()
        .rposition(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'<' | b'(' | b'='))
        .map_or(0, |at| at + 1);
    memchr::memmem::find(&tail[word_start..], b"://").is_some()
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn mailboxes_and_others() {
        assert_eq!(judge_text(&Email, "anna.keller@mail-orbit.net"), Judgement::Unknown);
        for text in [
            "a@example.com",
            "a@x.example",
            "a@sub.example.org",
            "logo@2x.png",
            "noreply@shop.net",
            ".a@b.net",
            "a@-b.net",
            "ip@host.internal",
        ] {
            assert_eq!(judge_text(&Email, text), Judgement::Refuted, "{text}");
        }
        let record = b"postgres://app:s3cr3t@db.prod.net/x";
        let candidate = Candidate { secret: b"s3cr3t@db.prod.net", record, span: (15, 33) };
        assert_eq!(Email.judge(&candidate), Judgement::Refuted);
    }
}

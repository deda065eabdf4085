//! Whether a value looks drawn at random, and is not one of the random things logs are full of:
//! UUIDs, digests, trace and request ids, dates, paths; `opaque` lets digests pass.

use super::{Candidate, Judgement, Validator, has_entropy};

pub struct Random;

impl Validator for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        if is_digest(candidate.secret) || !is_rich(candidate.secret, 0.75) {
            return Judgement::Refuted;
        }
        Opaque.judge(candidate)
    }
}

/// Like [`Random`], but digests may be keys: for values whose name says that they are secret.
pub struct Opaque;

impl Validator for Opaque {
    fn name(&self) -> &'static str {
        "opaque"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let text = candidate.text();
        if is_digest(candidate.secret) {
            return Judgement::Unknown;
        }
        if text.len() < 8 || is_identifier(text) || is_prose(text) {
            return Judgement::Refuted;
        }
        if is_rich(candidate.secret, 0.65) { Judgement::Unknown } else { Judgement::Refuted }
    }
}

/// Whether it has this share of the entropy of a random string: that is close to log2(n) bits for n characters, up to
/// its alphabet's limit.
fn is_rich(secret: &[u8], share: f64) -> bool {
    has_entropy(secret, share * (secret.len() as f64).log2().clamp(1.0, 5.0))
}

/// As long as a common digest in hexadecimal, and nothing else.
fn is_digest(secret: &[u8]) -> bool {
    matches!(secret.len(), 32 | 40 | 56 | 64 | 96 | 128) && secret.iter().all(u8::is_ascii_hexdigit)
}

/// Shapes of ids that are no secrets: UUID, ULID, ARNs, URLs, paths, times.
fn is_identifier(text: &str) -> bool {
    let bytes = text.as_bytes();
    let uuid = text.len() == 36
        && bytes
            .iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() });
    let ulid = text.len() == 26
        && text.starts_with("01")
        && bytes.iter().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    let place = text.starts_with("arn:") || text.contains("://") || text.starts_with('/');
    let number = bytes.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b':' | b'-' | b'T' | b'Z' | b'+'));
    uuid || ulid || place || number
}

/// Words: no digits, or words with separators; secrets mix classes without a pattern.
fn is_prose(text: &str) -> bool {
    let mut classes = 0;
    let bytes = text.as_bytes();
    classes += u32::from(bytes.iter().any(u8::is_ascii_digit));
    classes += u32::from(bytes.iter().any(u8::is_ascii_lowercase));
    classes += u32::from(bytes.iter().any(u8::is_ascii_uppercase));
    let changes = bytes.windows(2).filter(|w| class(w[0]) != class(w[1])).count();
    classes < 2 || changes * 6 < bytes.len() || is_identifier_of_code(bytes)
}

/// Letters alone, in words of four and more: `response.nextToken`, `Service-Account-Name`.
fn is_identifier_of_code(bytes: &[u8]) -> bool {
    if !bytes.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_' | b'-')) {
        return false;
    }
    let hump = |w: &[u8]| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase();
    let separators = bytes.iter().filter(|b| !b.is_ascii_alphabetic()).count();
    let words = 1 + separators + bytes.windows(2).filter(|w| hump(w)).count();
    bytes.len() - separators >= words * 4
}

fn class(b: u8) -> u8 {
    match b {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn a_digest_may_be_a_key() {
        let digest = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(judge_text(&Random, digest), Judgement::Refuted);
        assert_eq!(judge_text(&Opaque, digest), Judgement::Unknown);
        assert_eq!(judge_text(&Opaque, "0a1b2c3d-0000-4111-8222-333344445555"), Judgement::Refuted);
        assert_eq!(judge_text(&Opaque, "correcthorsebatterystaple"), Judgement::Refuted);
    }

    #[test]
    fn random_and_other_things() {
        for text in ["k8Jq2LxVw93nTzR4", "9f86d081e41d8cd98f00b2x4", "Zx81-qP0r-77aB-Lk2m"] {
            assert_eq!(judge_text(&Random, text), Judgement::Unknown, "{text}");
        }
        for text in [
            "0a1b2c3d-0000-4111-8222-333344445555",
            "d41d8cd98f00b204e9800998ecf8427e",
            "arn:aws:iam::1:role/x",
            "2026-03-06T14:00:00Z",
            "correcthorsebatterystaple",
            "aaaaaaaaaaaa1A",
            "/usr/local/bin/x1Y2",
            "response.nextToken",
            "Service-Account-Name",
            "short1A",
        ] {
            assert_eq!(judge_text(&Random, text), Judgement::Refuted, "{text}");
        }
    }
}

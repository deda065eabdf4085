//! GitHub and npm classic tokens: the last six characters are the CRC-32 of the 30 before them in
//! base 62 (GitHub, "Behind GitHub's new authentication token formats").

use super::{Candidate, Judgement, Validator, invalid, valid};
use crate::codec::inflate;

pub struct GithubCrc32;

const BODY: usize = 30;
/// Vercel's tokens carry the same sum behind a longer body; one that does not fit says nothing.
const VERCEL_BODY: usize = 50;
const CHECK: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Validator for GithubCrc32 {
    fn name(&self) -> &'static str {
        "github-crc32"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let secret = candidate.secret;
        let Some(at) = secret.iter().position(|b| *b == b'_') else {
            return Judgement::Unknown;
        };
        let tail = &secret[at + 1..];
        if tail.len() == VERCEL_BODY + CHECK && check(&tail[..VERCEL_BODY]) == tail[VERCEL_BODY..] {
            return Judgement::Proven(valid(&[("checksum", "crc32".to_owned())]));
        }
        if tail.len() != BODY + CHECK {
            return Judgement::Unknown;
        }
        if check(&tail[..BODY]) == tail[BODY..] {
            Judgement::Proven(valid(&[("checksum", "crc32".to_owned())]))
        } else {
            Judgement::Doubtful(invalid("checksum does not match"))
        }
    }
}

fn check(body: &[u8]) -> [u8; CHECK] {
    let mut rest = inflate::crc32(body);
    let mut out = [b'0'; CHECK];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn published_vectors() {
        assert_eq!(&check(&[b'A'; 30]), b"0uCPlr");
        assert_eq!(&check(&[b'0'; 30]), b"2C8GjS");
        assert_eq!(&check(b"abcdefghijklmnopqrstuvwxyz0123"), b"2LolCm");
        assert_eq!(&check(b"hello"), b"0zNvy2");
    }

    #[test]
    fn a_longer_body_is_checked_the_same_way() {
        let body = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
        let sum = String::from_utf8(check(body.as_bytes()).to_vec()).unwrap();
        assert!(matches!(judge_text(&GithubCrc32, &format!("vc{}_{body}{sum}", 'p')), Judgement::Proven(_)));
        assert_eq!(judge_text(&GithubCrc32, &format!("vc{}_{body}------", 'p')), Judgement::Unknown);
    }

    #[test]
    fn right_and_wrong() {
        let token = |check: &str| format!("gh{}_{}{check}", 'p', "abcdefghijklmnopqrstuvwxyz0123");
        assert!(matches!(judge_text(&GithubCrc32, &token("2LolCm")), Judgement::Proven(_)));
        assert!(matches!(judge_text(&GithubCrc32, &token("2LolCn")), Judgement::Doubtful(_)));
    }
}

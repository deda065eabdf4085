//! Routable GitLab tokens end in `.<length, 2 letters of base 36><CRC-32, 7 letters of base 36>`, the sum of all before it
//! (GitLab, "Routable tokens").

use super::{Candidate, Judgement, Validator, valid};
use crate::codec::inflate;

pub struct GitlabCrc32;

const CHECK: usize = 7;
const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl Validator for GitlabCrc32 {
    fn name(&self) -> &'static str {
        "gitlab-crc32"
    }

    /// The older tokens have no sum: nothing to add where it does not fit.
    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let Some(at) = candidate.secret.len().checked_sub(CHECK) else { return Judgement::Unknown };
        let (body, tail) = candidate.secret.split_at(at);
        if body.contains(&b'.') && check(body) == tail {
            Judgement::Proven(valid(&[("checksum", "crc32".to_owned())]))
        } else {
            Judgement::Unknown
        }
    }
}

fn check(body: &[u8]) -> [u8; CHECK] {
    let mut rest = inflate::crc32(body);
    let mut out = [b'0'; CHECK];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET[(rest % 36) as usize];
        rest /= 36;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    /// GitLab's own vector, and the same with another letter.
    #[test]
    fn published_vector() {
        let token = format!("gl{}-payload.01.7", "pat");
        assert_eq!(&check(token.as_bytes()), b"041c9xh");
        assert!(matches!(judge_text(&GitlabCrc32, &format!("{token}041c9xh")), Judgement::Proven(_)));
        assert_eq!(judge_text(&GitlabCrc32, &format!("{token}041c9xi")), Judgement::Unknown);
        assert_eq!(judge_text(&GitlabCrc32, "short"), Judgement::Unknown);
    }
}

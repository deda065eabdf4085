//! What stands in a password field and is none: the beginning of a sentence, a name in a program, a reference.

use super::{Candidate, Judgement, Validator};

pub struct Password;

impl Validator for Password {
    fn name(&self) -> &'static str {
        "password"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        if is_begun_sentence(candidate) || names_a_password(candidate.secret) || is_bare_phrase(candidate) {
            Judgement::Refuted
        } else {
            Judgement::Unknown
        }
    }
}

/// In quotes, and a blank follows: `"password": "must have a digit"`.
fn is_begun_sentence(candidate: &Candidate<'_>) -> bool {
    let (start, end) = candidate.span;
    let quoted = start > 0 && matches!(candidate.record[start - 1], b'"' | b'\'');
    quoted && candidate.record.get(end).is_some_and(|b| matches!(b, b' ' | b'\t'))
}

/// Lower-case words joined by `-`, not in quotes: `password = read-from-file`.
fn is_bare_phrase(candidate: &Candidate<'_>) -> bool {
    let end = candidate.record.get(candidate.span.1);
    let quoted = end.is_some_and(|b| matches!(b, b'"' | b'\'' | b'\\' | b'`'));
    let words = || candidate.secret.split(|&b| b == b'-');
    !quoted && words().count() > 1 && words().all(|word| word.len() > 1 && word.iter().all(u8::is_ascii_lowercase))
}

/// Letters and signs around the word itself: `#add-password`, `form.passwordField`, `resetPassword`.
fn names_a_password(secret: &[u8]) -> bool {
    let lower = secret.to_ascii_lowercase();
    let of_code =
        |b: &u8| b.is_ascii_alphabetic() || matches!(b, b'.' | b'_' | b'-' | b'#' | b'/' | b':' | b'$' | b'@');
    lower.len() > "password".len()
        && [b"passwor".as_slice(), b"passwd"].iter().any(|word| memchr::memmem::find(&lower, word).is_some())
        && secret.iter().all(of_code)
        && secret.iter().any(|b| matches!(b, b'.' | b'#' | b'/' | b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(record: &str, secret: &str) -> Judgement {
        let start = record.find(secret).unwrap();
        let span = (start, start + secret.len());
        Password.judge(&Candidate { secret: secret.as_bytes(), record: record.as_bytes(), span })
    }

    #[test]
    fn sentences_and_names_are_no_passwords() {
        assert_eq!(judge(r#"{"password":"doesnt start right"}"#, "doesnt"), Judgement::Refuted);
        assert_eq!(judge(r##"add = "#add-password""##, "#add-password"), Judgement::Refuted);
        assert_eq!(judge("password = form.passwordField", "form.passwordField"), Judgement::Refuted);
        assert_eq!(judge("password = read-from-file", "read-from-file"), Judgement::Refuted);
        for secret in ["read-from-file", "Vq8!tRz2mKd4", "password1", "logmein", "my-Passw0rd"] {
            assert_eq!(judge(&format!("\"password\":\"{secret}\""), secret), Judgement::Unknown, "{secret}");
        }
    }
}

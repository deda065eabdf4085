//! A value that must not be shown.

use std::fmt;

/// Bytes of a found secret. Display and Debug show the mask only; the plain bytes are reached
/// through [`Secret::expose`], which only fingerprinting and `--reveal` may call.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Secret(Vec<u8>);

/// Head and tail shown of a long value. Vendors' prefixes (`ghp_`, `AKIA`) tell what it is; the
/// last two characters let two findings be told apart by eye.
const HEAD: usize = 4;
const TAIL: usize = 2;
/// Shorter values show nothing: six of twelve characters would be half of a password.
const SHOWN_FROM: usize = 16;

impl Secret {
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// `ghp_…(40)Lz`: head, length in bytes, tail. Values under 16 bytes, or with a head or tail that
    /// is not ASCII letters, digits or `-_`, show their length only.
    pub fn mask(&self) -> String {
        let shown = |part: &[u8]| part.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        let len = self.0.len();
        if len >= SHOWN_FROM {
            let (head, tail) = (&self.0[..HEAD], &self.0[len - TAIL..]);
            if shown(head) && shown(tail) {
                let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
                return format!("{}…({len})…{}", text(head), text(tail));
            }
        }
        format!("…({len})…")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.mask())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.mask())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_printing_shows_the_middle() {
        let secret = Secret::new(b"abcd-MIDDLE-OF-IT-xy");
        for text in [format!("{secret}"), format!("{secret:?}"), secret.mask(), format!("{:?}", Some(&secret))] {
            assert!(!text.contains("MIDDLE"), "{text}");
        }
        assert_eq!(secret.mask(), "abcd…(20)…xy");
    }

    #[test]
    fn short_and_odd_values_show_only_their_length() {
        assert_eq!(Secret::new(b"hunter2").mask(), "…(7)…");
        assert_eq!(Secret::new(b"\x1b[2Jxxxxxxxxxxxxxxxx").mask(), "…(20)…");
        assert_eq!(Secret::new("grüße-an-alle-die-da-sind".as_bytes()).mask(), "…(27)…");
    }
}

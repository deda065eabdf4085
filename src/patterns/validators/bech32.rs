//! Bech32 and Bech32m (BIP-173, BIP-350; age and Nostr keys): the last six letters make a polynomial over prefix and data
//! leave 1, or 0x2bc8_30a3.

use super::{Candidate, Judgement, Validator, valid};

pub struct Bech32;

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const CHECK: usize = 6;

impl Validator for Bech32 {
    fn name(&self) -> &'static str {
        "bech32"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        match remainder(candidate.secret) {
            Some(1) => Judgement::Proven(valid(&[("checksum", "bech32".to_owned())])),
            Some(0x2bc8_30a3) => Judgement::Proven(valid(&[("checksum", "bech32m".to_owned())])),
            // A key mistyped or edited for show still tells where keys are logged: its shape alone decides.
            Some(_) => Judgement::Unknown,
            None => Judgement::Refuted,
        }
    }
}

/// What the polynomial leaves; `None` for text that is not `prefix1data`, or has both cases.
fn remainder(text: &[u8]) -> Option<u32> {
    if text.iter().any(u8::is_ascii_lowercase) && text.iter().any(u8::is_ascii_uppercase) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let separator = lower.iter().rposition(|b| *b == b'1')?;
    let (prefix, data) = (&lower[..separator], &lower[separator + 1..]);
    if prefix.is_empty() || data.len() < CHECK {
        return None;
    }
    let high = prefix.iter().map(|b| u32::from(b >> 5));
    let low = prefix.iter().map(|b| u32::from(b & 31));
    let sum = high.chain([0]).chain(low).fold(1, step);
    data.iter().try_fold(sum, |sum, letter| {
        let value = ALPHABET.iter().position(|b| b == letter)?;
        Some(step(sum, u32::try_from(value).ok()?))
    })
}

fn step(sum: u32, value: u32) -> u32 {
    let top = sum >> 25;
    let shifted = ((sum & 0x01ff_ffff) << 5) ^ value;
    (0..5).filter(|bit| top >> bit & 1 == 1).fold(shifted, |sum, bit| sum ^ GENERATOR[bit])
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    /// Valid strings of BIP-173 and BIP-350.
    #[test]
    fn published_vectors() {
        for (text, variant) in [
            ("A12UEL5L", "bech32"),
            ("abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "bech32"),
            ("split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w", "bech32"),
            ("A1LQFN3A", "bech32m"),
            ("abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx", "bech32m"),
        ] {
            assert_eq!(
                judge_text(&Bech32, text),
                Judgement::Proven(valid(&[("checksum", variant.to_owned())])),
                "{text}"
            );
        }
    }

    #[test]
    fn each_changed_letter_is_noticed() {
        let text = "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw";
        for at in 7..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = if changed[at] == b'q' { b'p' } else { b'q' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(judge_text(&Bech32, &changed), Judgement::Unknown, "{changed}");
        }
        assert_eq!(judge_text(&Bech32, "A12uEL5L"), Judgement::Refuted);
    }
}

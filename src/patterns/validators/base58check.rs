//! Base58Check (Bitcoin: WIF private keys, BIP-32 extended keys): the last 4 bytes are the first 4 of
//! SHA-256(SHA-256(all before them)).

use super::{Candidate, Judgement, Validator, valid};
use sha2::{Digest, Sha256};

pub struct Base58Check;

const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const CHECK: usize = 4;

impl Validator for Base58Check {
    fn name(&self) -> &'static str {
        "base58check"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        match decode(candidate.secret) {
            Some(bytes) if checks(&bytes) => Judgement::Proven(valid(&[("checksum", "base58check".to_owned())])),
            // A key mistyped or edited for show still tells where keys are logged: its shape alone decides.
            Some(_) => Judgement::Unknown,
            None => Judgement::Refuted,
        }
    }
}

fn checks(bytes: &[u8]) -> bool {
    bytes.len() > CHECK && {
        let (body, check) = bytes.split_at(bytes.len() - CHECK);
        Sha256::digest(Sha256::digest(body))[..CHECK] == *check
    }
}

/// The number that the letters write, as big-endian bytes; leading `1`s are leading zeros. `None` for a letter that is
/// none of the 58.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut little: Vec<u8> = Vec::with_capacity(text.len());
    for letter in text {
        let mut carry = u32::try_from(ALPHABET.iter().position(|b| b == letter)?).ok()?;
        for byte in &mut little {
            carry += u32::from(*byte) * 58;
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        while carry > 0 {
            little.push(carry.to_le_bytes()[0]);
            carry >>= 8;
        }
    }
    little.extend(text.iter().take_while(|b| **b == b'1').map(|_| 0));
    little.reverse();
    Some(little)
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    /// The first block's address, and the WIF keys of the Bitcoin wiki's article of that name.
    const PUBLISHED: [&str; 3] = [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ",
        "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617",
    ];

    #[test]
    fn published_vectors() {
        for text in PUBLISHED {
            assert!(matches!(judge_text(&Base58Check, text), Judgement::Proven(_)), "{text}");
        }
        assert_eq!(decode(b"11z"), Some(vec![0, 0, 57]));
    }

    #[test]
    fn each_changed_letter_is_noticed() {
        for at in 0..PUBLISHED[1].len() {
            let mut changed = PUBLISHED[1].as_bytes().to_vec();
            changed[at] = if changed[at] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(judge_text(&Base58Check, &changed), Judgement::Unknown, "{changed}");
        }
        assert_eq!(judge_text(&Base58Check, "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyT0"), Judgement::Refuted);
    }
}

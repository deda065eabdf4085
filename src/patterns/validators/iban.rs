//! IBAN: country, length (SWIFT registry) and ISO 7064 mod 97.

use super::{Candidate, Judgement, Validator, invalid, valid};

pub struct Iban;

/// Country and length, four characters each.
const LENGTHS: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29\
ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25\
MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25\
SV28TL23TN24TR26UA29VA22VG24XK20YE30";

/// Countries whose account numbers have no letters (the same registry).
const DIGITS_ONLY: &str = "AEATBABECZDEDKEEESFIFOGLHRHUILISLTMENOPLPTRSSESISKTNVAXK";

/// Published by banks and the registry as examples.
const SAMPLES: [&str; 3] = ["GB82WEST12345698765432", "DE89370400440532013000", "GB29NWBK60161331926819"];

impl Validator for Iban {
    fn name(&self) -> &'static str {
        "iban"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let letters = candidate.secret.iter().filter(|byte| byte.is_ascii_alphanumeric());
        let plain: Vec<u8> = letters.map(u8::to_ascii_uppercase).collect();
        let Some(country) = plain.get(..2) else {
            return Judgement::Refuted;
        };
        let entry = LENGTHS.as_bytes().chunks(4).find(|entry| &entry[..2] == country);
        let length = entry.map(|entry| usize::from(entry[2] - b'0') * 10 + usize::from(entry[3] - b'0'));
        let digits_only = DIGITS_ONLY.as_bytes().chunks(2).any(|one| one == country);
        let wrong = digits_only && !plain[2..].iter().all(u8::is_ascii_digit);
        if length != Some(plain.len()) || wrong || remainder(&plain) != 1 || !is_account(country, &plain[4..]) {
            return Judgement::Refuted;
        }
        if SAMPLES.iter().any(|sample| sample.as_bytes() == plain) {
            return Judgement::Doubtful(invalid("a published sample"));
        }
        Judgement::Proven(valid(&[("country", String::from_utf8_lossy(country).into_owned())]))
    }
}

/// Whether an account number has the check digits of its own country: Belgium's last two are the first ten modulo 97
/// (97 for 0), Spain's two in the middle the weighted sums of bank and branch, and of the account, modulo 11.
fn is_account(country: &[u8], account: &[u8]) -> bool {
    let digit = |at: usize| u32::from(account[at].wrapping_sub(b'0'));
    let number = |from: usize, to: usize| (from..to).fold(0u64, |all, at| all * 10 + u64::from(digit(at)));
    match country {
        b"BE" => (number(0, 10) % 97 + 96) % 97 + 1 == number(10, 12),
        b"ES" => {
            const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
            let check = |from: usize, weights: &[u32]| {
                let sum: u32 = weights.iter().enumerate().map(|(n, weight)| weight * digit(from + n)).sum();
                match 11 - sum % 11 {
                    10 => 1,
                    11 => 0,
                    other => other,
                }
            };
            check(0, &WEIGHTS[2..]) == digit(8) && check(10, &WEIGHTS) == digit(9)
        }
        _ => true,
    }
}

/// The number with its first four characters at the end, letters as 10 to 35, modulo 97.
fn remainder(plain: &[u8]) -> u32 {
    plain[4..].iter().chain(&plain[..4]).fold(0, |rest, b| match b {
        b'0'..=b'9' => (rest * 10 + u32::from(b - b'0')) % 97,
        _ => (rest * 100 + u32::from(b.to_ascii_uppercase() - b'A') + 10) % 97,
    })
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn registry_vectors() {
        // Right as a whole, wrong as an account of its country.
        for text in ["BE80824883846768", "ES3302992458024135492079"] {
            assert_eq!(judge_text(&Iban, text), Judgement::Refuted, "{text}");
        }
        // 16 hexadecimal digits of an id, with the right remainder by chance.
        assert_eq!(judge_text(&Iban, "BE019E3906E0B0D5"), Judgement::Refuted);
        for text in [
            "FR1420041010050500013M02606",
            "NL91ABNA0417164300",
            "NO9386011117947",
            "MT84 MALT 0110 0001 2345 MTLC AST0 01S",
        ] {
            assert!(matches!(judge_text(&Iban, text), Judgement::Proven(_)), "{text}");
        }
        assert!(matches!(judge_text(&Iban, "DE89370400440532013000"), Judgement::Doubtful(_)));
        for text in ["NL92ABNA0417164300", "NL91ABNA041716430", "ZZ91ABNA0417164300"] {
            assert_eq!(judge_text(&Iban, text), Judgement::Refuted, "{text}");
        }
    }
}

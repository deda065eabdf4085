//! Offline checks of a candidate: proven, refuted or doubtful. One file each.

mod aws_key_id;
mod aws_secret;
mod base58check;
mod basic_auth;
mod bech32;
mod email;
mod github_crc32;
mod gitlab_crc32;
mod iban;
mod ip_address;
mod jwt;
mod key_name;
mod luhn;
mod national;
mod password;
mod pem;
mod phone;
mod phone_national;
mod random;
mod uri_password;
mod us_ssn;

use crate::model::occurrence::Verdict;
use std::fmt;

/// A candidate secret in its record.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    pub secret: &'a [u8],
    pub record: &'a [u8],
    /// Half-open span of the secret in the record.
    pub span: (usize, usize),
}

impl<'a> Candidate<'a> {
    /// The secret as text; empty where it is not UTF-8.
    pub fn text(&self) -> &'a str {
        std::str::from_utf8(self.secret).unwrap_or_default()
    }
}

/// What a validator says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Certainly not what the rule looks for: no finding.
    Refuted,
    /// Shape right, checksum wrong or a known test value: low confidence.
    Doubtful(Verdict),
    /// Nothing to add.
    Unknown,
    /// Checked: high confidence.
    Proven(Verdict),
}

/// One offline check.
pub trait Validator: Sync {
    /// The name rule files use.
    fn name(&self) -> &'static str;

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement;
}

impl fmt::Debug for dyn Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

static ALL: [&dyn Validator; 44] = [
    &aws_key_id::AwsKeyId,
    &aws_secret::AwsSecret,
    &base58check::Base58Check,
    &basic_auth::BasicAuth,
    &bech32::Bech32,
    &email::Email,
    &github_crc32::GithubCrc32,
    &gitlab_crc32::GitlabCrc32,
    &iban::Iban,
    &ip_address::IpAddress,
    &jwt::Jwt,
    &key_name::KeyName,
    &luhn::Luhn,
    &password::Password,
    &pem::Pem,
    &phone::Phone,
    &phone_national::PhoneNational,
    &random::Opaque,
    &random::Random,
    &uri_password::UriPassword,
    &us_ssn::UsSsn,
    &national::au_medicare::AU_MEDICARE,
    &national::au_tfn::AU_TFN,
    &national::be_nn::BE_NN,
    &national::br_cnpj::BR_CNPJ,
    &national::br_cpf::BR_CPF,
    &national::ca_sin::CA_SIN,
    &national::de_idnr::DE_IDNR,
    &national::es_dni::ES_DNI,
    &national::fr_nir::FR_NIR,
    &national::gb_nhs::GB_NHS,
    &national::gb_nino::GB_NINO,
    &national::imei::IMEI,
    &national::in_aadhaar::IN_AADHAAR,
    &national::it_codice_fiscale::IT_CODICE_FISCALE,
    &national::nl_bsn::NL_BSN,
    &national::pl_pesel::PL_PESEL,
    &national::se_personnummer::SE_PERSONNUMMER,
    &national::us_aba::US_ABA,
    &national::us_dea::US_DEA,
    &national::us_itin::US_ITIN,
    &national::us_npi::US_NPI,
    &national::vin::VIN,
    &national::za_id::ZA_ID,
];

/// The validator of that name.
pub fn by_name(name: &str) -> Option<&'static dyn Validator> {
    ALL.into_iter().find(|v| v.name() == name)
}

/// Every validator's name.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(Validator::name)
}

/// A checksum or structure that passed, with what it told.
fn valid(facts: &[(&str, String)]) -> Verdict {
    let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Verdict { valid: Some(true), facts, public_ids: Vec::new() }
}

/// A checksum that failed, or a value known for a test value.
fn invalid(why: &str) -> Verdict {
    let facts = vec![("reason".to_owned(), why.to_owned())];
    Verdict { valid: Some(false), facts, public_ids: Vec::new() }
}

/// Whether the bytes have at least so many bits of Shannon entropy each. What stands on the floor has, however the sum
/// was rounded.
pub fn has_entropy(bytes: &[u8], floor: f64) -> bool {
    entropy(bytes) > floor - 1e-9
}

/// Shannon entropy of the bytes, in bits per byte.
fn entropy(bytes: &[u8]) -> f64 {
    if bytes.is_empty() {
        return 0.0;
    }
    let mut counts = [0u32; 256];
    for &b in bytes {
        counts[usize::from(b)] += 1;
    }
    // Most bytes of a secret stand in it once, and cost no logarithm so.
    let term = |count: &u32| f64::from(*count) * f64::from(*count).log2();
    let repeated: f64 = counts.iter().filter(|count| **count > 1).map(term).sum();
    let total = bytes.len() as f64;
    total.log2() - repeated / total
}

/// The decimal digits of a text as numbers, other bytes left out.
fn digits_of(text: &[u8]) -> Vec<u32> {
    text.iter().filter(|b| b.is_ascii_digit()).map(|b| u32::from(b - b'0')).collect()
}

#[cfg(test)]
fn judge_text(validator: &dyn Validator, text: &str) -> Judgement {
    let secret = text.as_bytes();
    validator.judge(&Candidate { secret, record: secret, span: (0, secret.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_files_match() {
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), ALL.len());
    }

    #[test]
    fn entropy_of_known_distributions() {
        assert!((entropy(b"aaaa") - 0.0).abs() < 1e-9);
        assert!((entropy(b"abab") - 1.0).abs() < 1e-9);
        assert!((entropy(b"abcdefgh") - 3.0).abs() < 1e-9);
        // Shares of 1/2, 1/4, 1/8 and 1/8.
        assert!((entropy(b"aaaabbcd") - 1.75).abs() < 1e-9);
        assert!(entropy(b"") == 0.0);
    }

    #[test]
    fn what_stands_on_a_floor_is_not_below_it() {
        // So many different bytes equally often: log2 of their number, whatever the sum is rounded to.
        for different in [2u8, 4, 8, 16, 32, 64] {
            for times in 1..40 {
                let bytes = (0..different).collect::<Vec<_>>().repeat(times);
                let floor = f64::from(different).log2();
                assert!(has_entropy(&bytes, floor) && !has_entropy(&bytes, floor + 1e-6), "{different} {times}");
            }
        }
    }
}

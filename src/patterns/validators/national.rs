//! Numbers that states and registries give to people, vehicles and devices, by their checksums. One file each.

pub(super) mod au_medicare;
pub(super) mod au_tfn;
pub(super) mod be_nn;
pub(super) mod br_cnpj;
pub(super) mod br_cpf;
pub(super) mod ca_sin;
pub(super) mod de_idnr;
pub(super) mod es_dni;
pub(super) mod fr_nir;
pub(super) mod gb_nhs;
pub(super) mod gb_nino;
pub(super) mod imei;
pub(super) mod in_aadhaar;
pub(super) mod it_codice_fiscale;
pub(super) mod nl_bsn;
pub(super) mod pl_pesel;
pub(super) mod se_personnummer;
pub(super) mod us_aba;
pub(super) mod us_dea;
pub(super) mod us_itin;
pub(super) mod us_npi;
pub(super) mod vin;
pub(super) mod za_id;

use super::{Candidate, Judgement, Validator, valid};

/// A number of one kind: its plain form (digits and capital letters, separators left out) passes or not.
pub(super) struct National {
    name: &'static str,
    check: fn(&[u8]) -> bool,
}

impl National {
    fn accepts(&self, text: &str) -> bool {
        let plain: Vec<u8> = text.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
        let made_up = plain.windows(2).all(|w| w[0] == w[1]);
        !plain.is_empty() && !made_up && (self.check)(&plain)
    }

    #[cfg(test)]
    fn must(&self, accept: &[&str], refuse: &[&str]) {
        accept.iter().for_each(|text| assert!(self.accepts(text), "{text}"));
        refuse.iter().for_each(|text| assert!(!self.accepts(text), "{text}"));
    }
}

impl Validator for National {
    fn name(&self) -> &'static str {
        self.name
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        if self.accepts(candidate.text()) {
            Judgement::Proven(valid(&[("number", self.name.to_owned())]))
        } else {
            Judgement::Refuted
        }
    }
}

/// The sum of digits times weights; digits beyond the weights do not count.
fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// ISO 7064 mod 11, 10: the last digit is the check.
fn iso7064_mod_11_10(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *check
}

/// Verhoeff (1969): multiplication in the dihedral group of order 10, digits permuted by their place.
fn verhoeff(digits: &[u32]) -> bool {
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let times = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let permuted = |digit: u32, place: usize| (0..place % 8).fold(digit, |d, _| PERMUTED[d as usize]);
    digits.iter().rev().enumerate().fold(0, |all, (place, digit)| times(all, permuted(*digit, place))) == 0
}

#[cfg(test)]
mod tests {
    use super::super::by_name;
    use super::*;
    use std::collections::BTreeMap;

    /// tests/corpora/numbers.tsv: kind, number, 1 or 0 as python-stdnum judged it.
    #[test]
    fn numbers_are_judged_as_an_independent_program_does() {
        let text = include_str!("../../../tests/corpora/numbers.tsv");
        let mut seen: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for line in text.lines() {
            let mut columns = line.split('\t');
            let [kind, number, valid] = [(); 3].map(|()| columns.next().unwrap());
            let judged = by_name(kind).unwrap().judge(&Candidate {
                secret: number.as_bytes(),
                record: number.as_bytes(),
                span: (0, number.len()),
            });
            assert_eq!(matches!(judged, Judgement::Proven(_)), valid == "1", "{kind} {number}");
            let counts = seen.entry(kind).or_default();
            if valid == "1" { counts.0 += 1 } else { counts.1 += 1 }
        }
        assert!(seen.len() >= 14, "{seen:?}");
        assert!(seen.values().all(|(valid, wrong)| *valid >= 50 && *wrong >= 50), "{seen:?}");
    }

    #[test]
    fn published_checks() {
        assert!(verhoeff(&[2, 3, 6, 3]));
        assert!(!verhoeff(&[2, 3, 6, 4]));
        assert!(iso7064_mod_11_10(&[0, 7, 9, 4, 5]));
        assert!(!iso7064_mod_11_10(&[0, 7, 9, 4, 6]));
    }
}

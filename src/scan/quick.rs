//! First stages of our own, for what Hyperscan would have to look at every byte for: digits and capitals are
//! everywhere in logs. Each stands for all matches of its rules: what it finds lies inside every one of them.

use super::bits::{Bits, each, in_a_row};
use crate::patterns::Scan;

/// Digits of a card at least and at most. Fact: ISO/IEC 7812.
const SHORTEST: usize = 13;
const LONGEST: usize = 19;
/// What a number with its country's code has at least.
const SHORTEST_PHONE: usize = 7;
/// What an IBAN has at least. Fact: Norway's, in the registry of SWIFT.
const SHORTEST_IBAN: usize = 15;

/// Calls `hit(scan, end)` for each place that a rule of such a scan may be about; `end` is after a byte of it.
pub(super) fn scan(wanted: &[Scan], data: &[u8], mut hit: impl FnMut(Scan, usize)) {
    if wanted.contains(&Scan::AtSign) {
        memchr::memchr_iter(b'@', data).for_each(|at| hit(Scan::AtSign, at + 1));
    }
    if wanted.contains(&Scan::PlusDigits) {
        memchr::memchr_iter(b'+', data)
            .filter(|at| is_phone(&data[at + 1..]))
            .for_each(|at| hit(Scan::PlusDigits, at + 1));
    }
    match (wanted.contains(&Scan::CardDigits), wanted.contains(&Scan::Iban)) {
        (false, false) => {}
        (true, false) => each(data, cards, |at| card(data, at, &mut hit)),
        (false, true) => each(data, ibans, |at| iban(data, at, &mut hit)),
        (true, true) => each(
            data,
            |bits| cards(bits) | ibans(bits),
            |at| {
                card(data, at, &mut hit);
                iban(data, at, &mut hit);
            },
        ),
    }
}

/// A digit that is not 0 and six more, up to two separators before each.
fn is_phone(rest: &[u8]) -> bool {
    let mut bytes = rest.iter();
    let (mut seen, mut apart) = (0, 0);
    while seen < SHORTEST_PHONE {
        match bytes.next() {
            Some(b'0') if seen == 0 => return false,
            Some(byte) if byte.is_ascii_digit() => (seen, apart) = (seen + 1, 0),
            Some(b' ' | b'.' | b'(' | b')' | b'-') if seen > 0 && apart < 2 => apart += 1,
            _ => return false,
        }
    }
    true
}

/// Where digits begin in groups as cards have them: 13 and more, 4-4-4-4, or 4-6-4.
fn cards(bits: &Bits) -> u64 {
    let (digits, apart) = (bits.digits, bits.spaces | bits.hyphens);
    let four = in_a_row(digits, 4);
    let first = four & !(digits << 1) & apart >> 4;
    let fours = first & four >> 5 & apart >> 9 & four >> 10 & apart >> 14 & four >> 15;
    let amex = first & in_a_row(digits, 6) >> 5 & apart >> 11 & four >> 12;
    in_a_row(digits, SHORTEST as u32) & !(digits << 1) | fours | amex
}

/// Tells of a card that may begin here; where a block begins inside a longer number, it does not.
fn card(data: &[u8], at: usize, hit: &mut impl FnMut(Scan, usize)) {
    let inside = at > 0 && data[at - 1].is_ascii_digit();
    let length = data[at..].iter().take(LONGEST + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if !inside && (length == 4 || (SHORTEST..=LONGEST).contains(&length)) {
        hit(Scan::CardDigits, at + length);
    }
}

/// Where two capitals and two digits begin, and more of either follows, behind a space or not.
fn ibans(bits: &Bits) -> u64 {
    let any = bits.digits | bits.capitals;
    let begins = bits.capitals & bits.capitals >> 1 & bits.digits >> 2 & bits.digits >> 3 & !(any << 1);
    begins & (any >> 4 | bits.spaces >> 4) & in_a_row(any, 3) >> 5
}

/// The four bytes that an IBAN begins with, where eleven digits and capitals follow, a space between groups of four.
fn iban(data: &[u8], at: usize, hit: &mut impl FnMut(Scan, usize)) {
    let Some(head) = data[at..].first_chunk::<4>() else { return };
    let fits = head[..2].iter().all(u8::is_ascii_uppercase) && head[2..].iter().all(u8::is_ascii_digit);
    if fits && rest_of_iban(&data[at + 4..]) {
        hit(Scan::Iban, at + 4);
    }
}

fn rest_of_iban(rest: &[u8]) -> bool {
    let mut seen = 0;
    let mut bytes = rest.iter();
    while seen < SHORTEST_IBAN - 4 {
        match bytes.next() {
            Some(byte) if byte.is_ascii_digit() || byte.is_ascii_uppercase() => seen += 1,
            Some(b' ') if seen % 4 == 0 => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::bytes::Regex;

    /// Whether the scan says something within each match of the expression.
    fn misses(kind: Scan, expression: &str, text: &[u8]) -> Vec<String> {
        let mut ends = Vec::new();
        scan(&[kind], text, |_, end| ends.push(end));
        let regex = Regex::new(expression).unwrap();
        let missed = regex.find_iter(text).filter(|m| !ends.iter().any(|end| m.start() < *end && *end <= m.end()));
        missed.map(|m| String::from_utf8_lossy(m.as_bytes()).into_owned()).collect()
    }

    const CARD: &str = r"\b(?:[2-6]\d{12,18}|[2-6]\d{3}(?:[ -]\d{4}){3}(?:[ -]\d{3})?|3\d{3}[ -]\d{6}[ -]\d{4,5})\b";
    const PHONE: &str = r"\+[1-9](?:[ .()-]{0,2}\d){6,14}";
    const IBAN: &str = r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){2} ?[0-9A-Z]{3}";

    proptest! {
        #[test]
        fn nothing_a_card_rule_could_match_is_missed(text in "([0-9]{1,7}[ -]?|[ -]|[2-6][0-9]{3}[ -]|[a-z]){1,60}") {
            prop_assert_eq!(misses(Scan::CardDigits, CARD, text.as_bytes()), Vec::<String>::new());
        }

        #[test]
        fn nothing_a_phone_rule_could_match_is_missed(text in "([+][0-9]{1,4}|[0-9]{1,4}|[ .()-]{1,3}|[a-z]){1,30}") {
            prop_assert_eq!(misses(Scan::PlusDigits, PHONE, text.as_bytes()), Vec::<String>::new());
        }

        #[test]
        fn nothing_an_iban_rule_could_match_is_missed(text in "([A-Z]{2}[0-9]{2}|[ -]|[0-9A-Z]{4} ?|[a-z]){1,40}") {
            prop_assert_eq!(misses(Scan::Iban, IBAN, text.as_bytes()), Vec::<String>::new());
        }
    }

    #[test]
    fn few_places_of_ordinary_logs_are_looked_at() {
        let hits = |text: &str| {
            let mut count = 0;
            scan(&[Scan::CardDigits, Scan::Iban], text.as_bytes(), |_, _| count += 1);
            count
        };
        assert_eq!(
            hits("2 123456789012 eni-0a1b 10.0.0.1 10.0.0.2 443 49153 6 25 20000 1418530010 1418530070 ACCEPT OK"),
            0
        );
        assert_eq!(hits("2026-03-02T10:00:00.000Z INFO GET /items/4711 took 17 ms POST 2026-03-02 10:00:00"), 0);
        // The groups of an IBAN may be a card's.
        assert_eq!(hits("card 4539 5766 8788 5486, DE19 3704 0000 7933 5435 07"), 3);
        assert_eq!(hits("3791 698795 54398"), 1);
    }
}

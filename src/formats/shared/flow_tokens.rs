//! One line of a flow log: blank-separated words without quotes, each read by the type of its field.

use super::flow::Dialect;
use crate::codec::tokens;
use crate::model::{Field, Kind, Micros, Row, Value};
use std::borrow::Cow;

/// How a word becomes a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Text,
    Int,
    /// Epoch seconds.
    Time,
    Address,
}

impl Read {
    pub(super) fn of(field: &Field) -> Self {
        match field.kind {
            Kind::Int => Self::Int,
            Kind::Time => Self::Time,
            _ if field.native.ends_with("addr") => Self::Address,
            _ => Self::Text,
        }
    }
}

enum Column {
    Cell(usize, Read),
    /// A field of that name which has no cell.
    Extra(String),
}

/// Where each word of a line goes.
pub(super) struct Layout {
    columns: Vec<Column>,
    /// It has start or end.
    pub(super) timed: bool,
}

/// What a line was under a layout; `-` counts as a word only.
pub(super) struct Filled {
    pub count: usize,
    /// Words that are the number, time or address their field holds.
    pub fits: usize,
    pub misfits: usize,
}

impl Layout {
    pub(super) fn new<'n>(dialect: &Dialect, names: impl Iterator<Item = &'n str>) -> Self {
        let mut timed = false;
        let columns = names
            .map(|name| match dialect.cell(name) {
                Some(cell) => {
                    let read = Read::of(&dialect.fields[cell]);
                    timed |= read == Read::Time;
                    Column::Cell(cell, read)
                }
                None => Column::Extra(name.to_owned()),
            })
            .collect();
        Self { columns, timed }
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Fills the cells. Words beyond the layout go to the dialect's last cell; words of a wrong type to `extra`,
    /// under their field's name. `keep` makes a cell's text of a word.
    pub(super) fn fill<'t, 'r>(
        &self,
        dialect: &Dialect,
        line: &'t str,
        row: &mut Row<'r>,
        keep: &impl Fn(&'t str) -> Cow<'r, str>,
    ) -> Filled {
        let mut filled = Filled { count: 0, fits: 0, misfits: 0 };
        let mut columns = self.columns.iter();
        for word in words(line) {
            filled.count += 1;
            let column = columns.next();
            if word == "-" {
                continue;
            }
            let (cell, read) = match column {
                Some(Column::Cell(cell, read)) => (*cell, *read),
                Some(Column::Extra(name)) => {
                    row.extra.push((Cow::Owned(name.clone()), quoted(word)));
                    continue;
                }
                None => {
                    push_word(&mut row.native[dialect.fields.len() - 1], word);
                    continue;
                }
            };
            let value = match read {
                Read::Text => {
                    row.native[cell] = Value::Str(keep(word));
                    continue;
                }
                Read::Int => int(word).map(Value::Int),
                Read::Time => int(word).and_then(Micros::from_epoch).map(Value::Time),
                Read::Address if is_plain_ipv4(word.as_bytes()) => Some(Value::Str(keep(word))),
                Read::Address => tokens::ip(word).map(|ip| Value::owned(ip.into_owned())),
            };
            match value {
                Some(value) => {
                    filled.fits += 1;
                    row.native[cell] = value;
                }
                None => {
                    filled.misfits += 1;
                    row.extra.push((Cow::Borrowed(dialect.fields[cell].native), quoted(word)));
                }
            }
        }
        filled
    }
}

fn quoted(word: &str) -> Cow<'static, str> {
    Cow::Owned(serde_json::Value::from(word).to_string())
}

fn push_word(cell: &mut Value<'_>, word: &str) {
    match cell {
        Value::Str(text) => {
            let text = text.to_mut();
            text.push(' ');
            text.push_str(word);
        }
        _ => *cell = Value::owned(word.to_owned()),
    }
}

/// `dstaddr:dstport`.
pub(super) fn target(address: &str, port: i64) -> String {
    let mut target = String::with_capacity(address.len() + 6);
    target.push_str(address);
    target.push(':');
    match u16::try_from(port) {
        // By hand, for formatting would cost as much as several fields.
        Ok(port) => {
            let mut rest = port;
            let mut unit = 10_000;
            while unit > 1 && port < unit {
                unit /= 10;
            }
            while unit > 0 {
                target.push(char::from(b'0' + (rest / unit) as u8));
                rest %= unit;
                unit /= 10;
            }
        }
        Err(_) => target.push_str(&port.to_string()),
    }
    target
}

/// The words of a line; blanks may be doubled.
pub(super) fn words(line: &str) -> Words<'_> {
    Words { line, at: 0 }
}

pub(super) struct Words<'t> {
    line: &'t str,
    at: usize,
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let bytes = self.line.as_bytes();
        let mut start = self.at;
        while bytes.get(start) == Some(&b' ') {
            start += 1;
        }
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        self.at = start + blank(rest);
        self.line.get(start..self.at)
    }
}

/// Position of the first blank, or the length. Eight bytes at a time: words are too short for a vector search to pay.
fn blank(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (words, rest) = text.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        // A byte that was a blank is 0 now, and the lowest high bit is that of the first 0.
        let word = u64::from_le_bytes(*word) ^ (ONES * u64::from(b' '));
        let zeros = word.wrapping_sub(ONES) & !word & HIGHS;
        if zeros != 0 {
            return i * 8 + zeros.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().position(|b| *b == b' ').unwrap_or(rest.len())
}

/// Field names of a format as DescribeFlowLogs gives it, `${version} ${account-id}`, or bare ones between blanks
/// or commas.
pub(super) fn format_names(format: &str) -> impl Iterator<Item = &str> {
    format
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|name| name.strip_prefix("${").and_then(|name| name.strip_suffix('}')).unwrap_or(name))
        .filter(|name| !name.is_empty())
}

/// A whole number; short ones without any check for overflow.
fn int(word: &str) -> Option<i64> {
    /// This many digits always fit.
    const SAFE: usize = 18;
    let bytes = word.as_bytes();
    if bytes.is_empty() || bytes.len() > SAFE {
        return word.parse().ok();
    }
    let mut value = 0i64;
    for &byte in bytes {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return word.parse().ok();
        }
        value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
    }
    Some(value)
}

/// Four numbers up to 255 without leading zeros: canonical as it stands.
fn is_plain_ipv4(text: &[u8]) -> bool {
    let (mut dots, mut digits, mut value) = (0u32, 0u32, 0u32);
    for &byte in text {
        if byte == b'.' {
            if digits == 0 || dots == 3 {
                return false;
            }
            dots += 1;
            (digits, value) = (0, 0);
            continue;
        }
        let digit = u32::from(byte.wrapping_sub(b'0'));
        if digit > 9 || (digits > 0 && value == 0) || digits == 3 {
            return false;
        }
        value = value * 10 + digit;
        digits += 1;
        if value > 255 {
            return false;
        }
    }
    dots == 3 && digits > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_names_and_targets() {
        assert_eq!(words("  a  b c ").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(words(" ").count(), 0);
        let aws: Vec<&str> = format_names("${version} ${account-id}  ${tcp-flags}").collect();
        assert_eq!(aws, ["version", "account-id", "tcp-flags"]);
        assert_eq!(format_names("version, account-id,tcp-flags\n").collect::<Vec<_>>(), aws);
        for port in [0, 7, 10, 443, 9_999, 10_000, 65_535, 65_536, -1] {
            assert_eq!(target("192.0.2.1", port), format!("192.0.2.1:{port}"));
        }
    }

    #[test]
    fn blanks() {
        for length in 0..40 {
            let mut text = vec![b'!'; length];
            assert_eq!(blank(&text), length);
            for at in (0..length).rev() {
                text[at] = b' ';
                assert_eq!(blank(&text), at);
            }
        }
        assert_eq!(blank("\u{a0}\u{2020}é x".as_bytes()), 7);
    }

    #[test]
    fn numbers() {
        assert_eq!(int("0"), Some(0));
        assert_eq!(int("999999999999999999"), Some(999_999_999_999_999_999));
        assert_eq!(int("9223372036854775807"), Some(i64::MAX));
        assert_eq!(
            (int("9223372036854775808"), int(""), int("1.5"), int("1 "), int("٣")),
            (None, None, None, None, None)
        );
        assert_eq!(int("-7"), Some(-7));
    }

    #[test]
    fn plain_addresses_are_those_of_the_standard_parser() {
        for text in [
            "192.0.2.1",
            "0.0.0.0",
            "255.255.255.255",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1..2.3",
            "1.2.3.",
            ".1.2.3",
            "",
            "1.2.3.1234",
            "1.2.3.a",
            "1.2.3.00",
            "1.2.3.0",
        ] {
            assert_eq!(is_plain_ipv4(text.as_bytes()), text.parse::<std::net::Ipv4Addr>().is_ok(), "{text}");
        }
    }
}

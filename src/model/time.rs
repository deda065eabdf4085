//! Instants as UTC microseconds since 1970, and the timestamp shapes AWS logs use.
//!
//! No AWS log is finer than a microsecond, and DuckDB, Spark and Athena read microsecond
//! timestamps without loss.

use std::fmt;

/// An instant: microseconds since 1970-01-01T00:00:00Z. Prints as RFC 3339 with six decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

const DAY: i64 = 86_400_000_000;
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A calendar date and time of day in UTC; the fields are not range-checked by the type.
#[derive(Clone, Copy)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    /// `None` when a field is out of range; second 60 (a leap second) is taken as 59.
    fn micros(self) -> Option<i64> {
        let month_length = match self.month {
            2 if self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let in_range = (1..=month_length).contains(&self.day)
            && (0..=23).contains(&self.hour)
            && (0..=59).contains(&self.minute)
            && (0..=60).contains(&self.second);
        if !in_range {
            return None;
        }
        let seconds = days_from_civil(self.year, self.month, self.day) * 86_400
            + self.hour * 3_600
            + self.minute * 60
            + self.second.min(59);
        Some(seconds * 1_000_000)
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's era arithmetic), years -799 to 9999.
/// Counted from two eras before the year 0, so that 32 bits without a sign do: this is done for every record.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (m, d) = (month as u32, day as u32);
    let y = (year + 800) as u32 - u32::from(m <= 2);
    let shifted_month = if m <= 2 { m + 9 } else { m - 3 };
    let day_of_year = (153 * shifted_month + 2) / 5 + d - 1;
    i64::from(y * 365 + y / 4 - y / 100 + y / 400 + day_of_year) - 719_468 - 2 * 146_097
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Reads `len` ASCII digits at `at`.
fn digits(text: &[u8], at: usize, len: usize) -> Option<i64> {
    let mut value = 0i64;
    for &b in text.get(at..at + len)? {
        if !b.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(b - b'0');
    }
    Some(value)
}

impl Micros {
    pub const MIN: Self = Self(i64::MIN);
    pub const MAX: Self = Self(i64::MAX);

    /// From epoch milliseconds; `None` outside the years 1970 to 9999, which no log can mean.
    pub const fn from_millis(ms: i64) -> Option<Self> {
        Self::checked(ms.saturating_mul(1_000))
    }

    /// Epoch seconds, milliseconds or microseconds, told apart by magnitude: API Gateway prints
    /// either of the first two. Values up to 10^11 are seconds (year 5138), up to 10^14 milliseconds.
    /// `None` outside the years 1970 to 9999.
    pub const fn from_epoch(value: i64) -> Option<Self> {
        let magnitude = value.unsigned_abs();
        if magnitude < 100_000_000_000 {
            Self::checked(value * 1_000_000)
        } else if magnitude < 100_000_000_000_000 {
            Self::checked(value * 1_000)
        } else {
            Self::checked(value)
        }
    }

    const fn checked(micros: i64) -> Option<Self> {
        /// 10000-01-01T00:00:00Z.
        const END: i64 = 253_402_300_800_000_000;
        if micros >= 0 && micros < END { Some(Self(micros)) } else { None }
    }

    /// RFC 3339 with 0 to 9 decimals (cut to six), `T` or a blank between date and time, and `Z`,
    /// a numeric offset or nothing (UTC) at the end. The whole text must match.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let (time, used) = Self::parse_rfc3339_prefix(text.as_bytes())?;
        (used == text.len()).then_some(time)
    }

    /// As [`Micros::parse_rfc3339`], at the start of `text`; also returns how many bytes it took.
    pub fn parse_rfc3339_prefix(text: &[u8]) -> Option<(Self, usize)> {
        let (stamp, rest) = text.split_first_chunk::<19>()?;
        let whole = stamp_micros(stamp)?;
        // The shape most services write.
        if let Some(pairs) = <&[u8; 8]>::try_from(rest).ok().and_then(|rest| pairs(rest, b".000000Z")) {
            return Some((Self(whole + pairs[1] * 10_000 + pairs[3] * 100 + pairs[5]), text.len()));
        }
        let mut at = 19;
        let mut micros = whole;
        if text.get(at) == Some(&b'.') {
            let (fraction, used) = fraction_micros(&text[at + 1..])?;
            micros += fraction;
            at += 1 + used;
        }
        let (offset, used) = zone_micros(&text[at..])?;
        Some((Self(micros - offset), at + used))
    }

    /// Common log format, `09/Mar/2024:10:11:12 +0000`, without brackets. The whole text must match.
    pub fn parse_clf(text: &str) -> Option<Self> {
        let t = text.as_bytes();
        let month = MONTHS.iter().position(|m| t.get(3..6) == Some(m.as_slice()))?;
        let civil = Civil {
            day: digits(t, 0, 2)?,
            month: month as i64 + 1,
            year: digits(t, 7, 4)?,
            hour: digits(t, 12, 2)?,
            minute: digits(t, 15, 2)?,
            second: digits(t, 18, 2)?,
        };
        let separators = t[2] == b'/' && t[6] == b'/' && t[11] == b':' && t[14] == b':' && t[17] == b':';
        let rest = t.get(20..)?;
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let (offset, used) = zone_micros(rest)?;
        (separators && used == rest.len()).then_some(Self(civil.micros()? - offset))
    }

    /// ISO 8601 basic form in UTC, `20131102T010628Z`. The whole text must match.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let t = text.as_bytes();
        let civil = Civil {
            year: digits(t, 0, 4)?,
            month: digits(t, 4, 2)?,
            day: digits(t, 6, 2)?,
            hour: digits(t, 9, 2)?,
            minute: digits(t, 11, 2)?,
            second: digits(t, 13, 2)?,
        };
        (t.len() == 16 && t[8] == b'T' && t[15] == b'Z').then(|| civil.micros().map(Self)).flatten()
    }

    /// A number as [`Micros::from_epoch`] takes it, with a fraction or an exponent where seconds have one.
    pub fn parse_epoch(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse::<i64>() {
            return Self::from_epoch(whole);
        }
        let (seconds, fraction) = text.split_once('.')?;
        if let (Ok(seconds @ 0..100_000_000_000), Some((micros, used))) =
            (seconds.parse::<i64>(), fraction_micros(fraction.as_bytes()))
            && fraction.len() == used
        {
            return Self::checked(seconds * 1_000_000 + micros);
        }
        // `1.5123578E9`, as some SDKs print seconds; f64 keeps their microseconds.
        let number: f64 = text.parse().ok().filter(|n: &f64| (0.0..1e11).contains(n))?;
        Self::checked((number * 1e6).round() as i64)
    }

    /// Days since 1970-01-01.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// The UTC calendar day as `YYYY-MM-DD`.
    pub fn date(self) -> String {
        let (y, m, d) = civil_from_days(self.0.div_euclid(DAY));
        format!("{y:04}-{m:02}-{d:02}")
    }
}

/// Two digits from each place on, where the text has digits for the zeros of `shape` and its other bytes as they
/// are. Eight bytes are checked and turned to numbers at once.
#[inline]
fn pairs(text: &[u8; 8], shape: &[u8; 8]) -> Option<[i64; 8]> {
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    // Added to a digit up to 9, or to the nothing that is left of a separator, this stays below 0x80.
    let room = shape.map(|b| if b == b'0' { 0x7f - 9 } else { 0x7f });
    let digits = u64::from_le_bytes(*text) ^ u64::from_le_bytes(*shape);
    if (digits | digits.wrapping_add(u64::from_le_bytes(room))) & HIGH != 0 {
        return None;
    }
    Some((digits * 10 + (digits >> 8)).to_le_bytes().map(i64::from))
}

/// `2026-03-02T08:15:30`, the form of all RFC 3339 times.
#[inline]
fn stamp_micros(t: &[u8; 19]) -> Option<i64> {
    let [year @ .., d1, d2, separator] = t.first_chunk::<11>()?;
    let date = pairs(year, b"0000-00-")?;
    let time = pairs(t.last_chunk::<8>()?, b"00:00:00")?;
    if !(d1.is_ascii_digit() && d2.is_ascii_digit() && matches!(separator, b'T' | b't' | b' ')) {
        return None;
    }
    let day = i64::from(d1 - b'0') * 10 + i64::from(d2 - b'0');
    let civil =
        Civil { year: date[0] * 100 + date[2], month: date[5], day, hour: time[0], minute: time[3], second: time[6] };
    civil.micros()
}

/// Digits after the decimal point as microseconds, and how many bytes they took (at least one).
fn fraction_micros(text: &[u8]) -> Option<(i64, usize)> {
    let used = text.iter().take(9).take_while(|b| b.is_ascii_digit()).count();
    if used == 0 {
        return None;
    }
    let digits = text[..used].iter().map(|b| i64::from(b - b'0')).chain(std::iter::repeat(0));
    Some((digits.take(6).fold(0, |value, digit| value * 10 + digit), used))
}

/// `Z`, `+hh:mm`, `+hhmm`, ` +hh:mm` or nothing, as microseconds east of UTC and bytes used.
fn zone_micros(text: &[u8]) -> Option<(i64, usize)> {
    match text.first() {
        Some(b'Z' | b'z') => Some((0, 1)),
        Some(sign @ (b'+' | b'-')) => {
            let hours = digits(text, 1, 2)?;
            let colon = usize::from(text.get(3) == Some(&b':'));
            let minutes = digits(text, 3 + colon, 2)?;
            let east = (hours * 60 + minutes) * 60_000_000;
            Some((if *sign == b'-' { -east } else { east }, 5 + colon))
        }
        _ => Some((0, 0)),
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (y, m, d) = civil_from_days(self.0.div_euclid(DAY));
        let of_day = self.0.rem_euclid(DAY);
        let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
        write!(
            f,
            "{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{micros:06}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_of_the_same_instant() {
        let expected = Micros(1_709_979_072_000_000);
        assert_eq!(Micros::parse_rfc3339("2024-03-09T10:11:12Z"), Some(expected));
        assert_eq!(Micros::parse_rfc3339("2024-03-09 10:11:12.000"), Some(expected));
        assert_eq!(Micros::parse_rfc3339("2024-03-09T12:11:12+02:00"), Some(expected));
        assert_eq!(Micros::parse_clf("09/Mar/2024:10:11:12 +0000"), Some(expected));
        assert_eq!(Micros::parse_clf("09/Mar/2024:05:11:12 -0500"), Some(expected));
        assert_eq!(Micros::from_epoch(1_709_979_072), Some(expected));
        assert_eq!(Micros::from_epoch(1_709_979_072_000), Some(expected));
        assert_eq!(Micros::from_millis(i64::MAX), None);
        assert_eq!(Micros::from_epoch(-1), None);
        assert_eq!(expected.to_string(), "2024-03-09T10:11:12.000000Z");
        assert_eq!(expected.date(), "2024-03-09");
    }

    #[test]
    fn decimals_are_cut_to_microseconds() {
        assert_eq!(Micros::parse_rfc3339("1970-01-01T00:00:00.1Z"), Some(Micros(100_000)));
        assert_eq!(Micros::parse_rfc3339("1970-01-01T00:00:00.123456789Z"), Some(Micros(123_456)));
        assert_eq!(Micros::parse_rfc3339("1970-01-01T00:00:01.020304Z"), Some(Micros(1_020_304)));
        assert_eq!(Micros::parse_rfc3339_prefix(b"1970-01-01T00:00:01.020304Z b"), Some((Micros(1_020_304), 27)));
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            "",
            "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-03-09T24:00:00Z",
            "2024-03-09T10:11:12Zx",
            "2024-03-09T10:11:12.Z",
            "2024/03/09T10:11:12Z",
            "2024-03-09T10:11:1:Z",
            "2024-03-09T10:11:12.12345xZ",
            "2024-03-09T10:11:12.123456z1",
            "2024-03-09T10:11:60.123456789012Z",
        ] {
            assert_eq!(Micros::parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(Micros::parse_clf("09/Foo/2024:10:11:12 +0000"), None);
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_round_trip() {
        for day in -146_097..146_097 {
            let (y, m, d) = civil_from_days(day);
            assert_eq!(days_from_civil(y, m, d), day);
        }
    }
}

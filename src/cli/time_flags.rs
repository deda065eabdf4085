//! The shared time flags: one window, many spellings.

use crate::model::Micros;
#[cfg(any(feature = "query", feature = "pull"))]
use crate::model::TimeRange;
use anyhow::{Context as _, bail};
#[cfg(any(feature = "query", feature = "pull"))]
use clap::Args;
use jiff::tz::TimeZone;

/// Flags that choose a time window.
#[cfg(any(feature = "query", feature = "pull"))]
#[derive(Clone, Debug, Default, Args)]
pub struct TimeArgs {
    /// From so long ago (30m, 12h, 7d, 2w) or from this time on
    #[arg(long, help_heading = "Time", value_name = "AGO|TIME", conflicts_with_all = ["from", "around"])]
    pub since: Option<String>,
    /// From this time on: 2026-03-06, 2026-03-06T14:00, with Z or an offset, or epoch seconds;
    /// without a zone it is read in --tz
    #[arg(long, help_heading = "Time", value_name = "TIME", conflicts_with = "around")]
    pub from: Option<String>,
    /// Before this time (the end itself is outside; a bare date means its first instant)
    #[arg(long, help_heading = "Time", value_name = "TIME", conflicts_with = "around")]
    pub to: Option<String>,
    /// Around a time: 2026-03-06T14:00Z±10m (or +-10m); 15m on either side where none is given
    #[arg(long, help_heading = "Time", value_name = "TIME±D")]
    pub around: Option<String>,
}

const MINUTE: i64 = 60_000_000;

#[cfg(any(feature = "query", feature = "pull"))]
impl TimeArgs {
    pub fn range(&self, now: Micros, tz: &TimeZone) -> anyhow::Result<TimeRange> {
        if let Some(around) = &self.around {
            let (time, half) = match around.split_once('±').or_else(|| around.split_once("+-")) {
                Some((time, half)) => (time, duration(half)?),
                None => (around.as_str(), 15 * MINUTE),
            };
            let middle = instant(time, tz)?;
            return Ok(TimeRange { from: Some(Micros(middle.0 - half)), to: Some(Micros(middle.0 + half + 1)) });
        }
        let since = self.since.as_deref().map(|text| match duration(text) {
            Ok(ago) => Ok(Micros(now.0 - ago)),
            Err(_) => instant(text, tz).with_context(|| "--since takes a duration such as 12h, or a time"),
        });
        let from = since.or(self.from.as_deref().map(|text| instant(text, tz))).transpose()?;
        let to = self.to.as_deref().map(|text| instant(text, tz)).transpose()?;
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            bail!("the window is empty: it begins at {from} and ends at {to}; the end must be later");
        }
        Ok(TimeRange { from, to })
    }
}

/// A time, or so long ago.
pub(super) fn time_or_ago(text: &str, now: Micros, tz: &TimeZone) -> anyhow::Result<Micros> {
    match duration(text) {
        Ok(ago) => Ok(Micros(now.0.saturating_sub(ago))),
        Err(_) => instant(text, tz),
    }
}

/// `90s`, `30m`, `12h`, `7d`, `2w` in microseconds.
pub(super) fn duration(text: &str) -> anyhow::Result<i64> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.char_indices().next_back().map_or(0, |(at, _)| at));
    let unit = match unit {
        "s" => MINUTE / 60,
        "m" => MINUTE,
        "h" => 60 * MINUTE,
        "d" => 24 * 60 * MINUTE,
        "w" => 7 * 24 * 60 * MINUTE,
        _ => bail!("`{text}` is no duration; use a number and s, m, h, d or w, such as 12h"),
    };
    let number: i64 =
        number.parse().with_context(|| format!("`{text}` is no duration; use a number and s, m, h, d or w"))?;
    number.checked_mul(unit).with_context(|| format!("`{text}` is too long"))
}

/// A time in one of the notations people paste.
fn instant(text: &str, tz: &TimeZone) -> anyhow::Result<Micros> {
    let text = text.trim();
    let zoned = text.ends_with(['Z', 'z']) || text.get(10..).is_some_and(|rest| rest.contains(['+', '-']));
    if text.len() == 17 && zoned && text.ends_with(['Z', 'z']) {
        // 2026-03-06T14:00Z, minutes only.
        let whole = format!("{}:00Z", &text[..16]);
        return Micros::parse_rfc3339(&whole).with_context(|| unknown(text));
    }
    if zoned && let Some(time) = Micros::parse_rfc3339(text) {
        return Ok(time);
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return Micros::from_epoch(seconds).with_context(|| unknown(text));
    }
    let civil: jiff::civil::DateTime = match text.parse::<jiff::civil::Date>() {
        Ok(date) if text.len() == 10 => date.into(),
        _ => text.parse().map_err(|_| anyhow::anyhow!(unknown(text)))?,
    };
    let stamp = civil.to_zoned(tz.clone()).with_context(|| unknown(text))?;
    Ok(Micros(stamp.timestamp().as_microsecond()))
}

fn unknown(text: &str) -> String {
    format!(
        "`{text}` is no time logsift can read; use 2026-03-06, 2026-03-06T14:00:00Z, 2026-03-06 14:00 or epoch seconds"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_of_one_instant() {
        let expected = Micros::parse_rfc3339("2026-03-06T14:00:00Z").unwrap();
        for text in [
            "2026-03-06T14:00:00Z",
            "2026-03-06T14:00Z",
            "2026-03-06 14:00",
            "2026-03-06T15:00:00+01:00",
            "1772805600",
            "1772805600000",
        ] {
            assert_eq!(instant(text, &TimeZone::UTC).unwrap(), expected, "{text}");
        }
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(instant("2026-03-06 15:00", &berlin).unwrap(), expected);
        assert_eq!(instant("2026-03-06", &TimeZone::UTC).unwrap().0, expected.0 - 14 * 60 * MINUTE);
        for text in ["yesterday", "2026-13-01", "14:00", ""] {
            assert!(instant(text, &TimeZone::UTC).is_err(), "{text}");
        }
    }

    #[cfg(any(feature = "query", feature = "pull"))]
    #[test]
    fn windows() {
        let now = Micros(1_000 * MINUTE);
        let args = |since: &str| TimeArgs { since: Some(since.to_owned()), ..TimeArgs::default() };
        assert_eq!(args("1h").range(now, &TimeZone::UTC).unwrap().from, Some(Micros(940 * MINUTE)));
        let around = TimeArgs { around: Some("2026-03-06T14:00Z±10m".to_owned()), ..TimeArgs::default() };
        let range = around.range(now, &TimeZone::UTC).unwrap();
        assert_eq!(range.to.unwrap().0 - range.from.unwrap().0, 20 * MINUTE + 1);
        let empty = TimeArgs { from: Some("2026-03-07".into()), to: Some("2026-03-06".into()), ..TimeArgs::default() };
        assert!(empty.range(now, &TimeZone::UTC).unwrap_err().to_string().contains("the end must be later"));
    }
}

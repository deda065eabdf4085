//! What the name of an S3 object says of the time of its events, and which folders a range of time needs. Facts: the
//! AWS guides on each service's log delivery.

use crate::model::Micros;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// A stamp may be the beginning of a file's five minutes instead of their end.
const STAMP_AHEAD: i64 = 5 * MINUTE;
/// S3 delivers server access logs within a few hours, mostly.
const ACCESS_LOG_LATE: i64 = 6 * HOUR;

/// The time of the events that are wanted: milliseconds since 1970, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
    /// So long after an event the object that holds it may have been written.
    pub late: i64,
}

/// Milliseconds since 1970 of a civil time, UTC; `None` where there is no such.
fn instant(parts: &[u32]) -> Option<i64> {
    let part = |n: usize, otherwise: u32| parts.get(n).copied().unwrap_or(otherwise);
    let [year, month, day, hour, minute, second] =
        [part(0, 0), part(1, 1), part(2, 1), part(3, 0), part(4, 0), part(5, 0)];
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    Micros::parse_rfc3339(&text).map(|time| time.0.div_euclid(1000))
}

fn number(text: &str) -> Option<u32> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Year, month, day of `2026-03-02`.
fn date(text: &str) -> Option<Vec<u32>> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    (year.len() == 4 && month.len() == 2 && day.len() == 2)
        .then(|| [year, month, day].iter().map(|t| number(t)).collect())?
}

/// Year, month, day, hour and minute, as far as the last folders of a path name them: `2026/03/02/`,
/// `year=2026/month=3/`, `dt=2026-03-02/`.
fn folder_parts(prefix: &str) -> Vec<u32> {
    let mut parts: Vec<u32> = Vec::new();
    for folder in prefix.trim_end_matches('/').split('/') {
        let (name, value) = folder.split_once('=').map_or(("", folder), |(name, value)| (name, value));
        if let Some(date) = date(value) {
            parts = date;
            continue;
        }
        let place = match name {
            "" if value.len() == 4 => Some(0),
            "" if value.len() <= 2 => Some(parts.len()),
            "year" => Some(0),
            "month" => Some(1),
            "day" => Some(2),
            "hour" => Some(3),
            "minute" => Some(4),
            _ => None,
        };
        match (place, number(value)) {
            (Some(0), Some(year)) if (1990..2200).contains(&year) => parts = vec![year],
            (Some(n), Some(value)) if n > 0 && n == parts.len() && n < 5 => parts.push(value),
            _ => parts.clear(),
        }
    }
    if instant(&parts).is_none() { Vec::new() } else { parts }
}

/// The time of the objects in a folder of which month, day, hour or minute are known, half-open. A year alone says
/// nothing: it may be the name of something else.
pub(super) fn folder_time(prefix: &str) -> Option<(i64, i64)> {
    let parts = folder_parts(prefix);
    let from = instant(&parts)?;
    let to = match *parts.as_slice() {
        [year, 12] => instant(&[year + 1, 1])?,
        [year, month] => instant(&[year, month + 1])?,
        [_, _, _] => from + DAY,
        [_, _, _, _] => from + HOUR,
        // WAF's folders stand for five minutes.
        [_, _, _, _, _] => from + 5 * MINUTE,
        _ => return None,
    };
    Some((from, to))
}

/// `20260302T1405Z` or `20260302T140530Z`.
fn stamp(token: &str) -> Option<i64> {
    let (day, time) = token.strip_suffix('Z')?.split_once('T')?;
    let fits =
        day.len() == 8 && (time.len() == 4 || time.len() == 6) && number(day).is_some() && number(time).is_some();
    let cut = |text: &str, at: usize, len: usize| text.get(at..at + len).and_then(number);
    fits.then(|| instant(&[cut(day, 0, 4)?, cut(day, 4, 2)?, cut(day, 6, 2)?, cut(time, 0, 2)?, cut(time, 2, 2)?]))?
}

/// Year to second, or to hour, of a `2026-03-02-14-05-59` or `2026-03-02-14` that stands alone in the text.
fn dashed(text: &str) -> Option<Vec<u32>> {
    text.char_indices().filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_ascii_alphanumeric())).find_map(
        |(at, _)| {
            let parts: Vec<&str> = text[at..].split(['-', '.']).take(6).collect();
            let widths = parts
                .iter()
                .enumerate()
                .take_while(|(n, t)| t.len() == if *n == 0 { 4 } else { 2 } && number(t).is_some());
            let numbers: Vec<u32> = parts[..widths.count()].iter().filter_map(|t| number(t)).collect();
            ((numbers.len() == 4 || numbers.len() == 6) && instant(&numbers).is_some()).then_some(numbers)
        },
    )
}

impl Window {
    /// Whether an object that was written within `[written_from, written_to)` may hold events of the window.
    const fn may_be_written(&self, written_from: i64, written_to: i64, late: i64) -> bool {
        written_to > self.from && written_from < self.to.saturating_add(late)
    }

    /// Whether the folder may hold objects of the window.
    pub(super) fn needs_folder(&self, prefix: &str) -> bool {
        folder_time(prefix)
            .is_none_or(|(from, to)| self.may_be_written(from, to + STAMP_AHEAD, self.late.max(ACCESS_LOG_LATE)))
    }

    /// Whether all the folder's objects are of the window, as far as its name tells.
    pub(super) fn contains_folder(&self, prefix: &str) -> bool {
        folder_time(prefix).is_some_and(|(from, to)| from >= self.from && to <= self.to)
    }

    /// Whether the object may hold events of the window; `modified`: when it was written.
    pub(super) fn needs_object(&self, key: &str, modified: Option<i64>) -> bool {
        let name = key.rsplit('/').next().unwrap_or(key);
        if let Some(time) = name.split(['_', '.']).find_map(stamp) {
            return self.may_be_written(time, time + STAMP_AHEAD, self.late);
        }
        if let Some(parts) = dashed(name)
            && let Some(time) = instant(&parts)
        {
            let begins = name.starts_with(|c: char| c.is_ascii_digit());
            return match parts.as_slice() {
                // CloudFront: the hour of the events themselves, or nearly.
                [_, _, _, _] => self.may_be_written(time - HOUR, time + 2 * HOUR, 0),
                // Server access logs by the day of their events.
                [_, _, _, 0, 0, 0] if begins => self.may_be_written(time, time + DAY, 0),
                _ if begins => self.may_be_written(time, time + 1, self.late.max(ACCESS_LOG_LATE)),
                _ => self.may_be_written(time, time + STAMP_AHEAD, self.late),
            };
        }
        // Nothing is known but that events are older than the object that holds them.
        modified.is_none_or(|modified| modified >= self.from)
    }

    /// For names that begin with a date after `prefix`: listing begins after the first and ends with the second.
    pub(super) fn dated(&self, prefix: &str) -> (String, String) {
        let day = |time: i64| Micros(time.saturating_mul(1000)).date();
        (
            format!("{prefix}{}", day(self.from - DAY)),
            format!("{prefix}{}", day(self.to.saturating_add(self.late.max(DAY)) + DAY)),
        )
    }
}

/// Whether such a name begins with a date: those are in order of time.
pub(super) fn begins_with_date(name: &str) -> bool {
    name.get(..10).and_then(date).is_some_and(|parts| instant(&parts).is_some())
}

/// What CloudFront puts before the date: `<distribution>.`.
pub(super) fn distribution(name: &str) -> Option<&str> {
    let (id, rest) = name.split_once('.')?;
    (begins_with_date(rest) && !id.contains('/')).then(|| &name[..=id.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str) -> Window {
        let at = |text: &str| Micros::parse_rfc3339(text).unwrap().0 / 1000;
        Window { from: at(from), to: at(to), late: HOUR }
    }

    #[test]
    fn folders_of_every_layout() {
        let needs = |prefix: &str| window("2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z").needs_folder(prefix);
        for needed in [
            "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/03/02/",
            "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/03/",
            "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2025/",
            "AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/aws-region=x/year=2026/month=03/day=02/hour=11/",
            "AWSLogs/1/WAFLogs/eu-central-1/acl/2026/03/02/12/05/",
            "AWSLogs/1/Config/eu-central-1/2026/3/2/",
            "fire/2026/03/02/13/",
            "2019/AWSLogs/",
            "backup/2019/01/AWSLogs/111122223333/",
            "exports/2026-03-02/",
            "dt=2026-03-02/",
        ] {
            assert!(needs(needed), "{needed}");
        }
        for other in [
            "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/03/01/",
            "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/03/03/",
            "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/02/",
            "AWSLogs/x/year=2026/month=03/day=02/hour=08/",
            "AWSLogs/1/WAFLogs/eu-central-1/acl/2026/03/02/09/50/",
            "AWSLogs/1/Config/eu-central-1/2026/3/1/",
            "dt=2026-03-01/",
        ] {
            assert!(!needs(other), "{other}");
        }
        // A file of midnight may lie in the next day's folder.
        assert!(window("2026-03-02T23:00:00Z", "2026-03-03T00:00:00Z").needs_folder("x/2026/03/03/"));
    }

    #[test]
    fn objects_of_every_layout() {
        let needs = |key: &str| window("2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z").needs_object(key, Some(0));
        for needed in [
            "p/111122223333_elasticloadbalancing_eu-central-1_app.lb.0123456789abcdef_20260302T1000Z_10.0.0.1_abcdefgh.log.gz",
            "p/111122223333_vpcflowlogs_eu-central-1_fl-0123_20260302T1255Z_0123abcd.log.gz",
            "p/111122223333_CloudTrail_eu-central-1_20260302T1205Z_0123456789abcdef.json.gz",
            "p/111122223333_waflogs_eu-central-1_acl_20260302T0955Z_0123abcd.log.gz".replace("0955", "0956").as_str(),
            "p/111122223333_Config_eu-central-1_ConfigSnapshot_20260302T110000Z_0.json.gz",
            "cf/E2EXAMPLE.2026-03-02-11.0a1b2c3d.gz",
            "s3/2026-03-02-10-00-00-0123456789ABCDEF",
            "s3/2026-03-02-17-59-00-0123456789ABCDEF",
            "s3/111122223333/eu-central-1/b/2026/03/02/2026-03-02-00-00-00-0123456789ABCDEF",
            "fire/stream-1-2026-03-02-12-30-00-0f1e2d3c-0000-1111-2222-333344445555.gz",
        ] {
            assert!(needs(needed), "{needed}");
        }
        for other in [
            "p/111122223333_elasticloadbalancing_eu-central-1_app.lb.0123456789abcdef_20260302T0950Z_10.0.0.1_abcdefgh.log.gz",
            "p/111122223333_vpcflowlogs_eu-central-1_fl-0123_20260302T1300Z_0123abcd.log.gz",
            "cf/E2EXAMPLE.2026-03-02-08.0a1b2c3d.gz",
            "cf/E2EXAMPLE.2026-03-02-14.0a1b2c3d.gz",
            "s3/2026-03-02-09-59-00-0123456789ABCDEF",
            "s3/2026-03-02-18-00-00-0123456789ABCDEF",
            "s3/2026-03-01-00-00-00-0123456789ABCDEF",
            "fire/stream-1-2026-03-02-13-00-00-0f1e2d3c-0000-1111-2222-333344445555.gz",
            "no-time-in-it.log",
        ] {
            assert!(!needs(other), "{other}");
        }
        assert!(
            window("2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z").needs_object("no-time-in-it.log", Some(i64::MAX))
        );
    }

    #[test]
    fn flat_names_that_can_be_listed_by_time() {
        assert!(begins_with_date("2026-03-02-10-00-00-0123456789ABCDEF"));
        assert!(!begins_with_date("20260302T1000Z"));
        assert_eq!(distribution("E2EXAMPLE.2026-03-02-11.0a1b2c3d.gz"), Some("E2EXAMPLE."));
        assert_eq!(distribution("a.log.gz"), None);
        let (after, end) = window("2026-03-02T10:00:00Z", "2026-03-02T12:00:00Z").dated("s3/");
        assert_eq!((after.as_str(), end.as_str()), ("s3/2026-03-01", "s3/2026-03-04"));
    }
}

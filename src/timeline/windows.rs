//! Cuts a time range into windows of about so many rows, by what the manifest says of each part: a timeline of any
//! length is read a window at a time.

use crate::lake::Lake;
use crate::model::{Micros, TimeRange};

/// First and last time, and rows, of each part of interest.
pub(super) struct Windows {
    parts: Vec<(i64, i64, u64)>,
    /// Where a new window may begin: every end of a part.
    ends: Vec<i64>,
    /// Start of the next window; `None` when all is told.
    next: Option<i64>,
    to: i64,
}

impl Windows {
    pub fn new(lake: &Lake, tables: &[&str], range: TimeRange) -> Self {
        let parts = tables.iter().flat_map(|table| lake.parts(table, range));
        Self::over(parts.filter_map(|p| Some((p.min_time?, p.max_time?, p.rows))).collect(), range)
    }

    fn over(parts: Vec<(i64, i64, u64)>, range: TimeRange) -> Self {
        let from = parts.iter().map(|(first, ..)| *first).min().map(|t| range.from.map_or(t, |from| from.0.max(t)));
        let last = parts.iter().map(|(_, last, _)| *last).max().unwrap_or(0);
        let to = range.to.map_or(last.saturating_add(1), |to| to.0.min(last.saturating_add(1)));
        let mut ends: Vec<i64> = parts.iter().flat_map(|(first, last, _)| [*first, last.saturating_add(1)]).collect();
        ends.sort_unstable();
        ends.dedup();
        Self { parts, ends, next: from.filter(|from| *from < to), to }
    }

    /// The next window, of about `rows` rows if events are spread evenly inside parts; half-open, and none overlap.
    pub fn next(&mut self, rows: u64) -> Option<TimeRange> {
        let from = self.next?;
        let until = self.reach(from, rows).clamp(from + 1, self.to);
        self.next = (until < self.to).then_some(until);
        Some(TimeRange { from: Some(Micros(from)), to: Some(Micros(until)) })
    }

    /// Where about `rows` rows have passed since `from`.
    fn reach(&self, from: i64, rows: u64) -> i64 {
        let mut left = rows as f64;
        let mut at = from;
        for &end in &self.ends[self.ends.partition_point(|end| *end <= from)..] {
            let density: f64 = self
                .parts
                .iter()
                .filter(|(first, last, _)| *first < end && *last >= at)
                .map(|(first, last, rows)| *rows as f64 / ((last - first) as f64 + 1.0))
                .sum();
            let here = density * (end - at) as f64;
            if here >= left {
                return at + (left / density) as i64;
            }
            left -= here;
            at = end;
        }
        self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(parts: Vec<(i64, i64, u64)>, range: TimeRange, rows: u64) -> Vec<(i64, i64)> {
        let mut windows = Windows::over(parts, range);
        std::iter::from_fn(|| windows.next(rows)).map(|w| (w.from.unwrap().0, w.to.unwrap().0)).collect()
    }

    #[test]
    fn windows_have_about_so_many_rows() {
        let parts = vec![(0, 999, 1_000), (500, 999, 500)];
        assert_eq!(all(parts.clone(), TimeRange::default(), 500), [(0, 500), (500, 750), (750, 1_000)]);
        let range = TimeRange { from: Some(Micros(100)), to: Some(Micros(200)) };
        assert_eq!(all(parts, range, 500), [(100, 200)]);
        assert_eq!(all(Vec::new(), range, 500), []);
    }

    proptest! {
        /// Every instant of a part that is asked for lies in one window, and windows follow each other.
        #[test]
        fn nothing_is_left_out(
            parts in prop::collection::vec((-1_000_000i64..1_000_000, 0i64..500_000, 1u64..100_000), 1..20),
            (from, to) in (prop::option::of(-1_000_000i64..1_000_000), prop::option::of(-1_000_000i64..1_000_000)),
            rows in 1_000u64..1_000_000,
        ) {
            let parts: Vec<_> = parts.into_iter().map(|(first, span, rows)| (first, first + span, rows)).collect();
            let range = TimeRange { from: from.map(Micros), to: to.map(Micros) };
            let windows = all(parts.clone(), range, rows);
            prop_assert!(windows.windows(2).all(|pair| pair[0].1 == pair[1].0));
            prop_assert!(windows.iter().all(|(from, to)| from < to));
            for time in parts.iter().flat_map(|(first, last, _)| [*first, *last]).filter(|t| range.contains(Micros(*t))) {
                prop_assert!(windows.iter().any(|(from, to)| (*from..*to).contains(&time)), "{time}");
            }
        }
    }
}

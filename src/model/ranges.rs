//! Sets of times, as what was fetched already.

use serde::{Deserialize, Serialize};

/// Half-open ranges `[from, to)` of whole numbers, sorted, apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// The range alone; nothing where it is empty.
    pub fn of(from: i64, to: i64) -> Self {
        let mut ranges = Self::default();
        ranges.add(from, to);
        ranges
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (i64, i64)> {
        self.0.iter().copied()
    }

    /// How many numbers are in it.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|(from, to)| to.abs_diff(*from)).sum()
    }

    /// Adds a range; what it touches becomes one with it.
    pub fn add(&mut self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        let first = self.0.partition_point(|(_, end)| *end < from);
        let last = self.0.partition_point(|(start, _)| *start <= to);
        let joined = match self.0.get(first..last) {
            Some([one, ..]) => (from.min(one.0), to.max(self.0[last - 1].1)),
            _ => (from, to),
        };
        self.0.splice(first..last.max(first), [joined]);
    }

    /// What of `[from, to)` is not in it.
    pub fn missing(&self, from: i64, to: i64) -> Self {
        let mut missing = Vec::new();
        let mut at = from;
        for &(start, end) in self.0.iter().filter(|(start, end)| *end > from && *start < to) {
            if at < start {
                missing.push((at, start));
            }
            at = at.max(end);
        }
        if at < to {
            missing.push((at, to));
        }
        Self(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_become_one_and_holes_are_told() {
        let mut ranges = Ranges::of(10, 20);
        ranges.add(30, 40);
        ranges.add(5, 5);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(10, 20), (30, 40)]);
        assert_eq!(ranges.missing(0, 50).iter().collect::<Vec<_>>(), [(0, 10), (20, 30), (40, 50)]);
        assert_eq!(ranges.missing(12, 18).len(), 0);
        ranges.add(20, 30);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(10, 40)]);
    }

    proptest! {
        /// Against a set of single numbers.
        #[test]
        fn it_is_the_set_of_what_was_added(
            added in prop::collection::vec((0i64..60, 0i64..60), 0..20),
            (from, to) in (0i64..60, 0i64..60),
        ) {
            let mut ranges = Ranges::default();
            let mut wanted = std::collections::BTreeSet::new();
            for (a, b) in added {
                ranges.add(a, b);
                wanted.extend(a..b);
                let told: Vec<i64> = ranges.iter().flat_map(|(a, b)| a..b).collect();
                prop_assert_eq!(told, wanted.iter().copied().collect::<Vec<_>>());
            }
            prop_assert_eq!(ranges.len(), wanted.len() as u64);
            prop_assert!(ranges.iter().zip(ranges.iter().skip(1)).all(|(one, next)| one.1 < next.0));
            let missing: Vec<i64> = ranges.missing(from, to).iter().flat_map(|(a, b)| a..b).collect();
            prop_assert_eq!(missing, (from..to).filter(|n| !wanted.contains(n)).collect::<Vec<_>>());
        }
    }
}

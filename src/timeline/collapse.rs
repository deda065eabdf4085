//! Folds runs of like entries into one row each, with count, first and last time.

use crate::model::{Entry, EntryKind, Micros};
use std::collections::{HashMap, VecDeque};

/// A run ends where nothing like it comes for so long, in microseconds.
const GAP: i64 = 600_000_000;
/// Rows held back at most while their runs go on.
const HELD: usize = 500_000;

type Alike = (String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

fn alike(entry: &Entry) -> Alike {
    let Entry { source, actor, source_ip, action, target, outcome, .. } = entry;
    (source.clone(), actor.clone(), source_ip.clone(), action.clone(), target.clone(), outcome.clone())
}

/// Takes entries in time order and gives rows in the order of their first times.
#[derive(Default)]
pub struct Collapse {
    held: VecDeque<Entry>,
    /// Number of the row, counted from the very first, that a run goes on in.
    open: HashMap<Alike, u64>,
    gone: u64,
}

impl Collapse {
    /// Takes one entry; what can go on is added to `out`.
    pub fn push(&mut self, entry: Entry, out: &mut Vec<Entry>) {
        let now = entry.time;
        let run = (entry.kind == EntryKind::Event).then(|| alike(&entry));
        let row = run.as_ref().and_then(|run| self.open.get(run)).map(|row| (row - self.gone) as usize);
        if let Some(row) = row.and_then(|row| self.held.get_mut(row)).filter(|row| now.0 - end(row).0 <= GAP) {
            row.count += 1;
            row.last = Some(now);
        } else {
            if let Some(run) = run {
                self.open.insert(run, self.gone + self.held.len() as u64);
            }
            self.held.push_back(entry);
        }
        let over = |row: &Entry| row.kind != EntryKind::Event || now.0 - end(row).0 > GAP;
        while self.held.len() > HELD || self.held.front().is_some_and(over) {
            self.release(out);
        }
    }

    /// Gives what is left.
    pub fn finish(&mut self, out: &mut Vec<Entry>) {
        while !self.held.is_empty() {
            self.release(out);
        }
    }

    fn release(&mut self, out: &mut Vec<Entry>) {
        let Some(row) = self.held.pop_front() else {
            return;
        };
        if row.kind == EntryKind::Event {
            let run = alike(&row);
            if self.open.get(&run) == Some(&self.gone) {
                self.open.remove(&run);
            }
        }
        self.gone += 1;
        out.push(row);
    }
}

/// When the newest of a row's entries was.
fn end(row: &Entry) -> Micros {
    row.last.unwrap_or(row.time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::tests::event;
    use proptest::prelude::*;

    fn collapsed(entries: Vec<Entry>) -> Vec<Entry> {
        let (mut collapse, mut out) = (Collapse::default(), Vec::new());
        entries.into_iter().for_each(|entry| collapse.push(entry, &mut out));
        collapse.finish(&mut out);
        out
    }

    #[test]
    fn like_entries_are_one_row_until_a_gap() {
        let minute = 60_000_000;
        let rows = collapsed(vec![
            event(0, "a"),
            event(minute, "b"),
            event(2 * minute, "a"),
            event(12 * minute, "a"),
            event(22 * minute + 1, "a"),
        ]);
        let told: Vec<_> = rows.iter().map(|r| (r.action.as_deref().unwrap(), r.count, r.last.map(|t| t.0))).collect();
        assert_eq!(told, [("a", 3, Some(12 * minute)), ("b", 1, None), ("a", 1, None)]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_order_is_kept(steps in prop::collection::vec((0i64..400_000_000, 0usize..4), 0..200)) {
            let mut time = 0;
            let entries: Vec<Entry> = steps.iter().map(|(step, kind)| {
                time += step;
                event(time, ["a", "b", "c", "d"][*kind])
            }).collect();
            let count = entries.len() as u64;
            let rows = collapsed(entries);
            prop_assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), count);
            prop_assert!(rows.iter().map(|row| row.time).is_sorted());
            prop_assert!(rows.iter().all(|row| row.last.is_none_or(|last| last >= row.time)));
        }
    }
}

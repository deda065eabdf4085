//! Hits of the first stage → the places that the exact one looks at.

use super::chunk::{Chunk, Last};
use crate::patterns::Window;

/// How far from the end of a hit a match may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// It begins at most `before` bytes before, and has at most `longest` itself, which is no less.
    Around { before: usize, longest: usize },
    /// Anywhere in the record.
    Record,
}

/// Hits of one rule that lie close together, by their ends in the chunk's data.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    rule: usize,
    first: usize,
    last: usize,
    look: Look,
}

/// One rule, and the part of one record that it looks at.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// In the chunk's data.
    pub record: (usize, usize),
    pub rule: usize,
    /// In the record.
    pub window: Window,
}

/// See the module; kept for its memory.
#[derive(Debug, Default)]
pub(super) struct Hits {
    /// By rule: the hits that more may join.
    open: Vec<Option<Cluster>>,
    closed: Vec<Cluster>,
    places: Vec<Place>,
    last: Last,
}

impl Hits {
    pub fn new(rules: usize) -> Self {
        Self { open: vec![None; rules], ..Self::default() }
    }

    /// Forgets all hits.
    pub fn clear(&mut self) {
        self.open.fill(None);
        self.closed.clear();
        self.last = Last::default();
    }

    /// Adds a hit; those of one rule come in order.
    pub fn add(&mut self, chunk: &Chunk, rule: usize, look: Look, end: usize) {
        if let Some(open) = &mut self.open[rule] {
            let joins = match open.look {
                Look::Around { before, .. } => end.saturating_sub(before) <= open.last,
                Look::Record => end <= open.last,
            };
            if joins {
                open.last = open.last.max(end);
                return;
            }
            self.closed.push(*open);
        }
        let last = match look {
            Look::Around { .. } => end,
            // Whatever else hits in the record joins this one.
            Look::Record => self.last.record_at(chunk, end - 1).1.max(end),
        };
        self.open[rule] = Some(Cluster { rule, first: end, last, look });
    }

    /// Where to look, by record, rule and place.
    pub fn places(&mut self, chunk: &Chunk) -> &[Place] {
        self.closed.extend(self.open.iter().flatten());
        self.closed.sort_unstable_by_key(|cluster| cluster.first);
        self.places.clear();
        self.last = Last::default();
        for cluster in &self.closed {
            let mut at = cluster.first;
            // Hits of several records may have joined.
            loop {
                let record = self.last.record_at(chunk, at - 1);
                self.places.push(Place { record, rule: cluster.rule, window: cluster.window(record, at) });
                if cluster.last <= record.1 + 1 {
                    break;
                }
                at = record.1 + 2;
            }
        }
        self.places.sort_unstable_by_key(|place| (place.record.0, place.rule, place.window.from));
        &self.places
    }
}

impl Cluster {
    /// What of the record is to be looked at for its hits from `first` on.
    fn window(&self, (start, end): (usize, usize), first: usize) -> Window {
        match self.look {
            Look::Around { before, longest } => {
                let last = self.last.min(end);
                // One byte more, which may say that a word ends.
                let until = last.saturating_add(longest).saturating_add(1).min(end);
                let from = first.saturating_sub(before).clamp(start, end);
                Window { from: from - start, last: last - start, until: until - start }
            }
            Look::Record => Window { from: 0, last: usize::MAX, until: end - start },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(lines: &str, hits: &[(usize, Look, usize)]) -> Vec<(usize, usize, usize, usize, usize)> {
        let mut chunk = Chunk::default();
        chunk.lines(lines.as_bytes().to_vec());
        let mut all = Hits::new(3);
        hits.iter().for_each(|(rule, look, end)| all.add(&chunk, *rule, *look, *end));
        let told = |p: &Place| (p.record.0, p.rule, p.window.from, p.window.last, p.window.until);
        all.places(&chunk).iter().map(told).collect()
    }

    #[test]
    fn hits_that_lie_close_are_looked_at_together() {
        let line = "0123456789012345678901234567890123456789\nabc\ndef";
        let near = Look::Around { before: 4, longest: 4 };
        assert_eq!(
            places(line, &[(1, near, 10), (1, near, 14), (1, near, 30)]),
            [(0, 1, 6, 14, 19), (0, 1, 26, 30, 35)]
        );
        assert_eq!(places(line, &[(1, near, 2), (0, near, 39)]), [(0, 0, 35, 39, 40), (0, 1, 0, 2, 7)]);
        let ahead = Look::Around { before: 2, longest: 9 };
        assert_eq!(
            places(line, &[(1, ahead, 10), (1, ahead, 12), (1, ahead, 20)]),
            [(0, 1, 8, 12, 22), (0, 1, 18, 20, 30)]
        );
        // Over a border: in each record what is its own.
        assert_eq!(places(line, &[(1, near, 40), (1, near, 43)]), [(0, 1, 36, 40, 40), (41, 1, 0, 2, 3)]);
    }

    #[test]
    fn a_rule_without_bound_looks_at_each_record_once() {
        let text = "one\ntwo two\nthree";
        let hits = [(2, Look::Record, 2), (2, Look::Record, 3), (2, Look::Record, 6), (2, Look::Record, 8)];
        let all = usize::MAX;
        assert_eq!(places(text, &hits), [(0, 2, 0, all, 3), (4, 2, 0, all, 7)]);
    }
}

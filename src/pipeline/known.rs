//! The events that are in the lake, or were read in this run.

use super::identity::{Id, OBJECT_DIGITS, content_at, digest, parse};
use crate::lake::writer::partition;
use crate::lake::{Lake, LakeError, schema};
use crate::model::Micros;
use fastbloom::BloomFilter;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// From this many ids on, those of views that are not over are forgotten too.
const MANY: usize = 8_000_000;
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Ids in few bits each: what it does not hold is not there, what it may hold is to be looked up. So a day of fifty
/// million events costs 200 MB, not 2 GB.
#[derive(Default)]
struct Maybe {
    /// Each four times as large as the one before.
    filters: Vec<BloomFilter>,
    room: usize,
}

impl Maybe {
    const FIRST: usize = 1 << 16;
    /// One in so many is looked up for nothing.
    const FALSE: f64 = 1e-7;

    fn insert(&mut self, id: &Id) {
        if self.room == 0 {
            self.room = Self::FIRST << (2 * self.filters.len()).min(10);
            let filter = BloomFilter::with_false_pos(Self::FALSE).seed(&0);
            self.filters.push(filter.expected_items(self.room));
        }
        self.room -= 1;
        if let Some(last) = self.filters.last_mut() {
            last.insert(id);
        }
    }

    fn contains(&self, id: &Id) -> bool {
        self.filters.iter().any(|filter| filter.contains(id))
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Known {
    /// Ids met since the last commit, with the view they were met in first and how often they were counted there.
    seen: HashMap<Id, Sighting>,
    /// Equal CloudWatch lines so far in views other than the first.
    others: HashMap<(u32, Id), u32>,
    /// Which of equal CloudWatch lines in a view has AWS's event id, by both.
    numbered: HashMap<(u32, Id), u32>,
    /// Ids that lie in the lake.
    stored: Maybe,
    /// Days by table that are among those.
    loaded: HashMap<String, HashSet<Option<i64>>>,
    /// Ids that lie in the lake, by table and hour, where one was looked up.
    exact: HashMap<(String, Option<i64>), HashSet<Id>>,
    /// Records by place and bytes, of the objects with these SHA-256.
    places: HashSet<Id>,
    objects: HashSet<String>,
    views: HashMap<PathBuf, u32>,
    /// Numbers of views that more objects may belong to.
    lasting: HashSet<u32>,
}

#[derive(Clone, Copy, Default)]
struct Sighting {
    /// 0 where it needs no counting.
    view: u32,
    count: u32,
    /// Whether the id itself is an event's: counting comes before.
    taken: bool,
}

impl Known {
    /// Whether no such event is in the lake or was met before; equal ids have equal times.
    pub fn is_new(&mut self, lake: &Lake, table: &str, time: Option<Micros>, id: Id) -> Result<bool, LakeError> {
        if !self.insert(id) {
            return Ok(false);
        }
        self.load(lake, table, time)?;
        Ok(!self.stored.contains(&id) || !self.hour(lake, table, time)?.contains(&id))
    }

    /// `false` when the event was met before.
    fn insert(&mut self, id: Id) -> bool {
        !std::mem::replace(&mut self.seen.entry(id).or_default().taken, true)
    }

    /// Loads the ids of the table's day once.
    fn load(&mut self, lake: &Lake, table: &str, time: Option<Micros>) -> Result<(), LakeError> {
        let day = time.map(Micros::day);
        if self.loaded.get(table).is_some_and(|days| days.contains(&day)) {
            return Ok(());
        }
        self.loaded.entry(table.to_owned()).or_default().insert(day);
        ids(lake, table, time, None, |id| self.stored.insert(&id))
    }

    /// The ids of the table's hour.
    fn hour(&mut self, lake: &Lake, table: &str, time: Option<Micros>) -> Result<&HashSet<Id>, LakeError> {
        let hour = time.map(|time| time.0.div_euclid(MICROS_PER_HOUR));
        let key = (table.to_owned(), hour);
        if !self.exact.contains_key(&key) {
            let mut found = HashSet::new();
            ids(lake, table, time, hour, |id| {
                found.insert(id);
            })?;
            self.exact.insert(key.clone(), found);
        }
        Ok(&self.exact[&key])
    }

    /// Loads what lies in the lake of the object with this SHA-256, once: its records by place and bytes.
    pub fn load_object(&mut self, lake: &Lake, sha256: &str) -> Result<(), LakeError> {
        if !self.objects.insert(sha256.to_owned()) {
            return Ok(());
        }
        let prefix = sha256.get(..OBJECT_DIGITS).unwrap_or(sha256);
        for part in lake.all_parts().filter(|part| !schema::DERIVED.contains(&part.table.as_str())) {
            for batch in lake.raw_batches(part)? {
                let batch = batch?;
                for i in 0..batch.len() {
                    let place = batch.place(i);
                    if place.event_id.starts_with(prefix) {
                        let segment = place.segment.unwrap_or(0) as u32;
                        self.places.insert(content_at(place.record as u64, segment, batch.bytes(i)));
                    }
                }
            }
        }
        Ok(())
    }

    /// `false` when such a record lies at that place already.
    pub fn insert_place(&mut self, id: Id) -> bool {
        self.places.insert(id)
    }

    /// The identity of the next of equal CloudWatch lines in this view; or of the same one again, by AWS's event id.
    pub fn next_of(&mut self, view: u32, base: Id, event_id: Option<&str>) -> Id {
        let nth = |n: u32| if n == 0 { base } else { digest(&[&base, &n.to_le_bytes()]) };
        let numbered = event_id.filter(|id| !id.is_empty()).map(|id| (view, digest(&[&base, id.as_bytes()])));
        if let Some(n) = numbered.and_then(|key| self.numbered.get(&key)) {
            return nth(*n);
        }
        let first = self.seen.entry(base).or_default();
        if first.count == 0 {
            first.view = view;
        }
        let count = if first.view == view { &mut first.count } else { self.others.entry((view, base)).or_default() };
        let n = *count;
        *count += 1;
        if let Some(key) = numbered {
            self.numbered.insert(key, n);
        }
        nth(n)
    }

    /// The number of a view, from 1; one that `lasts` has more than one object.
    pub fn view(&mut self, view: &Path, lasts: bool) -> u32 {
        if let Some(number) = self.views.get(view) {
            return *number;
        }
        let number = self.views.len() as u32 + 1;
        self.views.insert(view.to_path_buf(), number);
        if lasts {
            self.lasting.insert(number);
        }
        number
    }

    /// After a commit: what was met so far lies in the lake.
    pub fn committed(&mut self) {
        let Self { seen, others, stored, lasting, .. } = self;
        let keep = seen.len() + others.len() < MANY;
        seen.retain(|id, sighting| {
            let stays = keep && lasting.contains(&sighting.view);
            if !stays && sighting.taken {
                stored.insert(id);
            }
            stays
        });
        others.retain(|(view, _), _| keep && lasting.contains(view));
        self.numbered.clear();
        self.places.clear();
        self.objects.clear();
        self.exact.clear();
    }
}

/// Every id of the table's day, or of an hour of it: whole hours since 1970.
fn ids(
    lake: &Lake,
    table: &str,
    time: Option<Micros>,
    hour: Option<i64>,
    mut add: impl FnMut(Id),
) -> Result<(), LakeError> {
    let folder = partition(table, time);
    let here = |path: &str| path.rsplit_once('/').is_some_and(|(dir, _)| dir == folder);
    let of_hour =
        |time: Option<i64>| hour.is_none_or(|hour| time.is_some_and(|t| t.div_euclid(MICROS_PER_HOUR) == hour));
    for part in lake.manifest.parts.values().filter(|part| here(&part.path)) {
        let outside = |hour: i64| {
            let hour_of = |time: Option<i64>, else_: i64| time.map_or(else_, |t| t.div_euclid(MICROS_PER_HOUR));
            hour < hour_of(part.min_time, i64::MIN) || hour > hour_of(part.max_time, i64::MAX)
        };
        if hour.is_some_and(outside) {
            continue;
        }
        for batch in lake.text_batches(part, &[schema::EVENT_ID])? {
            let batch = batch?;
            let texts = batch.texts(schema::EVENT_ID);
            let rows = (0..batch.len()).filter(|i| of_hour(batch.time(*i)));
            rows.filter_map(|i| texts.get(i).and_then(parse)).for_each(&mut add);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::identity::cloudwatch_base;
    use super::*;
    use crate::model::{Envelope, Origin};

    /// The identity of a line of stream `s`.
    fn line(stream: &str, text: &[u8]) -> Id {
        let origin = Origin { log_group: Some("/g".into()), ..Origin::default() };
        let stream = Envelope { log_stream: Some(stream.into()), ..Envelope::default() };
        cloudwatch_base(&origin, &stream, Micros(1), text).unwrap()
    }

    #[test]
    fn equal_lines_count_within_a_view_and_match_across_views() {
        let mut known = Known::default();
        let base = line("2026/03/02/[$LATEST]a", b"same\n");
        let other = line("2026-03-02-[$LATEST]a", b"same");
        assert_eq!(base, other);
        let (one, two) = (known.view(Path::new("one"), false), known.view(Path::new("two"), false));
        assert_eq!(known.view(Path::new("one"), false), one);
        let mut new = |view: u32, times: usize| -> Vec<bool> {
            (0..times)
                .map(|_| {
                    let id = known.next_of(view, base, None);
                    known.insert(id)
                })
                .collect()
        };
        let (first, second) = (new(one, 2), new(two, 3));
        assert_eq!((first, second), (vec![true, true], vec![false, false, true]));
    }

    #[test]
    fn an_event_that_is_delivered_twice_is_one() {
        let mut known = Known::default();
        let base = line("s", b"same");
        let (one, two) = (known.view(Path::new("one"), false), known.view(Path::new("two"), false));
        let mut new = |view: u32, ids: &[&str]| -> Vec<bool> {
            let mut next = |id: &&str| {
                let id = known.next_of(view, base, Some(id));
                known.insert(id)
            };
            ids.iter().map(&mut next).collect()
        };
        assert_eq!(new(one, &["a", "b", "a", "b", "a", "c"]), [true, true, false, false, false, true]);
        // Another view counts anew; an empty id is none.
        assert_eq!(new(two, &["b", "b", "x", "y", "", "b"]), [false, false, false, false, true, false]);
    }

    #[test]
    fn what_may_be_there_holds_all_that_is() {
        let id = |n: u32| digest(&[&n.to_le_bytes()]);
        let mut maybe = Maybe::default();
        (0..300_000).for_each(|n| maybe.insert(&id(n)));
        assert!((0..300_000).all(|n| maybe.contains(&id(n))));
        // Expected of ten million: three, one for each filter.
        let wrong = (300_000..1_300_000).filter(|n| maybe.contains(&id(*n))).count();
        assert!(wrong < 10, "{wrong}");
    }

    #[test]
    fn counts_of_a_view_last_as_long_as_it() {
        let mut known = Known::default();
        let base = digest(&[b"line"]);
        for (name, lasts) in [("export", true), ("answer", false)] {
            let view = known.view(Path::new(name), lasts);
            let first = known.next_of(view, base, None);
            known.insert(first);
            known.committed();
            assert!(known.stored.contains(&base) != lasts);
            // Of an answer that was read to its end, no more is counted; of an export's folder there may be another file.
            assert_eq!(known.next_of(view, base, None) == base, !lasts);
            known = Known::default();
        }
    }
}

//! Which event is which, so that reading it twice adds nothing.
//!
//! AWS's own id where there is one. CloudWatch events are hash(account, region, group, stream, time, raw,
//! n), n being the ordinal among equal ones in one view (a directory of export objects, one API output):
//! two equal lines in one millisecond are two events, and a second view of them adds nothing. Where AWS gives
//! the event's id too, one that comes twice in a view, in a document delivered twice, is one event. Every other
//! record is its place in its object, whose SHA-256 is its name; of an object that has the name of one that was
//! cut short, what lies at the same place with the same bytes is known already.

use crate::codec;
use crate::lake::writer::partition;
use crate::lake::{Lake, LakeError};
use crate::model::{Envelope, Micros, Origin};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// 128 bits of SHA-256: attackers write log lines, so a weaker hash would let them hide one.
pub(super) type Id = [u8; 16];

/// Lower-case hex of an id, without a heap allocation.
pub(super) fn hex(id: &Id) -> [u8; 32] {
    let mut out = [0; 32];
    for (pair, byte) in out.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&codec::hex::digits(*byte));
    }
    out
}

/// The digits as text.
pub(super) fn text(hex: &[u8; 32]) -> &str {
    std::str::from_utf8(hex).unwrap_or_default()
}

fn digest(parts: &[&[u8]]) -> Id {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize()[..16]);
    id
}

/// Identity by AWS's own id.
pub(super) fn by_aws_id(table: &str, aws_id: &str) -> Id {
    digest(&[b"aws", table.as_bytes(), aws_id.as_bytes()])
}

/// A place and what lies there: an object that carries on another of its name must hold the same bytes at
/// the same place, or nothing of it is known.
pub(super) fn content_at(record: u64, segment: u32, raw: &[u8]) -> Id {
    digest(&[b"place", &record.to_le_bytes(), &segment.to_le_bytes(), raw])
}

/// Hex digits of an object's SHA-256 in the ids of its records: 96 bits, more than anybody can collide.
const OBJECT_DIGITS: usize = 24;

/// Identity by place, as text: the object by its SHA-256, the record's number, and the segment's where it
/// has several. Neighbours differ in their last digits only, which costs the lake next to nothing.
pub(super) fn place_text<'t>(object_sha256: &str, record: u64, segment: Option<u32>, into: &'t mut String) -> &'t str {
    into.clear();
    into.push_str(object_sha256.get(..OBJECT_DIGITS).unwrap_or(object_sha256));
    into.push('-');
    push_number(into, record);
    if let Some(segment) = segment {
        into.push('.');
        push_number(into, u64::from(segment));
    }
    into
}

fn push_number(into: &mut String, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    into.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// The part of a CloudWatch identity that equal lines share; `None` where group or stream are unknown.
pub(super) fn cloudwatch_base(origin: &Origin, envelope: &Envelope, time: Micros, raw: &[u8]) -> Option<Id> {
    let group = envelope.log_group.as_deref().or(origin.log_group.as_deref())?;
    let stream = envelope.log_stream.as_deref().or(origin.log_stream.as_deref())?;
    let account = origin.account_id.as_deref().or(envelope.account_id.as_deref()).unwrap_or_default();
    let region = origin.region.as_deref().unwrap_or_default();
    // Export tasks write `/` as `-`: the one spelling both views can be brought to.
    let stream = if stream.contains('/') { Cow::Owned(stream.replace('/', "-")) } else { Cow::Borrowed(stream) };
    // A message's own newline is lost in exports.
    let message = raw.trim_ascii_end();
    let time = time.0.to_le_bytes();
    Some(digest(&[
        b"cloudwatch",
        account.as_bytes(),
        region.as_bytes(),
        group.as_bytes(),
        stream.as_bytes(),
        &time,
        message,
    ]))
}

/// From this many ids on, those of committed groups are forgotten: they can be read from the lake again.
const MANY: usize = 8_000_000;

/// The events of one or more partitions that are in the lake or were read in this run.
#[derive(Default)]
pub(super) struct Known {
    /// Ids, with the view they were met in first and how often they were counted there.
    seen: HashMap<Id, Sighting>,
    /// Days by table.
    loaded: HashMap<String, HashSet<Option<i64>>>,
    /// SHA-256 of the objects whose records were loaded by place.
    objects: HashSet<String>,
    views: HashMap<PathBuf, u32>,
    /// Equal CloudWatch lines so far in views other than the first.
    others: HashMap<(u32, Id), u32>,
    /// Which of equal CloudWatch lines in a view has AWS's event id, by both.
    numbered: HashMap<(u32, Id), u32>,
}

#[derive(Clone, Copy, Default)]
struct Sighting {
    /// 0 where it came from the lake or needs no counting.
    view: u32,
    count: u32,
    /// Whether the id itself is an event's: counting comes before.
    taken: bool,
}

impl Known {
    /// Loads the ids of the table's day once.
    pub fn load(&mut self, lake: &Lake, table: &str, time: Option<Micros>) -> Result<(), LakeError> {
        let day = time.map(Micros::day);
        if self.loaded.get(table).is_some_and(|days| days.contains(&day)) {
            return Ok(());
        }
        self.loaded.entry(table.to_owned()).or_default().insert(day);
        let folder = partition(table, time);
        let parts = lake.manifest.parts.values();
        for part in parts.filter(|part| part.path.rsplit_once('/').is_some_and(|(dir, _)| dir == folder)) {
            for id in lake.event_ids(part)?.iter().filter_map(|id| parse(id)) {
                self.seen.entry(id).or_default().taken = true;
            }
        }
        Ok(())
    }

    /// Loads what lies in the lake of the object with this SHA-256, once: its records by place and bytes.
    pub fn load_object(&mut self, lake: &Lake, sha256: &str) -> Result<(), LakeError> {
        if !self.objects.insert(sha256.to_owned()) {
            return Ok(());
        }
        let prefix = sha256.get(..OBJECT_DIGITS).unwrap_or(sha256);
        for part in lake.all_parts().filter(|part| !crate::lake::schema::DERIVED.contains(&part.table.as_str())) {
            for batch in lake.raw_batches(part)? {
                let batch = batch?;
                for i in 0..batch.len() {
                    let place = batch.place(i);
                    if place.event_id.starts_with(prefix) {
                        let segment = place.segment.unwrap_or(0) as u32;
                        let id = content_at(place.record as u64, segment, batch.bytes(i));
                        self.seen.entry(id).or_default().taken = true;
                    }
                }
            }
        }
        Ok(())
    }

    /// `false` when the event was known already.
    pub fn insert(&mut self, id: Id) -> bool {
        !std::mem::replace(&mut self.seen.entry(id).or_default().taken, true)
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

    /// The number of a view, from 1.
    pub fn view(&mut self, view: &Path) -> u32 {
        if let Some(number) = self.views.get(view) {
            return *number;
        }
        let number = self.views.len() as u32 + 1;
        self.views.insert(view.to_path_buf(), number);
        number
    }

    /// After a commit: what was met so far lies in the lake.
    pub fn committed(&mut self) {
        if self.seen.len() + self.others.len() + self.numbered.len() > MANY {
            // Objects at hand bear their view's number.
            *self = Self { views: std::mem::take(&mut self.views), ..Self::default() };
        }
    }
}

fn parse(hex: &str) -> Option<Id> {
    codec::hex::decode(hex.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { log_group: Some("/g".into()), ..Origin::default() }
    }

    fn stream(name: &str) -> Envelope {
        Envelope { log_stream: Some(name.into()), ..Envelope::default() }
    }

    #[test]
    fn equal_lines_count_within_a_view_and_match_across_views() {
        let mut known = Known::default();
        let base = cloudwatch_base(&origin(), &stream("2026/03/02/[$LATEST]a"), Micros(1), b"same\n").unwrap();
        let other = cloudwatch_base(&origin(), &stream("2026-03-02-[$LATEST]a"), Micros(1), b"same").unwrap();
        assert_eq!(base, other);
        let (one, two) = (known.view(Path::new("one")), known.view(Path::new("two")));
        assert_eq!(known.view(Path::new("one")), one);
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
        let base = cloudwatch_base(&origin(), &stream("s"), Micros(1), b"same").unwrap();
        let (one, two) = (known.view(Path::new("one")), known.view(Path::new("two")));
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
    fn ids_differ_in_every_part_and_survive_hex() {
        let a = content_at(1, 0, b"r");
        assert_ne!(a, content_at(2, 0, b"r"));
        assert_ne!(a, content_at(1, 1, b"r"));
        let mut id = String::new();
        let sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(place_text(sha256, 90, None, &mut id), "0123456789abcdef01234567-90");
        assert_eq!(place_text(sha256, u64::MAX, Some(0), &mut id), "0123456789abcdef01234567-18446744073709551615.0");
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(parse(text(&hex(&a))), Some(a));
        assert_eq!(cloudwatch_base(&Origin::default(), &stream("s"), Micros(1), b"x"), None);
    }
}

//! Which event is which, so that reading it twice adds nothing.
//!
//! AWS's own id where there is one. CloudWatch events are hash(account, region, group, stream, time, raw,
//! n), n being the ordinal among equal ones in one view (a directory of export objects, one API output):
//! two equal lines in one millisecond are two events, and a second view of them adds nothing. Every other
//! record is its place in its object, whose SHA-256 is its name; an object of the name of one that was cut
//! short carries on its identity.

use crate::lake::manifest::Manifest;
use crate::lake::{Lake, LakeError};
use crate::model::{Micros, Origin};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// 128 bits of SHA-256: attackers write log lines, so a weaker hash would let them hide one.
pub(super) type Id = [u8; 16];

pub(super) fn hex(id: &Id) -> String {
    crate::source::object::hex(id)
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

/// Identity by place: object, record number, segment; and the bytes, so that another object of the same
/// name cannot stand for this one.
pub(super) fn by_place(object_sha256: &str, record: u64, segment: u32, raw: &[u8]) -> Id {
    digest(&[b"object", object_sha256.as_bytes(), &record.to_le_bytes(), &segment.to_le_bytes(), raw])
}

/// The part of a CloudWatch identity that equal lines share; `None` where group or stream are unknown.
pub(super) fn cloudwatch_base(origin: &Origin, stream: Option<&str>, time: Micros, raw: &[u8]) -> Option<Id> {
    let text = |part: &Option<std::sync::Arc<str>>| part.as_deref().unwrap_or_default().to_owned();
    let group = origin.log_group.as_deref()?;
    // Export tasks write `/` as `-`: the one spelling both views can be brought to.
    let stream = stream.or(origin.log_stream.as_deref())?.replace('/', "-");
    // A message's own newline is lost in exports.
    let message = raw.trim_ascii_end();
    let (account, region) = (text(&origin.account_id), text(&origin.region));
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

/// The events of one or more partitions that are in the lake or were read in this run.
#[derive(Default)]
pub(super) struct Known {
    seen: HashSet<Id>,
    loaded: HashSet<String>,
    /// Equal CloudWatch lines so far, by view.
    ordinals: HashMap<Id, u32>,
}

impl Known {
    /// Loads the ids of a partition (`table/event_date=…`) once.
    pub fn load(&mut self, lake: &Lake, manifest: &Manifest, partition: &str) -> Result<(), LakeError> {
        if !self.loaded.insert(partition.to_owned()) {
            return Ok(());
        }
        for part in manifest.parts.values().filter(|p| p.path.rsplit_once('/').is_some_and(|(dir, _)| dir == partition))
        {
            let ids = lake.event_ids(part)?;
            self.seen.extend(ids.iter().filter_map(|id| parse(id)));
        }
        Ok(())
    }

    pub fn is_loaded(&self, partition: &str) -> bool {
        self.loaded.contains(partition)
    }

    /// `false` when the event was known already.
    pub fn insert(&mut self, id: Id) -> bool {
        self.seen.insert(id)
    }

    /// The identity of the next of equal CloudWatch lines in this view.
    pub fn next_of(&mut self, view: &Path, base: Id) -> Id {
        let key = digest(&[view.as_os_str().as_encoded_bytes(), &base]);
        let n = self.ordinals.entry(key).or_default();
        let id = if *n == 0 { base } else { digest(&[&base, &n.to_le_bytes()]) };
        *n += 1;
        id
    }
}

fn parse(hex: &str) -> Option<Id> {
    let bytes = hex.as_bytes();
    let mut id = [0; 16];
    if bytes.len() != 32 {
        return None;
    }
    for (i, pair) in bytes.chunks(2).enumerate() {
        let digit = |b: u8| char::from(b).to_digit(16);
        id[i] = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { log_group: Some("/g".into()), ..Origin::default() }
    }

    #[test]
    fn equal_lines_count_within_a_view_and_match_across_views() {
        let mut known = Known::default();
        let base = cloudwatch_base(&origin(), Some("2026/03/02/[$LATEST]a"), Micros(1), b"same\n").unwrap();
        let other = cloudwatch_base(&origin(), Some("2026-03-02-[$LATEST]a"), Micros(1), b"same").unwrap();
        assert_eq!(base, other);
        let (one, two) = (Path::new("one"), Path::new("two"));
        let mut new = |view: &Path, times: usize| -> Vec<bool> {
            (0..times)
                .map(|_| {
                    let id = known.next_of(view, base);
                    known.insert(id)
                })
                .collect()
        };
        let (first, second) = (new(one, 2), new(two, 3));
        assert_eq!((first, second), (vec![true, true], vec![false, false, true]));
    }

    #[test]
    fn ids_differ_in_every_part_and_survive_hex() {
        let a = by_place("x", 1, 0, b"r");
        assert_ne!(a, by_place("x", 2, 0, b"r"));
        assert_ne!(a, by_place("x", 1, 1, b"r"));
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(parse(&hex(&a)), Some(a));
        assert_eq!(cloudwatch_base(&Origin::default(), Some("s"), Micros(1), b"x"), None);
    }
}

//! What the lake holds: numbered immutable files, each one change; every so often a checkpoint of
//! the whole. The highest number is the lake.

use super::LakeError;
use super::store::Store;
use crate::model::{Micros, Ranges, Tally, TimeRange};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Version of the layout this code writes. Older ones are read.
pub const LAYOUT: u32 = 1;
pub(super) const FOLDER: &str = "_logsift/manifest";
const CHECKPOINT_EVERY: u64 = 32;

/// One immutable Parquet file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Relative to the lake's root.
    pub path: String,
    pub table: String,
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// Bytes of `raw` in it, uncompressed.
    pub raw_bytes: u64,
    /// Smallest and largest event_time in UTC microseconds, both inclusive; none without times.
    pub min_time: Option<i64>,
    pub max_time: Option<i64>,
    pub sha256: String,
    /// Names its columns and their types: parts of one id can be read as one. None in older lakes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// A link index lies beside it, see [`super::link_index`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub links: bool,
    /// Paths of the parts whose rows it took over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's interface")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Rows that were taken out of the lake on purpose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    pub table: String,
    /// RFC 3339; events before this instant went.
    pub before: String,
    pub rows: u64,
    /// RFC 3339.
    pub when: String,
}

impl Part {
    /// Whether it may hold rows of that range; without times it may of the open one only.
    pub fn may_touch(&self, range: TimeRange) -> bool {
        match (self.min_time, self.max_time) {
            (Some(min), Some(max)) => range.touches(Micros(min), Micros(max)),
            _ => range.is_open(),
        }
    }
}

/// A source object that was imported.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceObject {
    /// Path or URI as given.
    pub name: String,
    pub size: u64,
    /// Of the bytes as stored, compressed or not.
    pub sha256: String,
    /// Names of other objects of the same bytes whose events are others for all that: exports of other streams.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// As S3 named this version of it, where it was pulled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// RFC 3339.
    pub imported: String,
    pub tool: String,
    pub tally: Tally,
    /// Why it was not read to its end; none when it was.
    pub incomplete: Option<String>,
    /// SHA-256 of the archive file it lay in; its own is that of the bytes as unpacked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Objects that lie in it, where it is an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u64>,
    /// Where in the lake its bytes are kept as delivered, see [`super::evidence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

impl SourceObject {
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.also.iter().map(String::as_str))
    }
}

/// A day of a table that is made of another one's lines, and lacks what newer lines of those say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StaleDay {
    pub table: String,
    /// Days since 1970; none for rows without a time.
    pub day: Option<i64>,
}

/// A range of a source's time that was fetched whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pulled {
    /// URI of the source, and what was asked of it.
    pub source: String,
    /// Milliseconds since 1970, inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
}

/// A source of which the lake holds a part only, and not what was hidden or left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    pub why: String,
    /// The time it is about: milliseconds since 1970, half-open.
    pub from: i64,
    pub to: i64,
}

impl Partial {
    /// Adds it to what is known of the source, so that the time of both is covered.
    pub fn add_to(mut self, known: &mut BTreeMap<String, Self>, source: String) {
        if let Some(before) = known.get(&source) {
            (self.from, self.to) = (self.from.min(before.from), self.to.max(before.to));
        }
        known.insert(source, self);
    }
}

/// What a scan read, so that the next one reads only what came since.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// Names the rules, and the version that applied them.
    pub rules: String,
    /// Fingerprints of other keys are others.
    pub key_id: String,
    /// Paths.
    pub parts: BTreeSet<String>,
}

impl Scanned {
    /// After parts went and others came: one that was made of parts that were read need not be read. `false` when rows
    /// went for good: what was found in them is no longer true.
    fn follow(&mut self, removed: &[String], added: &[Part]) -> bool {
        let made = |part: &&Part| !part.replaces.is_empty() && part.replaces.iter().all(|old| self.parts.contains(old));
        let made: Vec<&Part> = added.iter().filter(made).collect();
        let replaced: BTreeSet<&String> = added.iter().flat_map(|part| &part.replaces).collect();
        let gone = removed.iter().any(|path| self.parts.contains(path) && !replaced.contains(path));
        self.parts.extend(made.into_iter().map(|part| part.path.clone()));
        removed.iter().for_each(|path| {
            self.parts.remove(path);
        });
        !gone
    }
}

/// One change of the lake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub layout: u32,
    /// `import`, `scan`, …
    pub by: String,
    pub add_parts: Vec<Part>,
    /// Paths of parts that are no longer part of the lake.
    pub remove_parts: Vec<String>,
    pub add_objects: Vec<SourceObject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<Scanned>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pruned: Vec<Pruned>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<StaleDay>,
    /// Stale before, and now made anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stitched: Vec<StaleDay>,
    /// Fetched with the objects of this change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pulled: Vec<Pulled>,
    /// By source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partial: BTreeMap<String, Partial>,
    /// Sources that were partial and are whole now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub whole: Vec<String>,
    /// SHA-256 of the file of the change before: who alters an old one breaks the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// The whole state, as a checkpoint holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub layout: u32,
    pub version: u64,
    /// By path.
    pub parts: BTreeMap<String, Part>,
    /// By SHA-256.
    pub objects: BTreeMap<String, SourceObject>,
    /// Version of the last scan's change; 0 when there was none.
    #[serde(default)]
    pub last_scan: u64,
    /// Version of the last change of what is to be scanned (import, pull, merge, prune); 0 when there was none.
    #[serde(default)]
    pub last_import: u64,
    /// What the findings there are were found in; none where they are of no use to the next scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned: Option<Scanned>,
    /// Every pruning there was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pruned: Vec<Pruned>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stale: BTreeSet<StaleDay>,
    /// What was fetched, by source: a pull takes only what is missing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pulled: BTreeMap<String, Ranges>,
    /// Sources that are not here whole: nothing about them is ever clean.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub partial: BTreeMap<String, Partial>,
}

impl Manifest {
    /// What is known to be missing from the sources, a line each.
    pub fn gaps(&self) -> Vec<String> {
        let time = |millis: i64| Micros(millis.saturating_mul(1000));
        let line = |(source, Partial { why, from, to }): (&String, &Partial)| {
            format!("{source}: {why}; from {} to {}", time(*from), time(*to))
        };
        self.partial.iter().map(line).collect()
    }
}

pub(super) fn change_path(version: u64) -> String {
    format!("{FOLDER}/{version:012}.json")
}

pub(super) fn checkpoint_path(version: u64) -> String {
    format!("{FOLDER}/{version:012}.checkpoint.json")
}

pub(super) fn read<T: for<'de> Deserialize<'de>>(store: &dyn Store, path: &str) -> Result<Option<T>, LakeError> {
    let Some(data) = store.get(path)? else {
        return Ok(None);
    };
    let parsed = serde_json::from_slice(&data);
    parsed.map(Some).map_err(|source| LakeError::Manifest { path: path.to_owned(), source })
}

fn write<T: Serialize>(store: &dyn Store, path: &str, value: &T) -> Result<bool, LakeError> {
    let data = serde_json::to_vec(value).map_err(|source| LakeError::Manifest { path: path.to_owned(), source })?;
    store.put_if_absent(path, &data)
}

impl Manifest {
    /// The newest state: the last checkpoint and every change after it.
    pub fn load(store: &dyn Store) -> Result<Self, LakeError> {
        let names = store.list(FOLDER)?;
        let mut state = match names.iter().rev().find(|name| name.ends_with(".checkpoint.json")) {
            Some(path) => {
                let state: Self = read(store, path)?.unwrap_or_default();
                check_layout(path, state.layout)?;
                state
            }
            None => Self { layout: LAYOUT, ..Self::default() },
        };
        loop {
            let path = change_path(state.version + 1);
            let Some(change) = read::<Change>(store, &path)? else {
                // Names were listed first: what another writer adds meanwhile cannot look like a hole.
                return match names.iter().filter_map(|name| version_of(name)).max() {
                    Some(last) if last > state.version => Err(LakeError::Hole { path }),
                    _ => Ok(state),
                };
            };
            check_layout(&path, change.layout)?;
            state.apply(change);
        }
    }

    pub(super) fn apply(&mut self, change: Change) {
        self.version += 1;
        match change.by.as_str() {
            "scan" => self.last_scan = self.version,
            "import" | "pull" | "merge" | "prune" => self.last_import = self.version,
            _ => {}
        }
        if change.by == "scan" {
            self.scanned = change.scanned;
        } else if self.scanned.as_mut().is_some_and(|was| !was.follow(&change.remove_parts, &change.add_parts)) {
            self.scanned = None;
        }
        for path in &change.remove_parts {
            self.parts.remove(path);
        }
        self.parts.extend(change.add_parts.into_iter().map(|part| (part.path.clone(), part)));
        self.objects.extend(change.add_objects.into_iter().map(|object| (object.sha256.clone(), object)));
        self.pruned.extend(change.pruned);
        for day in &change.stitched {
            self.stale.remove(day);
        }
        self.stale.extend(change.stale);
        for Pulled { source, from, to } in change.pulled {
            self.pulled.entry(source).or_default().add(from, to);
        }
        for source in &change.whole {
            self.partial.remove(source);
        }
        for (source, partial) in change.partial {
            partial.add_to(&mut self.partial, source);
        }
    }

    /// Publishes a change as the next number. [`LakeError::Conflict`] when somebody was faster.
    pub fn commit(&mut self, store: &dyn Store, mut change: Change) -> Result<(), LakeError> {
        change.layout = LAYOUT;
        change.parent = store.get(&change_path(self.version))?.map(|file| super::publish::sha256(&file));
        if !write(store, &change_path(self.version + 1), &change)? {
            return Err(LakeError::Conflict);
        }
        self.apply(change);
        if self.version.is_multiple_of(CHECKPOINT_EVERY) {
            write(store, &checkpoint_path(self.version), self)?;
        }
        Ok(())
    }
}

/// Number of a change's file; `None` for other names.
pub(super) fn version_of(path: &str) -> Option<u64> {
    path.strip_prefix(FOLDER)?.strip_prefix('/')?.strip_suffix(".json")?.parse().ok()
}

fn check_layout(path: &str, found: u32) -> Result<(), LakeError> {
    if found > LAYOUT {
        return Err(LakeError::Newer { path: path.to_owned(), found, known: LAYOUT });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lake::store::LocalStore;

    fn part(name: &str) -> Part {
        Part { path: name.to_owned(), table: "alb".to_owned(), rows: 1, bytes: 1, raw_bytes: 1, ..Part::default() }
    }

    fn change(add: &str, remove: &[&str]) -> Change {
        let remove_parts = remove.iter().map(|s| (*s).to_owned()).collect();
        Change { by: "test".to_owned(), add_parts: vec![part(add)], remove_parts, ..Change::default() }
    }

    #[test]
    fn the_state_is_the_sum_of_changes_over_checkpoints() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        store.init().unwrap();
        let mut manifest = Manifest::load(&store).unwrap();
        for i in 0..70 {
            let before = format!("p{}", i - 1);
            manifest.commit(&store, change(&format!("p{i}"), &[&before])).unwrap();
        }
        let again = Manifest::load(&store).unwrap();
        assert_eq!(again, manifest);
        assert_eq!((again.version, again.parts.keys().next().unwrap().as_str()), (70, "p69"));
    }

    #[test]
    fn two_writers_never_lose_an_update() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        store.init().unwrap();
        let mut one = Manifest::load(&store).unwrap();
        let mut two = Manifest::load(&store).unwrap();
        one.commit(&store, change("one", &[])).unwrap();
        assert!(matches!(two.commit(&store, change("two", &[])), Err(LakeError::Conflict)));
        let mut two = Manifest::load(&store).unwrap();
        two.commit(&store, change("two", &[])).unwrap();
        assert_eq!(Manifest::load(&store).unwrap().parts.len(), 2);
    }

    #[test]
    fn a_missing_change_is_an_error_and_not_an_older_lake() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        store.init().unwrap();
        let mut manifest = Manifest::load(&store).unwrap();
        for i in 0..3 {
            manifest.commit(&store, change(&format!("p{i}"), &[])).unwrap();
        }
        let first = store.get(&change_path(1)).unwrap().unwrap();
        let second: Change = read(&store, &change_path(2)).unwrap().unwrap();
        assert_eq!(second.parent, Some(crate::lake::publish::sha256(&first)));
        store.delete(&change_path(2)).unwrap();
        assert!(matches!(Manifest::load(&store), Err(LakeError::Hole { path }) if path == change_path(2)));
    }

    #[test]
    fn a_newer_layout_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(dir.path());
        store.init().unwrap();
        let newer = Change { layout: LAYOUT + 1, ..Change::default() };
        write(&store, &change_path(1), &newer).unwrap();
        assert!(matches!(Manifest::load(&store), Err(LakeError::Newer { .. })));
    }
}

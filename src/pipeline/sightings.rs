//! Places of secrets, in order: those that are too many for memory wait in a file.

use crate::model::occurrence::Verdict;
use crate::model::{Confidence, Place, Severity, Text};
use crate::patterns::Category;
use crate::source::whole::{Region, Spool, Whole};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::sync::Arc;

/// One place of one secret, ready to be shown: it holds a mask only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// Of the file or part, and of the member of an archive, for the order.
    pub(super) number: (usize, u64),
    pub place: Place,
    pub rule: Text,
    pub category: Category,
    pub severity: Severity,
    pub confidence: Confidence,
    pub fingerprint: Text,
    /// Fingerprint of the finding it is counted under: its own, or one for all values of a rule in one place.
    pub finding: Text,
    pub mask: Text,
    /// The plain value, kept only where the run was asked to reveal it, and in memory only.
    #[serde(skip)]
    pub revealed: Option<String>,
    /// From 1, in bytes.
    pub column: u64,
    /// Half-open byte offsets in the record (the line, for files).
    pub span: (u64, u64),
    #[serde(with = "shared")]
    pub verdict: Arc<Verdict>,
    /// The layers it was encoded in, outermost first, and where in JSON each lies; none where it stands in plain.
    pub decode_path: Vec<String>,
    /// Where it stands in its record: `json($.headers.authorization)`, or `key(password)`.
    pub context: Option<Text>,
}

impl Sighting {
    /// Its line, or of an event its record, from 1.
    pub const fn line(&self) -> u64 {
        if self.place.line > 0 { self.place.line } else { self.place.record }
    }

    /// By file or part, then place.
    fn order(&self, other: &Self) -> Ordering {
        let key = |s: &Self| (s.number, s.place.line, s.place.record, s.span);
        let rest = || (&self.rule, &self.decode_path).cmp(&(&other.rule, &other.decode_path));
        key(self).cmp(&key(other)).then_with(rest)
    }
}

/// As a row without names, and all fields of it: those that are left out where they say nothing would be missed.
mod shared {
    use super::{Arc, Verdict};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub fn serialize<S: Serializer>(verdict: &Arc<Verdict>, serializer: S) -> Result<S::Ok, S::Error> {
        let Verdict { valid, facts, public_ids } = &**verdict;
        (valid, facts, public_ids).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Verdict>, D::Error> {
        let (valid, facts, public_ids) = <_>::deserialize(deserializer)?;
        Ok(Arc::new(Verdict { valid, facts, public_ids }))
    }
}

fn folder() -> String {
    std::env::temp_dir().display().to_string()
}

fn unwritten(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!(
        "the places of secrets are too many for memory, and their file in {} cannot be written: {error}; \
         make room there, or name another folder in TMPDIR",
        folder()
    ))
}

fn unread(error: impl std::fmt::Display) -> io::Error {
    io::Error::other(format!(
        "the places of secrets, of which there are many, cannot be read from their file in {}: {error}; \
         name another folder in TMPDIR",
        folder()
    ))
}

/// What one thread found, in the order it came to it.
#[derive(Default)]
pub(super) struct Gathered {
    pub list: Vec<Sighting>,
    /// Paths that hold a secret, and how they are shown.
    pub masked: HashMap<Text, Text>,
    /// Those of before, each stretch of the file sorted.
    file: Option<BufWriter<File>>,
    /// Bytes and number of places of each stretch.
    stretches: Vec<(u64, usize)>,
    /// Why there is no file.
    refused: Option<io::Error>,
}

impl Gathered {
    /// Whether there is a file to spill to; without one all stays in memory.
    pub fn has_file(&mut self) -> bool {
        if self.file.is_none() && self.refused.is_none() {
            match Spool::temporary().file() {
                Ok(file) => self.file = Some(BufWriter::new(file)),
                Err(error) => self.refused = Some(error),
            }
        }
        self.file.is_some()
    }

    /// What is to be said of where places were kept.
    pub fn note(&self) -> Option<String> {
        let error = self.refused.as_ref()?;
        Some(format!(
            "the places of secrets are many and are all held in memory: {} takes no file for them ({error}); \
             name another folder in TMPDIR",
            folder()
        ))
    }

    /// Moves the list to the file, if it has one.
    pub fn spill(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else { return Ok(()) };
        self.list.sort_by(Sighting::order);
        let (mut row, mut bytes) = (Vec::new(), 0);
        for sighting in &self.list {
            row.clear();
            row.extend_from_slice(&[0; LENGTH]);
            rmp_serde::encode::write(&mut row, sighting).map_err(unwritten)?;
            let length = u32::try_from(row.len() - LENGTH).map_err(unwritten)?;
            row[..LENGTH].copy_from_slice(&length.to_le_bytes());
            file.write_all(&row).map_err(unwritten)?;
            bytes += row.len() as u64;
        }
        self.stretches.push((bytes, self.list.len()));
        self.list.clear();
        Ok(())
    }

    pub fn finish(mut self) -> io::Result<Sightings> {
        self.list.sort_by(Sighting::order);
        let Some(file) = self.file.take() else {
            return Ok(Sightings { memory: self.list, runs: Vec::new(), masked: self.masked });
        };
        let file = file.into_inner().map_err(|error| unwritten(error.error()))?;
        let file = Whole::of_open(file).map_err(unread)?;
        let mut at = 0;
        let run = |(bytes, count)| {
            let start = at;
            at += bytes;
            Run { file: file.clone(), start, bytes, count, keep: Vec::new() }
        };
        let runs = self.stretches.into_iter().map(run).collect();
        Ok(Sightings { memory: self.list, runs, masked: self.masked })
    }
}

/// Bytes before each row, which tell how many it has.
const LENGTH: usize = 4;

type Keep = Arc<dyn Fn(&Sighting) -> bool + Send + Sync>;

/// A sorted stretch of a file.
struct Run {
    file: Whole,
    start: u64,
    bytes: u64,
    count: usize,
    /// What is told of it.
    keep: Vec<Keep>,
}

/// See the module.
#[derive(Default)]
pub struct Sightings {
    /// Sorted.
    memory: Vec<Sighting>,
    runs: Vec<Run>,
    masked: HashMap<Text, Text>,
}

impl Sightings {
    pub fn extend(&mut self, other: Self) {
        if self.memory.is_empty() {
            // No copy.
            self.memory = other.memory;
        } else {
            self.memory.extend(other.memory);
            self.memory.sort_by(Sighting::order);
        }
        self.runs.extend(other.runs);
        self.masked.extend(other.masked);
    }

    /// Leaves the others out from now on.
    pub fn retain(&mut self, keep: impl Fn(&Sighting) -> bool + Send + Sync + 'static) {
        self.memory.retain(&keep);
        let keep: Keep = Arc::new(keep);
        self.runs.iter_mut().for_each(|run| run.keep.push(keep.clone()));
    }

    /// All, in order of file or part, then place. An error is of the file that some wait in, and ends them.
    pub fn iter(&self) -> Merged<'_> {
        Merged { masked: Some(&self.masked), ..self.with_plain_paths() }
    }

    /// As [`Sightings::iter`], of paths as they are: for the lake, where calls that read an object are joined with it.
    pub fn with_plain_paths(&self) -> Merged<'_> {
        let memory = Source::Memory(self.memory.iter());
        let runs = self.runs.iter().map(|run| {
            let region = run.file.region(run.start, run.bytes);
            let reader = BufReader::with_capacity(BUFFER, region);
            Source::File { reader, left: run.count, row: Vec::new(), keep: &run.keep }
        });
        let sources: Vec<Source<'_>> = std::iter::once(memory).chain(runs).collect();
        let mut merged = Merged { sources, heads: BinaryHeap::new(), masked: None, error: None };
        (0..merged.sources.len()).for_each(|source| merged.advance(source));
        merged
    }
}

/// Bytes that are read of a run at once: there may be thousands.
const BUFFER: usize = 16 * 1024;

enum Source<'a> {
    Memory(std::slice::Iter<'a, Sighting>),
    File {
        reader: BufReader<Region>,
        /// How many are to come.
        left: usize,
        row: Vec<u8>,
        keep: &'a [Keep],
    },
}

impl Source<'_> {
    fn next(&mut self) -> io::Result<Option<Sighting>> {
        match self {
            Self::Memory(list) => Ok(list.next().cloned()),
            Self::File { reader, left, row, keep } => {
                while *left > 0 {
                    *left -= 1;
                    let next = read(reader, row).map_err(unread)?;
                    if keep.iter().all(|keep| keep(&next)) {
                        return Ok(Some(next));
                    }
                }
                Ok(None)
            }
        }
    }
}

fn read(reader: &mut BufReader<Region>, row: &mut Vec<u8>) -> io::Result<Sighting> {
    let mut length = [0; LENGTH];
    reader.read_exact(&mut length)?;
    row.resize(u32::from_le_bytes(length) as usize, 0);
    reader.read_exact(row)?;
    rmp_serde::from_slice(row).map_err(io::Error::other)
}

struct Head {
    sighting: Sighting,
    source: usize,
}

/// The least is the greatest: a heap gives its greatest first.
impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.sighting.order(&self.sighting).then_with(|| other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Head {}

/// [`Sightings`] as they are read.
pub struct Merged<'a> {
    sources: Vec<Source<'a>>,
    /// The next of each.
    heads: BinaryHeap<Head>,
    masked: Option<&'a HashMap<Text, Text>>,
    error: Option<io::Error>,
}

impl Merged<'_> {
    fn advance(&mut self, source: usize) {
        match self.sources[source].next() {
            Ok(next) => self.heads.extend(next.map(|sighting| Head { sighting, source })),
            Err(error) => self.error = Some(error),
        }
    }
}

impl Iterator for Merged<'_> {
    type Item = io::Result<Sighting>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            self.heads.clear();
            return Some(Err(error));
        }
        let Head { mut sighting, source } = self.heads.pop()?;
        if let Some(masked) = self.masked.and_then(|masked| masked.get(&sighting.place.path)) {
            sighting.place.path = masked.clone();
        }
        self.advance(source);
        Some(Ok(sighting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;

    /// With all that can be told, and in the order of its number.
    fn sighting(n: u64) -> Sighting {
        let text = |name: &str| Text::from(format!("{name} {n}").as_str());
        let often = |some: bool, name: &str| some.then(|| text(name));
        // Log content may claim any time there is.
        let time = [Micros(i64::MIN), Micros(i64::MAX), Micros(1_772_445_600_000_001)][n as usize % 3];
        Sighting {
            number: ((n / 50) as usize, n % 50 / 10),
            place: Place {
                path: text("path"),
                line: if n.is_multiple_of(2) { n + 1 } else { 0 },
                record: if n.is_multiple_of(2) { 0 } else { n + 1 },
                event_id: n.is_multiple_of(2).then(|| format!("event {n}")),
                event_time: n.is_multiple_of(5).then_some(time),
                source_table: often(n.is_multiple_of(3), "table"),
                resource: often(n.is_multiple_of(4), "resource"),
            },
            rule: text("rule"),
            category: [Category::Token, Category::Pii][n as usize % 2],
            severity: Severity::ALL[n as usize % Severity::ALL.len()],
            confidence: [Confidence::Low, Confidence::Medium, Confidence::High][n as usize % 3],
            fingerprint: text("fingerprint"),
            finding: text(["one", "other"][n as usize % 2]),
            mask: text("ghp_…\u{1b}[31m"),
            revealed: None,
            column: n,
            span: (n, u64::MAX - n),
            verdict: Arc::new(Verdict {
                valid: [None, Some(true), Some(false)][n as usize % 3],
                facts: (0..n % 3).map(|i| (format!("fact {i}"), n.to_string())).collect(),
                public_ids: (0..n % 2).map(|i| (format!("id {i}"), n.to_string())).collect(),
            }),
            decode_path: (0..n % 4).map(|i| format!("layer {i}")).collect(),
            context: often(n.is_multiple_of(7), "context"),
        }
    }

    /// Two threads' places in some order; `spills` tells after how many of each they go to a file.
    fn gathered(all: &[Sighting], spills: usize) -> Sightings {
        let mut merged = Sightings::default();
        for half in 0..2 {
            let mut thread = Gathered::default();
            for sighting in all.iter().skip(half).step_by(2) {
                thread.list.push(sighting.clone());
                if thread.list.len() == spills {
                    assert!(thread.has_file());
                    thread.spill().unwrap();
                }
            }
            merged.extend(thread.finish().unwrap());
        }
        merged
    }

    fn all(sightings: &Sightings) -> Vec<Sighting> {
        sightings.iter().map(Result::unwrap).collect()
    }

    #[test]
    fn what_waits_in_a_file_is_what_stays_in_memory() {
        let mut sorted: Vec<Sighting> = (0..500).map(sighting).collect();
        let mixed: Vec<Sighting> = (0..500).map(|i| sorted[i * 77 % 500].clone()).collect();
        sorted.sort_by(Sighting::order);
        for spills in [1, 7, 100, 250, 251] {
            let mut sightings = gathered(&mixed, spills);
            assert_eq!(sightings.runs.is_empty(), spills > 250);
            assert_eq!(all(&sightings), sorted, "{spills}");
            sightings.retain(|sighting| sighting.finding.starts_with("one"));
            sightings.retain(|sighting| sighting.confidence > Confidence::Low);
            let left: Vec<Sighting> =
                sorted.iter().filter(|s| s.column % 2 == 0 && s.column % 3 > 0).cloned().collect();
            assert_eq!(all(&sightings), left, "{spills}");
        }
    }

    #[test]
    fn a_file_that_ends_early_is_an_error_and_the_end() {
        let mut sightings = gathered(&(0..100).map(sighting).collect::<Vec<_>>(), 50);
        sightings.runs[1].bytes -= 10;
        let told: Vec<_> = sightings.iter().collect();
        assert!(told.len() <= 100 && told[..told.len() - 1].iter().all(Result::is_ok));
        let error = told.last().unwrap().as_ref().unwrap_err().to_string();
        assert!(error.contains("TMPDIR"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error() {
        let mut thread =
            Gathered { file: Some(BufWriter::new(File::open("/dev/null").unwrap())), ..Gathered::default() };
        thread.list.extend((0..1000).map(sighting));
        let error = thread.spill().unwrap_err().to_string();
        assert!(error.contains("cannot be written") && error.contains("TMPDIR"), "{error}");
    }
}

//! Lake or files → findings and occurrences, on all cores.

use super::progress::Progress;
use super::{PipelineError, threads};
use crate::lake::Lake;
use crate::lake::derived::OccurrenceRow;
use crate::lake::manifest::{Part, Scanned};
use crate::lake::read::RawBatch;
use crate::model::{Confidence, Finding, Masker as _, Micros, Place, Secret};
use crate::scan::{CHUNK, Chunk, Engine, FindingSet, Found, KeyedHash, ScanMasker, Scanner};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One place of one secret, ready to be shown: it holds a mask only.
#[derive(Clone, Debug)]
pub struct Sighting {
    pub place: Place,
    pub rule: String,
    pub category: &'static str,
    pub severity: crate::model::Severity,
    pub confidence: Confidence,
    pub fingerprint: String,
    pub mask: String,
    /// The plain value, kept only where the run was asked to reveal it.
    pub revealed: Option<String>,
    /// From 1, in bytes.
    pub column: u64,
    /// Half-open byte offsets in the record (the line, for files).
    pub span: (u64, u64),
    pub verdict: crate::model::occurrence::Verdict,
    /// The layers it was encoded in, outermost first; none where it stands in plain.
    pub decode_path: Vec<&'static str>,
}

/// What a scan needs beside its input.
pub struct ScanConfig<'a> {
    pub engine: &'a Engine,
    pub hash: &'a dyn KeyedHash,
    /// Matches below this are dropped.
    pub min_confidence: Confidence,
    pub reveal: bool,
}

/// What a scan found, and what it did not read.
#[derive(Default)]
pub struct ScanReport {
    /// Worst first.
    pub findings: Vec<Finding>,
    /// In order of file or part, then place.
    pub sightings: Vec<Sighting>,
    pub records: u64,
    pub bytes: u64,
    /// Not scanned, or not to the end: the scan is incomplete.
    pub not_scanned: Vec<String>,
    /// Things worth saying about single objects.
    pub notes: Vec<String>,
    /// Of a lake: what was read by now.
    pub scanned: Scanned,
    /// Fingerprints of an earlier scan's findings, which these hold too; none where everything was read.
    pub known: Option<HashSet<String>>,
}

#[derive(Default)]
pub(super) struct Done {
    findings: FindingSet,
    /// With the number of the file or part, and of the member of an archive, for the order.
    sightings: Vec<((usize, u64), Sighting)>,
    pub records: u64,
    pub bytes: u64,
    pub not_scanned: Vec<String>,
    pub notes: Vec<String>,
}

/// A piece of a file, that any worker may scan.
pub(super) struct Block {
    /// Of the file, and of the member of an archive.
    pub number: (usize, u64),
    pub name: Arc<str>,
    /// Number of its first line.
    pub line: u64,
    /// How much of the first line's head was seen before.
    pub seen: Seen,
    /// Whole lines; else a piece of one.
    pub lines: bool,
    pub data: Vec<u8>,
}

/// One thread's means.
pub(super) struct Worker<'a> {
    config: &'a ScanConfig<'a>,
    scanner: Scanner,
    pub chunk: Chunk,
    found: Vec<Found>,
    /// To all workers.
    blocks: Option<Sender<Block>>,
    pub done: Done,
}

impl<'a> Worker<'a> {
    fn new(config: &'a ScanConfig<'a>, blocks: Sender<Block>) -> Result<Self, PipelineError> {
        let scanner = config.engine.scanner()?;
        let (chunk, found, done) = (Chunk::default(), Vec::new(), Done::default());
        Ok(Self { config, scanner, chunk, found, blocks: Some(blocks), done })
    }

    /// Has the block scanned by whoever is free, or scans it.
    pub fn share(&mut self, block: Block) -> Result<(), PipelineError> {
        match self.blocks.as_ref().map(|blocks| blocks.try_send(block)) {
            Some(Err(full)) => self.block(full.into_inner()),
            _ => Ok(()),
        }
    }

    fn block(&mut self, block: Block) -> Result<(), PipelineError> {
        let Block { number, name, line, seen, lines, data } = block;
        if lines {
            self.chunk.lines(data);
            self.done.records += self.chunk.records() as u64;
        } else {
            self.chunk.push(&data);
        }
        let place = |i: usize| Place { path: name.to_string(), line: line + i as u64, ..Place::default() };
        self.scan(number, None, |i| (place(i), if i == 0 { seen } else { Seen::ALL }))
    }

    fn finish(mut self) -> Done {
        let left = self.scanner.left();
        if left > 0 {
            let kind = if left == 1 { "one encoded value".to_owned() } else { format!("{left} encoded values") };
            self.done.not_scanned.push(format!(
                "{kind}, which inflate to more than {} MB: scan them by themselves, decoded",
                crate::scan::INFLATED >> 20
            ));
        }
        self.done
    }

    /// Scans the chunk; `place` tells where record `i` of it lies, and how much of its head was seen before.
    pub fn scan(
        &mut self,
        number: (usize, u64),
        table: Option<&str>,
        place: impl Fn(usize) -> (Place, Seen),
    ) -> Result<(), PipelineError> {
        self.scanner.scan(&self.chunk, table, &mut self.found)?;
        for found in &self.found {
            let matched = &found.matched;
            if matched.confidence < self.config.min_confidence {
                continue;
            }
            let (place, seen) = place(found.record);
            if matched.span.1 <= seen.before || matched.span.1 > seen.until {
                continue;
            }
            let bytes = found.value(&self.chunk);
            let secret = Secret::new(bytes);
            let fingerprint = self.config.hash.fingerprint(bytes);
            let mask = secret.mask();
            let counted = place.resource.clone().or(place.source_table.clone()).unwrap_or_else(|| place.path.clone());
            let set = self.config.engine.set();
            let names = (fingerprint.as_str(), &*self.config.hash.key_id(), mask.as_str());
            self.done.findings.add(set, matched, names, (&counted, place.event_time));
            let rule = &set.rules[matched.rule];
            let offset = |at: usize| (at + seen.base) as u64;
            let sighting = Sighting {
                rule: rule.id.clone(),
                category: rule.category.as_str(),
                severity: matched.severity,
                confidence: matched.confidence,
                fingerprint,
                mask,
                revealed: self.config.reveal.then(|| String::from_utf8_lossy(secret.expose()).into_owned()),
                column: offset(matched.span.0) + 1,
                span: (offset(matched.span.0), offset(matched.span.1)),
                verdict: matched.verdict.clone(),
                decode_path: found.decode_path(),
                place,
            };
            self.done.sightings.push((number, sighting));
        }
        self.chunk.clear();
        Ok(())
    }
}

/// A piece of a record that is scanned with an overlap: matches that end up to `before` were told with
/// the last piece, those that end after `until` come with the next.
#[derive(Clone, Copy)]
pub(super) struct Seen {
    pub before: usize,
    pub until: usize,
    /// Offset of the piece in its record.
    pub base: usize,
}

impl Seen {
    pub const ALL: Self = Self { before: 0, until: usize::MAX, base: 0 };
}

/// A secret and its context are shorter than half of this.
pub(super) const OVERLAP: usize = 64 * 1024;

pub(super) fn run<T: Sync>(
    items: &[T],
    config: &ScanConfig<'_>,
    progress: &dyn Progress,
    work: impl Fn(&mut Worker<'_>, usize, &T) -> Result<(), PipelineError> + Sync,
) -> Result<ScanReport, PipelineError> {
    let next = AtomicUsize::new(0);
    let (send, blocks) = crossbeam_channel::bounded::<Block>(threads());
    // Pieces of large files first: with those read ahead nobody waits.
    let one = |send: Sender<Block>, blocks: Receiver<Block>| -> Result<Done, PipelineError> {
        let mut worker = Worker::new(config, send)?;
        loop {
            while let Ok(block) = blocks.try_recv() {
                worker.block(block)?;
            }
            if progress.cancelled() {
                return Err(PipelineError::Interrupted);
            }
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(number) else { break };
            work(&mut worker, number, item)?;
        }
        worker.blocks = None;
        while let Ok(block) = blocks.recv() {
            worker.block(block)?;
        }
        Ok(worker.finish())
    };
    let results: Vec<Result<Done, PipelineError>> = std::thread::scope(|scope| {
        let another = |send, blocks| scope.spawn(move || one(send, blocks));
        let workers: Vec<_> = (1..threads()).map(|_| another(send.clone(), blocks.clone())).collect();
        let mut results = vec![one(send, blocks)];
        results.extend(workers.into_iter().map(|h| h.join().unwrap_or(Err(PipelineError::Worker))));
        results
    });
    let mut findings = FindingSet::default();
    let mut sightings = Vec::new();
    let mut report = ScanReport::default();
    for done in results {
        let done = done?;
        findings.merge(done.findings);
        sightings.extend(done.sightings);
        report.records += done.records;
        report.bytes += done.bytes;
        report.not_scanned.extend(done.not_scanned);
        report.notes.extend(done.notes);
    }
    report.findings = findings.into_sorted();
    if !config.reveal {
        mask_places(&mut report.findings, &mut sightings, config)?;
    }
    sightings.sort_by_key(|(number, s)| (*number, s.place.line, s.place.record, s.span));
    report.sightings = sightings.into_iter().map(|(_, sighting)| sighting).collect();
    report.not_scanned.sort_unstable();
    report.notes.sort_unstable();
    Ok(report)
}

/// Names of resources come from logs too: a secret in one is masked like any other.
fn mask_places(
    findings: &mut [Finding],
    sightings: &mut [((usize, u64), Sighting)],
    config: &ScanConfig<'_>,
) -> Result<(), PipelineError> {
    let masker = ScanMasker::new(config.engine)?;
    let mut known: HashMap<String, String> = HashMap::new();
    let mut masked = |name: &str| match known.get(name) {
        Some(masked) => masked.clone(),
        None => {
            let masked = masker.mask(name).into_owned();
            known.insert(name.to_owned(), masked.clone());
            masked
        }
    };
    for finding in findings {
        finding.places = std::mem::take(&mut finding.places).into_iter().map(|(name, n)| (masked(&name), n)).collect();
    }
    for (_, sighting) in sightings {
        if let Some(resource) = &mut sighting.place.resource {
            *resource = masked(resource);
        }
    }
    Ok(())
}

/// Scans the raw records of every table of the lake, rejects included; where the findings there are were found by the
/// same rules and key, only what came since, unless `all` is to be read.
pub fn scan_lake(
    lake: &Lake,
    config: &ScanConfig<'_>,
    all: bool,
    progress: &dyn Progress,
) -> Result<ScanReport, PipelineError> {
    let tables = lake.tables();
    let parts = || lake.all_parts().filter(|part| tables.contains(&part.table.as_str()));
    let scanned = Scanned {
        rules: format!("{} {}", config.engine.set().hash, env!("CARGO_PKG_VERSION")),
        key_id: config.hash.key_id(),
        parts: parts().map(|part| part.path.clone()).collect(),
    };
    let same = |before: &&Scanned| !all && before.rules == scanned.rules && before.key_id == scanned.key_id;
    let before = lake.manifest.scanned.as_ref().filter(same);
    let new: Vec<&Part> = parts().filter(|part| before.is_none_or(|b| !b.parts.contains(&part.path))).collect();
    let mut report = scan_parts(lake, &new, config, progress)?;
    if before.is_some() {
        let found = lake.findings()?.unwrap_or_default();
        report.known = Some(found.iter().map(|finding| finding.fingerprint.clone()).collect());
        let set = config.engine.set();
        let mut all = FindingSet::of(found, set);
        all.merge(FindingSet::of(std::mem::take(&mut report.findings), set));
        report.findings = all.into_sorted();
    }
    Ok(ScanReport { scanned, ..report })
}

fn scan_parts(
    lake: &Lake,
    parts: &[&Part],
    config: &ScanConfig<'_>,
    progress: &dyn Progress,
) -> Result<ScanReport, PipelineError> {
    progress.total(parts.iter().map(|part| part.bytes).sum());
    run(parts, config, progress, |worker, number, part| {
        match scan_part(worker, lake, number, part) {
            Ok(()) => {}
            Err(PipelineError::Lake(error)) => worker.done.not_scanned.push(error.to_string()),
            Err(other) => return Err(other),
        }
        progress.advance(part.bytes);
        progress.records(part.rows);
        Ok(())
    })
}

fn scan_part(worker: &mut Worker<'_>, lake: &Lake, number: usize, part: &Part) -> Result<(), PipelineError> {
    let mut tail = Tail::default();
    for batch in lake.raw_batches(part)? {
        let batch = batch?;
        let mut first = 0;
        for i in 0..batch.len() {
            if batch.segment(i).is_some() {
                scan_rows(worker, number, part, &batch, first)?;
                scan_segment(worker, number, part, &batch, i, &mut tail)?;
                first = i + 1;
                continue;
            }
            worker.chunk.push(batch.bytes(i));
            worker.done.records += 1;
            worker.done.bytes += batch.bytes(i).len() as u64;
            if worker.chunk.len() >= CHUNK {
                scan_rows(worker, number, part, &batch, first)?;
                first = i + 1;
            }
        }
        scan_rows(worker, number, part, &batch, first)?;
    }
    Ok(())
}

/// The end of the last segment, for the next one of the same record.
#[derive(Default)]
struct Tail {
    bytes: Vec<u8>,
    /// Object, record and number of the segment it is the end of.
    of: Option<(String, i64, i64)>,
    /// Bytes at its end whose matches are still to be told.
    untold: usize,
}

fn place_of(part: &Part, batch: &RawBatch, i: usize) -> Place {
    let place = batch.place(i);
    Place {
        path: place.object.to_owned(),
        line: 0,
        record: place.record as u64,
        event_id: Some(place.event_id.to_owned()),
        event_time: place.event_time.map(Micros),
        source_table: Some(part.table.clone()),
        resource: place.resource.map(str::to_owned),
    }
}

fn scan_rows(
    worker: &mut Worker<'_>,
    number: usize,
    part: &Part,
    batch: &RawBatch,
    first: usize,
) -> Result<(), PipelineError> {
    worker.scan((number, 0), Some(&part.table), |i| (place_of(part, batch, first + i), Seen::ALL))
}

/// One segment of a record that was too long, with the end of the segment before it.
fn scan_segment(
    worker: &mut Worker<'_>,
    number: usize,
    part: &Part,
    batch: &RawBatch,
    i: usize,
    tail: &mut Tail,
) -> Result<(), PipelineError> {
    let bytes = batch.bytes(i);
    let place = batch.place(i);
    let segment = place.segment.unwrap_or(0);
    worker.done.records += u64::from(segment == 0);
    worker.done.bytes += bytes.len() as u64;
    let follows = |of: &(String, i64, i64)| *of == (place.object.to_owned(), place.record, segment - 1);
    if !tail.of.as_ref().is_some_and(follows) {
        *tail = Tail::default();
    }
    let before = tail.bytes.len() - tail.untold.min(tail.bytes.len());
    let mut joined = std::mem::take(&mut tail.bytes);
    joined.extend_from_slice(bytes);
    let more = i + 1 < batch.len() && batch.segment(i + 1).is_some_and(|next| next == segment + 1);
    let untold = if more { OVERLAP / 2 } else { 0 };
    let seen = Seen { before, until: joined.len() - untold.min(joined.len()), base: 0 };
    worker.chunk.push(&joined);
    worker.scan((number, 0), Some(&part.table), |_| (place_of(part, batch, i), seen))?;
    let kept = joined.split_off(joined.len().saturating_sub(OVERLAP));
    *tail = Tail { bytes: kept, of: Some((place.object.to_owned(), place.record, segment)), untold };
    Ok(())
}

/// The rows of the occurrences table.
pub fn occurrence_rows(sightings: &[Sighting]) -> Vec<OccurrenceRow> {
    let row = |s: &Sighting| OccurrenceRow {
        fingerprint: s.fingerprint.clone(),
        rule: s.rule.clone(),
        severity: s.severity,
        confidence: s.confidence,
        mask: s.mask.clone(),
        event_id: s.place.event_id.clone().unwrap_or_default(),
        event_time: s.place.event_time,
        source_table: s.place.source_table.clone().unwrap_or_default(),
        resource: s.place.resource.clone(),
        source_object: s.place.path.clone(),
        source_record: s.place.record,
        span: s.span,
    };
    sightings.iter().map(row).collect()
}

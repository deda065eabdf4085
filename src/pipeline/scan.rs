//! Lake or files → findings and occurrences, on all cores.

use super::context::{Paths, key_before, steps, told};
use super::progress::Progress;
use super::sightings::{Gathered, Sighting, Sightings};
use super::{PipelineError, threads};
use crate::lake::manifest::Scanned;
use crate::model::occurrence::Verdict;
use crate::model::{Confidence, Finding, Masker as _, Place, Secret, Text, Texts};
use crate::scan::{CHUNK, Chunk, Engine, FindingSet, Found, KeyedHash, ScanMasker, Scanner};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a scan needs beside its input.
pub struct ScanConfig<'a> {
    pub engine: &'a Engine,
    pub hash: &'a dyn KeyedHash,
    /// Matches below this are dropped.
    pub min_confidence: Confidence,
    pub reveal: bool,
    /// Tell every place of a secret; else the first one that each thread came to.
    pub every_place: bool,
}

/// What a scan found, and what it did not read.
#[derive(Default)]
pub struct ScanReport {
    /// Worst first.
    pub findings: Vec<Finding>,
    pub sightings: Sightings,
    pub records: u64,
    pub bytes: u64,
    /// Not scanned, or not to the end: the scan is incomplete.
    pub not_scanned: Vec<String>,
    /// Things worth saying about single objects.
    pub notes: Vec<String>,
    /// Of a lake: names of the objects, log groups and streams whose records were read.
    pub(super) names: BTreeSet<String>,
    /// Log groups of which the lake holds a part, or with something hidden: there may be more than was found.
    pub incomplete: BTreeSet<String>,
    /// Of a lake: what was read by now.
    pub scanned: Scanned,
    /// Fingerprints of an earlier scan's findings, which these hold too; none where everything was read.
    pub known: Option<HashSet<String>>,
}

#[derive(Default)]
pub(super) struct Done {
    findings: FindingSet,
    gathered: Gathered,
    pub records: u64,
    pub bytes: u64,
    pub not_scanned: Vec<String>,
    pub notes: Vec<String>,
    pub names: BTreeSet<String>,
}

/// A piece of a file, that any worker may scan.
pub(super) struct Block {
    /// Of the file, and of the member of an archive.
    pub number: (usize, u64),
    pub name: Arc<str>,
    /// Number of its first line, and lines in it.
    pub line: u64,
    pub count: u64,
    /// How much of the first line's head was seen before.
    pub seen: Seen,
    /// Whole lines; else a piece of one.
    pub lines: bool,
    pub data: Vec<u8>,
}

/// Buffers that were used and may be again: memory that is given back costs more than the scan of what was in it.
#[derive(Clone)]
struct Spare(Sender<Vec<u8>>, Receiver<Vec<u8>>);

impl Spare {
    fn new() -> Self {
        let (give, take) = crossbeam_channel::bounded(4 * threads());
        Self(give, take)
    }
}

/// One thread's means.
pub(super) struct Worker<'a> {
    config: &'a ScanConfig<'a>,
    scanner: Scanner,
    key_id: String,
    pub chunk: Chunk,
    found: Vec<Found>,
    /// Fingerprints of counted findings, by rule and place.
    counted: HashMap<usize, HashMap<Text, Text>>,
    texts: Texts,
    /// What was said last of a secret, by its fingerprint.
    verdicts: HashMap<Text, Arc<Verdict>>,
    /// To all workers.
    blocks: Option<Sender<Block>>,
    spare: Spare,
    pub done: Done,
}

impl<'a> Worker<'a> {
    fn new(config: &'a ScanConfig<'a>, blocks: Sender<Block>, spare: Spare) -> Result<Self, PipelineError> {
        let scanner = config.engine.scanner()?;
        let (chunk, found, done) = (Chunk::default(), Vec::new(), Done::default());
        let key_id = config.hash.key_id();
        let (blocks, counted) = (Some(blocks), HashMap::new());
        let (texts, verdicts) = (Texts::default(), HashMap::new());
        Ok(Self { config, scanner, key_id, chunk, found, counted, texts, verdicts, blocks, spare, done })
    }

    /// Has the block scanned by whoever is free, or scans it.
    pub fn share(&mut self, block: Block) -> Result<(), PipelineError> {
        match self.blocks.as_ref().map(|blocks| blocks.try_send(block)) {
            Some(Err(full)) => self.block(full.into_inner()),
            _ => Ok(()),
        }
    }

    /// A buffer of [`CHUNK`] bytes, whatever is in them.
    pub fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.spare.1.try_recv().unwrap_or_default();
        buffer.resize(CHUNK, 0);
        buffer
    }

    fn block(&mut self, block: Block) -> Result<(), PipelineError> {
        let Block { number, name, line, count, seen, lines, data } = block;
        let path = self.texts.get(&name);
        let place = |i: usize| Place { path: path.clone(), line: line + i as u64, ..Place::default() };
        let place = |i: usize| (place(i), if i == 0 { seen } else { Seen::ALL });
        let data = if lines {
            self.chunk.lines(data);
            self.done.records += count;
            self.scan_chunk(number, None, place)?;
            self.chunk.take()
        } else {
            self.chunk.push(&data);
            self.scan(number, None, place)?;
            data
        };
        // Where there are enough, this one goes.
        let _ = self.spare.0.try_send(data);
        Ok(())
    }

    /// What was found, masked.
    fn finish(mut self) -> Result<(Done, Sightings), PipelineError> {
        let left = self.scanner.left();
        if left > 0 {
            let kind = if left == 1 { "one encoded value".to_owned() } else { format!("{left} encoded values") };
            self.done.not_scanned.push(format!(
                "{kind}, which inflate to more than {} MB: scan them by themselves, decoded",
                crate::scan::INFLATED >> 20
            ));
        }
        self.mask_gathered()?;
        self.done.notes.extend(self.done.gathered.note());
        let sightings = std::mem::take(&mut self.done.gathered).finish().map_err(PipelineError::Places)?;
        Ok((self.done, sightings))
    }

    fn mask_gathered(&mut self) -> Result<(), PipelineError> {
        if self.config.reveal || self.done.gathered.list.is_empty() {
            return Ok(());
        }
        mask_sightings(&mut self.done.gathered, &mut Names::new(self.config)?);
        Ok(())
    }

    /// Makes room in memory.
    fn spill(&mut self) -> Result<(), PipelineError> {
        self.mask_gathered()?;
        self.done.gathered.spill().map_err(PipelineError::Places)?;
        self.texts = Texts::default();
        self.verdicts.clear();
        Ok(())
    }

    /// Scans the chunk and empties it; `place` tells where record `i` of it lies, and how much of its head was seen before.
    pub fn scan(
        &mut self,
        number: (usize, u64),
        table: Option<&str>,
        place: impl Fn(usize) -> (Place, Seen),
    ) -> Result<(), PipelineError> {
        self.scan_chunk(number, table, place)?;
        self.chunk.clear();
        Ok(())
    }

    fn scan_chunk(
        &mut self,
        number: (usize, u64),
        table: Option<&str>,
        place: impl Fn(usize) -> (Place, Seen),
    ) -> Result<(), PipelineError> {
        let (mut known, mut paths) = ((0, 0), Paths::default());
        self.scanner.scan(&self.chunk, table, &mut self.found)?;
        for found in &self.found {
            let matched = &found.matched;
            if matched.confidence < self.config.min_confidence {
                continue;
            }
            let (mut place, seen) = place(self.chunk.number(found.record.0, &mut known));
            if matched.span.1 <= seen.before || matched.span.1 > seen.until {
                continue;
            }
            let bytes = found.value(&self.chunk);
            let counted = place.resource.clone().or(place.source_table.clone()).unwrap_or_else(|| place.path.clone());
            let set = self.config.engine.set();
            let rule = &set.rules[matched.rule];
            let at = (&*counted, place.event_time);
            let value = if rule.counted { hash_of(bytes) } else { 0 };
            let known_finding = self.counted.get(&matched.rule).and_then(|places| places.get(&counted));
            if let Some(finding) = known_finding.filter(|_| !self.config.every_place)
                && self.done.findings.again(matched, value, finding, at)
            {
                continue;
            }
            let secret = Secret::new(bytes);
            let (fingerprint, mask) = (self.config.hash.fingerprint(bytes), secret.mask());
            let finding = if rule.counted {
                let all_of =
                    || Text::from(&*self.config.hash.fingerprint(format!("{}\0{counted}", rule.id).as_bytes()));
                let places = self.counted.entry(matched.rule).or_default();
                places.entry(counted.clone()).or_insert_with(all_of).clone()
            } else {
                Text::from(fingerprint.as_str())
            };
            let names = (&*finding, self.key_id.as_str(), mask.as_str());
            let is_new = self.done.findings.add(set, matched, value, names, at);
            if !is_new && !self.config.every_place {
                continue;
            }
            let names = [Some(&mut place.path), place.source_table.as_mut(), place.resource.as_mut()];
            names.into_iter().flatten().for_each(|name| *name = self.texts.get(name));
            let fingerprint = self.texts.get(&fingerprint);
            let paths = paths.to(found, &self.chunk);
            let offset = |at: usize| (at + seen.base) as u64;
            let context = told(&paths).or_else(|| key_before(self.chunk.bytes(found.record), matched.span.0));
            let sighting = Sighting {
                number,
                rule: self.texts.get(&rule.id),
                category: rule.category,
                severity: matched.severity,
                confidence: matched.confidence,
                finding: self.texts.get(&finding),
                mask: self.texts.get(&mask),
                revealed: self.config.reveal.then(|| String::from_utf8_lossy(secret.expose()).into_owned()),
                column: offset(matched.span.0) + 1,
                span: (offset(matched.span.0), offset(matched.span.1)),
                verdict: shared_verdict(&mut self.verdicts, &fingerprint, &matched.verdict),
                fingerprint,
                decode_path: if found.decoded.is_some() { steps(&paths, found) } else { Vec::new() },
                context: context.map(|context| self.texts.get(&context)),
                place,
            };
            self.done.gathered.list.push(sighting);
        }
        // What is revealed stays in memory.
        let most = (IN_MEMORY / threads()).max(STRETCH);
        if !self.config.reveal && self.done.gathered.list.len() >= most && self.done.gathered.has_file() {
            self.spill()?;
        }
        Ok(())
    }
}

/// The verdict, in the memory of the secret's last one where it is the same.
fn shared_verdict(known: &mut HashMap<Text, Arc<Verdict>>, fingerprint: &Text, verdict: &Verdict) -> Arc<Verdict> {
    match known.get(fingerprint) {
        Some(last) if **last == *verdict => last.clone(),
        _ => {
            let new = Arc::new(verdict.clone());
            known.insert(fingerprint.clone(), new.clone());
            new
        }
    }
}

/// Tells values apart within a run.
fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
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

/// Places that all threads together keep in memory: some thirty megabytes.
const IN_MEMORY: usize = 64 * 1024;
/// Places that go to a file together at least: each stretch of a file takes memory when it is read.
const STRETCH: usize = 4096;

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
    let spare = Spare::new();
    // Pieces of large files first: with those read ahead nobody waits.
    let one = |send: Sender<Block>, blocks: Receiver<Block>| {
        let mut worker = Worker::new(config, send, spare.clone())?;
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
        worker.finish()
    };
    let results: Vec<Result<(Done, Sightings), PipelineError>> = std::thread::scope(|scope| {
        let another = |send, blocks| scope.spawn(move || one(send, blocks));
        let workers: Vec<_> = (1..threads()).map(|_| another(send.clone(), blocks.clone())).collect();
        let mut results = vec![one(send, blocks)];
        results.extend(workers.into_iter().map(|h| h.join().unwrap_or(Err(PipelineError::Worker))));
        results
    });
    let mut findings = FindingSet::default();
    let mut report = ScanReport::default();
    for done in results {
        let (done, sightings) = done?;
        findings.merge(done.findings);
        report.sightings.extend(sightings);
        report.records += done.records;
        report.bytes += done.bytes;
        report.not_scanned.extend(done.not_scanned);
        report.notes.extend(done.notes);
        report.names.extend(done.names);
    }
    report.findings = findings.into_sorted();
    if !config.reveal {
        mask_findings(&mut report.findings, &mut Names::new(config)?);
    }
    report.not_scanned.sort_unstable();
    report.notes.sort_unstable();
    report.notes.dedup();
    Ok(report)
}

/// Names of resources and members come from logs too: a secret in one is masked like any other.
struct Names {
    masker: ScanMasker,
    known: HashMap<Text, Text>,
}

impl Names {
    fn new(config: &ScanConfig<'_>) -> Result<Self, PipelineError> {
        Ok(Self { masker: ScanMasker::new(config.engine)?, known: HashMap::new() })
    }

    fn masked(&mut self, name: &str) -> Text {
        if let Some(masked) = self.known.get(name) {
            return masked.clone();
        }
        let masked = Text::from(&*self.masker.mask(name));
        self.known.insert(name.into(), masked.clone());
        masked
    }
}

fn mask_findings(findings: &mut [Finding], names: &mut Names) {
    for finding in findings {
        let places = std::mem::take(&mut finding.places).into_iter();
        finding.places = places.map(|(name, n)| (names.masked(&name).to_string(), n)).collect();
    }
}

fn mask_sightings(gathered: &mut Gathered, names: &mut Names) {
    for sighting in &mut gathered.list {
        let path = &sighting.place.path;
        let masked = names.masked(path);
        if masked != *path {
            gathered.masked.insert(path.clone(), masked);
        }
        let told = sighting.place.resource.iter_mut().chain(&mut sighting.context);
        told.for_each(|name| *name = names.masked(name));
        sighting.decode_path.iter_mut().for_each(|step| *step = names.masked(step).to_string());
    }
}

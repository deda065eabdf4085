//! The two stages together: large chunks of joined records through Hyperscan without start of match,
//! then the exact regex of only those rules that hit, on only those records.

use super::ScanError;
use super::decode::{Layer, Levels};
use super::hyperscan::{Database, Scratch};
use super::overlap;
use crate::patterns::{PatternSet, RuleMatch};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// Bytes of records joined into one chunk; measured best between 256 KiB and 4 MiB.
pub const CHUNK: usize = 512 * 1024;

/// Records joined with one separator byte: without it `\b` breaks at a border and matches run over it.
#[derive(Debug, Default)]
pub struct Chunk {
    data: Vec<u8>,
    /// Half-open spans of the records in `data`.
    records: Vec<(usize, usize)>,
}

impl Chunk {
    pub fn push(&mut self, record: &[u8]) {
        let start = self.data.len();
        self.data.extend_from_slice(record);
        self.records.push((start, self.data.len()));
        self.data.push(b'\n');
    }

    /// The lines of a buffer, which is taken as it lies in place of all before.
    pub fn lines(&mut self, text: Vec<u8>) {
        self.data = text;
        self.records.clear();
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &self.data) {
            self.records.push((start, end));
            start = end + 1;
        }
        if start < self.data.len() {
            self.records.push((start, self.data.len()));
            self.data.push(b'\n');
        }
    }

    pub fn clear(&mut self) {
        self.data.clear();
        self.records.clear();
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Number of records.
    pub fn records(&self) -> usize {
        self.records.len()
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub fn record(&self, i: usize) -> &[u8] {
        let (start, end) = self.records[i];
        &self.data[start..end]
    }

    /// All records, and what separates them.
    pub(super) fn data(&self) -> &[u8] {
        &self.data
    }

    /// The record that byte `at` lies in, and its span; none for a separator. `next` is kept between calls in order.
    pub(super) fn record_at(&self, at: usize, next: &mut usize) -> Option<(usize, (usize, usize))> {
        while self.records.get(*next).is_some_and(|(_, end)| *end <= at) {
            *next += 1;
        }
        let span = *self.records.get(*next)?;
        (span.0 <= at).then_some((*next, span))
    }
}

/// A confirmed match, with the number of its record in the chunk.
#[derive(Clone, Debug)]
pub struct Found {
    pub record: usize,
    /// Its span is that of the bytes in the record, encoded as they are.
    pub matched: RuleMatch,
    /// What was decoded; none where the record has it in plain.
    pub decoded: Option<Decoded>,
}

/// A value that was encoded.
#[derive(Clone, Debug)]
pub struct Decoded {
    pub value: Vec<u8>,
    /// Outermost first.
    pub layers: Vec<Layer>,
}

impl Found {
    /// The layers it was encoded in, outermost first; none where it stands in plain.
    pub fn decode_path(&self) -> Vec<&'static str> {
        self.decoded.iter().flat_map(|decoded| &decoded.layers).map(|layer| layer.as_str()).collect()
    }

    /// The value itself; `chunk` is the one it was found in.
    pub fn value<'v>(&'v self, chunk: &'v Chunk) -> &'v [u8] {
        let (start, end) = self.matched.span;
        self.decoded.as_ref().map_or_else(|| &chunk.record(self.record)[start..end], |decoded| &decoded.value)
    }
}

/// Compiled rules, shared by all threads.
#[derive(Clone)]
pub struct Engine {
    set: Arc<PatternSet>,
    database: Arc<Database>,
}

impl Engine {
    /// Compiles the rules, or takes them from `cache`.
    pub fn new(set: PatternSet, cache: Option<&Path>) -> Result<Self, ScanError> {
        let database = Database::load(&set, cache)?;
        Ok(Self { set: Arc::new(set), database: Arc::new(database) })
    }

    pub fn set(&self) -> &PatternSet {
        &self.set
    }

    /// A scanner for one thread.
    pub fn scanner(&self) -> Result<Scanner, ScanError> {
        Ok(Scanner {
            engine: self.clone(),
            scratch: self.database.scratch()?,
            candidates: Vec::new(),
            settled: vec![0; self.set.rules.len()],
            matches: Vec::new(),
            levels: Levels::default(),
        })
    }
}

/// One thread's scanner.
pub struct Scanner {
    engine: Engine,
    scratch: Scratch,
    /// Record and rule of each first-stage hit, once per pair.
    candidates: Vec<(usize, usize)>,
    /// Per rule: end of the last record it hit in this chunk, so that a flood of hits costs one test each.
    settled: Vec<usize>,
    matches: Vec<RuleMatch>,
    levels: Levels,
}

impl Scanner {
    pub fn set(&self) -> &PatternSet {
        &self.engine.set
    }

    /// Encoded runs that were not read to their end so far, for what they hold is beyond a limit.
    pub fn left(&self) -> u64 {
        self.levels.left
    }

    /// Scans a chunk, and what lies in it encoded; `table` is the source table of its records, where they have one.
    /// `out` is emptied first. Matches come in order of record, then place; after those that stand in plain, level by
    /// level, those that are encoded.
    pub fn scan(&mut self, chunk: &Chunk, table: Option<&str>, out: &mut Vec<Found>) -> Result<(), ScanError> {
        out.clear();
        self.scan_level(chunk, table, out)?;
        let mut levels = std::mem::take(&mut self.levels);
        levels.begin(chunk);
        let mut encoded = Encoded::new(out.len());
        let mut found = Vec::new();
        let mut result = Ok(());
        while result.is_ok() && levels.deeper(chunk) {
            found.clear();
            result = self.scan_level(&levels.last().chunk, table, &mut found);
            encoded.add(&mut levels, chunk, &mut found, out);
        }
        self.levels = levels;
        result
    }

    /// Scans the records as they stand.
    fn scan_level(&mut self, chunk: &Chunk, table: Option<&str>, out: &mut Vec<Found>) -> Result<(), ScanError> {
        self.candidates.clear();
        self.settled.fill(0);
        let (candidates, settled) = (&mut self.candidates, &mut self.settled);
        self.engine.database.scan(&chunk.data, &self.scratch, |rule, end| {
            if end <= settled[rule] {
                return;
            }
            // The record that holds the match's last byte; a match over a border is confirmed or not there.
            let record = chunk.records.partition_point(|(_, record_end)| *record_end < end);
            if let Some(&(_, record_end)) = chunk.records.get(record) {
                settled[rule] = record_end;
                candidates.push((record, rule));
            }
        })?;
        self.candidates.sort_unstable();
        let mut i = 0;
        while i < self.candidates.len() {
            let record = self.candidates[i].0;
            self.matches.clear();
            while i < self.candidates.len() && self.candidates[i].0 == record {
                let rule = self.candidates[i].1;
                self.engine.set.confirm(rule, chunk.record(record), table, &mut self.matches);
                i += 1;
            }
            overlap::resolve(&self.engine.set, &mut self.matches);
            out.extend(self.matches.drain(..).map(|matched| Found { record, matched, decoded: None }));
        }
        Ok(())
    }

    /// The first stage alone: how many hits it has. What the whole scan is measured against.
    pub fn first_stage(&mut self, chunk: &Chunk) -> Result<u64, ScanError> {
        let mut hits = 0;
        self.engine.database.scan(&chunk.data, &self.scratch, |_, _| hits += 1)?;
        Ok(hits)
    }

    /// The oracle: every rule's exact regex on one record and what lies in it encoded, no first stage.
    pub fn scan_exact(&self, record: &[u8], table: Option<&str>) -> Vec<Found> {
        let exact = |chunk: &Chunk, out: &mut Vec<Found>| {
            for record in 0..chunk.records() {
                let mut matches = Vec::new();
                for rule in 0..self.engine.set.rules.len() {
                    self.engine.set.confirm(rule, chunk.record(record), table, &mut matches);
                }
                overlap::resolve(&self.engine.set, &mut matches);
                out.extend(matches.into_iter().map(|matched| Found { record, matched, decoded: None }));
            }
        };
        let (mut chunk, mut out) = (Chunk::default(), Vec::new());
        chunk.push(record);
        exact(&chunk, &mut out);
        let mut levels = Levels::default();
        levels.begin(&chunk);
        let mut encoded = Encoded::new(out.len());
        while levels.deeper(&chunk) {
            let mut found = Vec::new();
            exact(&levels.last().chunk, &mut found);
            encoded.add(&mut levels, &chunk, &mut found, &mut out);
        }
        out
    }
}

/// Takes over what was found in decoded text, each once.
struct Encoded {
    /// Matches that stand in plain.
    plain: usize,
    /// Record, rule and span of the others.
    known: HashSet<(usize, usize, (usize, usize))>,
}

impl Encoded {
    fn new(plain: usize) -> Self {
        Self { plain, known: HashSet::new() }
    }

    /// `found` is of the last level.
    fn add(&mut self, levels: &mut Levels, chunk: &Chunk, found: &mut Vec<Found>, out: &mut Vec<Found>) {
        for Found { record, mut matched, .. } in found.drain(..) {
            let value = levels.last().chunk.record(record)[matched.span.0..matched.span.1].to_vec();
            let (record, span, layers) = levels.outermost(chunk, record, matched.span);
            let thin = layers.iter().all(|layer| layer.is_thin());
            if (thin && overlaps(&out[..self.plain], record, span)) || !self.known.insert((record, matched.rule, span))
            {
                continue;
            }
            matched.span = span;
            out.push(Found { record, matched, decoded: Some(Decoded { value, layers }) });
        }
    }
}

/// Whether one of these, by record and place, shares bytes with the span.
fn overlaps(plain: &[Found], record: usize, (start, end): (usize, usize)) -> bool {
    let at = plain.partition_point(|found| (found.record, found.matched.span.1) <= (record, start));
    plain.get(at).is_some_and(|found| found.record == record && found.matched.span.0 < end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::RuleSources;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static ENGINE: LazyLock<Engine> =
        LazyLock::new(|| Engine::new(PatternSet::load(&RuleSources::default()).unwrap(), None).unwrap());

    type Told = (usize, usize, (usize, usize), Option<Vec<u8>>);

    fn told(record: usize, found: Found) -> Told {
        (record, found.matched.rule, found.matched.span, found.decoded.map(|decoded| decoded.value))
    }

    /// By record: levels come one after another.
    fn chunked(records: &[Vec<u8>]) -> Vec<Told> {
        let mut chunk = Chunk::default();
        records.iter().for_each(|r| chunk.push(r));
        let mut out = Vec::new();
        ENGINE.scanner().unwrap().scan(&chunk, None, &mut out).unwrap();
        let mut all: Vec<Told> = out.into_iter().map(|f| told(f.record, f)).collect();
        all.sort_by_key(|told| told.0);
        all
    }

    fn row_by_row(records: &[Vec<u8>]) -> Vec<Told> {
        let scanner = ENGINE.scanner().unwrap();
        let each = |(i, r): (usize, &Vec<u8>)| {
            scanner.scan_exact(r, None).into_iter().map(move |f| told(i, f)).collect::<Vec<_>>()
        };
        records.iter().enumerate().flat_map(each).collect()
    }

    /// Every rule's examples, positive and negative: what the two stages must agree on.
    fn examples() -> Vec<Vec<u8>> {
        let rules = ENGINE.set().rules.iter();
        rules.flat_map(|r| r.examples.iter().chain(&r.negative_examples)).map(|e| e.clone().into_bytes()).collect()
    }

    #[test]
    fn shipped_rules_pass_their_own_examples() {
        let failures = crate::patterns::self_test(ENGINE.set());
        assert!(failures.is_empty(), "{failures:#?}");
    }

    #[test]
    fn chunks_find_what_rows_find_in_every_example() {
        let records = examples();
        assert!(records.len() > 200);
        assert_eq!(chunked(&records), row_by_row(&records));
        assert!(!chunked(&records).is_empty());
    }

    #[test]
    fn every_example_is_found_in_plain_text_json_and_doubly_escaped_json() {
        let quote = |text: &str| serde_json::Value::from(text).to_string();
        let mut missed = Vec::new();
        for (index, rule) in ENGINE.set().rules.iter().enumerate() {
            for example in rule.examples.iter().filter(|e| !e.contains('\n')) {
                let once = format!("{{\"message\":{}}}", quote(example));
                let twice = format!("{{\"log\":{}}}", quote(&once));
                for (shape, text) in [("plain", example), ("json", &once), ("twice", &twice)] {
                    let found = chunked(&[text.clone().into_bytes()]);
                    let mut own = Vec::new();
                    ENGINE.set().confirm(index, text.as_bytes(), None, &mut own);
                    if own.is_empty() || found.is_empty() {
                        missed.push(format!("{} in {shape}: {text}", rule.id));
                    }
                }
            }
        }
        assert!(missed.is_empty(), "{}", missed.join("\n"));
    }

    #[test]
    fn a_secret_over_a_border_of_records_is_none() {
        let whole = ENGINE.set().rules.iter().find(|r| r.id == "github-token").unwrap().examples[0].clone();
        let half = whole.len() - 10;
        let parts = [whole.as_bytes()[..half].to_vec(), whole.as_bytes()[half..].to_vec()];
        assert_eq!(chunked(&parts), row_by_row(&parts));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn chunks_agree_with_rows_on_mangled_examples(
            picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0..4u8), 1..12)
        ) {
            let pool = examples();
            let records: Vec<Vec<u8>> = picks.iter().map(|(which, place, byte, how)| {
                let mut record = which.get(&pool).clone();
                let at = place.index(record.len());
                match how {
                    0 => record[at] = *byte,
                    1 => record.insert(at, *byte),
                    2 => record.truncate(at),
                    _ => {}
                }
                record
            }).collect();
            prop_assert_eq!(chunked(&records), row_by_row(&records));
        }

        #[test]
        fn chunks_agree_with_rows_on_any_bytes(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            prop_assert_eq!(chunked(&records), row_by_row(&records));
        }
    }
}

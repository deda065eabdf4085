//! The two stages together: large chunks of joined records through the first stage, that tells where a rule may match,
//! then the rule's exact regex on the bytes around.

use super::ScanError;
use super::chunk::{Chunk, Last};
use super::decode::{Layer, Levels};
use super::hits::{Hits, Look, Place};
use super::hyperscan::{Database, Scratch};
use super::lower::{lead, longest};
use super::{overlap, quick};
use crate::codec::json_path::JsonPath;
use crate::patterns::{Exact, FirstStage, PatternSet, RuleMatch, Scan, Window};
use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// Bytes of decoded text in which the place of a value is looked for.
const FAR: usize = 16 * 1024;

/// In place of the greatest length of matches that have none: no record has so many bytes.
const UNBOUNDED: usize = usize::MAX;

/// A confirmed match.
#[derive(Clone, Debug)]
pub struct Found {
    /// Half-open span of its record in the chunk's data.
    pub record: (usize, usize),
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
    /// Where it lies in the decoded text, where that is JSON: see [`JsonPath::to`].
    pub paths: Vec<String>,
}

impl Found {
    /// The layers it was encoded in, outermost first; none where it stands in plain.
    pub fn decode_path(&self) -> Vec<&'static str> {
        self.decoded.iter().flat_map(|decoded| &decoded.layers).map(|layer| layer.as_str()).collect()
    }

    /// Its span in the chunk's data.
    pub fn span(&self) -> (usize, usize) {
        let (start, end) = self.matched.span;
        (self.record.0 + start, self.record.0 + end)
    }

    /// The value itself; `chunk` is the one it was found in.
    pub fn value<'v>(&'v self, chunk: &'v Chunk) -> &'v [u8] {
        self.decoded.as_ref().map_or_else(|| chunk.bytes(self.span()), |decoded| &decoded.value)
    }
}

/// Compiled rules, shared by all threads.
#[derive(Clone)]
pub struct Engine {
    set: Arc<PatternSet>,
    database: Arc<Database>,
    /// Rules that a first stage of our own stands for.
    quick: Arc<[(Scan, usize)]>,
    /// How far to look, by rule: found out at its first hit.
    reach: Arc<[OnceLock<Look>]>,
}

impl Engine {
    /// Compiles the rules, or takes them from `cache`.
    pub fn new(set: PatternSet, cache: Option<&Path>) -> Result<Self, ScanError> {
        let database = Database::load(&set, cache)?;
        let quick = set.rules.iter().enumerate().filter_map(|(n, rule)| match rule.first_stage {
            FirstStage::Scan(scan) => Some((scan, n)),
            FirstStage::Expression(_) => None,
        });
        let quick = quick.collect();
        let reach = set.rules.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { set: Arc::new(set), database: Arc::new(database), quick, reach })
    }

    pub fn set(&self) -> &PatternSet {
        &self.set
    }

    /// How far from where the first stage hit a match of the rule may begin and end.
    fn reach(&self, rule: usize) -> Look {
        let look = || {
            let rule_of = &self.set.rules[rule];
            let lead = match &rule_of.first_stage {
                FirstStage::Expression(expression) => lead(&rule_of.pattern, expression),
                FirstStage::Scan(_) => None,
            };
            let longest = longest(&rule_of.pattern);
            let before = lead.into_iter().chain(longest).min().filter(|_| !self.database.is_prefilter(rule))?;
            Some(Look::Around { before, longest: longest.unwrap_or(UNBOUNDED) })
        };
        *self.reach[rule].get_or_init(|| look().unwrap_or(Look::Record))
    }

    /// A scanner for one thread.
    pub fn scanner(&self) -> Result<Scanner, ScanError> {
        let mut scans: Vec<Scan> = self.quick.iter().map(|(scan, _)| *scan).collect();
        scans.sort_unstable();
        scans.dedup();
        Ok(Scanner {
            engine: self.clone(),
            scratch: self.database.scratch()?,
            scans,
            hits: Hits::new(self.set.rules.len()),
            exact: Exact::default(),
            matches: Vec::new(),
            levels: Levels::default(),
        })
    }
}

/// One thread's scanner.
pub struct Scanner {
    engine: Engine,
    scratch: Scratch,
    /// First stages of our own that some rule needs.
    scans: Vec<Scan>,
    hits: Hits,
    exact: Exact,
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

    /// Calls `hit(rule, end)` for each place that a rule may be about.
    fn first(&self, data: &[u8], mut hit: impl FnMut(usize, usize)) -> Result<(), ScanError> {
        self.engine.database.scan(data, &self.scratch, &mut hit)?;
        quick::scan(&self.scans, data, |scan, end| {
            self.engine.quick.iter().filter(|(of, _)| *of == scan).for_each(|(_, rule)| hit(*rule, end));
        });
        Ok(())
    }

    /// Scans the records as they stand.
    fn scan_level(&mut self, chunk: &Chunk, table: Option<&str>, out: &mut Vec<Found>) -> Result<(), ScanError> {
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let result = self.first(chunk.data(), |rule, end| hits.add(chunk, rule, self.engine.reach(rule), end));
        let places = hits.places(chunk);
        for of_record in places.chunk_by(|a, b| a.record == b.record) {
            self.matches.clear();
            let record = of_record[0].record;
            let bytes = chunk.bytes(record);
            let (mut rule, mut next) = (usize::MAX, 0);
            for place in of_record {
                if place.rule != rule {
                    (rule, next) = (place.rule, 0);
                }
                let window = Window { from: place.window.from.max(next), ..place.window };
                next = self.engine.set.confirm(&mut self.exact, rule, (bytes, window), table, &mut self.matches);
            }
            overlap::resolve(&self.engine.set, &mut self.matches);
            out.extend(self.matches.drain(..).map(|matched| Found { record, matched, decoded: None }));
        }
        self.hits = hits;
        result
    }

    /// The first stage alone: how many hits it has. What the whole scan is measured against.
    pub fn first_stage(&mut self, chunk: &Chunk) -> Result<u64, ScanError> {
        let mut hits = 0;
        self.first(chunk.data(), |_, _| hits += 1)?;
        Ok(hits)
    }

    /// The first stage of one rule by itself: how many hits it has.
    pub fn first_stage_of(&self, rule: usize, chunks: &[Chunk]) -> Result<u64, ScanError> {
        let mut hits = 0;
        match &self.set().rules[rule].first_stage {
            FirstStage::Scan(scan) => {
                chunks.iter().for_each(|chunk| quick::scan(&[*scan], chunk.data(), |_, _| hits += 1));
            }
            FirstStage::Expression(_) => {
                let alone = Database::of_rule(self.set(), rule)?;
                let scratch = alone.scratch()?;
                for chunk in chunks {
                    alone.scan(chunk.data(), &scratch, |_, _| hits += 1)?;
                }
            }
        }
        Ok(hits)
    }

    /// Hits of the first stage, and bytes that the exact one looks at, by rule: what a rule costs, whatever the machine.
    pub fn cost(&mut self, chunk: &Chunk) -> Result<Vec<(u64, u64)>, ScanError> {
        let mut cost = vec![(0, 0); self.set().rules.len()];
        let mut hits = Hits::new(cost.len());
        self.first(chunk.data(), |rule, end| {
            cost[rule].0 += 1;
            hits.add(chunk, rule, self.engine.reach(rule), end);
        })?;
        for of_rule in hits.places(chunk).chunk_by(|a, b| (a.record, a.rule) == (b.record, b.rule)) {
            // Windows may overlap; each byte counts once.
            let mut until = 0;
            for Place { rule, window, .. } in of_rule {
                cost[*rule].1 += window.until.saturating_sub(window.from.max(until)) as u64;
                until = until.max(window.until);
            }
        }
        Ok(cost)
    }

    /// The oracle: every rule's exact regex on one record and what lies in it encoded, no first stage.
    pub fn scan_exact(&self, record: &[u8], table: Option<&str>) -> Vec<Found> {
        let exact = |chunk: &Chunk, out: &mut Vec<Found>| {
            for record in chunk.spans() {
                let mut matches = Vec::new();
                for rule in 0..self.engine.set.rules.len() {
                    self.engine.set.confirm_all(rule, chunk.bytes(record), table, &mut matches);
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
    /// Rule and span of the others.
    known: HashSet<(usize, (usize, usize))>,
    last: Last,
}

impl Encoded {
    fn new(plain: usize) -> Self {
        Self { plain, known: HashSet::new(), last: Last::default() }
    }

    /// `found` is of the last level.
    fn add(&mut self, levels: &mut Levels, chunk: &Chunk, found: &mut Vec<Found>, out: &mut Vec<Found>) {
        for hit in found.drain(..) {
            let value = hit.value(&levels.last().chunk).to_vec();
            let (span, layers) = levels.outermost(chunk, hit.span());
            let thin = layers.iter().all(|layer| layer.is_thin());
            if (thin && overlaps(&out[..self.plain], span)) || !self.known.insert((hit.matched.rule, span)) {
                continue;
            }
            let record = self.last.record_at(chunk, span.0);
            let span = (span.0 - record.0, span.1 - record.0);
            let text = levels.last().chunk.bytes(hit.record);
            let paths = if text.len() <= FAR { JsonPath::default().to(text, hit.matched.span.0) } else { Vec::new() };
            let matched = RuleMatch { span, ..hit.matched };
            out.push(Found { record, matched, decoded: Some(Decoded { value, layers, paths }) });
        }
    }
}

/// Whether one of these, by place, shares bytes with the span of the chunk.
fn overlaps(plain: &[Found], (start, end): (usize, usize)) -> bool {
    let at = plain.partition_point(|found| found.span().1 <= start);
    plain.get(at).is_some_and(|found| found.span().0 < end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patterns::RuleSources;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        Engine::new(PatternSet::load(&RuleSources { examples: true, ..RuleSources::default() }).unwrap(), None).unwrap()
    });

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
        let mut all: Vec<Told> = out.into_iter().map(|f| told(chunk.number(f.record.0, &mut (0, 0)), f)).collect();
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
                    ENGINE.set().confirm_all(index, text.as_bytes(), None, &mut own);
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

    /// `PROPTEST_CASES`, else as many as a second or two are enough for.
    fn cases() -> ProptestConfig {
        let asked = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
        ProptestConfig::with_cases(asked.unwrap_or(512))
    }

    proptest! {
        #![proptest_config(cases())]
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

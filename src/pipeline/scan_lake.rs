//! The lake's raw records → findings and occurrences.

use super::PipelineError;
use super::progress::Progress;
use super::scan::{OVERLAP, ScanConfig, ScanReport, Seen, Worker, run};
use super::sightings::{Merged, Sighting};
use crate::lake::Lake;
use crate::lake::derived::OccurrenceRow;
use crate::lake::manifest::{Part, Scanned};
use crate::lake::read::RawBatch;
use crate::model::{Finding, Micros, Place, Text};
use crate::patterns::PatternSet;
use crate::scan::{CHUNK, FindingSet, note_different};
use std::collections::{BTreeMap, BTreeSet};
use std::io;

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
    let mut in_names = scan_names(&report.names, new.len(), config, progress)?;
    let set = config.engine.set();
    let mut all = FindingSet::default();
    if before.is_some() {
        let found = lake.findings()?.unwrap_or_default();
        report.known = Some(found.iter().map(|finding| finding.fingerprint.clone()).collect());
        all = FindingSet::of(found, set);
    }
    let found = std::mem::take(&mut report.findings);
    let mut now: BTreeSet<String> = found.iter().map(|finding| finding.fingerprint.clone()).collect();
    all.merge(FindingSet::of(found, set));
    if before.is_some() && !in_names.findings.is_empty() {
        leave_out_told(lake, &mut in_names)?;
    }
    let named = in_names.findings;
    now.extend(named.iter().map(|finding| finding.fingerprint.clone()));
    all.merge(FindingSet::of(named, set));
    report.sightings.extend(in_names.sightings);
    report.findings = all.into_sorted();
    if before.is_some() {
        recount(lake, &mut report, &now, set)?;
    }
    let group = |source: &String| source.rsplit_once(":log-group:").map(|(_, name)| name.to_owned());
    let incomplete = lake.manifest.partial.keys().filter_map(group).collect();
    Ok(ScanReport { scanned, incomplete, ..report })
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

/// Of findings that count and were found `now`, the different values of all scans: those kept, and those of now.
fn recount(
    lake: &Lake,
    report: &mut ScanReport,
    now: &BTreeSet<String>,
    set: &PatternSet,
) -> Result<(), PipelineError> {
    let counts = |finding: &&mut Finding| set.rules.iter().any(|rule| rule.counted && rule.id == finding.rule);
    let again: Vec<&mut Finding> =
        report.findings.iter_mut().filter(counts).filter(|finding| now.contains(&finding.fingerprint)).collect();
    if again.is_empty() {
        return Ok(());
    }
    let mut values: BTreeMap<String, BTreeSet<String>> =
        again.iter().map(|finding| (finding.fingerprint.clone(), BTreeSet::new())).collect();
    let mut note = |finding: &str, value: &str| {
        if let Some(values) = values.get_mut(finding).filter(|values| !values.contains(value)) {
            values.insert(value.to_owned());
        }
    };
    lake.each_occurrence(["finding", "fingerprint"], &mut |[finding, value]| note(finding, value))?;
    for sighting in report.sightings.iter() {
        let sighting = sighting.map_err(PipelineError::Places)?;
        note(&sighting.finding, &sighting.fingerprint);
    }
    for finding in again {
        note_different(finding, values.get(&finding.fingerprint).map_or(0, BTreeSet::len));
    }
    Ok(())
}

/// What the source of a finding is called that stands in a name.
const NAMES: &str = "names of log groups, streams and objects";
/// Names that are scanned together.
const AT_ONCE: usize = 4096;

/// Scans the names themselves: a token in a stream's name, or a person's in that of an object, leaks like any other.
/// They come after so many parts.
fn scan_names(
    names: &BTreeSet<String>,
    parts: usize,
    config: &ScanConfig<'_>,
    progress: &dyn Progress,
) -> Result<ScanReport, PipelineError> {
    let names: Vec<&String> = names.iter().collect();
    let chunks: Vec<_> = names.chunks(AT_ONCE).collect();
    run(&chunks, config, progress, |worker, number, names| {
        names.iter().for_each(|name| worker.chunk.push(name.as_bytes()));
        worker.scan((parts + number, 0), None, |i| {
            let record = (number * AT_ONCE + i + 1) as u64;
            (
                Place { path: NAMES.into(), record, resource: Some(names[i].as_str().into()), ..Place::default() },
                Seen::ALL,
            )
        })
    })
}

/// Leaves out of what names hold what an earlier scan told: a name comes again with each new part of its group.
fn leave_out_told(lake: &Lake, in_names: &mut ScanReport) -> Result<(), PipelineError> {
    let mut told: BTreeSet<(Text, Text)> = BTreeSet::new();
    lake.each_occurrence(["source_object", "fingerprint", "resource"], &mut |[object, value, name]| {
        if object == NAMES {
            told.insert((value.into(), name.into()));
        }
    })?;
    let name = |sighting: &Sighting| sighting.place.resource.clone().unwrap_or_default();
    in_names.sightings.retain(move |sighting| !told.contains(&(sighting.fingerprint.clone(), name(sighting))));
    let mut left: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for sighting in in_names.sightings.iter() {
        let sighting = sighting.map_err(PipelineError::Places)?;
        *left.entry(sighting.finding.to_string()).or_default().entry(name(&sighting).to_string()).or_default() += 1;
    }
    in_names.findings.retain_mut(|finding| {
        let places = left.remove(&finding.fingerprint);
        places.is_some_and(|places| {
            finding.count = places.values().sum();
            finding.places = places;
            true
        })
    });
    Ok(())
}

fn scan_part(worker: &mut Worker<'_>, lake: &Lake, number: usize, part: &Part) -> Result<(), PipelineError> {
    let mut tail = Tail::default();
    for batch in lake.raw_batches(part)? {
        let batch = batch?;
        for name in batch.names() {
            if !worker.done.names.contains(name) {
                worker.done.names.insert(name.to_owned());
            }
        }
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
        path: place.object.into(),
        line: 0,
        record: place.record as u64,
        event_id: Some(place.event_id.to_owned()),
        event_time: place.event_time.map(Micros),
        source_table: Some(part.table.as_str().into()),
        resource: place.resource.map(Text::from),
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
pub fn occurrence_rows(sightings: Merged<'_>) -> impl Iterator<Item = io::Result<OccurrenceRow>> {
    sightings.map(|sighting| sighting.map(occurrence_row))
}

fn occurrence_row(s: Sighting) -> OccurrenceRow {
    OccurrenceRow {
        source_record: s.line(),
        fingerprint: s.fingerprint,
        finding: s.finding,
        rule: s.rule,
        category: s.category.as_str(),
        severity: s.severity,
        confidence: s.confidence,
        mask: s.mask,
        event_id: s.place.event_id.unwrap_or_default(),
        event_time: s.place.event_time,
        source_table: s.place.source_table.unwrap_or_default(),
        resource: s.place.resource,
        source_object: s.place.path,
        span: s.span,
        decode_path: (!s.decode_path.is_empty()).then(|| s.decode_path.join(" → ")),
        context: s.context,
        verdict: serde_json::to_string(&*s.verdict).unwrap_or_default(),
    }
}

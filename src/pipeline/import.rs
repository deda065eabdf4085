//! Local files → lake.

use super::identity::Known;
use super::progress::Progress;
use super::record_sink::{RecordSink, SinkConfig};
use super::{PipelineError, threads};
use crate::formats::{LogFormat, Options};
use crate::lake::Lake;
use crate::lake::manifest::{Part, SourceObject};
use crate::lake::writer::LakeWriter;
use crate::model::{Micros, Origin, Tally};
use crate::source::framing::{Framer, Framing};
use crate::source::walk::{SourceFile, walk};
use crate::source::{SourceError, object, s3_key};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// What to import, and what is known of it beforehand.
pub struct ImportConfig {
    pub paths: Vec<PathBuf>,
    /// Read everything as this format.
    pub format: Option<&'static dyn LogFormat>,
    pub options: Options,
    /// From flags; wins over what a path says.
    pub origin: Origin,
    /// When the import happens, for the custody record.
    pub now: Micros,
    /// The file standard input was kept in; it is called `-`.
    pub stdin: Option<PathBuf>,
}

/// What became of an import.
#[derive(Debug, Default)]
pub struct ImportReport {
    pub tally: Tally,
    /// Objects read.
    pub objects: u64,
    /// Objects already in the lake, skipped whole.
    pub skipped: u64,
    /// Objects that could not be read, or not to their end.
    pub errors: Vec<SourceError>,
    /// Things worth saying about single objects.
    pub notes: Vec<String>,
}

/// Stored bytes that are committed together: what an interruption may cost at most.
const COMMIT_BYTES: u64 = 256 * 1024 * 1024;

/// Imports everything under the paths. Whole groups of objects are committed at a time; an error or an
/// interruption leaves the lake as the last commit made it.
pub fn import(lake: &mut Lake, config: &ImportConfig, progress: &dyn Progress) -> Result<ImportReport, PipelineError> {
    let (files, errors) = walk(&config.paths, lake.root());
    let mut report = ImportReport { errors, ..ImportReport::default() };
    progress.total(files.iter().map(|f| f.size).sum());
    let known = Mutex::new(Known::default());
    let mut rest = files.as_slice();
    while !rest.is_empty() {
        let (group, after) = rest.split_at(group_len(rest));
        rest = after;
        let run = Run { lake, config, progress, known: &known, taken: Mutex::new(HashSet::new()) };
        let done = run.group(group)?;
        let mut parts = Vec::new();
        let mut objects = Vec::new();
        for worker in done {
            parts.extend(worker.parts);
            for object in worker.objects {
                report.tally.add(&object.tally);
                report.objects += 1;
                objects.push(object);
            }
            report.skipped += worker.skipped;
            report.errors.extend(worker.errors);
            report.notes.extend(worker.notes);
        }
        lake.commit_import(parts, objects)?;
    }
    report.notes.sort_unstable();
    Ok(report)
}

/// How many files go into the next commit; at least one.
fn group_len(files: &[SourceFile]) -> usize {
    let mut bytes = 0;
    let fits = files.iter().take_while(|file| {
        bytes += file.size;
        bytes <= COMMIT_BYTES
    });
    fits.count().max(1)
}

struct Run<'a> {
    lake: &'a Lake,
    config: &'a ImportConfig,
    progress: &'a dyn Progress,
    known: &'a Mutex<Known>,
    /// SHA-256 of objects that a worker of this group has begun.
    taken: Mutex<HashSet<String>>,
}

#[derive(Default)]
struct Done {
    parts: Vec<Part>,
    objects: Vec<SourceObject>,
    skipped: u64,
    errors: Vec<SourceError>,
    notes: Vec<String>,
}

impl Run<'_> {
    fn group(&self, files: &[SourceFile]) -> Result<Vec<Done>, PipelineError> {
        let next = AtomicUsize::new(0);
        let workers = threads().min(files.len()).max(1);
        let results: Vec<Result<Done, PipelineError>> = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|_| scope.spawn(|| self.worker(files, &next))).collect();
            handles.into_iter().map(|h| h.join().unwrap_or(Err(PipelineError::Worker))).collect()
        });
        results.into_iter().collect()
    }

    fn worker(&self, files: &[SourceFile], next: &AtomicUsize) -> Result<Done, PipelineError> {
        let mut done = Done::default();
        let mut writer = LakeWriter::new(&self.lake.store);
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.progress.cancelled() {
                return Err(PipelineError::Interrupted);
            }
            match self.object(file, &mut writer, &mut done) {
                Ok(()) => {}
                Err(ObjectError::Source(error)) => done.errors.push(error),
                Err(ObjectError::Run(error)) => return Err(error),
            }
        }
        done.parts = writer.finish()?;
        Ok(done)
    }

    fn object(&self, file: &SourceFile, writer: &mut LakeWriter<'_>, done: &mut Done) -> Result<(), ObjectError> {
        let stdin = self.config.stdin.as_deref() == Some(&file.path);
        let name = if stdin { "-".to_owned() } else { file.path.display().to_string() };
        let sha256 = object::sha256(file)?;
        let fresh = self.taken.lock().unwrap_or_else(PoisonError::into_inner).insert(sha256.clone());
        if !fresh || self.lake.manifest.objects.contains_key(&sha256) {
            done.skipped += 1;
            self.progress.advance(file.size);
            return Ok(());
        }
        let mut custody = SourceObject {
            name: name.clone(),
            size: file.size,
            sha256: sha256.clone(),
            etag: None,
            imported: self.config.now.to_string(),
            tool: concat!("logsift ", env!("CARGO_PKG_VERSION")).to_owned(),
            tally: Tally::default(),
            incomplete: None,
        };
        if file.is_test_object() {
            custody.tally.records_in = 1;
            Tally::count(&mut custody.tally.ignored, "test object");
            self.progress.advance(file.size);
            done.objects.push(custody);
            return Ok(());
        }
        let origin = self.origin(&file.path);
        let mut framer = Framer::new(object::open(file)?);
        let binary = memchr::memchr(0, framer.head()).is_some();
        let config = SinkConfig {
            lake: self.lake,
            known: self.known,
            object: &name,
            sha256: &sha256,
            // Objects of one export task are one view of a stream; every API output is one of its own.
            view: match framer.framing() {
                Framing::ExportLines => file.path.parent().unwrap_or(Path::new("")),
                Framing::Lines | Framing::JsonArray(_) | Framing::JsonValues => &file.path,
            },
            resumes: self.cut_before(&name),
            origin: &origin,
            framing: framer.framing(),
            forced: self.config.format,
            options: &self.config.options,
        };
        let mut sink = RecordSink::new(config, writer);
        let mut counted = 0;
        while let Some(frame) = framer.next_frame() {
            sink.take(&frame)?;
            if sink.tally.records_in.is_multiple_of(4096) {
                self.progress.records(sink.tally.records_in - counted);
                counted = sink.tally.records_in;
                if self.progress.cancelled() {
                    return Err(PipelineError::Interrupted.into());
                }
            }
        }
        self.progress.records(sink.tally.records_in - counted);
        custody.tally = std::mem::take(&mut sink.tally);
        let ungrouped = sink.ungrouped;
        if !custody.tally.is_balanced() {
            done.notes.push(format!("{name}: the counts do not add up; this is a bug in logsift, please report it"));
        }
        if let Some(source) = framer.take_error() {
            let error = SourceError::Broken { object: name.clone(), offset: framer.offset(), source };
            custody.incomplete = Some(error.to_string());
            done.errors.push(error);
        }
        done.notes.extend(note(&name, file, binary, &custody.tally));
        if ungrouped {
            done.notes.push(format!(
                "{name}: CloudWatch events whose log group or stream is not known; name them with --log-group \
                 (and --log-stream), or the same events from another file will be taken for others"
            ));
        }
        self.progress.advance(file.size);
        done.objects.push(custody);
        Ok(())
    }

    /// The object of this name that was imported cut short: its records are not to come twice.
    fn cut_before(&self, name: &str) -> Option<&str> {
        let objects = &self.lake.manifest.objects;
        let cut = objects.values().filter(|object| object.incomplete.is_some() && object.name == name && name != "-");
        // The first of several gave the others its identity.
        cut.min_by(|a, b| a.imported.cmp(&b.imported)).map(|object| object.sha256.as_str())
    }

    fn origin(&self, path: &Path) -> Origin {
        let from_path = s3_key::origin_of(path);
        let given = &self.config.origin;
        Origin {
            account_id: given.account_id.clone().or(from_path.account_id),
            region: given.region.clone().or(from_path.region),
            log_group: given.log_group.clone().or(from_path.log_group),
            log_stream: given.log_stream.clone().or(from_path.log_stream),
        }
    }
}

/// What a person should know about an object that gave nothing, or nothing but rejects.
fn note(name: &str, file: &SourceFile, binary: bool, tally: &Tally) -> Option<String> {
    if file.size == 0 || tally.records_in == 0 {
        return Some(format!("{name}: is empty"));
    }
    let unknown = tally.rejects.get("unknown_format").copied().unwrap_or(0);
    if unknown == 0 {
        return None;
    }
    let kind = if binary { "looks binary, not like a log" } else { "no known log format" };
    Some(format!(
        "{name}: {kind}; kept as rejects ({unknown}) and scanned all the same. \
         Name the format with --format, see `logsift formats list`"
    ))
}

enum ObjectError {
    Source(SourceError),
    Run(PipelineError),
}

impl From<SourceError> for ObjectError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<PipelineError> for ObjectError {
    fn from(error: PipelineError) -> Self {
        Self::Run(error)
    }
}

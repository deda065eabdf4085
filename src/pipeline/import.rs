//! Local files → lake.

mod archived;
mod custody;
mod evidence;

use super::block::{Block, parse_block};
use super::input::Input;
use super::known::Known;
use super::lake_sink::LakeSink;
use super::object_job::{ObjectJob, Sequencer};
use super::progress::Progress;
use super::stitched;
use super::{PipelineError, threads};
use crate::formats::{LogFormat, Options};
use crate::lake::manifest::{Change, Part, SourceObject};
use crate::lake::{Lake, store};
use crate::model::{Micros, Origin, Tally};
use crate::source::framing::Framing;
use crate::source::object::{Object, Opened};
use crate::source::walk::{SourceFile, walk};
use crate::source::whole::Spool;
use crate::source::{SourceError, s3_key};
use crossbeam_channel::{Receiver, Sender};
use custody::{add_twin, settle};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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

/// A file to import, and what is known of it alone.
pub struct Incoming {
    pub file: SourceFile,
    /// What the custody record calls it; its path where this is none.
    pub name: Option<String>,
    pub origin: Origin,
    /// What S3 called this version of it.
    pub etag: Option<String>,
    /// Keep its bytes in the lake too.
    pub keep: bool,
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
    let named = |file: SourceFile| Incoming {
        name: (config.stdin.as_ref() == Some(&file.path)).then(|| "-".to_owned()),
        file,
        origin: Origin::default(),
        etag: None,
        keep: false,
    };
    let files: Vec<Incoming> = files.into_iter().map(named).collect();
    progress.total(files.iter().map(|incoming| incoming.file.size).sum());
    let mut importer = Importer::new(config);
    importer.report.errors = errors;
    let mut rest = files.as_slice();
    while !rest.is_empty() {
        let (group, after) = rest.split_at(group_len(rest));
        rest = after;
        importer.group(lake, group, Change { by: "import".to_owned(), ..Change::default() }, progress)?;
    }
    importer.finish(lake, progress)
}

/// How many files go into the next commit; at least one.
fn group_len(files: &[Incoming]) -> usize {
    let mut bytes = 0;
    let fits = files.iter().take_while(|incoming| {
        bytes += incoming.file.size;
        bytes <= COMMIT_BYTES
    });
    fits.count().max(1)
}

/// Imports groups of files as they come.
pub struct Importer<'c> {
    config: &'c ImportConfig,
    known: Mutex<Known>,
    pub report: ImportReport,
}

impl<'c> Importer<'c> {
    /// The paths of `config` are not looked at.
    pub fn new(config: &'c ImportConfig) -> Self {
        Self { config, known: Mutex::new(Known::default()), report: ImportReport::default() }
    }

    /// Imports these files and commits them as part of the change.
    pub fn group(
        &mut self,
        lake: &mut Lake,
        files: &[Incoming],
        change: Change,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let run = Run {
            lake,
            config: self.config,
            progress,
            known: &self.known,
            files,
            spool: Spool::new(lake.root().join(store::INTERNAL)),
            next: AtomicUsize::new(0),
            taken: Mutex::default(),
            done: Mutex::new(Done::default()),
            failed: AtomicBool::new(false),
        };
        let add_parts = run.group()?;
        let done = run.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.report.skipped += done.skipped;
        self.report.errors.extend(done.errors);
        self.report.notes.extend(done.notes);
        let (twins, objects): (Vec<_>, Vec<_>) = done.objects.into_iter().partition(|object| object.twin);
        let mut settled = |object| settle(object, self.config.now, &mut self.report);
        let mut add_objects: Vec<SourceObject> = objects.into_iter().map(&mut settled).collect();
        for twin in twins.into_iter().map(settled) {
            add_twin(&mut add_objects, twin, lake);
        }
        let stale = stitched::stale_days(&add_parts);
        if files.iter().any(|file| file.keep) {
            lake.sync()?;
        }
        lake.commit_import(Change { add_parts, add_objects, stale, ..change })?;
        self.known.get_mut().unwrap_or_else(PoisonError::into_inner).committed();
        Ok(())
    }

    /// Makes the derived tables of what was imported.
    pub fn finish(mut self, lake: &mut Lake, progress: &dyn Progress) -> Result<ImportReport, PipelineError> {
        stitched::rebuild(lake, progress)?;
        self.report.notes.sort_unstable();
        Ok(self.report)
    }
}

struct Run<'a> {
    lake: &'a Lake,
    config: &'a ImportConfig,
    progress: &'a dyn Progress,
    known: &'a Mutex<Known>,
    files: &'a [Incoming],
    /// For members of archives that must be read twice.
    spool: Spool,
    next: AtomicUsize,
    /// SHA-256 of objects that a worker of this group has begun, with the folders of those that are exports.
    taken: Mutex<HashMap<String, Vec<Option<String>>>>,
    done: Mutex<Done>,
    /// Set when a worker fails: the others stop too.
    failed: AtomicBool,
}

/// What a group of objects became, parts aside.
#[derive(Default)]
struct Done {
    objects: Vec<Finished>,
    skipped: u64,
    errors: Vec<SourceError>,
    notes: Vec<String>,
}

/// An object that was cut into blocks; its counts are whole when all workers are done.
#[derive(Default)]
struct Finished {
    job: Arc<ObjectJob>,
    size: u64,
    binary: bool,
    incomplete: Option<String>,
    /// SHA-256 of the archive file it lay in.
    archive: Option<String>,
    /// Objects that lay in it, where it is an archive.
    members: Option<u64>,
    /// Where in the lake its bytes are kept.
    evidence: Option<String>,
    etag: Option<String>,
    /// Another object has the same bytes, and other events.
    twin: bool,
}

/// An object larger than this is parsed by several workers.
const SHARED_FROM: u64 = 4 * 1024 * 1024;

impl Run<'_> {
    /// Parts that are stored and not yet committed.
    fn group(&self) -> Result<Vec<Part>, PipelineError> {
        let (send, blocks) = crossbeam_channel::bounded::<Block>(threads());
        let results: Vec<Result<Vec<Part>, PipelineError>> = std::thread::scope(|scope| {
            let worker = |send, blocks| move || self.worker(send, &blocks);
            let handles: Vec<_> = (0..threads()).map(|_| scope.spawn(worker(send.clone(), blocks.clone()))).collect();
            drop((send, blocks));
            handles.into_iter().map(|h| h.join().unwrap_or(Err(PipelineError::Worker))).collect()
        });
        let mut parts = Vec::new();
        let mut stopped = Ok(());
        for result in results {
            match result {
                Ok(stored) => parts.extend(stored),
                // The others stop as if interrupted when one fails: the one that did says why.
                Err(PipelineError::Interrupted) if stopped.is_err() => {}
                Err(error) => stopped = Err(error),
            }
        }
        stopped.map(|()| parts)
    }

    /// Takes blocks of large objects first, then files; ends when there is neither any more.
    fn worker(&self, send: Sender<Block>, blocks: &Receiver<Block>) -> Result<Vec<Part>, PipelineError> {
        let mut sink = LakeSink::new(self.lake, self.known);
        let result = self.work(send, blocks, &mut sink);
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        result?;
        sink.finish()
    }

    fn work(
        &self,
        send: Sender<Block>,
        blocks: &Receiver<Block>,
        sink: &mut LakeSink<'_>,
    ) -> Result<(), PipelineError> {
        loop {
            while let Ok(block) = blocks.try_recv() {
                self.parse(block, sink)?;
            }
            let Some(file) = self.files.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            match self.file(file, &send, sink) {
                Ok(()) => {}
                Err(ObjectError::Source(error)) => self.done().errors.push(error),
                Err(ObjectError::Run(error)) => return Err(error),
            }
        }
        drop(send);
        while let Ok(block) = blocks.recv() {
            self.parse(block, sink)?;
        }
        Ok(())
    }

    fn done(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parse(&self, block: Block, sink: &mut LakeSink<'_>) -> Result<(), PipelineError> {
        if self.progress.cancelled() || self.failed.load(Ordering::Relaxed) {
            return Err(PipelineError::Interrupted);
        }
        self.progress.records(parse_block(block, &self.config.options, self.config.format, sink)?);
        Ok(())
    }

    fn file(&self, incoming: &Incoming, send: &Sender<Block>, sink: &mut LakeSink<'_>) -> Result<(), ObjectError> {
        let object = Object::of_file(&incoming.file, incoming.name.as_deref());
        let result = self.object(object, None, incoming, send, sink);
        self.progress.advance(incoming.file.size);
        result.map(drop)
    }

    /// Imports a file, or a member of the archive file with that SHA-256.
    fn object(
        &self,
        object: Object,
        archive: Option<&str>,
        incoming: &Incoming,
        send: &Sender<Block>,
        sink: &mut LakeSink<'_>,
    ) -> Result<Read, ObjectError> {
        let (object, sha256) = object.kept(&self.spool)?;
        let known = self.lake.manifest.objects.get(&sha256);
        let (fresh, twin) = self.begin(&object, &sha256);
        // An archive that could not be read whole is looked through again: its members are known one by one.
        let again = known.is_some_and(|known| known.members.is_some() && known.incomplete.is_some());
        if !fresh || (known.is_some() && !again && !twin) {
            return Ok(self.skip(known.and_then(|known| known.members).unwrap_or(1)));
        }
        let archive = archive.map(str::to_owned);
        if object.is_test_object() {
            let mut tally = Tally { records_in: 1, ..Tally::default() };
            Tally::count(&mut tally.ignored, "test object");
            let job = ObjectJob { name: object.name, sha256, tally: Mutex::new(tally), ..ObjectJob::default() };
            self.finish(Finished { job: Arc::new(job), size: object.size, archive, ..Finished::default() });
            return Ok(Read { members: 1, whole: true });
        }
        let input = match object.open(&self.spool)? {
            Opened::Content(content) => Input::new(&object.name, content)?,
            Opened::Archive(inside) => return self.archive(&object, sha256, (archive, inside), incoming, send, sink),
        };
        if twin && !matches!(input.framing(), Framing::ExportLines) {
            return Ok(self.skip(1));
        }
        let mut evidence = self.evidence(&object, &sha256, input.head())?;
        if evidence.is_none() && incoming.keep && archive.is_none() {
            evidence = Some(self.original(&object, incoming, &sha256)?);
        }
        let binary = input.is_binary();
        // Objects of one export task are one view of a stream; every API output is one of its own.
        let (view, lasts) = match input.framing() {
            Framing::ExportLines => (object.path.parent().unwrap_or(Path::new("")), true),
            _ => (&*object.path, false),
        };
        let view = self.known.lock().unwrap_or_else(PoisonError::into_inner).view(view, lasts);
        let job = Arc::new(ObjectJob {
            view,
            resumes: self.cut_before(&object.name).map(str::to_owned),
            origin: self.config.origin.or(&incoming.origin).or(&s3_key::origin_of(&object.path)),
            name: object.name,
            sha256,
            ..ObjectJob::default()
        });
        let mut sequencer = Sequencer::new(Arc::clone(&job), input, &self.config.options, self.config.format);
        // Members of an archive are unpacked by one worker and parsed by all.
        let shared = archive.is_some() || object.size >= SHARED_FROM;
        while let Some(block) = sequencer.next_block() {
            if !shared || block.is_cut() {
                self.parse(block, sink)?;
            } else if let Err(full) = send.try_send(block) {
                self.parse(full.into_inner(), sink)?;
            }
        }
        let incomplete = sequencer.into_input().take_error(&job.name).map(|error| {
            let text = error.to_string();
            self.done().errors.push(error);
            text
        });
        let whole = incomplete.is_none();
        let etag = incoming.etag.clone().filter(|_| archive.is_none());
        let members = None;
        self.finish(Finished { job, size: object.size, binary, incomplete, archive, evidence, etag, members, twin });
        Ok(Read { members: 1, whole })
    }

    fn skip(&self, members: u64) -> Read {
        self.done().skipped += members;
        Read { members, whole: true }
    }

    /// Whether these bytes are to be read by whoever asks; and whether they were or are being read as another stream's
    /// export, whose name is no part of the bytes.
    fn begin(&self, object: &Object, sha256: &str) -> (bool, bool) {
        let folder = s3_key::export_folder(&object.name).map(str::to_owned);
        let known = self.lake.manifest.objects.get(sha256);
        let here =
            known.is_some_and(|known| known.names().any(|name| s3_key::export_folder(name) == folder.as_deref()));
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = taken.entry(sha256.to_owned()).or_default();
        let others = !folders.is_empty() || known.is_some();
        let fresh = folders.is_empty() || (folder.is_some() && !folders.contains(&folder));
        folders.push(folder.clone());
        (fresh, others && folder.is_some() && !here)
    }

    fn finish(&self, object: Finished) {
        self.done().objects.push(object);
    }

    /// The object of this name that was imported cut short: its records are not to come twice.
    fn cut_before(&self, name: &str) -> Option<&str> {
        let objects = &self.lake.manifest.objects;
        let cut = objects.values().filter(|object| object.incomplete.is_some() && object.name == name && name != "-");
        // The first of several gave the others its identity.
        cut.min_by(|a, b| a.imported.cmp(&b.imported)).map(|object| object.sha256.as_str())
    }
}

/// What became of an object.
struct Read {
    /// Objects in it; 1 where it is no archive.
    members: u64,
    /// All of it was read.
    whole: bool,
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

//! Files and streams → matches, line by line of their decompressed bytes.

use super::PipelineError;
use super::left::Left;
use super::progress::Progress;
use super::scan::{Block, OVERLAP, ScanConfig, ScanReport, Seen, Worker, run};
use crate::model::{Place, Tally};
use crate::scan::CHUNK;
use crate::source::SourceError;
use crate::source::archive::{Found, unpack};
use crate::source::object::{Content, Object, fill_slice};
use crate::source::parquet_rows::ParquetRows;
use crate::source::walk::walk;
use crate::source::whole::{Spool, Whole};
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a line that are scanned at once at most.
const LONGEST: usize = 4 * CHUNK;

/// Scans files and directories, line by line of their decompressed bytes.
pub fn scan_files(
    paths: &[PathBuf],
    skip: &Path,
    config: &ScanConfig<'_>,
    progress: &dyn Progress,
) -> Result<ScanReport, PipelineError> {
    let (files, errors) = walk(paths, skip);
    progress.total(files.iter().map(|f| f.size).sum());
    let mut report = run(&files, config, progress, |worker, number, file| {
        scan_object(worker, number, Object::of_file(file, None), progress)?;
        progress.advance(file.size);
        Ok(())
    })?;
    report.not_scanned.extend(errors.iter().map(ToString::to_string));
    Ok(report)
}

/// Scans one stream, such as standard input; `name` is how it is called.
pub fn scan_stream(
    input: Box<dyn std::io::Read + Send>,
    name: &str,
    config: &ScanConfig<'_>,
    progress: &dyn Progress,
) -> Result<ScanReport, PipelineError> {
    let input = std::sync::Mutex::new(Some(input));
    run(&[()], config, progress, |worker, number, ()| {
        let taken = input.lock().ok().and_then(|mut slot| slot.take());
        taken.map_or(Ok(()), |taken| scan_object(worker, number, Object::of_stream(name, taken), progress))
    })
}

/// Scans a file, or all that lies in an archive.
fn scan_object(
    worker: &mut Worker<'_>,
    number: usize,
    object: Object,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let mut left = Left::default();
    let mut member = 0;
    unpack(object, &Spool::temporary(), &mut |found| {
        match found {
            Found::Object(object, content) => {
                member += 1;
                let error = match content {
                    Content::Parquet(whole) => scan_rows(worker, (number, member), &object.name, whole, progress)?,
                    Content::Bytes(bytes) => scan_reader(worker, (number, member), bytes, &object.name, progress)?,
                };
                worker.done.not_scanned.extend(error.map(|error| error.to_string()));
            }
            Found::Left { name, what } => left.count(&name, what, &mut Tally::default()),
            Found::Error(error) => worker.done.not_scanned.push(error.to_string()),
        }
        Ok::<(), PipelineError>(())
    })?;
    worker.done.notes.extend(left.into_notes());
    Ok(())
}

/// Rows of Parquet, of whatever columns: each as JSON. Why not all were scanned, if they were not.
fn scan_rows(
    worker: &mut Worker<'_>,
    number: (usize, u64),
    name: &str,
    whole: Whole,
    progress: &dyn Progress,
) -> Result<Option<SourceError>, PipelineError> {
    let mut rows = match ParquetRows::open(name, whole) {
        Ok(rows) => rows,
        Err(error) => return Ok(Some(error)),
    };
    let mut error = None;
    let mut first = 1;
    loop {
        match rows.next_row() {
            Some(Ok(row)) => {
                worker.chunk.push(row.as_bytes());
                worker.done.bytes += row.len() as u64;
                worker.done.records += 1;
                if worker.chunk.len() < CHUNK {
                    continue;
                }
            }
            Some(Err(broken)) => error = Some(broken),
            None => {}
        }
        if worker.chunk.is_empty() {
            return Ok(error);
        }
        if progress.cancelled() {
            return Err(PipelineError::Interrupted);
        }
        let place = |i: usize| Place { path: name.into(), line: first + i as u64, ..Place::default() };
        worker.scan(number, None, |i| (place(i), Seen::ALL))?;
        first = rows.row() + 1;
    }
}

/// Why it was not scanned to its end, if it was not.
fn scan_reader(
    worker: &mut Worker<'_>,
    number: (usize, u64),
    mut reader: Box<dyn BufRead + Send>,
    name: &str,
    progress: &dyn Progress,
) -> Result<Option<SourceError>, PipelineError> {
    let mut lines = Lines { number, name: Arc::from(name), line: 1, seen: 0, base: 0 };
    let mut buffer = worker.buffer();
    let (mut filled, mut offset) = (0, 0u64);
    loop {
        let (got, read) = fill_slice(&mut *reader, &mut buffer[filled..]);
        filled += got;
        offset += got as u64;
        worker.done.bytes += got as u64;
        let end = filled < buffer.len();
        if let Some((block, rest)) = lines.next(&mut buffer, filled, end, || worker.buffer()) {
            worker.share(block)?;
            filled = rest;
        }
        if let Err(source) = read {
            return Ok(Some(SourceError::Broken { object: name.to_owned(), offset, source }));
        }
        if progress.cancelled() {
            return Err(PipelineError::Interrupted);
        }
        if end {
            return Ok(None);
        }
    }
}

/// Where the buffer's first line lies.
struct Lines {
    number: (usize, u64),
    name: Arc<str>,
    line: u64,
    /// Bytes at the buffer's start that were told with the piece before.
    seen: usize,
    /// Offset in its line of the buffer's first byte.
    base: usize,
}

impl Lines {
    /// Takes whole lines off the buffer and leaves the rest in it; of a line longer than some buffers, a piece. Gives
    /// how much is left; none where the buffer was made longer instead.
    fn next(
        &mut self,
        buffer: &mut Vec<u8>,
        filled: usize,
        end: bool,
        another: impl Fn() -> Vec<u8>,
    ) -> Option<(Block, usize)> {
        let whole = if end { Some(filled) } else { memchr::memrchr(b'\n', &buffer[..filled]).map(|at| at + 1) };
        let (is_piece, taken, kept) = match whole {
            Some(0) => return None,
            Some(whole) => (false, whole, whole),
            None if filled < LONGEST => {
                buffer.resize(2 * filled, 0);
                return None;
            }
            None => (true, filled, filled - OVERLAP),
        };
        let mut next = another();
        let rest = filled - kept;
        next.resize(next.len().max(2 * rest), 0);
        next[..rest].copy_from_slice(&buffer[kept..filled]);
        buffer.truncate(taken);
        let data = std::mem::replace(buffer, next);
        let count = if is_piece { 0 } else { memchr::memchr_iter(b'\n', &data).count() as u64 };
        let unended = u64::from(!is_piece && data.last() != Some(&b'\n'));
        let until = if is_piece { filled - OVERLAP / 2 } else { usize::MAX };
        let seen = Seen { before: self.seen, until, base: self.base };
        let (number, name, line) = (self.number, Arc::clone(&self.name), self.line);
        let block = Block { number, name, line, count: count + unended, seen, lines: !is_piece, data };
        (self.seen, self.base) = if is_piece { (OVERLAP / 2, self.base + kept) } else { (0, 0) };
        self.line += count;
        Some((block, rest))
    }
}

//! Files and streams → matches, line by line of their decompressed bytes.

use super::PipelineError;
use super::left::Left;
use super::progress::Progress;
use super::scan::{Block, OVERLAP, ScanConfig, ScanReport, Seen, Worker, run};
use crate::model::{Place, Tally};
use crate::scan::CHUNK;
use crate::source::SourceError;
use crate::source::archive::{Found, unpack};
use crate::source::object::{Content, Object};
use crate::source::parquet_rows::ParquetRows;
use crate::source::walk::walk;
use crate::source::whole::{Spool, Whole};
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
        let place = |i: usize| Place { path: name.to_owned(), line: first + i as u64, ..Place::default() };
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
    let mut buffer: Vec<u8> = Vec::with_capacity(2 * CHUNK);
    let mut lines = Lines { number, name: Arc::from(name), line: 1, seen: 0, base: 0 };
    let mut offset = 0u64;
    loop {
        let before = buffer.len();
        let read = reader.by_ref().take(CHUNK as u64).read_to_end(&mut buffer);
        let got = buffer.len() - before;
        offset += got as u64;
        worker.done.bytes += got as u64;
        let end = got == 0 || read.is_err();
        if let Some(block) = lines.next(&mut buffer, end) {
            worker.share(block)?;
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
    /// Takes whole lines off the buffer and leaves the rest in it; of a line longer than the buffer, a piece.
    fn next(&mut self, buffer: &mut Vec<u8>, end: bool) -> Option<Block> {
        let whole = if end { Some(buffer.len()) } else { memchr::memrchr(b'\n', buffer).map(|at| at + 1) };
        let Some(whole) = whole else {
            return (buffer.len() >= 4 * CHUNK).then(|| self.piece(buffer));
        };
        if whole == 0 {
            return None;
        }
        let mut rest = Vec::with_capacity(2 * CHUNK);
        rest.extend_from_slice(&buffer[whole..]);
        buffer.truncate(whole);
        let data = std::mem::replace(buffer, rest);
        let count = memchr::memchr_iter(b'\n', &data).count() as u64;
        let block = self.block(data, Seen { before: self.seen, until: usize::MAX, base: self.base }, true);
        (self.line, self.seen, self.base) = (self.line + count, 0, 0);
        Some(block)
    }

    fn piece(&mut self, buffer: &mut Vec<u8>) -> Block {
        let seen = Seen { before: self.seen, until: buffer.len() - OVERLAP / 2, base: self.base };
        let keep = buffer.len() - OVERLAP;
        let mut rest = Vec::with_capacity(5 * CHUNK);
        rest.extend_from_slice(&buffer[keep..]);
        let data = std::mem::replace(buffer, rest);
        (self.seen, self.base) = (OVERLAP / 2, self.base + keep);
        self.block(data, seen, false)
    }

    fn block(&self, data: Vec<u8>, seen: Seen, lines: bool) -> Block {
        Block { number: self.number, name: Arc::clone(&self.name), line: self.line, seen, lines, data }
    }
}

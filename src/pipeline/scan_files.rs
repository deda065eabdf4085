//! Files and streams → matches, line by line of their decompressed bytes.

use super::PipelineError;
use super::left::Left;
use super::progress::Progress;
use super::scan::{OVERLAP, ScanConfig, ScanReport, Seen, Worker, run};
use crate::model::{Place, Tally};
use crate::scan::CHUNK;
use crate::source::SourceError;
use crate::source::archive::{Found, unpack};
use crate::source::object::Object;
use crate::source::walk::walk;
use crate::source::whole::Spool;
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};

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
    unpack(object, &Spool::temporary(), &mut |found| {
        match found {
            Found::Object(object, content) => {
                worker.member += 1;
                if let Some(error) = scan_reader(worker, number, content.into_bytes(), &object.name, progress)? {
                    worker.done.not_scanned.push(error.to_string());
                }
            }
            Found::Left { name, what } => left.count(&name, what, &mut Tally::default()),
            Found::Error(error) => worker.done.not_scanned.push(error.to_string()),
        }
        Ok::<(), PipelineError>(())
    })?;
    worker.done.notes.extend(left.into_notes());
    Ok(())
}

/// Why it was not scanned to its end, if it was not.
fn scan_reader(
    worker: &mut Worker<'_>,
    number: usize,
    mut reader: Box<dyn BufRead + Send>,
    name: &str,
    progress: &dyn Progress,
) -> Result<Option<SourceError>, PipelineError> {
    let mut buffer: Vec<u8> = Vec::with_capacity(2 * CHUNK);
    let mut lines = Lines { name, line: 1, seen: 0, base: 0 };
    let mut offset = 0u64;
    loop {
        let before = buffer.len();
        let read = reader.by_ref().take(CHUNK as u64).read_to_end(&mut buffer);
        let got = buffer.len() - before;
        offset += got as u64;
        worker.done.bytes += got as u64;
        let end = got == 0 || read.is_err();
        lines.scan(worker, number, &mut buffer, end)?;
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
struct Lines<'a> {
    name: &'a str,
    line: u64,
    /// Bytes at the buffer's start that were told with the piece before.
    seen: usize,
    /// Offset in its line of the buffer's first byte.
    base: usize,
}

impl Lines<'_> {
    /// Scans whole lines of the buffer and leaves the rest in it; of a line longer than the buffer, a piece.
    fn scan(
        &mut self,
        worker: &mut Worker<'_>,
        number: usize,
        buffer: &mut Vec<u8>,
        end: bool,
    ) -> Result<(), PipelineError> {
        let whole = if end { Some(buffer.len()) } else { memchr::memrchr(b'\n', buffer).map(|at| at + 1) };
        let Some(whole) = whole else {
            return if buffer.len() < 4 * CHUNK { Ok(()) } else { self.piece(worker, number, buffer) };
        };
        if whole == 0 {
            return Ok(());
        }
        worker.chunk.lines(&buffer[..whole]);
        let count = worker.chunk.records() as u64;
        worker.done.records += count;
        let (first, seen, base) = (self.line, self.seen, self.base);
        worker.scan(number, None, |i| {
            let seen = if i == 0 { Seen { before: seen, until: usize::MAX, base } } else { Seen::ALL };
            (self.place(first + i as u64), seen)
        })?;
        buffer.drain(..whole);
        (self.line, self.seen, self.base) = (first + count, 0, 0);
        Ok(())
    }

    fn piece(&mut self, worker: &mut Worker<'_>, number: usize, buffer: &mut Vec<u8>) -> Result<(), PipelineError> {
        worker.chunk.push(buffer);
        let until = buffer.len() - OVERLAP / 2;
        let (line, seen, base) = (self.line, self.seen, self.base);
        worker.scan(number, None, |_| (self.place(line), Seen { before: seen, until, base }))?;
        let keep = buffer.len() - OVERLAP;
        buffer.drain(..keep);
        (self.seen, self.base) = (OVERLAP / 2, base + keep);
        Ok(())
    }

    fn place(&self, line: u64) -> Place {
        Place { path: self.name.to_owned(), line, ..Place::default() }
    }
}

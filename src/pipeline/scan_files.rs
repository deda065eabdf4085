//! Files and streams → matches, line by line of their decompressed bytes.

use super::PipelineError;
use super::progress::Progress;
use super::scan::{OVERLAP, ScanConfig, ScanReport, Seen, Worker, run};
use crate::model::Place;
use crate::scan::CHUNK;
use crate::source::walk::{SourceFile, walk};
use crate::source::{SourceError, object};
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
        let name = file.path.display().to_string();
        if let Err(error) = scan_file(worker, number, file, &name, progress) {
            match error {
                FileError::Source(error) => worker.done.not_scanned.push(error.to_string()),
                FileError::Run(error) => return Err(error),
            }
        }
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
        let Some(taken) = taken else {
            return Ok(());
        };
        let opened = object::decompress(taken, u64::MAX).map_err(|e| SourceError::open(Path::new(name), e));
        let result =
            opened.map_err(FileError::from).and_then(|reader| scan_reader(worker, number, reader, name, progress));
        match result {
            Ok(()) => Ok(()),
            Err(FileError::Source(error)) => {
                worker.done.not_scanned.push(error.to_string());
                Ok(())
            }
            Err(FileError::Run(error)) => Err(error),
        }
    })
}

enum FileError {
    Source(SourceError),
    Run(PipelineError),
}

impl From<SourceError> for FileError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<PipelineError> for FileError {
    fn from(error: PipelineError) -> Self {
        Self::Run(error)
    }
}

fn scan_file(
    worker: &mut Worker<'_>,
    number: usize,
    file: &SourceFile,
    name: &str,
    progress: &dyn Progress,
) -> Result<(), FileError> {
    let reader = object::open(file)?;
    scan_reader(worker, number, reader, name, progress)
}

fn scan_reader(
    worker: &mut Worker<'_>,
    number: usize,
    mut reader: Box<dyn BufRead + Send>,
    name: &str,
    progress: &dyn Progress,
) -> Result<(), FileError> {
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
            return Err(SourceError::Broken { object: name.to_owned(), offset, source }.into());
        }
        if progress.cancelled() {
            return Err(PipelineError::Interrupted.into());
        }
        if end {
            return Ok(());
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

//! Fetched events in files, of the shape that `aws logs filter-log-events` prints: what the lake imports.

use serde::Serialize;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// One event, as the API gives it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LogEvent {
    pub log_stream_name: String,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingestion_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Something in it was hidden: [`Spool`] tells.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
}

/// What a data protection policy puts in place of what it hides, at least: AWS gives one for each character, and
/// nothing that it knows is shorter than the three digits of a card security code.
const HIDDEN: &str = "***";

/// A file that events of one log group are written to. As long as they come by time, those of the last
/// millisecond are held back: the file can be ended before them, and holds every event of the time before.
pub(super) struct Spool {
    folder: PathBuf,
    file: tempfile::NamedTempFile,
    out: BufWriter<File>,
    /// Events of the last millisecond.
    held: Vec<LogEvent>,
    last: Option<i64>,
    /// Whether all events came by time so far.
    sorted: bool,
    /// Whether the log group has a data protection policy.
    policy: bool,
    pub events: u64,
    pub bytes: u64,
    masked: u64,
}

/// A lake's next writer removes files of such names: those of a killed run.
const PREFIX: &str = ".tmp-pull-";

/// A spool that was ended.
pub(super) struct Ended {
    pub path: tempfile::TempPath,
    pub events: u64,
    pub bytes: u64,
    /// Events of which something was hidden.
    pub masked: u64,
}

/// An empty file for what is fetched.
pub(super) fn file(folder: &Path, suffix: &str) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).suffix(suffix).tempfile_in(folder)
}

impl Spool {
    /// `policy`: whether the log group has a data protection policy.
    pub fn new(folder: &Path, policy: bool) -> io::Result<Self> {
        let file = file(folder, ".json")?;
        let mut out = BufWriter::with_capacity(256 * 1024, file.reopen()?);
        out.write_all(b"{\"events\":[")?;
        let folder = folder.to_path_buf();
        let (held, last, sorted) = (Vec::new(), None, true);
        Ok(Self { folder, file, out, held, last, sorted, policy, events: 0, bytes: 0, masked: 0 })
    }

    pub fn push(&mut self, event: LogEvent) -> io::Result<()> {
        if self.last.is_some_and(|last| event.timestamp < last) {
            self.sorted = false;
        }
        if self.last != Some(event.timestamp) || !self.sorted {
            self.release()?;
        }
        self.last = Some(self.last.unwrap_or(i64::MIN).max(event.timestamp));
        self.held.push(event);
        Ok(())
    }

    fn release(&mut self) -> io::Result<()> {
        for mut event in std::mem::take(&mut self.held) {
            event.masked = self.policy && event.message.contains(HIDDEN);
            self.out.write_all(if self.events > 0 { b",\n" } else { b"\n" })?;
            serde_json::to_writer(&mut self.out, &event)?;
            self.events += 1;
            self.bytes += event.message.len() as u64;
            self.masked += u64::from(event.masked);
        }
        Ok(())
    }

    /// The greatest time so far, as long as the events came by time.
    pub fn sorted_up_to(&self) -> Option<i64> {
        self.last.filter(|_| self.sorted)
    }

    /// Ends the file with all its events.
    pub fn end(mut self) -> io::Result<Ended> {
        self.release()?;
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()?;
        let Self { events, bytes, masked, .. } = self;
        Ok(Ended { path: self.file.into_temp_path(), events, bytes, masked })
    }

    /// Ends the file before the last millisecond, whose events begin the next one.
    pub fn roll(&mut self) -> io::Result<Ended> {
        let mut next = Self::new(&self.folder, self.policy)?;
        std::mem::swap(self, &mut next);
        self.held = std::mem::take(&mut next.held);
        self.last = next.last;
        next.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(timestamp: i64, message: &str) -> LogEvent {
        let log_stream_name = "s".to_owned();
        let message = message.to_owned();
        LogEvent { log_stream_name, timestamp, message, ingestion_time: None, event_id: None, masked: false }
    }

    fn read(ended: &Ended) -> Vec<i64> {
        let text = std::fs::read(&ended.path).unwrap();
        let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
        value["events"].as_array().unwrap().iter().map(|event| event["timestamp"].as_i64().unwrap()).collect()
    }

    #[test]
    fn a_file_is_cut_before_the_last_millisecond() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path(), false).unwrap();
        for time in [1, 1, 2, 5, 5] {
            spool.push(event(time, "line\n\"quoted\"")).unwrap();
        }
        assert_eq!(spool.sorted_up_to(), Some(5));
        let first = spool.roll().unwrap();
        assert_eq!((read(&first), first.events, first.bytes), (vec![1, 1, 2], 3, 39));
        spool.push(event(5, "x")).unwrap();
        spool.push(event(6, "x")).unwrap();
        assert_eq!(read(&spool.end().unwrap()), [5, 5, 5, 6]);
        assert!(read(&Spool::new(folder.path(), false).unwrap().end().unwrap()).is_empty());
    }

    #[test]
    fn events_of_which_something_was_hidden_are_marked_where_there_is_a_policy() {
        let folder = tempfile::tempdir().unwrap();
        for policy in [true, false] {
            let mut spool = Spool::new(folder.path(), policy).unwrap();
            for (time, message) in [(1, "card ****************"), (2, "a ** b"), (3, "cvv ***")] {
                spool.push(event(time, message)).unwrap();
            }
            let ended = spool.end().unwrap();
            let text = std::fs::read_to_string(&ended.path).unwrap();
            let marks = text.matches(r#""masked":true"#).count();
            assert_eq!((ended.masked, marks), if policy { (2, 2) } else { (0, 0) });
        }
    }

    #[test]
    fn disorder_is_kept_and_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path(), false).unwrap();
        for time in [3, 4, 1, 4, 2] {
            spool.push(event(time, "")).unwrap();
        }
        assert_eq!(spool.sorted_up_to(), None);
        assert_eq!(read(&spool.end().unwrap()), [3, 4, 1, 4, 2]);
    }
}

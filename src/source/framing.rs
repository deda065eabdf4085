//! Bytes → frames: where one record ends and the next begins. Memory is bounded by [`MAX_FRAME`].

use crate::codec::json;
use crate::model::Micros;
use std::io::{BufRead, Read as _};

/// A longer record is kept in segments of this many bytes. CloudTrail events end at 256 KB,
/// CloudWatch events at 1 MB.
pub const MAX_FRAME: usize = 8 * 1024 * 1024;
/// How much of an object is looked at to tell its framing.
const HEAD: usize = 64 * 1024;
const READ: usize = 256 * 1024;

/// How an object is cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One record a line; `\r` before `\n` is no part of it.
    Lines,
    /// CloudWatch export objects: a record begins with an ISO time in milliseconds and a blank.
    ExportLines,
    /// Elements of the top-level array of that name (empty: the document itself is the array).
    JsonArray(&'static str),
    /// JSON values one after another, over any number of lines.
    JsonValues,
}

/// One record's bytes, transport included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'w> {
    pub bytes: &'w [u8],
    /// Byte offset in the decompressed object.
    pub offset: u64,
    /// Number of this piece of a record over [`MAX_FRAME`], from 0; `None` for whole records.
    pub segment: Option<u32>,
    /// The object ended inside this record.
    pub truncated: bool,
}

/// Cuts a stream into frames.
pub struct Framer {
    reader: Box<dyn BufRead + Send>,
    window: Vec<u8>,
    start: usize,
    /// Offset of `window[0]`.
    base: u64,
    eof: bool,
    error: Option<std::io::Error>,
    framing: Framing,
    state: State,
    max_frame: usize,
    segment: Option<u32>,
    /// Bytes of the window already searched without finding an end.
    searched: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the array, or between documents.
    Outside,
    InArray,
    /// Inside the top-level object, after its array.
    AfterArray,
}

/// What a search of the window found, relative to its start.
enum Found {
    Record {
        start: usize,
        end: usize,
        next: usize,
    },
    /// Nothing but transport up to here.
    Skip(usize),
    NeedMore,
    /// Not the expected structure: read the rest as lines.
    Lost,
}

impl Framer {
    /// Reads the head and tells the framing from it.
    pub fn new(reader: Box<dyn BufRead + Send>) -> Self {
        Self::with_max_frame(reader, MAX_FRAME)
    }

    pub fn with_max_frame(reader: Box<dyn BufRead + Send>, max_frame: usize) -> Self {
        let mut framer = Self {
            reader,
            window: Vec::new(),
            start: 0,
            base: 0,
            eof: false,
            error: None,
            framing: Framing::Lines,
            state: State::Outside,
            max_frame,
            segment: None,
            searched: 0,
        };
        while framer.window.len() < HEAD && !framer.eof {
            framer.fill();
        }
        if framer.window.starts_with(b"\xef\xbb\xbf") {
            framer.start = 3;
        }
        framer.framing = detect(&framer.window[framer.start..]);
        framer
    }

    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The bytes at the beginning that were looked at; for telling binary from text.
    pub fn head(&self) -> &[u8] {
        &self.window[self.start..]
    }

    /// Offset in the decompressed object of the next unread byte.
    pub fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// After the last frame: why the object ended early, if it did.
    pub fn take_error(&mut self) -> Option<std::io::Error> {
        let inside = matches!(self.framing, Framing::JsonArray(_)) && self.state != State::Outside;
        let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the JSON document does not end");
        self.error.take().or_else(|| inside.then(cut))
    }

    fn fill(&mut self) {
        let mut chunk = self.reader.by_ref().take(READ as u64);
        match chunk.read_to_end(&mut self.window) {
            Ok(0) => self.eof = true,
            Ok(_) => {}
            Err(error) => {
                self.error = Some(error);
                self.eof = true;
            }
        }
    }

    /// Drops what was handed out, so that the window does not grow.
    fn compact(&mut self) {
        if self.start > READ || self.start == self.window.len() {
            self.window.drain(..self.start);
            self.base += self.start as u64;
            self.start = 0;
        }
    }

    /// The next record; `None` at the end of the object.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.compact();
        loop {
            let length = self.window.len() - self.start;
            match self.search() {
                Found::Record { start, end, .. } if end - start > self.max_frame => {
                    self.start += start;
                    return Some(self.emit_segment());
                }
                Found::Record { start, end, next } => return Some(self.emit(start, end, next, false)),
                Found::Skip(n) => {
                    self.start += n;
                    self.searched = 0;
                    self.compact();
                    if self.eof && self.start == self.window.len() {
                        return None;
                    }
                }
                Found::Lost => {
                    self.framing = Framing::Lines;
                    self.searched = 0;
                }
                Found::NeedMore if self.eof => {
                    if length == 0 {
                        return None;
                    }
                    return Some(self.emit(0, length, length, true));
                }
                Found::NeedMore if length > self.max_frame => return Some(self.emit_segment()),
                Found::NeedMore => self.fill(),
            }
        }
    }

    fn emit(&mut self, start: usize, end: usize, next: usize, cut: bool) -> Frame<'_> {
        let from = self.start + start;
        let to = self.start + end;
        self.start += next;
        self.searched = 0;
        let segment = self.segment.take().map(|n| n + 1);
        // The last line of a file may lack its newline; a JSON value that does not end is cut.
        let json = matches!(self.framing, Framing::JsonArray(_) | Framing::JsonValues);
        let truncated = cut && (self.error.is_some() || json);
        Frame { bytes: &self.window[from..to], offset: self.base + from as u64, segment, truncated }
    }

    fn emit_segment(&mut self) -> Frame<'_> {
        let number = self.segment.map_or(0, |n| n + 1);
        self.segment = Some(number);
        // Where a structure does not end, the rest can only be cut at line ends.
        self.framing = Framing::Lines;
        let from = self.start;
        let to = from + self.max_frame;
        self.start = to;
        self.searched = 0;
        Frame {
            bytes: &self.window[from..to],
            offset: self.base + from as u64,
            segment: Some(number),
            truncated: false,
        }
    }

    fn search(&mut self) -> Found {
        let window = &self.window[self.start..];
        match self.framing {
            Framing::Lines => find_line(window, &mut self.searched),
            Framing::ExportLines => find_export(window, &mut self.searched, self.eof),
            Framing::JsonValues => find_value(window),
            Framing::JsonArray(name) => find_element(window, name, &mut self.state),
        }
    }
}

fn find_line(window: &[u8], searched: &mut usize) -> Found {
    match memchr::memchr(b'\n', &window[*searched..]) {
        Some(at) => {
            let line_end = *searched + at;
            let end = line_end - usize::from(line_end > 0 && window[line_end - 1] == b'\r');
            Found::Record { start: 0, end, next: line_end + 1 }
        }
        None => {
            *searched = window.len();
            Found::NeedMore
        }
    }
}

/// A record of an export object runs to the next line that begins with a stamp.
fn find_export(window: &[u8], searched: &mut usize, eof: bool) -> Found {
    let mut from = *searched;
    while let Some(at) = memchr::memchr(b'\n', &window[from..]) {
        let next = from + at + 1;
        if window.len() - next < STAMP && !eof {
            *searched = from;
            return Found::NeedMore;
        }
        if export_stamp(&window[next..]).is_some() || (eof && next == window.len()) {
            return Found::Record { start: 0, end: next - 1, next };
        }
        from = next;
    }
    *searched = from;
    Found::NeedMore
}

/// Bytes of `2025-02-25T12:25:04.000Z `.
pub const STAMP: usize = 25;

/// The time at the start of an export line: exactly three decimals, `Z`, a blank.
pub fn export_stamp(line: &[u8]) -> Option<Micros> {
    let stamp = line.get(..STAMP)?;
    if stamp[10] != b'T' || stamp[19] != b'.' || &stamp[23..] != b"Z " {
        return None;
    }
    Micros::parse_rfc3339_prefix(&stamp[..24]).filter(|(_, used)| *used == 24).map(|(time, _)| time)
}

fn find_value(window: &[u8]) -> Found {
    let start = json::skip_space(window, 0);
    if start == window.len() {
        return if start == 0 { Found::NeedMore } else { Found::Skip(start) };
    }
    if !matches!(window[start], b'{' | b'[') {
        return Found::Lost;
    }
    value_record(window, start)
}

fn value_record(window: &[u8], start: usize) -> Found {
    match json::value_end(window, start) {
        Ok(end) => Found::Record { start, end, next: end },
        Err(error) if error.is_cut() => Found::NeedMore,
        Err(_) => Found::Lost,
    }
}

fn find_element(window: &[u8], name: &str, state: &mut State) -> Found {
    let at = json::skip_space(window, 0);
    let Some(&byte) = window.get(at) else {
        return if at == 0 { Found::NeedMore } else { Found::Skip(at) };
    };
    match (*state, byte) {
        (State::Outside, b'[') if name.is_empty() => enter(state, at),
        (State::Outside, b'{') if !name.is_empty() => {
            // A later document may be of another kind: it is a record as a whole then.
            if wrapper(&window[at..]) != Some(name) {
                return value_record(window, at);
            }
            *state = State::AfterArray;
            Found::Skip(at + 1)
        }
        (State::Outside, _) => Found::Lost,
        (State::InArray, b']') => {
            *state = if name.is_empty() { State::Outside } else { State::AfterArray };
            Found::Skip(at + 1)
        }
        (State::InArray, b',') => Found::Skip(at + 1),
        (State::InArray, b'{' | b'[' | b'"') => value_record(window, at),
        (State::InArray, _) => match json::value_end(window, at) {
            Ok(end) if end < window.len() => Found::Record { start: at, end, next: end },
            Ok(_) => Found::NeedMore,
            Err(_) => Found::Lost,
        },
        (State::AfterArray, b'}') => {
            *state = State::Outside;
            Found::Skip(at + 1)
        }
        (State::AfterArray, b',') => Found::Skip(at + 1),
        (State::AfterArray, b'"') => skip_member(window, at, name, state),
        (State::AfterArray, _) => Found::Lost,
    }
}

fn enter(state: &mut State, at: usize) -> Found {
    *state = State::InArray;
    Found::Skip(at + 1)
}

/// Members that the CloudWatch Logs API puts beside its events.
const TRANSPORT_MEMBERS: [&[u8]; 4] = [b"nextToken", b"nextForwardToken", b"nextBackwardToken", b"searchedLogStreams"];

/// Passes over a member of the top-level object, or enters the array it is looked for.
fn skip_member(window: &[u8], at: usize, name: &str, state: &mut State) -> Found {
    let Ok(name_end) = json::value_end(window, at) else {
        return Found::NeedMore;
    };
    let colon = json::skip_space(window, name_end);
    let value = json::skip_space(window, colon + 1);
    match (window.get(colon), window.get(value)) {
        (None, _) | (Some(b':'), None) => Found::NeedMore,
        (Some(b':'), Some(b'[')) if &window[at + 1..name_end - 1] == name.as_bytes() => enter(state, value),
        (Some(b':'), Some(_)) => match json::value_end(window, value) {
            // A number or word at the end of the window may go on.
            Ok(end) if end == window.len() => Found::NeedMore,
            Ok(end) if TRANSPORT_MEMBERS.contains(&&window[at + 1..name_end - 1]) => Found::Skip(end),
            // Whatever else stands beside the array is no transport: it is kept and scanned as a record.
            Ok(end) => Found::Record { start: at, end, next: end },
            Err(error) if error.is_cut() => Found::NeedMore,
            Err(_) => Found::Lost,
        },
        _ => Found::Lost,
    }
}

/// Tells the framing from the first bytes.
pub fn detect(head: &[u8]) -> Framing {
    if export_stamp(head).is_some() {
        return Framing::ExportLines;
    }
    let start = json::skip_space(head, 0);
    let first_line = head[start..].split(|b| *b == b'\n').next().unwrap_or_default();
    match head.get(start) {
        Some(b'{') => match wrapper(&head[start..]) {
            Some(name) => Framing::JsonArray(name),
            None if json::value_end(first_line, 0)
                .is_ok_and(|end| json::skip_space(first_line, end) == first_line.len()) =>
            {
                Framing::Lines
            }
            None => Framing::JsonValues,
        },
        Some(b'[')
            if json::skip_space(head, start + 1) < head.len()
                && matches!(head[json::skip_space(head, start + 1)], b'{' | b']') =>
        {
            Framing::JsonArray("")
        }
        _ => Framing::Lines,
    }
}

/// Whether the array's first element is an event of the CloudWatch Logs API: applications have `events` too.
fn holds_messages(array: &[u8]) -> bool {
    let first = json::skip_space(array, 1);
    if array.get(first) == Some(&b']') {
        return true;
    }
    let end = json::value_end(array, first).unwrap_or(array.len());
    let element = array.get(first..end).unwrap_or_default();
    [b"\"message\"".as_slice(), b"\"timestamp\""].iter().all(|name| memchr::memmem::find(element, name).is_some())
}

/// `Records` of CloudTrail, `events` of the CloudWatch Logs API: the name of the top-level array, if
/// the document's members up to it can be read.
fn wrapper(head: &[u8]) -> Option<&'static str> {
    let mut at = 1;
    loop {
        at = json::skip_space(head, at);
        while head.get(at) == Some(&b',') {
            at = json::skip_space(head, at + 1);
        }
        if head.get(at) != Some(&b'"') {
            return None;
        }
        let end = json::value_end(head, at).ok()?;
        let name = &head[at + 1..end - 1];
        let colon = json::skip_space(head, end);
        let value = json::skip_space(head, colon + 1);
        if head.get(value) == Some(&b'[') {
            match name {
                b"Records" => return Some("Records"),
                b"events" if holds_messages(&head[value..]) => return Some("events"),
                _ => {}
            }
        }
        at = json::value_end(head, value).ok()?;
    }
}

#[cfg(test)]
mod tests;

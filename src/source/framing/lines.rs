//! Records that are lines, or runs of lines under a stamp.

use super::Found;
use crate::model::Micros;

pub(super) fn find_line(window: &[u8], searched: &mut usize) -> Found {
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

/// Bytes after a newline within which a stamp must be told: a tail's stamp takes 32, and its stream's end
/// lies at most 512 further on.
const LOOK: usize = 600;

/// A record runs to the next line that `begins` one.
pub(super) fn find_stamped(window: &[u8], searched: &mut usize, eof: bool, begins: impl Fn(&[u8]) -> bool) -> Found {
    let mut from = *searched;
    while let Some(at) = memchr::memchr(b'\n', &window[from..]) {
        let next = from + at + 1;
        if window.len() - next < LOOK && !eof {
            *searched = from;
            return Found::NeedMore;
        }
        if begins(&window[next..]) || (eof && next == window.len()) {
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

/// The head of a detailed tail line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TailHead<'l> {
    pub time: Micros,
    pub stream: &'l str,
    /// Where the message begins.
    pub message: usize,
}

/// `2026-03-02T03:00:00.100000+00:00 stream message`: a zone is there, and a stream's name has no blank.
pub fn tail_line(line: &[u8]) -> Option<TailHead<'_>> {
    let (time, stamp) = stamp(line)?;
    if stamp == PLAIN {
        return None;
    }
    // Names of streams end at 512 bytes.
    let rest = &line[stamp + 1..];
    let length = rest.iter().take(513).position(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t'))?;
    if length == 0 || rest[length] != b' ' {
        return None;
    }
    let stream = std::str::from_utf8(&rest[..length]).ok()?;
    Some(TailHead { time, stream, message: stamp + 1 + length + 1 })
}

/// Bytes of `2026-03-02T03:00:00`.
const PLAIN: usize = 19;

/// `2026-03-02T03:00:00 message`: whole seconds, UTC, no zone. Gives the time and where the message begins.
pub fn tail_short(line: &[u8]) -> Option<(Micros, usize)> {
    stamp(line).filter(|(_, length)| *length == PLAIN).map(|(time, length)| (time, length + 1))
}

/// The ISO time before the first blank, and its length.
fn stamp(line: &[u8]) -> Option<(Micros, usize)> {
    let length = line.iter().take(36).position(|b| *b == b' ')?;
    let (time, used) = Micros::parse_rfc3339_prefix(&line[..length])?;
    (used == length && line[10] == b'T').then_some((time, length))
}

//! Rows of RFC 4180: fields between commas, quoted ones may hold newlines.

use super::Found;
use csv_core::{ReadRecordResult, ReaderBuilder, Terminator};

/// A row ends at a newline that no quote holds; a quote counts only where a field begins.
pub(super) fn find_row(window: &[u8]) -> Found {
    let mut at = 0;
    let mut begins = true;
    while let Some(&byte) = window.get(at) {
        match byte {
            b'"' if begins => match quoted_end(window, at) {
                Some(end) => {
                    at = end;
                    begins = false;
                    continue;
                }
                None => return Found::NeedMore,
            },
            b'\n' => {
                let end = at - usize::from(at > 0 && window[at - 1] == b'\r');
                return Found::Record { start: 0, end, next: at + 1 };
            }
            _ => begins = byte == b',',
        }
        at += 1;
    }
    Found::NeedMore
}

/// The position after the closing quote; two quotes are one in the text.
fn quoted_end(window: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        let quote = at + memchr::memchr(b'"', window.get(at..)?)?;
        match window.get(quote + 1) {
            Some(b'"') => at = quote + 2,
            // At the window's end another quote may follow.
            None => return None,
            Some(_) => return Some(quote + 1),
        }
    }
}

/// The fields of one row, unquoted; bytes that are not UTF-8 are replaced.
pub fn fields(row: &[u8]) -> Vec<String> {
    let mut reader = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
    let mut out = vec![0; row.len() + 1];
    let mut ends = vec![0; row.len() + 1];
    let (_, _, mut written, mut count) = reader.read_record(row, &mut out, &mut ends);
    // The empty input says that the row is over.
    let (result, _, more, last) = reader.read_record(&[], &mut out[written..], &mut ends[count..]);
    if result == ReadRecordResult::Record {
        written += more;
        count += last;
    }
    let mut from = 0;
    let field = |end: &usize| {
        let text = String::from_utf8_lossy(&out[from.min(*end)..(*end).min(written)]).into_owned();
        from = *end;
        text
    };
    ends[..count].iter().map(field).collect()
}

/// A row as one JSON object; empty fields are left out, a field beyond the header is called by its number.
pub fn row_object(columns: &[String], row: &[u8]) -> serde_json::Map<String, serde_json::Value> {
    let mut object = serde_json::Map::new();
    for (i, value) in fields(row).into_iter().enumerate().filter(|(_, value)| !value.is_empty()) {
        let name =
            columns.get(i).filter(|name| !name.is_empty()).cloned().unwrap_or_else(|| format!("column {}", i + 1));
        object.insert(name, serde_json::Value::from(value));
    }
    object
}

/// Whether this line is the header of an export that AWS makes: CloudTrail's event history or Lake, Logs
/// Insights. Texts with commas there are many.
pub(super) fn is_header(line: &[u8]) -> bool {
    const KNOWN: [&str; 5] = ["Event name", "eventName", "eventID", "@timestamp", "@message"];
    if line.len() > 16 * 1024
        || !line.contains(&b',')
        || KNOWN.iter().all(|name| memchr::memmem::find(line, name.as_bytes()).is_none())
    {
        return false;
    }
    fields(line).iter().any(|field| KNOWN.contains(&field.as_str()))
}

//! What lines of free text say in AWS's way: request ids, trace roots, access key ids, levels.

use crate::model::{Common, Link, Row, Value};
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

const LEVELS: [&str; 14] = [
    "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "SEVERE", "CRITICAL", "CRIT", "FATAL",
    "ALERT", "EMERG",
];

/// A level by any of its usual names.
pub fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
}

/// Levels that say that something failed.
pub fn is_failure(level: &str) -> bool {
    ["ERROR", "ERR", "SEVERE", "CRITICAL", "CRIT", "FATAL", "ALERT", "EMERG"]
        .iter()
        .any(|failure| level.eq_ignore_ascii_case(failure))
}

/// `[ERROR] …`
pub fn bracketed_level(text: &str) -> Option<&str> {
    let level = text.strip_prefix('[')?.split_once(']')?.0;
    matches!(level, "DEBUG" | "INFO" | "WARNING" | "WARN" | "ERROR" | "CRITICAL" | "FATAL" | "TRACE").then_some(level)
}

/// `RequestId: <uuid> …` or `<ISO> <uuid> Task timed out …`.
pub fn request_id_in(text: &str) -> Option<&str> {
    if let Some((_, rest)) = text.split_once("RequestId: ") {
        return rest.split_whitespace().next();
    }
    text.split_whitespace().take(3).find(|word| is_uuid(word))
}

/// Shaped like a UUID; examples have letters in them that are no hex digits.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_alphanumeric(),
        })
}

/// `1-<8 hex>-<24 hex>`, the whole text.
pub fn is_trace_root(text: &str) -> bool {
    let t = text.as_bytes();
    t.len() == 35 && t.starts_with(b"1-") && t[10] == b'-' && t[2..10].iter().chain(&t[11..]).all(u8::is_ascii_hexdigit)
}

/// `AKIA…` or `ASIA…` with sixteen characters of base32, the whole text.
pub fn is_key_id(text: &str) -> bool {
    text.len() == 20
        && (text.starts_with("AKIA") || text.starts_with("ASIA"))
        && text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
}

static ROOT: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("1-"));
static KEY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("AKIA"));
static SESSION_KEY: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("ASIA"));

/// Trace roots and access key ids that stand anywhere in the text become links: they are public
/// names that other sources know.
pub fn add<'r>(row: &mut Row<'r>, text: &'r str) {
    for root in find_shaped(text, &ROOT, 35, is_trace_root) {
        row.add_link(Link::RequestId, Cow::Borrowed(root));
        row.set_default(Common::TraceId, Value::text(root));
    }
    for prefix in [&KEY, &SESSION_KEY] {
        for key in find_shaped(text, prefix, 20, is_key_id) {
            row.add_link(Link::Key, Cow::Borrowed(key));
        }
    }
}

/// Substrings of `len` bytes that begin with `prefix`, pass `check` and are no part of a longer word.
fn find_shaped<'r>(text: &'r str, prefix: &Finder<'_>, len: usize, check: impl Fn(&str) -> bool) -> Vec<&'r str> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    for at in prefix.find_iter(bytes) {
        let Some(candidate) = text.get(at..at + len) else {
            continue;
        };
        let word = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let free = !word(at.checked_sub(1).and_then(|i| bytes.get(i))) && !word(bytes.get(at + len));
        if free && candidate.is_ascii() && check(candidate) {
            found.push(candidate);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_whole_words() {
        let text = "Root=1-5759e988-bd862e3fe1be46a994272793; AKIAIOSFODNN7EXAMPLE, xASIAIOSFODNN7EXAMPLE \
                    ASIAIOSFODNN7EXAMPLES 1-5759e988-bd862e3fe1be46a99427279g é1-";
        let mut row = Row::new(0);
        add(&mut row, text);
        assert_eq!(row.links(Link::RequestId), ["1-5759e988-bd862e3fe1be46a994272793"]);
        assert_eq!(row.links(Link::Key), ["AKIAIOSFODNN7EXAMPLE"]);
        assert_eq!(row.common(Common::TraceId), &Value::text("1-5759e988-bd862e3fe1be46a994272793"));
    }

    #[test]
    fn levels_and_request_ids() {
        assert!(is_level("warning") && is_level("SEVERE") && !is_level("WARNINGS") && !is_level(""));
        assert!(is_failure("error") && !is_failure("warn"));
        assert_eq!(bracketed_level("[WARN] x"), Some("WARN"));
        assert_eq!(bracketed_level("[main] x"), None);
        let id = "8f507cfc-aaaa-bbbb-cccc-0123456789ab";
        assert_eq!(request_id_in(&format!("x RequestId: {id} y")), Some(id));
        assert_eq!(request_id_in(&format!("2026-01-01T00:00:00Z {id} y")), Some(id));
        assert_eq!(request_id_in(&format!("a b c {id}")), None);
    }
}

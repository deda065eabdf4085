//! Where in its record a secret stands: what a reader looks for next.

use crate::codec::json_path::JsonPath;
use crate::scan::{Chunk, Found};

/// Bytes of a name before a value.
const NAME: usize = 64;

/// Paths in JSON to what is found; asked in order they cost one reading of each record.
#[derive(Default)]
pub(super) struct Paths {
    /// Beginning of the record, and the byte that was asked for last.
    known: (usize, usize),
    path: JsonPath,
}

impl Paths {
    /// The paths to the bytes found, as they stand in the record.
    pub fn to(&mut self, found: &Found, chunk: &Chunk) -> Vec<String> {
        let (record, at) = (found.record.0, found.matched.span.0);
        if record != self.known.0 || at < self.known.1 {
            self.path = JsonPath::default();
        }
        self.known = (record, at);
        self.path.to(chunk.bytes(found.record), at)
    }
}

/// One after another.
pub(super) fn told(paths: &[String]) -> Option<String> {
    (!paths.is_empty()).then(|| json(paths).collect::<Vec<_>>().join(" → "))
}

fn json(paths: &[String]) -> impl Iterator<Item = String> {
    paths.iter().map(|path| format!("json({path})"))
}

/// What leads to something encoded: where in JSON that lies, its layers, and where in the decoded JSON.
pub(super) fn steps(paths: &[String], found: &Found) -> Vec<String> {
    let inner = found.decoded.as_ref().map_or(&[][..], |decoded| &decoded.paths);
    let layers = found.decode_path().into_iter().map(str::to_owned);
    json(paths).chain(layers).chain(json(inner)).collect()
}

/// The name that stands before a value, with `=` or `:` between: a key, a header, a parameter.
pub(super) fn key_before(record: &[u8], at: usize) -> Option<String> {
    let before = &record[at.saturating_sub(2 * NAME)..at];
    let between = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'"' | b'\'' | b'\\' | b'=' | b':' | b'>');
    let gap = before.iter().rev().take_while(between).count();
    let (rest, gap) = before.split_at(before.len() - gap);
    if !gap.iter().any(|byte| matches!(byte, b'=' | b':')) {
        return None;
    }
    let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(**byte, b'_' | b'-' | b'.');
    let length = rest.iter().rev().take(NAME).take_while(of_name).count();
    let name = std::str::from_utf8(&rest[rest.len() - length..]).ok()?;
    (!name.is_empty()).then(|| format!("key({name})"))
}

#[cfg(test)]
mod tests {
    use super::key_before;

    #[test]
    fn the_name_before_a_value() {
        let key = |text: &str| key_before(text.as_bytes(), text.find("VALUE").unwrap());
        assert_eq!(key("user=ada password=VALUE").as_deref(), Some("key(password)"));
        assert_eq!(key("x-api-key: VALUE").as_deref(), Some("key(x-api-key)"));
        assert_eq!(key("GET /?token=VALUE").as_deref(), Some("key(token)"));
        assert_eq!(key(r#"{\"db.pass\":\"VALUE\"}"#).as_deref(), Some("key(db.pass)"));
        assert_eq!(key("Bearer VALUE"), None);
        assert_eq!(key("=VALUE"), None);
    }
}

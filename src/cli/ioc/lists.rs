//! Lists of indicators in the notations they are handed around in.

use crate::model::{Indicator, IndicatorKind};
use serde_json::Value;

/// The indicators of a list, and how many entries were not understood.
///
/// # Errors
/// JSON that is neither STIX nor MISP.
pub(super) fn read(text: &str) -> anyhow::Result<(Vec<Indicator>, u64)> {
    let start = text.trim_start();
    if start.starts_with(['{', '[']) {
        let json: Value = serde_json::from_str(start)?;
        return of_json(&json);
    }
    Ok(of_lines(text))
}

fn of_json(json: &Value) -> anyhow::Result<(Vec<Indicator>, u64)> {
    let entries: Vec<Entry> = if json["type"] == "bundle" {
        json["objects"].as_array().into_iter().flatten().flat_map(stix).collect()
    } else if let Some(all) = json.as_array().filter(|all| all.iter().all(Value::is_string)) {
        all.iter().filter_map(Value::as_str).map(|value| Some((value.to_owned(), None, None))).collect()
    } else {
        let events = json["response"].as_array().cloned().unwrap_or_else(|| vec![json.clone()]);
        events.iter().flat_map(misp).collect()
    };
    anyhow::ensure!(!entries.is_empty(), "neither a STIX 2.1 bundle nor a MISP event with attributes");
    Ok(told(entries))
}

/// Value, kind and note; `None` for one that is not understood.
type Entry = Option<(String, Option<IndicatorKind>, Option<String>)>;

fn told(entries: Vec<Entry>) -> (Vec<Indicator>, u64) {
    let mut unread = 0;
    let mut all = Vec::new();
    for entry in entries {
        match entry.and_then(|(value, kind, note)| Indicator::of(&value, kind, note)) {
            Some(indicator) => all.push(indicator),
            None => unread += 1,
        }
    }
    (all, unread)
}

/// An indicator's pattern, or an observable. Facts: OASIS, STIX 2.1, sections 4.7, 6 and 9.
fn stix(object: &Value) -> Vec<Entry> {
    let note = object["name"].as_str().map(str::to_owned);
    let of = |value: &Value, kind| vec![value.as_str().map(|value| (value.to_owned(), kind, note.clone()))];
    match object["type"].as_str().unwrap_or_default() {
        "indicator" if object["pattern_type"].as_str().unwrap_or("stix") == "stix" => {
            let literals = literals(object["pattern"].as_str().unwrap_or_default());
            if literals.is_empty() {
                return vec![None];
            }
            literals.into_iter().map(|(path, value)| kind_of(&path).map(|kind| (value, kind, note.clone()))).collect()
        }
        "indicator" => vec![None],
        "ipv4-addr" | "ipv6-addr" => of(&object["value"], None),
        "domain-name" => of(&object["value"], Some(IndicatorKind::Domain)),
        "url" => of(&object["value"], Some(IndicatorKind::Url)),
        "email-addr" => of(&object["value"], Some(IndicatorKind::Email)),
        "file" => {
            let hashes = object["hashes"].as_object().into_iter().flatten();
            hashes.map(|(_, hash)| Some((hash.as_str()?.to_owned(), Some(IndicatorKind::Hash), note.clone()))).collect()
        }
        _ => Vec::new(),
    }
}

/// The kind that a STIX object path compares; `None` for what no log has. The inner is none where the shape tells.
fn kind_of(path: &str) -> Option<Option<IndicatorKind>> {
    match path.split([':', '.']).next()? {
        "ipv4-addr" | "ipv6-addr" | "network-traffic" => Some(None),
        "domain-name" => Some(Some(IndicatorKind::Domain)),
        "url" => Some(Some(IndicatorKind::Url)),
        "email-addr" | "email-message" => Some(Some(IndicatorKind::Email)),
        "file" if path.contains("hashes") => Some(Some(IndicatorKind::Hash)),
        "user-account" | "http-request-ext" | "software" => Some(None),
        _ => None,
    }
}

/// Path and literal of each comparison in a STIX pattern: `[ipv4-addr:value = '203.0.113.9']`. A quote inside a
/// literal stands behind a backslash.
fn literals(pattern: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once(" '").or_else(|| rest.split_once("='")) {
        let words = before.rsplit(['[', ' ', '(']).find(|word| word.contains(':'));
        let mut value = String::new();
        let mut chars = after.char_indices();
        let mut end = after.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                '\'' => {
                    end = at + 1;
                    break;
                }
                other => value.push(other),
            }
        }
        // The path of `file:hashes.'SHA-256' = '…'` has quotes of its own.
        if let Some(path) = words.filter(|path| !path.ends_with('.')) {
            all.push((path.trim_end_matches(['=', ' ']).to_owned(), value));
        }
        rest = after.get(end..).unwrap_or_default();
    }
    all
}

/// Attributes of an event and of its objects. Facts: MISP, core format (RFC draft), `type` of attributes.
fn misp(event: &Value) -> Vec<Entry> {
    let event = if event["Event"].is_object() { &event["Event"] } else { event };
    let own = event["Attribute"].as_array().into_iter().flatten();
    let objects = event["Object"].as_array().into_iter().flatten();
    let nested = objects.flat_map(|object| object["Attribute"].as_array().into_iter().flatten());
    own.chain(nested).flat_map(attribute).collect()
}

fn attribute(attribute: &Value) -> Vec<Entry> {
    let note = attribute["comment"].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let value = attribute["value"].as_str().unwrap_or_default();
    let kind = attribute["type"].as_str().unwrap_or_default();
    // Composite types hold two values: `domain|ip`, `ip-dst|port`, `filename|sha256`.
    let pairs: Vec<(&str, &str)> = kind.split('|').zip(value.split('|')).collect();
    let of = |(kind, value): (&str, &str)| -> Option<Entry> {
        let kind = match kind {
            "ip-src" | "ip-dst" | "ip" | "AS" if !value.contains("AS") => None,
            "domain" | "hostname" => Some(IndicatorKind::Domain),
            "url" | "uri" | "link" => Some(IndicatorKind::Url),
            "email" | "email-src" | "email-dst" => Some(IndicatorKind::Email),
            "user-agent" => Some(IndicatorKind::UserAgent),
            "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => Some(IndicatorKind::Hash),
            "text" | "other" | "identity-card-number" | "aws-access-key-id" => None,
            "port" | "filename" | "comment" | "datetime" | "size-in-bytes" | "float" | "counter" | "boolean" => {
                return None;
            }
            _ => return Some(None),
        };
        Some(Some((value.to_owned(), kind, note.clone())))
    };
    pairs.into_iter().filter_map(of).collect()
}

/// CSV with a header that names the column, or the first column of each line. `#` begins a comment.
fn of_lines(text: &str) -> (Vec<Indicator>, u64) {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let header: Vec<String> =
        lines.peek().map(|line| split(line).iter().map(|cell| cell.to_ascii_lowercase()).collect()).unwrap_or_default();
    let named = |names: &[&str]| header.iter().position(|cell| names.contains(&cell.as_str()));
    let column = named(&["indicator", "value", "ioc", "observable"]);
    let note = named(&["note", "comment", "description", "name"]);
    if column.is_some() {
        lines.next();
    }
    let entry = |line: &str| -> Entry {
        // A line without a header may hold commas of its own, as user agents do.
        let cells = if column.is_some() || line.starts_with('"') { split(line) } else { vec![whole_or_first(line)] };
        let of = |at: usize| cells.get(at).cloned().filter(|cell| !cell.is_empty());
        Some((of(column.unwrap_or(0))?, None, note.filter(|_| column.is_some()).and_then(of)))
    };
    told(lines.map(entry).collect())
}

/// The first cell where that is an indicator of its own, else the line.
fn whole_or_first(line: &str) -> String {
    let first = line.split(',').next().unwrap_or(line).trim();
    let telling = Indicator::of(first, None, None)
        .is_some_and(|one| !matches!(one.kind, IndicatorKind::Text | IndicatorKind::UserAgent));
    if telling { first.to_owned() } else { line.to_owned() }
}

/// Cells of a line of CSV, quotes undone.
fn split(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    for part in line.split_inclusive(['"', ',']) {
        let (text, mark) = part.split_at(part.trim_end_matches(['"', ',']).len());
        if let Some(cell) = cells.last_mut() {
            cell.push_str(text);
        }
        match mark {
            "\"" => quoted = !quoted,
            "," if quoted => cells.iter_mut().last().into_iter().for_each(|cell| cell.push(',')),
            "," => cells.push(String::new()),
            _ => {}
        }
    }
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, String)> {
        let (all, unread) = read(text).unwrap();
        assert_eq!(unread, 0, "{text}");
        all.into_iter().map(|one| (one.kind.as_str().to_owned(), one.value)).collect()
    }

    fn pair(kind: &str, value: &str) -> (String, String) {
        (kind.to_owned(), value.to_owned())
    }

    #[test]
    fn lines_and_csv() {
        assert_eq!(
            values("# a list\n203.0.113.66\n\nevil[.]example, seen in May\n"),
            [pair("ip", "203.0.113.66"), pair("domain", "evil.example")]
        );
        let csv = "type,value,comment\nip,198.51.100.0/24,\"range, all of it\"\nua,\"curl/8.0, custom\",\n";
        assert_eq!(values(csv), [pair("cidr", "198.51.100.0/24"), pair("user_agent", "curl/8.0, custom")]);
        assert_eq!(read(csv).unwrap().0[0].note.as_deref(), Some("range, all of it"));
    }

    #[test]
    fn stix_patterns_and_observables() {
        let stix = r#"{"type":"bundle","id":"bundle--1","objects":[
            {"type":"indicator","name":"C2","pattern_type":"stix","pattern":"[ipv4-addr:value = '203.0.113.9'] OR [domain-name:value='evil.example']"},
            {"type":"indicator","pattern_type":"stix","pattern":"[file:hashes.'SHA-256' = 'aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f']"},
            {"type":"ipv6-addr","value":"2001:db8::7"},{"type":"identity","name":"us"}]}"#;
        assert_eq!(
            values(stix),
            [
                pair("ip", "203.0.113.9"),
                pair("domain", "evil.example"),
                pair("hash", "aec070645fe53ee3b3763059376134f058cc337247c978add178b6ccdfb0019f"),
                pair("ip", "2001:db8::7")
            ]
        );
    }

    #[test]
    fn misp_attributes() {
        let misp = r#"{"Event":{"Attribute":[{"type":"ip-dst|port","value":"203.0.113.9|443"},
            {"type":"domain","value":"evil.example","comment":"C2"}],
            "Object":[{"Attribute":[{"type":"filename|md5","value":"a.exe|d41d8cd98f00b204e9800998ecf8427e"}]}]}}"#;
        assert_eq!(
            values(misp),
            [
                pair("ip", "203.0.113.9"),
                pair("domain", "evil.example"),
                pair("hash", "d41d8cd98f00b204e9800998ecf8427e")
            ]
        );
        assert!(read("{\"a\":1}").is_err());
    }
}

//! The structure of a payload: names of fields, types and lengths, no value.

use super::kinds;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Levels, names per object and bytes of a shape at most.
const DEPTH: usize = 8;
const NAMES: usize = 24;
const LONGEST: usize = 4096;
/// Beginnings of objects that are tried in a line.
const TRIES: usize = 8;
/// Bytes of a name at most: longer ones are values.
const NAME: usize = 48;

/// The largest JSON object or array of the line's beginnings, parsed; none where the payload was printed in another way.
pub fn json_of(line: &str) -> Option<Value> {
    let starts = line.char_indices().filter(|(_, c)| *c == '{').map(|(at, _)| at).take(TRIES);
    starts
        .filter_map(|at| {
            let mut values = serde_json::Deserializer::from_str(&line[at..]).into_iter::<Value>();
            values.next()?.ok().filter(Value::is_object)
        })
        .next()
}

/// The structure in one line of text.
pub fn of(line: &str) -> String {
    let mut out = String::new();
    match json_of(line) {
        Some(value) => write_value(&value, 0, &mut out),
        None => {
            let names: Vec<&str> = kinds::names(line).take(NAMES).collect();
            let _ = write!(out, "{} bytes, not JSON: {}", line.len(), names.join(", "));
        }
    }
    if let Some((at, _)) = out.char_indices().find(|(at, _)| *at >= LONGEST) {
        out.truncate(at);
        out.push('…');
    }
    out
}

fn write_value(value: &Value, depth: usize, out: &mut String) {
    if out.len() > LONGEST {
        return;
    }
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(_) => out.push_str("bool"),
        Value::Number(_) => out.push_str("number"),
        Value::String(text) => match inner(text).filter(|_| depth < DEPTH) {
            Some(inner) => {
                out.push_str("json ");
                write_value(&inner, depth + 1, out);
            }
            None => {
                let _ = write!(out, "string({})", text.chars().count());
            }
        },
        Value::Array(all) => {
            out.push('[');
            if let Some(first) = all.first().filter(|_| depth < DEPTH) {
                write_value(first, depth + 1, out);
            }
            if all.len() > 1 {
                let _ = write!(out, ", … {} in all", all.len());
            }
            out.push(']');
        }
        Value::Object(_) if depth >= DEPTH => out.push_str("{…}"),
        Value::Object(fields) => {
            out.push('{');
            for (n, (name, value)) in fields.iter().take(NAMES).enumerate() {
                out.push_str(if n == 0 { "" } else { ", " });
                let _ = write!(out, "{}: ", shown(name));
                write_value(value, depth + 1, out);
            }
            out.push_str(if fields.len() > NAMES { ", …}" } else { "}" });
        }
    }
}

fn shown(name: &str) -> &str {
    if name.len() <= NAME && !name.chars().any(char::is_control) { name } else { "…" }
}

/// JSON in a string.
fn inner(text: &str) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']);
    begins.then(|| serde_json::from_str(text).ok()).flatten()
}

/// Adds the bytes of each leaf to its path, written as a finding's context is; elements of arrays count as one.
pub fn add_leaves(value: &Value, leaves: &mut BTreeMap<String, u64>) {
    leaf(value, "", &mut String::from("$"), 0, leaves);
}

fn leaf(value: &Value, outer: &str, path: &mut String, depth: usize, leaves: &mut BTreeMap<String, u64>) {
    if depth > DEPTH || leaves.len() > LONGEST {
        return;
    }
    let at = path.len();
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let _ = write!(path, ".{}", shown(name));
                leaf(value, outer, path, depth + 1, leaves);
                path.truncate(at);
            }
        }
        Value::Array(all) => {
            path.push_str("[]");
            all.iter().for_each(|value| leaf(value, outer, path, depth + 1, leaves));
            path.truncate(at);
        }
        Value::String(text) => match inner(text) {
            Some(value) => leaf(&value, &format!("{outer}json({path}) → "), &mut String::from("$"), depth + 1, leaves),
            None => *leaves.entry(format!("{outer}json({path})")).or_default() += text.len() as u64,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A path with `[]` for the number of an element.
pub fn without_numbers(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at + 1);
        out.push_str(before);
        let digits = from.bytes().take_while(u8::is_ascii_digit).count();
        rest = if from[digits..].starts_with(']') { &from[digits..] } else { from };
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"2026 INFO {"headers":{"authorization":"Bearer secret"},"body":"{\"cards\":[{\"number\":\"4111\"},{\"number\":\"42\"}],\"n\":1}","ok":true} end"#;

    #[test]
    fn a_shape_holds_names_and_lengths_and_no_value() {
        assert_eq!(
            of(LINE),
            "{headers: {authorization: string(13)}, body: json {cards: [{number: string(4)}, … 2 in all], n: number}, ok: bool}"
        );
        assert_eq!(of("{'a': 'secret', 'b': {'c': 1}}"), "30 bytes, not JSON: a, b, c");
    }

    #[test]
    fn leaves_are_called_as_findings_call_them() {
        let mut leaves = BTreeMap::new();
        add_leaves(&json_of(LINE).unwrap(), &mut leaves);
        let told: Vec<(&str, u64)> = leaves.iter().map(|(path, bytes)| (path.as_str(), *bytes)).collect();
        assert_eq!(told, [("json($.body) → json($.cards[].number)", 6), ("json($.headers.authorization)", 13)]);
        assert_eq!(without_numbers("json($.a[12].b[3]) → json($.c[x])"), "json($.a[].b[]) → json($.c[x])");
    }

    #[test]
    fn depth_and_width_have_an_end() {
        let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
        assert!(of(&deep).contains("{…}"));
        let wide = format!("{{{}}}", (0..5000).map(|n| format!("\"k{n}\":1")).collect::<Vec<_>>().join(","));
        assert!(of(&wide).ends_with(", …}"));
    }
}

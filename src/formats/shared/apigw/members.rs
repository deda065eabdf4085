//! The members of a JSON line whose format a user wrote by hand, broken ones too: an unset variable without quotes
//! is a bare dash, a text may hold quotes that nothing escapes.

use super::fields::is_branch;
use super::{put, set, unescaped};
use crate::codec::json::{self, Json, JsonError};
use crate::model::{Row, Value};
use std::borrow::Cow;

/// Deeper nesting than the variables have.
const DEEPEST: usize = 16;
/// Each broken object may cost a look at the rest of the line.
const MOST_BROKEN: usize = 64;
/// A member's name is no longer.
const LONGEST_NAME: usize = 128;

/// Fills the row from an object's text, strictly by JSON where that can be.
pub fn fill<'r>(row: &mut Row<'r>, text: &'r str) -> Result<(), &'static str> {
    let whole = json::value_end(text.as_bytes(), 0).is_ok_and(|end| end == text.len());
    if whole && strict(row, "", text).is_ok() {
        return Ok(());
    }
    row.native.fill(Value::Null);
    row.extra.clear();
    for (path, value) in tolerant(text)? {
        match value {
            Loose::Json(value) => put_json(row, Cow::Owned(path), value),
            Loose::Text(raw) => put(row, Cow::Owned(path), unescaped(raw)),
        }
    }
    Ok(())
}

/// Names at top level, for telling what an object is.
pub fn names(text: &str) -> Vec<Cow<'_, str>> {
    let strict: Result<Vec<_>, _> = json::members(text).map(|member| member.map(|(name, _)| name)).collect();
    if let Ok(names) = strict {
        return names;
    }
    tolerant(text).unwrap_or_default().into_iter().map(|(path, _)| Cow::Owned(path)).collect()
}

fn strict<'r>(row: &mut Row<'r>, above: &str, object: &'r str) -> Result<(), JsonError> {
    for member in json::members(object) {
        let (name, value) = member?;
        let path = if above.is_empty() { name } else { Cow::Owned(format!("{above}.{name}")) };
        match value {
            Json::Object(inner) if is_branch(&path) => strict(row, &path, inner)?,
            value => put_json(row, path, value),
        }
    }
    Ok(())
}

fn put_json<'r>(row: &mut Row<'r>, path: Cow<'r, str>, value: Json<'r>) {
    let text = match &value {
        Json::Null | Json::Str("-") => return,
        Json::Bool(flag) => Cow::Borrowed(if *flag { "true" } else { "false" }),
        Json::Object(text) | Json::Array(text) => Cow::Borrowed(*text),
        other => other.scalar().unwrap_or_default(),
    };
    if !text.is_empty() && !set(row, super::fields::cell_of(&path), text) {
        row.extra.push((path, value.to_json()));
    }
}

/// A value of a line that is no JSON.
#[derive(Debug, PartialEq)]
enum Loose<'r> {
    Json(Json<'r>),
    /// Between quotes, escapes and bare quotes still in it; or without any.
    Text(&'r str),
}

/// Path and value of each member. A text ends at the first quote that a further member or the end of the object
/// follows; it may stand in two pairs of quotes.
fn tolerant(text: &str) -> Result<Vec<(String, Loose<'_>)>, &'static str> {
    let bytes = text.as_bytes();
    let mut above: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut broken = 0;
    let mut at = 1;
    loop {
        at = json::skip_space(bytes, at);
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b'}') if above.pop().is_some() => at += 1,
            Some(b'}') if json::skip_space(bytes, at + 1) == bytes.len() => return Ok(found),
            Some(b'"') => {
                let (name, value) = name_at(text, at).ok_or("a member has no name")?;
                let mut path: String = above.iter().flat_map(|part| [part, "."]).collect();
                path.push_str(name);
                if bytes.get(value) == Some(&b'{') && (is_branch(&path) || json::value_end(bytes, value).is_err()) {
                    above.push(name);
                    at = value + 1;
                    broken += 1;
                    if above.len() > DEEPEST || broken > MOST_BROKEN {
                        return Err("too many objects in it are broken");
                    }
                    continue;
                }
                let (value, end) = value_at(text, value).ok_or("a member's value does not end")?;
                found.push((path, value));
                at = end;
            }
            _ => return Err("the JSON object does not end with the line"),
        }
    }
}

/// The name that begins at a quote, and where its value begins.
fn name_at(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    let head = bytes.get(at + 1..)?;
    let length = memchr::memchr(b'"', &head[..head.len().min(LONGEST_NAME)])?;
    let colon = json::skip_space(bytes, at + 1 + length + 1);
    let name = text.get(at + 1..at + 1 + length)?;
    (bytes.get(colon) == Some(&b':')).then(|| (name, json::skip_space(bytes, colon + 1)))
}

fn value_at(text: &str, at: usize) -> Option<(Loose<'_>, usize)> {
    let bytes = text.as_bytes();
    match bytes.get(at)? {
        b'"' => {
            let close = memchr::memchr_iter(b'"', &bytes[at + 1..])
                .map(|quote| at + 1 + quote)
                .find(|&quote| !is_escaped(&bytes[at + 1..quote]) && ends_value(text, quote + 1))?;
            let raw = text.get(at + 1..close)?;
            let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
            Some((Loose::Text(inner), close + 1))
        }
        b'{' | b'[' => {
            let end = json::value_end(bytes, at).ok()?;
            let span = text.get(at..end)?;
            Some((Loose::Json(json::parse(span).ok()?), end))
        }
        _ => {
            let end = memchr::memchr2_iter(b',', b'}', &bytes[at..])
                .map(|mark| at + mark)
                .find(|&mark| ends_value(text, mark))?;
            let raw = text.get(at..end)?.trim();
            Some((json::parse(raw).map_or(Loose::Text(raw), Loose::Json), end))
        }
    }
}

fn is_escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

/// Whether a value may end here: at the comma before a further member, or at the brackets that close the object.
fn ends_value(text: &str, at: usize) -> bool {
    let bytes = text.as_bytes();
    let mut at = json::skip_space(bytes, at);
    let mut closed = false;
    // No further than the deepest nesting: a line may hold a million brackets, and this is asked at each.
    for _ in 0..=DEEPEST {
        if bytes.get(at) != Some(&b'}') {
            break;
        }
        closed = true;
        at = json::skip_space(bytes, at + 1);
    }
    match bytes.get(at) {
        None => closed,
        Some(b',') => {
            let next = json::skip_space(bytes, at + 1);
            bytes.get(next) == Some(&b'"') && name_at(text, next).is_some()
        }
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loose_json(value: &Loose<'_>) -> String {
        match value {
            Loose::Json(value) => value.to_json().into_owned(),
            Loose::Text(raw) => serde_json::Value::from(unescaped(raw).as_ref()).to_string(),
        }
    }

    fn read(text: &str) -> Vec<(String, String)> {
        tolerant(text).unwrap().into_iter().map(|(path, value)| (path, loose_json(&value))).collect()
    }

    fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn dashes_and_doubled_quotes() {
        let text = r#"{"a":-,"b": - , "m":""not "so" bad"","e":"","n":12,"t":true,"last":-}"#;
        let expected = [
            ("a", "\"-\""),
            ("b", "\"-\""),
            ("m", r#""not \"so\" bad""#),
            ("e", "\"\""),
            ("n", "12"),
            ("t", "true"),
            ("last", "\"-\""),
        ];
        assert_eq!(read(text), pairs(&expected));
    }

    #[test]
    fn bare_quotes_inside_a_text_and_inside_a_nested_one() {
        let text = r#"{"ua":"a "b", c","identity":{"userAgent":"x "y" z","user":"u"},"o":{"p":[1,2]},"end":"q\""}"#;
        let expected = [
            ("ua", r#""a \"b\", c""#),
            ("identity.userAgent", r#""x \"y\" z""#),
            ("identity.user", "\"u\""),
            ("o", r#"{"p":[1,2]}"#),
            ("end", r#""q\"""#),
        ];
        assert_eq!(read(text), pairs(&expected));
    }

    #[test]
    fn what_is_cut_is_an_error() {
        for text in ["{", r#"{"a"#, r#"{"a":"b"#, r#"{"a":"b","#, r#"{"a":1} x"#, r#"{"a" 1}"#, "{]}"] {
            assert!(tolerant(text).is_err(), "{text}");
        }
        assert!(tolerant(&r#"{"identity":"#.repeat(20)).is_err());
    }

    #[test]
    fn nested_variables_go_to_their_cells() {
        let text = r#"{"identity":{"sourceIp":"192.0.2.1","apiKey":"k"},"authorizer":{"claims":{"sub":"s"},"n":1},"x":{"y":2}}"#;
        let mut row = Row::new(super::super::fields::FIELDS.len());
        fill(&mut row, text).unwrap();
        assert_eq!(row.native[super::super::fields::IP], Value::text("192.0.2.1"));
        let extra = r#"{"identity.apiKey":"k","authorizer.claims.sub":"s","authorizer.n":1,"x":{"y":2}}"#;
        assert_eq!(row.extra_json().unwrap(), extra);
    }
}

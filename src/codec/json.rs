//! A JSON cursor that borrows: members of an object and elements of an array are found without
//! building a tree, nested values come as their own text. Not a validator: bytes between tokens
//! are checked no further than needed to find the borders. Nesting is bounded.

use super::quote::quote_or_escape;
use std::borrow::Cow;

/// Deeper nesting than any AWS log has; a limit that is hit is an error.
pub const MAX_DEPTH: usize = 128;

/// Why a text is no JSON, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON at byte {at}: {what}")]
pub struct JsonError {
    pub at: usize,
    pub what: &'static str,
}

impl JsonError {
    /// The text ends inside the value: with more of it, it may be whole.
    pub fn is_cut(&self) -> bool {
        self.what.ends_with("does not end")
    }
}

/// One value; objects and arrays are their text, brackets included.
#[derive(Clone, Debug, PartialEq)]
pub enum Json<'a> {
    Null,
    Bool(bool),
    /// The number as written.
    Number(&'a str),
    /// The string between the quotes, escapes still in it.
    Str(&'a str),
    Object(&'a str),
    Array(&'a str),
}

impl<'a> Json<'a> {
    /// The string, unescaped; `None` for every other kind.
    pub fn as_str(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Str(raw) => Some(unescape(raw)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Object(_) | Self::Array(_) => None,
        }
    }

    /// Strings unescaped, numbers as written; `None` for the other kinds.
    pub fn scalar(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Number(text) => Some(Cow::Borrowed(text)),
            other => other.as_str(),
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            Self::Str("true") => Some(true),
            Self::Str("false") => Some(false),
            _ => None,
        }
    }

    /// A number, or a string that holds one.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(text) | Self::Str(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(text) | Self::Str(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Value of the first member of that name; `None` where this is no object or has no such member.
    pub fn get(&self, name: &str) -> Option<Json<'a>> {
        match self {
            Self::Object(text) => members(text).filter_map(Result::ok).find(|(key, _)| key == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Follows `a.b.c`.
    pub fn path(&self, path: &str) -> Option<Json<'a>> {
        path.split('.').try_fold(self.clone(), |at, name| at.get(name))
    }

    /// The value as JSON text.
    pub fn to_json(&self) -> Cow<'a, str> {
        match self {
            Self::Null => Cow::Borrowed("null"),
            Self::Bool(true) => Cow::Borrowed("true"),
            Self::Bool(false) => Cow::Borrowed("false"),
            Self::Number(text) | Self::Object(text) | Self::Array(text) => Cow::Borrowed(text),
            Self::Str(raw) => Cow::Owned(format!("\"{raw}\"")),
        }
    }
}

/// Position of the first byte at or after `at` that is not JSON white space.
pub fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// End of the string whose opening quote is at `at`: the position after its closing quote.
fn string_end(text: &[u8], at: usize) -> Result<usize, JsonError> {
    let mut from = at + 1;
    while let Some(rest) = text.get(from..) {
        let Some(found) = quote_or_escape(rest) else {
            break;
        };
        if rest[found] == b'"' {
            return Ok(from + found + 1);
        }
        from += found + 2;
    }
    Err(JsonError { at, what: "the string does not end" })
}

/// End of the value that begins at `at` (no space before it).
pub fn value_end(text: &[u8], at: usize) -> Result<usize, JsonError> {
    match text.get(at) {
        None => Err(JsonError { at, what: "a value is missing" }),
        Some(b'"') => string_end(text, at),
        Some(b'{' | b'[') => nested_end(text, at),
        Some(_) => {
            let end = text[at..]
                .iter()
                .position(|b| matches!(b, b',' | b'}' | b']' | b':' | b'"' | b' ' | b'\t' | b'\n' | b'\r'))
                .map_or(text.len(), |n| at + n);
            if end == at { Err(JsonError { at, what: "a value is missing" }) } else { Ok(end) }
        }
    }
}

/// End of an object or array, brackets matched with a stack of one bit each.
fn nested_end(text: &[u8], at: usize) -> Result<usize, JsonError> {
    let mut stack = 0u128;
    let mut depth = 0usize;
    let mut here = at;
    while let Some(&byte) = text.get(here) {
        match byte {
            b'"' => {
                here = string_end(text, here)?;
                continue;
            }
            b'{' | b'[' => {
                if depth == MAX_DEPTH {
                    return Err(JsonError { at: here, what: "nested deeper than 128" });
                }
                stack = (stack << 1) | u128::from(byte == b'[');
                depth += 1;
            }
            b'}' | b']' => {
                if (stack & 1 == 1) != (byte == b']') {
                    return Err(JsonError { at: here, what: "brackets do not match" });
                }
                stack >>= 1;
                depth -= 1;
                if depth == 0 {
                    return Ok(here + 1);
                }
            }
            _ => {}
        }
        here += 1;
    }
    Err(JsonError { at, what: "the value does not end" })
}

/// The value at the start of `text`, white space around it allowed, nothing else after it.
pub fn parse(text: &str) -> Result<Json<'_>, JsonError> {
    let start = skip_space(text.as_bytes(), 0);
    let (value, end) = value_at(text, start)?;
    let rest = skip_space(text.as_bytes(), end);
    if rest < text.len() {
        return Err(JsonError { at: rest, what: "something follows the value" });
    }
    Ok(value)
}

pub(super) fn value_at(text: &str, at: usize) -> Result<(Json<'_>, usize), JsonError> {
    let end = value_end(text.as_bytes(), at)?;
    let span = text.get(at..end).ok_or(JsonError { at, what: "not at a character border" })?;
    let value = match span.as_bytes()[0] {
        b'"' => Json::Str(&span[1..span.len() - 1]),
        b'{' => Json::Object(span),
        b'[' => Json::Array(span),
        b't' if span == "true" => Json::Bool(true),
        b'f' if span == "false" => Json::Bool(false),
        b'n' if span == "null" => Json::Null,
        b'-' | b'0'..=b'9' if is_number(span.as_bytes()) => Json::Number(span),
        _ => return Err(JsonError { at, what: "not a value" }),
    };
    Ok((value, end))
}

/// A number by JSON's grammar, leading zeros allowed: some writers leave account ids without quotes.
fn is_number(text: &[u8]) -> bool {
    let digits = |at: usize| text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(text.first() == Some(&b'-'));
    let whole = digits(at);
    at += whole;
    if text.get(at) == Some(&b'.') {
        at += 1 + digits(at + 1);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return false;
        }
        at += exponent;
    }
    whole > 0 && at == text.len()
}

/// The name in quotes at `at`, and the position of the value behind its colon.
pub(super) fn name_at(text: &str, at: usize) -> Result<(Cow<'_, str>, usize), JsonError> {
    let bytes = text.as_bytes();
    match bytes.get(at) {
        Some(b'"') => {}
        Some(_) => return Err(JsonError { at, what: "expected a name in quotes" }),
        None => return Err(JsonError { at, what: "the value does not end" }),
    }
    let end = string_end(bytes, at)?;
    let colon = skip_space(bytes, end);
    match bytes.get(colon) {
        Some(b':') => Ok((unescape(&text[at + 1..end - 1]), skip_space(bytes, colon + 1))),
        Some(_) => Err(JsonError { at: colon, what: "expected a colon" }),
        None => Err(JsonError { at: colon, what: "the value does not end" }),
    }
}

/// Members of an object text (brackets included), lazily; the first error ends it.
pub fn members(object: &str) -> Members<'_> {
    Members(Items { text: object, at: 1, done: false, first: true, close: b'}' })
}

/// Elements of an array text (brackets included), lazily; the first error ends it.
pub fn elements(array: &str) -> Elements<'_> {
    Elements(Items { text: array, at: 1, done: false, first: true, close: b']' })
}

struct Items<'a> {
    text: &'a str,
    at: usize,
    done: bool,
    first: bool,
    close: u8,
}

impl<'a> Items<'a> {
    /// Moves to the next item; `None` at the end of the container.
    fn next_start(&mut self) -> Option<Result<usize, JsonError>> {
        if self.done {
            return None;
        }
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        if bytes.get(at) == Some(&self.close) {
            self.done = true;
            return None;
        }
        if !self.first {
            if bytes.get(at) != Some(&b',') {
                self.done = true;
                return Some(Err(JsonError { at, what: "expected a comma" }));
            }
            at = skip_space(bytes, at + 1);
        }
        self.first = false;
        Some(Ok(at))
    }

    fn value(&mut self, at: usize) -> Result<Json<'a>, JsonError> {
        let result = value_at(self.text, at);
        match result {
            Ok((value, end)) => {
                self.at = end;
                Ok(value)
            }
            Err(error) => {
                self.done = true;
                Err(error)
            }
        }
    }

    fn member(&mut self, at: usize) -> Result<(Cow<'a, str>, Json<'a>), JsonError> {
        let (name, after) = name_at(self.text, at).inspect_err(|_| self.done = true)?;
        Ok((name, self.value(after)?))
    }
}

/// See [`members`].
pub struct Members<'a>(Items<'a>);

impl<'a> Iterator for Members<'a> {
    type Item = Result<(Cow<'a, str>, Json<'a>), JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.0.next_start()?;
        Some(start.and_then(|at| self.0.member(at)))
    }
}

/// See [`elements`].
pub struct Elements<'a>(Items<'a>);

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Json<'a>, JsonError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.0.next_start()?;
        Some(start.and_then(|at| self.0.value(at)))
    }
}

/// Resolves escapes; unknown ones and lone surrogates come out as U+FFFD.
pub fn unescape(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (c, used) = escape(&rest[at + 1..]);
        out.push(c);
        rest = &rest[at + 1 + used..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character an escape stands for and how many bytes follow the backslash.
fn escape(rest: &str) -> (char, usize) {
    let simple = match rest.as_bytes().first() {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(c @ (b'"' | b'\\' | b'/')) => char::from(*c),
        Some(b'u') => return unicode_escape(rest),
        Some(_) => return (char::REPLACEMENT_CHARACTER, rest.chars().next().map_or(0, char::len_utf8)),
        None => return (char::REPLACEMENT_CHARACTER, 0),
    };
    (simple, 1)
}

fn unicode_escape(rest: &str) -> (char, usize) {
    let unit = |at: usize| {
        let hex = rest.get(at..at + 4)?;
        hex.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u32::from_str_radix(hex, 16).ok()).flatten()
    };
    let Some(high) = unit(1) else {
        return (char::REPLACEMENT_CHARACTER, 1);
    };
    if (0xd800..0xdc00).contains(&high)
        && rest.get(5..7) == Some("\\u")
        && let Some(low @ 0xdc00..0xe000) = unit(7)
    {
        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_come_in_order_and_borrow() {
        let text = r#" {"a":1, "b\n" : "x\"y", "c":{"d":[1,"]"]},"e":null,"f":true} "#;
        let Json::Object(object) = parse(text).unwrap() else { panic!("an object") };
        let all: Vec<_> = members(object).map(Result::unwrap).collect();
        assert_eq!(all[0], (Cow::Borrowed("a"), Json::Number("1")));
        assert_eq!(all[1].0, "b\n");
        assert_eq!(all[1].1.as_str().unwrap(), "x\"y");
        assert_eq!(all[2].1, Json::Object(r#"{"d":[1,"]"]}"#));
        assert_eq!(parse(text).unwrap().path("c.d"), Some(Json::Array(r#"[1,"]"]"#)));
        assert_eq!(all.len(), 5);
    }

    #[test]
    fn surrogates_and_bad_escapes() {
        assert_eq!(unescape(r"\ud83d\ude00 \u00e9 \/ \q \ud800x \u12"), "😀 é / \u{fffd} \u{fffd}x \u{fffd}12");
        assert_eq!(unescape("\\"), "\u{fffd}");
    }

    #[test]
    fn broken_texts_say_where() {
        for (text, at) in [("{", 0), ("{]", 1), ("\"abc", 0), ("{} x", 3), ("", 0), ("nope", 0)] {
            assert_eq!(parse(text).unwrap_err().at, at, "{text}");
        }
        let Json::Object(object) = parse(r#"{"a" 1}"#).unwrap() else { panic!("an object") };
        assert!(members(object).next().unwrap().is_err());
    }

    #[test]
    fn numbers_by_their_grammar() {
        for text in ["0", "-1", "012", "1.5", "1.", "2E+10", "3e-7", "-0.0e0"] {
            assert_eq!(parse(text), Ok(Json::Number(text)));
        }
        for text in ["-", "1e", "--1", "-inf", "1.2.3", "0x1", "1e+", "-.5", "1_0"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_depth_limit_is_exact() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)).unwrap_err().what, "nested deeper than 128");
    }

    #[test]
    fn agrees_with_serde_json() {
        let text = r#"{"x":[1,-2.5e3,"\u0041\t",{"y":false}],"z":""}"#;
        let tree: serde_json::Value = serde_json::from_str(text).unwrap();
        let ours = parse(text).unwrap();
        assert_eq!(ours.get("z").unwrap().as_str().unwrap(), tree["z"].as_str().unwrap());
        let Json::Array(array) = ours.get("x").unwrap() else { panic!("an array") };
        let items: Vec<_> = elements(array).map(Result::unwrap).collect();
        assert_eq!(items[1].as_f64(), tree["x"][1].as_f64());
        assert_eq!(items[2].as_str().unwrap(), tree["x"][2].as_str().unwrap());
        assert_eq!(items[3].get("y").unwrap().as_bool(), Some(false));
    }
}

//! One pass over nested JSON objects. [`super::json::members`] finds the end of a nested value before its
//! members are asked for; here the caller decides first, so that nothing is scanned twice.

use super::json::{Json, JsonError, name_at, skip_space, value_at};
use std::borrow::Cow;

/// Reads objects member by member in ONE pass: for each member the caller either takes the value or goes
/// into it, so nothing is scanned twice.
pub struct Walk<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Walk<'a> {
    /// Before the value that `text` begins with.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: skip_space(text.as_bytes(), 0) }
    }

    /// Goes into the object that begins here; where the value is none, stays and says so.
    pub fn enter(&mut self) -> bool {
        let object = self.text.as_bytes().get(self.at) == Some(&b'{');
        self.at += usize::from(object);
        object
    }

    /// The next member's name, the position then being before its value; `None` behind the object's end.
    /// `first` is said for the first member after [`Walk::enter`].
    pub fn name(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, JsonError> {
        let bytes = self.text.as_bytes();
        let mut at = skip_space(bytes, self.at);
        match bytes.get(at) {
            Some(b'}') => {
                self.at = at + 1;
                return Ok(None);
            }
            Some(b',') if !first => at = skip_space(bytes, at + 1),
            Some(_) if first => {}
            Some(_) => return Err(JsonError { at, what: "expected a comma" }),
            None => return Err(JsonError { at, what: "the value does not end" }),
        }
        let (name, after) = name_at(self.text, at)?;
        self.at = after;
        Ok(Some(name))
    }

    /// Takes the value that begins here.
    pub fn value(&mut self) -> Result<Json<'a>, JsonError> {
        let (value, end) = value_at(self.text, self.at)?;
        self.at = end;
        Ok(value)
    }

    pub fn position(&self) -> usize {
        self.at
    }

    /// The text read since `start`, an earlier [`Walk::position`].
    pub fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Nothing but white space may follow.
    pub fn finish(self) -> Result<(), JsonError> {
        let rest = skip_space(self.text.as_bytes(), self.at);
        let what = "something follows the value";
        if rest < self.text.len() { Err(JsonError { at: rest, what }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_goes_in_or_past() {
        let text = r#" { "a" : {"b":[1,"}"],"c":2} , "d" : {"e":0} } "#;
        let mut walk = Walk::new(text);
        assert!(walk.enter());
        assert_eq!(walk.name(true).unwrap().unwrap(), "a");
        let start = walk.position();
        assert!(walk.enter());
        assert_eq!(walk.name(true).unwrap().unwrap(), "b");
        assert!(!walk.enter());
        assert_eq!(walk.value().unwrap(), Json::Array(r#"[1,"}"]"#));
        assert_eq!(walk.name(false).unwrap().unwrap(), "c");
        assert_eq!(walk.value().unwrap(), Json::Number("2"));
        assert_eq!(walk.name(false).unwrap(), None);
        assert_eq!(walk.since(start), r#"{"b":[1,"}"],"c":2}"#);
        assert_eq!(walk.name(false).unwrap().unwrap(), "d");
        assert_eq!(walk.value().unwrap(), Json::Object(r#"{"e":0}"#));
        assert_eq!(walk.name(false).unwrap(), None);
        walk.finish().unwrap();
        for broken in ["{", "{\"a\"", "{\"a\":1", "{\"a\":1,"] {
            let mut walk = Walk::new(broken);
            assert!(walk.enter());
            let error = walk.name(true).and_then(|_| walk.value()).and_then(|_| walk.name(false)).unwrap_err();
            assert!(error.is_cut() || error.at == broken.len(), "{broken}: {error}");
        }
    }

    #[test]
    fn long_strings_end_where_they_end() {
        for length in [0, 1, 15, 16, 17, 31, 32, 33, 200] {
            let body = format!("{}{}", "x".repeat(length), r#"\""#);
            let text = format!("\"{body}\"");
            assert_eq!(Walk::new(&text).value(), Ok(Json::Str(&body)), "{length}");
            assert!(Walk::new(&text[..text.len() - 1]).value().unwrap_err().is_cut());
        }
    }
}

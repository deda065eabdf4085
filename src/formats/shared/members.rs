//! A JSON object that is asked for many names.

use crate::codec::json::{self, Json};
use std::borrow::Cow;

/// The members of an object, read once: many names are asked for.
pub struct Members<'r>(Vec<(Cow<'r, str>, Json<'r>)>);

impl<'r> Members<'r> {
    pub fn of(object: &Json<'r>) -> Self {
        match object {
            Json::Object(text) => Self(json::members(text).map_while(Result::ok).collect()),
            _ => Self(Vec::new()),
        }
    }

    /// Value of the first member of that name.
    pub fn get(&self, name: &str) -> Option<Json<'r>> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    /// Follows `a.b.c`.
    pub fn path(&self, path: &str) -> Option<Json<'r>> {
        match path.split_once('.') {
            Some((first, rest)) => self.get(first)?.path(rest),
            None => self.get(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_members_and_paths() {
        let object = json::parse(r#"{"a":1,"b":{"c":{"d":"x"}},"a":2,"b.c":3}"#).unwrap();
        let members = Members::of(&object);
        assert_eq!(members.get("a"), Some(Json::Number("1")));
        assert_eq!(members.path("b.c.d"), Some(Json::Str("x")));
        assert_eq!((members.path("b.c.e"), members.path("c")), (None, None));
        assert!(Members::of(&Json::Null).get("a").is_none());
    }
}

//! A stage's format string as a reader of its lines: literal pieces must match, a variable is the text between.

use super::fields::{self, FIELDS};
use super::{put, unescaped};
use crate::model::{Kind, Micros, Row};
use std::borrow::Cow;

/// A compiled format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
    /// Values stand in JSON strings.
    is_json: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// The name without `$context.`, and its cell where it has one.
    Variable(String, Option<usize>),
}

const MARK: &str = "$context.";

impl Template {
    /// `None` where the format has neither requestId nor extendedRequestId: AWS refuses such a format, and it would
    /// match any line.
    pub fn new(format: &str) -> Option<Self> {
        let format = format.trim();
        // Formats for Firehose end in a newline, on a command line in its escape.
        let mut rest = format.strip_suffix("\\n").unwrap_or(format);
        let mut pieces = Vec::new();
        let is_json = rest.starts_with('{');
        while let Some((literal, after)) = rest.split_once(MARK) {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.to_owned()));
            }
            let (name, after) = after.split_at(name_end(after));
            pieces.push(Piece::Variable(name.to_owned(), fields::cell_of(name)));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        let has_id = pieces.iter().any(|piece| matches!(piece, Piece::Variable(_, Some(cell)) if is_id(*cell)));
        has_id.then_some(Self { pieces, is_json })
    }

    pub fn matches(&self, line: &str) -> bool {
        self.values(line).is_some()
    }

    /// Fills the row; `false`, and the row as it was, where the line is not made by this format.
    pub fn fill<'r>(&self, row: &mut Row<'r>, line: &'r str) -> bool {
        let Some(values) = self.values(line) else {
            return false;
        };
        for (name, text) in values {
            let text = if self.is_json { unescaped(text) } else { Cow::Borrowed(text) };
            put(row, Cow::Owned(name.to_owned()), text);
        }
        true
    }

    /// Each variable's text: the shortest one up to the next literal that can be that variable's value. A routeKey
    /// and a requestTime hold blanks, which are the literals of common log format.
    fn values<'r>(&self, line: &'r str) -> Option<Vec<(&str, &'r str)>> {
        let mut found = Vec::with_capacity(self.pieces.len());
        let mut rest = line;
        for (at, piece) in self.pieces.iter().enumerate() {
            let (name, cell) = match piece {
                Piece::Literal(literal) => {
                    rest = rest.strip_prefix(literal.as_str())?;
                    continue;
                }
                Piece::Variable(name, cell) => (name, *cell),
            };
            let end = match self.pieces.get(at + 1) {
                None => Some(rest.len()),
                // Nothing tells where two variables meet.
                Some(Piece::Variable(..)) => Some(0),
                Some(Piece::Literal(last)) if at + 2 == self.pieces.len() => {
                    rest.strip_suffix(last.as_str()).map(str::len)
                }
                Some(Piece::Literal(next)) => {
                    rest.match_indices(next.as_str()).map(|(end, _)| end).find(|&end| fits(cell, &rest[..end]))
                }
            }?;
            let text = &rest[..end];
            if !fits(cell, text) {
                return None;
            }
            found.push((name.as_str(), text));
            rest = &rest[end..];
        }
        rest.is_empty().then_some(found)
    }
}

/// Length of a variable's name. Claims and overrides are named by users: `cognito:groups`, `X-Trace`.
fn name_end(text: &str) -> usize {
    let own = ["authorizer.claims.", "requestOverride.", "responseOverride."].iter().any(|p| text.starts_with(p));
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || (own && (c == '-' || c == ':'));
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', '-', ':']).len()
}

fn is_id(cell: usize) -> bool {
    matches!(cell, fields::REQUEST_ID | fields::EXTENDED_ID)
}

/// Whether a text can be the variable's value; unset ones are a dash.
fn fits(cell: Option<usize>, text: &str) -> bool {
    const METHODS: [&str; 8] = ["ANY", "GET", "PUT", "POST", "HEAD", "PATCH", "DELETE", "OPTIONS"];
    let Some(cell) = cell.filter(|_| !text.is_empty() && text != "-") else {
        return true;
    };
    match cell {
        fields::REQUEST_ID | fields::EXTENDED_ID => !text.contains(|c: char| c.is_whitespace() || c == '"'),
        fields::REQUEST_TIME => text.len() >= 26 && Micros::parse_clf(text).is_some(),
        fields::ROUTE_KEY => !METHODS.contains(&text),
        fields::PROTOCOL => !text.contains(' '),
        _ => FIELDS[cell].kind != Kind::Int || text.parse::<i64>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(format: &str, line: &str) -> Option<Vec<(String, String)>> {
        let template = Template::new(format).unwrap();
        template
            .values(line)
            .map(|all| all.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
    }

    #[test]
    fn the_console_format_of_an_http_api() {
        let format = r#"$context.identity.sourceIp - - [$context.requestTime] "$context.httpMethod $context.routeKey $context.protocol" $context.status $context.responseLength $context.requestId $context.extendedRequestId"#;
        let line = r#"192.0.2.11 - - [02/Mar/2026:08:15:35 +0000] "GET GET /pets HTTP/1.1" 404 - JKJaXmPLvHcESHB= JKJaXmPLvHcESHB="#;
        let all = values(format, line).unwrap();
        let texts: Vec<&str> = all.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "192.0.2.11",
                "02/Mar/2026:08:15:35 +0000",
                "GET",
                "GET /pets",
                "HTTP/1.1",
                "404",
                "-",
                "JKJaXmPLvHcESHB=",
                "JKJaXmPLvHcESHB="
            ]
        );
        assert!(values(format, &line.replace("404", "yes")).is_none());
        assert!(values(format, &line.replace(" - - ", " -  - ")).is_none());
        assert!(values(format, &line[..line.len() - 34]).is_none());
    }

    #[test]
    fn names_of_users_and_the_end_of_a_name() {
        let format = "id=$context.requestId;sub=$context.authorizer.claims.cognito:username|$context.stage.$context.requestTime-$context.status";
        let all = values(format, "id=JKJaXmPLvHcESHB=;sub=a;b|prod.02/Mar/2026:08:15:35 +0000-200").unwrap();
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["requestId", "authorizer.claims.cognito:username", "stage", "requestTime", "status"]);
        assert_eq!(all[1].1, "a;b");
        assert_eq!(all[3].1, "02/Mar/2026:08:15:35 +0000");
    }

    #[test]
    fn json_values_are_unescaped_and_odd_quotes_do_not_matter() {
        let format = r#"{"id":"$context.requestId","m":"$context.error.messageString","ua":"$context.identity.userAgent","x":"$context.authorizer.tenant","n":$context.status}\n"#;
        let line = r#"{"id":"JKJaXmPLvHcESHB=","m":""Forbidden"","ua":"a "b" \/ \u00e9","x":"t\"1","n":-}"#;
        let mut row = Row::new(FIELDS.len());
        assert!(Template::new(format).unwrap().fill(&mut row, line));
        assert_eq!(row.native[fields::MESSAGE_STRING].as_str(), Some("Forbidden"));
        assert_eq!(row.native[6].as_str(), Some("a \"b\" / é"));
        assert_eq!(row.extra_json().unwrap(), r#"{"authorizer.tenant":"t\"1"}"#);
        assert!(row.native[fields::STATUS].is_null());
    }

    #[test]
    fn a_format_without_an_id_is_none() {
        assert_eq!(Template::new("$context.status $context.path"), None);
        assert_eq!(Template::new(""), None);
        assert!(!Template::new("$context.requestId").unwrap().matches("any words"));
    }
}

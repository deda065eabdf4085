//! Access logs of API Gateway in every encoding a stage's format may have: the cells, and readers that fill them.

pub mod fields;
pub mod members;
pub mod template;
pub mod text;

use crate::codec::json;
use crate::codec::tokens;
use crate::formats::shared::cell;
use crate::model::{Kind, Micros, Row, Value};
use fields::{FIELDS, MESSAGE_STRING, NOT_AFTER, NOT_BEFORE};
use std::borrow::Cow;

/// What stands for a request id that the client sent and that is no UUID.
pub const REPLACED_ID: &str = "UUID_REPLACED_INVALID_REQUEST_ID";

/// Puts a variable's text into its cell; into `extra` where it has none, or the cell has a value already, or the
/// text is no value of the cell's kind. `-` and nothing are unset.
pub fn put<'r>(row: &mut Row<'r>, name: Cow<'r, str>, text: Cow<'r, str>) {
    if text.is_empty() || text == "-" {
        return;
    }
    if !set(row, fields::cell_of(&name), text.clone()) {
        row.extra.push((name, Cow::Owned(json_text(&text))));
    }
}

/// Whether the cell took the text; an unset one needs no cell.
pub fn set<'r>(row: &mut Row<'r>, cell: Option<usize>, text: Cow<'r, str>) -> bool {
    let Some(cell) = cell.filter(|cell| row.native[*cell].is_null()) else {
        return false;
    };
    let value = value_of(cell, text);
    let taken = !value.is_null();
    if taken {
        row.native[cell] = value;
    }
    taken
}

fn value_of<'r>(cell: usize, text: Cow<'r, str>) -> Value<'r> {
    match FIELDS[cell].kind {
        Kind::Str | Kind::Json if cell == fields::IP => match tokens::ip(&text) {
            Some(ip) if ip != text => Value::owned(ip.into_owned()),
            _ => Value::Str(text),
        },
        Kind::Str | Kind::Json if cell == MESSAGE_STRING => Value::Str(unquoted(text)),
        Kind::Str | Kind::Json => Value::Str(text),
        Kind::Time if matches!(cell, NOT_BEFORE | NOT_AFTER) => Value::time(certificate_time(&text)),
        Kind::Time => Value::time(cell::time(&text)),
        Kind::Int => Value::int(&text),
        Kind::Float => Value::float(&text),
        Kind::Bool => text.parse().map_or(Value::Null, Value::Bool),
    }
}

/// `$context.error.messageString` brings quotes of its own.
fn unquoted(text: Cow<'_, str>) -> Cow<'_, str> {
    let inner = |t: &str| t.len() >= 2 && t.starts_with('"') && t.ends_with('"');
    match text {
        Cow::Borrowed(t) if inner(t) => Cow::Borrowed(&t[1..t.len() - 1]),
        Cow::Owned(t) if inner(&t) => Cow::Owned(t[1..t.len() - 1].to_owned()),
        as_it_stands => as_it_stands,
    }
}

/// `Aug  5 09:36:04 2021 GMT`, as certificates are printed.
fn certificate_time(text: &str) -> Option<Micros> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [month, day, clock, year, "GMT"] = words.as_slice() else {
        return cell::time(text);
    };
    Micros::parse_clf(&format!("{day:0>2}/{month}/{year}:{clock} +0000"))
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What a string of JSON text says, without its escapes.
fn unescaped(raw: &str) -> Cow<'_, str> {
    json::unescape(raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_value_and_one_of_the_wrong_kind_are_kept_beside() {
        let mut row = Row::new(FIELDS.len());
        for (name, text) in [
            ("integration.latency", "12"),
            ("integrationLatency", "13"),
            ("status", "many"),
            ("ip", "2001:DB8::1"),
            ("caller", "-"),
            ("error.messageString", "\"Forbidden\""),
            ("isCanaryRequest", "false"),
        ] {
            put(&mut row, Cow::Borrowed(name), Cow::Borrowed(text));
        }
        assert_eq!(row.native[fields::INTEGRATION_LATENCY], Value::Int(12));
        assert_eq!(row.native[fields::IP], Value::text("2001:db8::1"));
        assert_eq!(row.native[MESSAGE_STRING], Value::text("Forbidden"));
        assert!(row.native[fields::STATUS].is_null() && row.native[fields::CALLER].is_null());
        assert_eq!(row.extra_json().unwrap(), r#"{"integrationLatency":"13","status":"many"}"#);
    }

    #[test]
    fn times_of_certificates() {
        let time = |text| certificate_time(text).map(|t| t.to_string());
        assert_eq!(time("Aug  5 09:36:04 2021 GMT").unwrap(), "2021-08-05T09:36:04.000000Z");
        assert_eq!(time("May 28 12:30:02 2019 GMT").unwrap(), "2019-05-28T12:30:02.000000Z");
        assert_eq!(time("soon"), None);
    }
}

//! One cell from one text or JSON value, by the kind of its column.

use crate::codec::json::Json;
use crate::codec::tokens;
use crate::model::{Kind, Micros, Value};
use std::borrow::Cow;

/// Any of the times AWS writes: RFC 3339, common log format, `20131102T010628Z`, epoch seconds, milliseconds or
/// microseconds, with a fraction or without; in brackets or not.
pub fn time(text: &str) -> Option<Micros> {
    let text = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    Micros::parse_rfc3339(text)
        .or_else(|| Micros::parse_clf(text))
        .or_else(|| Micros::parse_basic(text))
        .or_else(|| Micros::parse_epoch(text))
}

/// A token; `-` and nothing are null, and so is what is no value of that kind.
pub fn of_text(kind: Kind, text: &str) -> Value<'_> {
    match kind {
        Kind::Int => Value::int(text),
        Kind::Float => Value::float(text),
        Kind::Bool => match text {
            "true" | "Yes" | "yes" | "1" => Value::Bool(true),
            "false" | "No" | "no" | "0" => Value::Bool(false),
            _ => Value::Null,
        },
        Kind::Time => Value::time(time(text)),
        Kind::Str | Kind::Json => Value::text(text),
    }
}

/// An address in its canonical spelling; a text that is none as it stands; `-` is null.
pub fn address(text: &str) -> Value<'_> {
    match Value::text(text) {
        Value::Str(_) => tokens::ip(text).map_or(Value::Str(Cow::Borrowed(text)), Value::Str),
        null => null,
    }
}

/// A member's value. Numbers and booleans in quotes count; objects and arrays are JSON text.
pub fn of_json<'r>(kind: Kind, value: &Json<'r>) -> Value<'r> {
    match (kind, value) {
        (_, Json::Null) => Value::Null,
        (Kind::Json, Json::Str("" | "-")) => Value::Null,
        (Kind::Json, _) => Value::Str(value.to_json()),
        (Kind::Bool, _) => value.as_bool().map_or(Value::Null, Value::Bool),
        (Kind::Int, Json::Number(text) | Json::Str(text)) => {
            // `1.7e9` and `12.0` are whole numbers in some producers' JSON.
            let whole = || text.parse::<f64>().ok().filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15).map(|n| n as i64);
            text.parse().ok().or_else(whole).map_or(Value::Null, Value::Int)
        }
        (Kind::Float, Json::Number(text) | Json::Str(text)) => Value::float(text),
        (Kind::Time, Json::Number(text) | Json::Str(text)) => Value::time(time(text)),
        (Kind::Str, Json::Bool(flag)) => Value::Str(Cow::Borrowed(if *flag { "true" } else { "false" })),
        (Kind::Str, Json::Object(text) | Json::Array(text)) => Value::Str(Cow::Borrowed(text)),
        (Kind::Str, _) => match value.scalar() {
            Some(text) if text.is_empty() || text == "-" => Value::Null,
            Some(text) => Value::Str(text),
            None => Value::Null,
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_time_is_the_same_instant() {
        let expected = Some(Micros(1_709_979_072_000_000));
        for text in [
            "2024-03-09T10:11:12Z",
            "09/Mar/2024:10:11:12 +0000",
            "20240309T101112Z",
            "1709979072",
            "1709979072.000",
            "1709979072000",
            "1.709979072E9",
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time("1484764800.125"), Some(Micros(1_484_764_800_125_000)));
        assert_eq!((time("-"), time(""), time("12:00")), (None, None, None));
    }

    #[test]
    fn json_values_by_kind() {
        assert_eq!(of_json(Kind::Int, &Json::Str("200")), Value::Int(200));
        assert_eq!(of_json(Kind::Int, &Json::Number("12.0")), Value::Int(12));
        assert_eq!(of_json(Kind::Str, &Json::Str("-")), Value::Null);
        assert_eq!(of_json(Kind::Str, &Json::Number("7")), Value::text("7"));
        assert_eq!(of_json(Kind::Bool, &Json::Str("true")), Value::Bool(true));
        assert_eq!(of_json(Kind::Json, &Json::Array("[1]")), Value::text("[1]"));
        assert_eq!(address("2001:DB8::1"), Value::text("2001:db8::1"));
    }
}

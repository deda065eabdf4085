//! An event as the object that `parse` prints: AWS's own names in snake_case, common columns under `common`.

use super::block::Event;
use crate::codec::json::{self, Json};
use crate::formats::shared::names::snake;
use crate::formats::{LogFormat, Shape};
use crate::model::{Common, Field, Kind, Link, Row, Value};
use serde_json::{Map, Value as Out};
use std::borrow::Cow;
use std::collections::HashMap;

/// Names of each format's cells, made once.
#[derive(Default)]
pub(super) struct Names(HashMap<&'static str, Vec<String>>);

impl Names {
    fn of(&mut self, format: &'static dyn LogFormat) -> &[String] {
        self.0.entry(format.id()).or_insert_with(|| cell_names(format.fields()))
    }
}

/// Appends one line, newline included.
pub(super) fn write(event: &Event<'_, '_>, names: &mut Names, out: &mut Vec<u8>) {
    let mut object = Map::new();
    let text = event.record.text.trim();
    let members = event.format.shape() == Shape::Members && text.starts_with('{');
    let text = if members { unwrapped(event.format, text) } else { Cow::Borrowed(text) };
    if !members || !add_members(&mut object, event.format, event.row, &text) {
        object.clear();
        add_cells(&mut object, names.of(event.format), event.format.fields(), event.row);
    }
    if event.format.takes_anything() || event.record.envelope.is_some() {
        // What no format knows is its text; and a CloudWatch event is what its message says.
        let message = object.entry("message").or_insert(Out::Null);
        if message.is_null() {
            *message = Out::from(event.meta.raw.trim_end_matches(['\n', '\r']));
        }
    }
    object.insert("common".to_owned(), common(event));
    if serde_json::to_writer(&mut *out, &Out::Object(object)).is_ok() {
        out.push(b'\n');
    }
}

/// The names native cells are printed under: AWS's, in snake_case; the column's without its prefix where
/// AWS has one name for several cells, or none.
pub(super) fn cell_names(fields: &[Field]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(fields.len());
    for field in fields {
        let plain = !field.native.contains(['(', ':', '.']) || field.native.starts_with("cs(");
        let own = snake(field.native);
        if plain && !names.contains(&own) {
            names.push(own);
        } else {
            names.push(field.column.split_once('_').map_or(field.column, |(_, name)| name).to_owned());
        }
    }
    names
}

fn add_cells(object: &mut Map<String, Out>, names: &[String], fields: &[Field], row: &Row<'_>) {
    for ((name, field), value) in names.iter().zip(fields).zip(&row.native) {
        object.insert(name.clone(), json_of(field.kind, value));
    }
    for (name, value) in &row.extra {
        let value = serde_json::from_str(value).unwrap_or_else(|_| Out::from(value.as_ref()));
        object.entry(snake(name)).or_insert(value);
    }
}

/// The record inside of what it was wrapped in.
fn unwrapped<'t>(format: &dyn LogFormat, text: &'t str) -> Cow<'t, str> {
    let names = format.wrapped_in();
    let inner = (!names.is_empty()).then(|| json::parse(text).ok()).flatten().and_then(|outer| {
        names.iter().find_map(|name| match outer.get(name)? {
            Json::Object(inner) => Some(Cow::Borrowed(inner)),
            Json::Str(inner) => Some(json::unescape(inner)),
            _ => None,
        })
    });
    inner.unwrap_or(Cow::Borrowed(text))
}

/// The record's own members; `false` where it is no JSON that can be read.
fn add_members(object: &mut Map<String, Out>, format: &dyn LogFormat, row: &Row<'_>, text: &str) -> bool {
    let fields = format.fields();
    for member in json::members(text) {
        let Ok((name, value)) = member else {
            return false;
        };
        let out = match format.cell_of(&name) {
            // Read as its column's kind; what could not be read stays as it is.
            Some(cell) if !row.native[cell].is_null() && fields[cell].kind != Kind::Json => match fields[cell].kind {
                Kind::Str => plain(&value),
                kind => json_of(kind, &row.native[cell]),
            },
            _ => plain(&value),
        };
        object.insert(snake(&name), out);
    }
    true
}

/// A value as it stands; the dash that means nothing is null.
fn plain(value: &Json<'_>) -> Out {
    match value {
        Json::Str("-" | "") => Out::Null,
        _ => serde_json::from_str(&value.to_json()).unwrap_or(Out::Null),
    }
}

fn json_of(kind: Kind, value: &Value<'_>) -> Out {
    match value {
        Value::Null => Out::Null,
        Value::Str(text) if kind == Kind::Json => {
            serde_json::from_str(text).unwrap_or_else(|_| Out::from(text.as_ref()))
        }
        Value::Str(text) => Out::from(text.as_ref()),
        Value::Int(n) => Out::from(*n),
        Value::Float(n) => Out::from(*n),
        Value::Bool(flag) => Out::from(*flag),
        Value::Time(time) => Out::from(time.to_string()),
    }
}

fn common(event: &Event<'_, '_>) -> Out {
    let mut object = Map::new();
    object.insert("source_table".to_owned(), Out::from(event.format.id()));
    for &column in Common::ALL {
        object.insert(column.name().to_owned(), json_of(column.kind(), event.row.common(column)));
    }
    for link in Link::ALL {
        let values: Vec<Out> = event.row.links(link).iter().map(|text| Out::from(text.as_ref())).collect();
        object.insert(link.column().to_owned(), Out::from(values));
    }
    object.insert("source_object".to_owned(), Out::from(event.meta.object));
    object.insert("source_record".to_owned(), Out::from(event.meta.record));
    object.insert("source_offset".to_owned(), Out::from(event.meta.offset));
    Out::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats;

    #[test]
    fn names_are_those_of_aws() {
        let names = |id: &str| {
            let fields = formats::by_id(id).unwrap().fields();
            cell_names(fields)
        };
        let alb = names("alb");
        for name in ["type", "client_ip", "client_port", "target_ip", "request", "target_port_list", "trace_id"] {
            assert!(alb.iter().any(|n| n == name), "{name}");
        }
        let vpc = names("vpcflow");
        assert_eq!(&vpc[..4], ["version", "account_id", "interface_id", "srcaddr"]);
        assert!(vpc.iter().any(|n| n == "log_status"));
    }

    #[test]
    fn no_format_prints_a_name_twice() {
        for format in formats::ALL {
            let fields = format.fields();
            let mut names = cell_names(fields);
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}", format.id());
        }
    }
}

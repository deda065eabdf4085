//! JSON Lines for Timesketch. Facts: google/timesketch, `docs/guides/user/import-from-json-csv.md` (`message`,
//! `datetime` and `timestamp_desc` are mandatory) and `timesketch/lib/utils.py` (`timestamp` is whole microseconds).

use super::event_json::{self, Object, put, put_text};
use super::jsonl;
use crate::model::{Common, Detail, Entry, EntryKind, Micros};
use std::io;

/// Writes one object on one line: `message`, `datetime`, `timestamp`, `timestamp_desc`, `data_type`, `source`, `tag`,
/// then the common columns under their own names and what the timeline adds. No nulls, no nesting, and no text of
/// more than 32,766 bytes. Timesketch takes a file only if its name ends in `.jsonl`.
pub fn write(out: &mut dyn io::Write, entry: &Entry, tags: &[&str]) -> io::Result<()> {
    let mut row = Object::new();
    let message = entry.message.as_deref().filter(|text| !text.trim().is_empty());
    let message = message.map_or_else(|| event_json::summary(entry), str::to_owned);
    put_text(&mut row, "message", Some(&message));
    put(&mut row, "datetime", Some(datetime(entry.time)));
    put(&mut row, "timestamp", Some(entry.time.0));
    put(&mut row, "timestamp_desc", Some(event_json::source(&entry.source).stamp));
    put(&mut row, "data_type", Some(data_type(entry)));
    put_text(&mut row, "source", Some(&entry.source));
    let tags: Vec<_> = tags.iter().map(|tag| event_json::cut(tag, event_json::TERM)).collect();
    put(&mut row, "tag", Some(tags));
    common(&mut row, entry);
    context(&mut row, entry);
    jsonl::write_line(out, &row)
}

/// Ends in an offset, as Timesketch's own example does.
fn datetime(time: Micros) -> String {
    let text = time.to_string();
    match text.strip_suffix('Z') {
        Some(local) => format!("{local}+00:00"),
        None => text,
    }
}

/// Shaped like Plaso's `aws:cloudtrail:entry`, by which Timesketch's analysers pick events.
fn data_type(entry: &Entry) -> String {
    match entry.kind {
        EntryKind::Event => format!("aws:{}:entry", event_json::cut(&entry.source, 256)),
        EntryKind::Finding | EntryKind::Detection => format!("logsift:{}:entry", entry.kind.as_str()),
    }
}

fn common(row: &mut Object, entry: &Entry) {
    for (column, value) in &entry.details {
        // Said already, as `datetime` and `timestamp`.
        if *column == Common::EventTime {
            continue;
        }
        match value {
            Detail::Text(text) => put_text(row, column.name(), Some(text)),
            Detail::Int(number) => put(row, column.name(), Some(*number)),
            Detail::Time(time) => put(row, column.name(), Some(datetime(*time))),
        }
    }
}

fn context(row: &mut Object, entry: &Entry) {
    put(row, "kind", Some(entry.kind.as_str()));
    put(row, "severity", Some(entry.severity.as_str()));
    put_text(row, "reference", Some(&entry.reference));
    put_text(row, "actor", entry.actor.as_deref());
    let outcome = match entry.kind {
        EntryKind::Finding => "confidence",
        EntryKind::Event | EntryKind::Detection => Common::EventOutcome.name(),
    };
    let of_row = [
        (Common::SourceIp.name(), &entry.source_ip),
        (Common::EventAction.name(), &entry.action),
        (Common::Target.name(), &entry.target),
        (outcome, &entry.outcome),
    ];
    for (name, text) in of_row {
        // The row's texts are made for reading; the column's own are exact.
        if !row.contains_key(name) {
            put_text(row, name, text.as_deref());
        }
    }
    if let Some(rule) = event_json::rule(entry) {
        put_text(row, "rule", Some(rule.id));
        put_text(row, "technique", rule.technique);
    }
    put_text(row, "network", entry.network.as_deref());
    if entry.count > 1 {
        put(row, "count", Some(entry.count));
        put(row, "last_time", entry.last.map(datetime));
    }
    if let Some(link) = &entry.link {
        put(row, "pivot_by", Some(link.by));
        put_text(row, "pivot_value", Some(&link.value));
        put(row, "pivot_hop", Some(link.hop));
    }
}

#[cfg(test)]
mod tests {
    use super::super::event_json::{TERM, fixture};
    use super::*;
    use serde_json::{Value, json};

    fn row(entry: &Entry) -> Value {
        let mut out = Vec::new();
        write(&mut out, entry, &["case-7", "web"]).unwrap();
        fixture::parse(&out)
    }

    #[test]
    fn what_timesketch_asks_for_is_there() {
        let row = row(&fixture::cloudtrail("CreateUser"));
        assert_eq!(row["message"], "{\"raw\":true}");
        assert_eq!(row["datetime"], "2024-03-09T10:11:12.123456+00:00");
        assert_eq!(row["timestamp"], 1_709_979_072_123_456_i64);
        assert_eq!([&row["timestamp_desc"], &row["data_type"]], ["API call", "aws:cloudtrail:entry"]);
        assert_eq!(row["tag"], json!(["case-7", "web"]));
        assert_eq!([&row["source_ip"], &row["error_code"]], ["2001:db8::7", "AccessDenied"]);
        assert_eq!(row["event_outcome"], "failure");
        assert!(row.get("event_time").is_none());
    }

    #[test]
    fn findings_and_detections_say_what_found_them() {
        let [finding, detection] = [fixture::finding(), fixture::detection()].map(|entry| row(&entry));
        assert_eq!([&finding["timestamp_desc"], &finding["rule"]], ["Secret first logged", "aws-secret-key"]);
        assert_eq!([&finding["confidence"], &finding["data_type"]], ["high", "logsift:finding:entry"]);
        assert!(finding.get("event_outcome").is_none());
        assert_eq!([&detection["timestamp_desc"], &detection["technique"]], ["Detection", "T1136.003"]);
        assert_eq!(detection["source_ip"], "198.51.100.7");
    }

    #[test]
    fn no_nulls_no_nesting_no_empty_message_and_no_text_over_the_limit() {
        let silent = Entry { message: Some(" ".to_owned()), ..fixture::flow() };
        assert_eq!(row(&silent)["message"], "vpcflow");
        let blank = Entry { action: Some("\t".to_owned()), ..silent };
        assert_eq!(row(&blank)["message"], "vpcflow");
        for entry in fixture::all() {
            let row = row(&entry);
            for (name, value) in row.as_object().unwrap() {
                assert!(!value.is_null() && !value.is_object(), "{name}");
                assert!(value.as_str().is_none_or(|text| !text.is_empty() && text.len() <= TERM), "{name}");
            }
        }
        assert!(row(&fixture::hostile())["message"].as_str().unwrap().ends_with('…'));
    }

    #[test]
    fn folded_rows_tell_how_many_and_until_when() {
        let row = row(&Entry { count: 40, last: Some(Micros(fixture::AT.0 + 1)), ..fixture::flow() });
        assert_eq!((&row["count"], &row["last_time"]), (&json!(40), &json!("2024-03-09T10:11:12.123457+00:00")));
    }
}

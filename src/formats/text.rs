//! Any other line of text. Its time is guessed from its beginning and marked as a guess; ids that other
//! sources know become links.

use super::shared::links;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::borrow::Cow;

pub struct Text;

#[rustfmt::skip]
static FIELDS: [Field; 4] = [
    Field::new("text_time", "(time, guessed)", Kind::Time).feeds(Common::EventTime),
    Field::new("text_time_guessed", "(whether the time is a guess)", Kind::Bool),
    Field::new("text_level", "(level, guessed)", Kind::Str),
    Field::new("text_request_id", "(request id, guessed)", Kind::Str).feeds(Common::RequestId),
];

const TIME: usize = 0;
const GUESSED: usize = 1;
const LEVEL: usize = 2;
const REQUEST: usize = 3;

/// Bytes from the start of a line in which a time is looked for, and the words a level is looked for in.
const TIME_WITHIN: usize = 100;
const LEVEL_WITHIN: usize = 8;
/// Characters that are looked at to tell text from bytes.
const SAMPLE: usize = 512;

impl LogFormat for Text {
    fn id(&self) -> &'static str {
        "text"
    }

    fn title(&self) -> &'static str {
        "Other lines of text"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "the CloudWatch timestamp, else a time at the start of the line"),
            (Common::EventAction, "level"),
            (Common::EventOutcome, "failure for an error level"),
            (Common::TraceId, "the first X-Ray root in the line"),
        ]
    }

    fn takes_anything(&self) -> bool {
        true
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        // What begins as a JSON object and is none is broken, and must be seen to be.
        let broken = record.text.trim_start().starts_with("{\"");
        (!broken && is_text(record.text))
            .then_some(Claim { score: 2, reason: "a line of text that no other format claims" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let text = record.text;
    if text.trim().is_empty() {
        return Outcome::Ignored("empty line");
    }
    if !is_text(text) {
        return Outcome::Reject(Reject::malformed("not text: NUL, control or replacement characters"));
    }
    if let Some(time) = record.envelope.and_then(|e| e.time) {
        row.set(Common::EventTime, Value::Time(time));
    } else if let Some(time) = guess_time(text) {
        row.native[TIME] = Value::Time(time);
        row.native[GUESSED] = Value::Bool(true);
    }
    let level = level(text).map_or(Value::Null, Value::text);
    if level.as_str().is_some_and(links::is_failure) {
        row.set(Common::EventOutcome, Value::text("failure"));
    }
    row.set(Common::EventAction, level.clone());
    row.native[LEVEL] = level;
    row.native[REQUEST] = links::request_id_in(text).map_or(Value::Null, Value::text);
    links::add(row, text);
    add_uuids(row, text);
    Outcome::Event
}

/// Whether this is a line to read: something printable, no NUL, few control or replacement characters.
fn is_text(text: &str) -> bool {
    if text.trim().is_empty() || memchr::memchr(0, text.as_bytes()).is_some() {
        return false;
    }
    let (mut all, mut bad) = (0usize, 0usize);
    for c in text.chars().take(SAMPLE) {
        all += 1;
        // Escape begins terminal colours.
        let control = c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{1b}');
        bad += usize::from(control || c == char::REPLACEMENT_CHARACTER);
    }
    bad * 4 <= all
}

fn guess_time(text: &str) -> Option<Micros> {
    let start = text.trim_start_matches([' ', '\t', '[', '(', '<', '"', '\u{feff}']);
    iso_time(start).or_else(|| epoch_time(start)).or_else(|| clf_time(text))
}

/// RFC 3339, with a comma for the point too: `2026-03-02 08:15:30,123`.
fn iso_time(text: &str) -> Option<Micros> {
    let (time, used) = Micros::parse_rfc3339_prefix(text.as_bytes())?;
    match text.as_bytes().get(used) {
        Some(b',') if used == 19 => {
            let digits = text.as_bytes()[20..].iter().take(9).take_while(|b| b.is_ascii_digit()).count();
            let dotted = format!("{}.{}", &text[..19], &text[20..20 + digits]);
            Some(Micros::parse_rfc3339(&dotted).unwrap_or(time))
        }
        Some(b) if b.is_ascii_alphanumeric() => None,
        _ => Some(time),
    }
}

/// Epoch seconds or milliseconds as the first word, of this century.
fn epoch_time(text: &str) -> Option<Micros> {
    let end = text.bytes().take(18).take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let free = !text.as_bytes().get(end).is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'));
    let whole = text.bytes().take_while(u8::is_ascii_digit).count();
    (free && matches!(whole, 10 | 13)).then(|| Micros::parse_epoch(text[..end].trim_end_matches('.'))).flatten()
}

/// `[09/Mar/2024:10:11:12 +0000]` within the first bytes.
fn clf_time(text: &str) -> Option<Micros> {
    let bytes = &text.as_bytes()[..text.len().min(TIME_WITHIN)];
    memchr::memchr_iter(b'[', bytes).find_map(|at| {
        let inside = text.get(at + 1..)?;
        let end = inside.bytes().take(32).position(|b| b == b']')?;
        Micros::parse_clf(inside.get(..end)?)
    })
}

/// The first of the first words that is a level: `ERROR`, `[error]`, `WARN:`, `level=info`.
fn level(text: &str) -> Option<&str> {
    text.split([' ', '\t', '|']).filter(|word| !word.is_empty()).take(LEVEL_WITHIN).find_map(|word| {
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let bare = bare.strip_prefix("level=").or_else(|| bare.strip_prefix("lvl=")).unwrap_or(bare);
        let bare = bare.split(']').next().unwrap_or(bare).trim_matches('"');
        // A word in small letters is a level only where its dress says so: `error` is a common word.
        let dressed = bare.len() < word.len() || bare.bytes().all(|b| b.is_ascii_uppercase());
        (dressed && links::is_level(bare)).then_some(bare)
    })
}

/// Request ids are UUIDs, and other sources may know those in the line.
fn add_uuids<'r>(row: &mut Row<'r>, text: &'r str) {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    for word in words.filter(|word| links::is_uuid(word)).take(16) {
        row.add_link(Link::RequestId, Cow::Borrowed(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Origin};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn times_at_the_start() {
        for line in [
            "2026-03-02T08:15:30.500Z hello",
            "[2026-03-02 08:15:30,500] hello",
            "2026-03-02T09:15:30.5+01:00",
            "1772439330500 hello",
            "1772439330.5: hello",
            "192.0.2.7 - - [02/Mar/2026:08:15:30 +0000] \"GET / HTTP/1.1\" 200 5",
        ] {
            let (outcome, row) = parse(line);
            assert_eq!(outcome, Outcome::Event);
            let time = row.time().unwrap().to_string();
            assert!(time.starts_with("2026-03-02T08:15:30."), "{line}: {time}");
            assert_eq!(time.ends_with(".500000Z"), !line.contains("/Mar/"), "{line}");
            assert_eq!(row.native[GUESSED], Value::Bool(true));
        }
        for line in [
            "Mar  9 10:11:12 host sshd[1]: Failed password",
            "hello 2026-03-02T08:15:30Z",
            "1772439330-abc x",
            "17724393305 x",
            "2026-03-02T08:15:30Zebra",
            "é",
            "[é",
        ] {
            let (outcome, row) = parse(line);
            assert_eq!(outcome, Outcome::Event);
            assert!(row.time().is_none() && row.native[GUESSED].is_null(), "{line}");
        }
        let envelope = Envelope { time: Some(Micros(9)), ..Envelope::default() };
        let mut row = Row::new(FIELDS.len());
        read(&Record { text: "1772439330 x", envelope: Some(&envelope), origin: &ORIGIN }, &mut row);
        assert_eq!(row.time(), Some(Micros(9)));
        assert!(row.native[GUESSED].is_null());
    }

    #[test]
    fn levels_and_ids() {
        for (line, expected) in [
            ("2026-03-02 08:15:30 ERROR x", Some("ERROR")),
            ("a b [warn] x", Some("warn")),
            ("Info: x", Some("Info")),
            ("ts=1 level=error x", Some("error")),
            ("an error occurred", None),
            ("a b c d e f g h ERROR", None),
        ] {
            assert_eq!(level(line), expected, "{line}");
        }
        let (_, row) = parse(
            "ERROR RequestId: 8f507cfc-aaaa-bbbb-cccc-0123456789ab key AKIAIOSFODNN7EXAMPLE Root=1-5759e988-bd862e3fe1be46a994272793 8f507cfc-aaaa-bbbb-cccc-0123456789ac",
        );
        assert_eq!(row.common(Common::RequestId), &Value::text("8f507cfc-aaaa-bbbb-cccc-0123456789ab"));
        assert_eq!(row.links(Link::RequestId).len(), 3);
        assert_eq!(row.links(Link::Key), ["AKIAIOSFODNN7EXAMPLE"]);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
    }

    #[test]
    fn bytes_and_broken_json_are_not_claimed() {
        let claimed =
            |text: &str| Text.claims(&Record { text, envelope: None, origin: &ORIGIN }, &Options::default()).is_some();
        assert!(claimed("hello") && claimed("\u{1b}[31mred\u{1b}[0m") && claimed("{main} started"));
        for text in ["", " \t", "a\0b", "\u{1}\u{2}\u{3}a", "\u{fffd}\u{fffd}a\u{fffd}", "{\"a\":1"] {
            assert!(!claimed(text), "{text:?}");
        }
        assert_eq!(parse("  ").0, Outcome::Ignored("empty line"));
        assert!(matches!(parse("\0").0, Outcome::Reject(_)));
    }
}

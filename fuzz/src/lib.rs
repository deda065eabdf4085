//! What every fuzz target does: any bytes are read as a file, as one record and, where a derived table reads the
//! format, as lines to stitch together. Nothing may panic, no record may get lost, and what is printed is JSON.
//!
//! The bytes are those of a decompressed object: a fuzzer would spend its time on the decompressors otherwise, and
//! on bombs.

use logsift::formats::{self, LogFormat, Options};
use logsift::model::{Envelope, Micros, Origin, Record, Row, Tally};
use logsift::patterns::{PatternSet, RuleSources};
use logsift::pipeline::Silent;
use logsift::pipeline::build_parts::build_parts;
use logsift::pipeline::parse::{ParseConfig, parse_plain};
use logsift::scan::{Chunk, Engine, Found};
use logsift::stitch::{self, Line, Stitched};
use serde::de::IgnoredAny;
use std::io::Cursor;
use std::sync::LazyLock;

/// Events of an input of as many bytes are neither printed nor encoded: a hundred cells each take longer than parsing
/// them, and short inputs show all there is to see.
const SHORT: usize = 2048;

/// Reads the bytes as those of the format with that id.
pub fn run(id: &str, bytes: &[u8]) {
    let format = formats::by_id(id).expect("the id of a format");
    file(Some(format), bytes);
    // What takes anything is tried on records that others know first.
    if format.takes_anything() {
        file(None, bytes);
    }
    // Encoding takes ten times as long as all the rest: one length in sixteen.
    if bytes.len() < SHORT && bytes.len().is_multiple_of(16) {
        part(format, bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    record(format, &text);
    lines(format, &text);
}

/// As `logsift parse --format` does.
fn file(format: Option<&'static dyn LogFormat>, bytes: &[u8]) {
    let prints = bytes.len() < SHORT;
    let table = (!prints).then(|| "none".to_owned());
    let config =
        ParseConfig { paths: Vec::new(), format, options: Options::default(), origin: Origin::default(), table };
    let mut out = Vec::new();
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let report = parse_plain(&config, input, &Silent, &mut out).expect("memory takes all output");
    assert!(report.tally.is_balanced(), "{:?}", report.tally);
    let out = String::from_utf8(out).expect("output is text");
    let mut printed = 0;
    for line in out.split_terminator('\n') {
        // Any value will do: it knows no limit of depth.
        serde_json::from_str::<IgnoredAny>(line).expect("output is JSON");
        printed += 1;
    }
    assert_eq!(printed, if prints { Tally::total(&report.tally.events) } else { 0 }, "one line an event");
}

/// As `logsift import --format` does, up to the bytes of the Parquet files.
fn part(format: &'static dyn LogFormat, bytes: &[u8]) {
    let mut rows = 0;
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let tally = build_parts(input, &Options::default(), Some(format), &mut |part| {
        let built = part.build().expect("any row can be encoded");
        assert!(built.parquet.ends_with(b"PAR1"), "a whole file");
        rows += built.rows;
    });
    let tally = tally.expect("memory takes all columns");
    assert_eq!(rows, Tally::total(&tally.events) + Tally::total(&tally.rejects), "one row an event or reject");
}

/// The whole text as one record, bare and in an envelope, with and without a format given by flags.
fn record(format: &dyn LogFormat, text: &str) {
    let envelope = Envelope { time: Micros::from_millis(1_772_440_530_123), ..Envelope::default() };
    let origin = Origin { log_group: Some("API-Gateway-Execution-Logs_a1b2c3/prod".into()), ..Origin::default() };
    let told = Options {
        vpc_flow_format: Some("${version} ${srcaddr} ${start} ${action}".to_owned()),
        apigw_format: Some("$context.requestId [$context.requestTime] $context.status".to_owned()),
    };
    for options in [&Options::default(), &told] {
        let mut parser = format.parser(options);
        for envelope in [None, Some(&envelope)] {
            let record = Record { text, envelope, origin: &origin };
            format.claims(&record, options);
            parser.is_state(text.as_bytes());
            let mut row = Row::new(format.fields().len());
            parser.parse(&record, &mut row);
            row.feed(format.fields());
            row.extra_json();
            format.aws_id(&row);
        }
    }
}

/// Each line, twice as an overlapping export would bring it, to the tables made of this format's lines.
fn lines(format: &dyn LogFormat, text: &str) {
    for derived in stitch::ALL.iter().filter(|derived| derived.source == format.id()) {
        let mut stitcher = (derived.stitcher)();
        let mut give = |mut stitched: Stitched| {
            stitched.row.feed(derived.fields);
            stitched.row.extra_json();
        };
        let mut time = 1_772_440_530_000_000;
        for (at, raw) in text.split('\n').enumerate() {
            let event_id = at.to_string();
            // Now and then longer than any row goes on.
            time += if at % 16 == 15 { stitch::LONGEST } else { 1_000_000 };
            let line = Line {
                event_id: &event_id,
                time: Some(Micros(time)),
                log_group: Some("/aws/lambda/orders-api"),
                log_stream: Some("2026/03/02/[$LATEST]0123456789abcdef0123456789abcdef"),
                account_id: Some("111122223333"),
                region: Some("eu-central-1"),
                raw,
                ..Line::default()
            };
            stitcher.retire(Micros(time), &mut give);
            stitcher.add(&line);
            stitcher.add(&line);
        }
        stitcher.finish(&mut give);
    }
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let set = PatternSet::load(&RuleSources::default()).expect("the shipped rules");
    Engine::new(set, None).expect("an engine")
});

/// Lines as one chunk: what is found is what each line's own search finds, and lies within its line.
pub fn scan(bytes: &[u8]) {
    let mut scanner = ENGINE.scanner().expect("scratch memory");
    let records: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let mut chunk = Chunk::default();
    records.iter().for_each(|record| chunk.push(record));
    let mut found = Vec::new();
    scanner.scan(&chunk, None, &mut found).expect("a scan");
    found.sort_by_key(|found| found.record);
    let exact = |span: (usize, usize)| -> Vec<Found> {
        let mut found = scanner.scan_exact(chunk.bytes(span), None);
        found.iter_mut().for_each(|found| found.record = span);
        found
    };
    let exact: Vec<Found> = chunk.spans().into_iter().flat_map(exact).collect();
    let told = |found: &Found| (found.record, found.matched.rule, found.matched.span, found.decode_path());
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), exact.iter().map(told).collect::<Vec<_>>());
    assert!(found.iter().all(|found| found.span().1 <= found.record.1));
}

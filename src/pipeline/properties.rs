//! What must hold for any bytes: nothing is lost, nothing panics, what was parsed is what lies in the lake.

mod tests {
    use super::super::Silent;
    use super::super::import::{ImportConfig, ImportReport, import};
    use super::super::parse::{ParseConfig, parse};
    use crate::formats::{self, Options};
    use crate::lake::Lake;
    use crate::model::{Envelope, Micros, Origin, Record, Row, Tally, TimeRange};
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    /// Lines of every format's sample, as bytes.
    fn sample_lines() -> Vec<Vec<u8>> {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
        let mut lines = Vec::new();
        for format in formats::ALL {
            for entry in std::fs::read_dir(samples.join(format.id())).unwrap() {
                let path = entry.unwrap().path();
                if path.file_stem().is_some_and(|stem| stem == "input") {
                    let text = std::fs::read(path).unwrap();
                    lines.extend(text.split(|b| *b == b'\n').filter(|line| line.len() < 20_000).map(<[u8]>::to_vec));
                }
            }
        }
        lines
    }

    /// Bytes a log might hold and an attacker might send: lines of samples, cut, joined and damaged, and noise.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let lines = sample_lines();
        let count = lines.len();
        let line = (0..count, any::<u16>(), any::<u8>(), 0u8..6).prop_map(move |(n, at, byte, how)| {
            let mut line = lines[n].clone();
            let at = usize::from(at) % (line.len() + 1);
            match how {
                0 => line.truncate(at),
                1 => line.insert(at, byte),
                2 => {
                    line.drain(..at);
                }
                3 if at < line.len() => line[at] = byte,
                _ => {}
            }
            line
        });
        let noise = prop::collection::vec(any::<u8>(), 0..200);
        let ends = prop::sample::select(vec![&b"\n"[..], b"\r\n", b"", b"\n\n", b"\0\n", b"\xef\xbb\xbf"]);
        let piece = (prop_oneof![6 => line, 1 => noise], ends).prop_map(|(line, end)| [line, end.to_vec()].concat());
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    fn import_bytes(dir: &Path, bytes: &[u8]) -> (Lake, ImportReport) {
        let file = dir.join("object");
        std::fs::write(&file, bytes).unwrap();
        let mut lake = Lake::create(&dir.join("lake")).unwrap();
        let config = ImportConfig {
            paths: vec![file],
            format: None,
            options: Options::default(),
            origin: Origin::default(),
            now: Micros(0),
            stdin: None,
        };
        let report = import(&mut lake, &config, &Silent).unwrap();
        (lake, report)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn records_in_are_records_out_and_lie_in_the_lake(bytes in hostile()) {
            let dir = tempfile::tempdir().unwrap();
            let (lake, report) = import_bytes(dir.path(), &bytes);
            let tally = &report.tally;
            prop_assert!(tally.is_balanced(), "{tally:?}");
            let mut rows: BTreeMap<String, u64> = BTreeMap::new();
            for part in lake.all_parts().filter(|p| !crate::lake::schema::STITCHED.contains(&p.table.as_str())) {
                *rows.entry(part.table.clone()).or_default() += part.rows;
            }
            let rejects = rows.remove("rejects").unwrap_or(0);
            prop_assert_eq!(&rows, &tally.events);
            prop_assert_eq!(rejects, Tally::total(&tally.rejects));
        }

        #[test]
        fn what_is_parsed_is_what_is_read_back(bytes in hostile()) {
            let dir = tempfile::tempdir().unwrap();
            let (lake, report) = import_bytes(dir.path(), &bytes);
            let config = ParseConfig {
                paths: vec![dir.path().join("object")],
                format: None,
                options: Options::default(),
                origin: Origin::default(),
                table: None,
            };
            let mut out = Vec::new();
            let parsed = parse(&config, &Silent, &mut out).unwrap();
            prop_assert!(parsed.tally.is_balanced());
            let mut printed = Vec::new();
            for line in out.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                let event: serde_json::Value = serde_json::from_slice(line).unwrap();
                let common = &event["common"];
                let text = |name: &str| common[name].as_str().map(str::to_owned);
                printed.push((text("source_table").unwrap(), common["source_record"].as_i64(), text("resource")));
            }
            let mut stored = Vec::new();
            for table in lake.tables().into_iter().filter(|table| *table != "rejects") {
                for part in lake.parts(table, TimeRange::default()) {
                    for batch in lake.raw_batches(part).unwrap() {
                        let batch = batch.unwrap();
                        stored.extend((0..batch.len()).map(|i| {
                            let place = batch.place(i);
                            (table.to_owned(), Some(place.record), place.resource.map(str::to_owned))
                        }));
                    }
                }
            }
            printed.sort();
            stored.sort();
            // `parse` keeps no identities: an event that came twice is printed twice.
            let twice = Tally::total(&report.tally.duplicates) as usize;
            prop_assert_eq!(stored.len() + twice, printed.len());
            prop_assert!(stored.iter().all(|row| printed.binary_search(row).is_ok()), "{:?}\n{:?}", stored, printed);
        }

        #[test]
        fn no_text_makes_a_parser_panic(bytes in hostile(), millis in any::<i64>()) {
            let text = String::from_utf8_lossy(&bytes);
            let envelope = Envelope { time: Micros::from_millis(millis), ..Envelope::default() };
            let origin = Origin { log_group: Some("API-Gateway-Execution-Logs_a/b".into()), ..Origin::default() };
            let options = [
                Options::default(),
                Options {
                    vpc_flow_format: Some("${version} ${srcaddr} ${start}".to_owned()),
                    apigw_format: Some("$context.requestId [$context.requestTime] $context.status".to_owned()),
                },
            ];
            for format in formats::ALL {
                for options in &options {
                    let mut parser = format.parser(options);
                    for piece in text.split('\n').chain([&*text]) {
                        for envelope in [None, Some(&envelope)] {
                            let record = Record { text: piece, envelope, origin: &origin };
                            let _ = format.claims(&record, options);
                            let _ = parser.is_state(piece.as_bytes());
                            let mut row = Row::new(format.fields().len());
                            let _ = parser.parse(&record, &mut row);
                            row.feed(format.fields());
                            let _ = row.extra_json();
                        }
                    }
                }
            }
        }
    }
}

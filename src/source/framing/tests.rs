use super::*;

/// Bytes, offset, segment and whether it was cut.
pub(super) type Got = (Vec<u8>, u64, Option<u32>, bool);

pub(super) fn frames(data: &[u8], max: usize) -> (Framing, Vec<Got>, bool) {
    let mut framer = Framer::with_max_frame(Box::new(std::io::Cursor::new(data.to_vec())), max);
    let framing = framer.framing();
    let mut all = Vec::new();
    while let Some(f) = framer.next_frame() {
        all.push((f.bytes.to_vec(), f.offset, f.segment, f.truncated));
    }
    (framing, all, framer.take_error().is_some())
}

pub(super) fn texts(data: &str) -> (Framing, Vec<String>, bool) {
    let (framing, all, broken) = frames(data.as_bytes(), MAX_FRAME);
    (framing, all.into_iter().map(|f| String::from_utf8(f.0).unwrap()).collect(), broken)
}

#[test]
fn lines_with_and_without_their_ends() {
    let (framing, all, _) = texts("\u{feff}a b\r\nc\n\nlast");
    assert_eq!(framing, Framing::Lines);
    assert_eq!(all, ["a b", "c", "", "last"]);
    assert_eq!(texts("").1.len(), 0);
}

#[test]
fn records_arrays_pretty_or_not() {
    let compact = r#"{"Records":[{"a":"]}"},{"b":[1]}]}"#;
    let pretty = "{ \n \"Records\" : [ {\"a\":\"]}\"} ,\n{\"b\":[1]} ]\n}\n";
    for text in [compact, pretty] {
        let (framing, all, broken) = texts(text);
        assert_eq!(framing, Framing::JsonArray("Records"));
        assert_eq!(all, [r#"{"a":"]}"}"#, r#"{"b":[1]}"#]);
        assert!(!broken);
    }
    assert_eq!(texts(r#"[{"a":1},{"b":2}]"#).1, [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!(texts("{\n\"a\":1}\n{\"b\":\n2}").1.len(), 2);
    assert_eq!(texts("{\"a\":1}\n{\"b\":2}\n").0, Framing::Lines);
}

#[test]
fn a_cut_document_says_so_and_keeps_its_rest() {
    let (_, all, broken) = texts(r#"{"Records":[{"a":1},{"b":"#);
    assert!(broken);
    assert_eq!(all, [r#"{"a":1}"#, r#"{"b":"#]);
    let (_, all, broken) = texts(r#"{"Records":[{"a":1},"#);
    assert!(broken);
    assert_eq!(all.len(), 1);
}

#[test]
fn export_records_run_to_the_next_stamp() {
    let (framing, all, _) = texts("2025-02-25T12:25:04.000Z one\n  at x\n2025-02-25T12:25:05.000Z two\n\n");
    assert_eq!(framing, Framing::ExportLines);
    assert_eq!(all, ["2025-02-25T12:25:04.000Z one\n  at x", "2025-02-25T12:25:05.000Z two\n"]);
}

#[test]
fn a_long_line_comes_in_segments_and_loses_no_byte() {
    let data = [b"short\n".as_slice(), &b"x".repeat(1_000_000), b"\nend\n"].concat();
    let (_, all, _) = frames(&data, 300_000);
    let segments: Vec<_> = all.iter().map(|f| f.2).collect();
    assert_eq!(segments, [None, Some(0), Some(1), Some(2), Some(3), None]);
    assert_eq!(all[1..5].iter().map(|f| f.0.len()).sum::<usize>(), 1_000_000);
    assert_eq!(all[5].0, b"end");
    assert_eq!(all[2].1, 300_006);
}

#[test]
fn the_frame_limit_is_exact() {
    let segments = |length: usize| {
        let (_, all, _) = frames(&[b"x".repeat(length).as_slice(), b"\ny\n"].concat(), 1000);
        all.iter().map(|f| f.2).collect::<Vec<_>>()
    };
    assert_eq!(segments(1000), [None, None]);
    assert_eq!(segments(1001), [Some(0), Some(1), None]);
    assert_eq!(segments(2001), [Some(0), Some(1), Some(2), None]);
    let (_, all, _) = frames(&[b"x".repeat(READ).as_slice(), b"\ny"].concat(), READ);
    assert_eq!(all.iter().map(|f| f.2).collect::<Vec<_>>(), [None, None]);
}

#[test]
fn members_beside_the_array_are_records_not_lost() {
    let (framing, all, _) = texts(r#"{"Records":[{"a":1}],"token":"kept","nextToken":"x"}"#);
    assert_eq!(framing, Framing::JsonArray("Records"));
    assert_eq!(all, [r#"{"a":1}"#, r#""token":"kept""#]);
    let app = "{\"events\":[{\"id\":1}],\"token\":\"t\"}\n{\"msg\":\"second\"}\n";
    assert_eq!(texts(app).0, Framing::Lines);
    let api = r#"{"events":[{"timestamp":1,"message":"m"}],"searchedLogStreams":[]}"#;
    assert_eq!(texts(api), (Framing::JsonArray("events"), vec![r#"{"timestamp":1,"message":"m"}"#.to_owned()], false));
}

pub(super) const DOCUMENT: &str = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"g","logStream":"s","subscriptionFilters":[],"logEvents":[{"id":"1","timestamp":1740486304000,"message":"one"},{"id":"2","timestamp":1740486304000,"message":"two"}]}"#;
pub(super) const EVENTS: [&str; 2] = [
    r#"{"id":"1","timestamp":1740486304000,"message":"one"}"#,
    r#"{"id":"2","timestamp":1740486304000,"message":"two"}"#,
];

#[test]
fn arrays_of_the_apis_and_what_stands_beside_them() {
    for (text, expected) in [
        (r#"{"fileVersion":"1.0","configSnapshotId":"c","configurationItems":[{"a":1}]}"#, vec![r#"{"a":1}"#]),
        (
            r#"{"Findings":[{"Severity":2},{"Severity":5}],"x":1}"#,
            vec![r#"{"Severity":2}"#, r#"{"Severity":5}"#, r#""x":1"#],
        ),
        (
            r#"{"Events":[{"EventId":"e","CloudTrailEvent":"{}"}],"NextToken":"t"}"#,
            vec![r#"{"EventId":"e","CloudTrailEvent":"{}"}"#],
        ),
        (
            r#"{"Traces":[{"Id":"1-a","Duration":1,"Segments":[{"Id":"s","Document":"{}"},{"Id":"t","Document":"{}"}]},{"Id":"1-b","Segments":[]}],"UnprocessedTraceIds":[]}"#,
            vec![r#"{"Id":"s","Document":"{}"}"#, r#"{"Id":"t","Document":"{}"}"#, r#"{"Id":"1-b","Segments":[]}"#],
        ),
    ] {
        let (_, all, broken) = texts(text);
        assert_eq!(all, expected);
        assert!(!broken);
    }
    // An application's own members of these names.
    for text in [r#"{"results":[1],"a":2}"#, r#"{"records":[],"a":2}"#, r#"{"Events":[{"x":1}]}"#] {
        assert_eq!(texts(text), (Framing::Lines, vec![text.to_owned()], false));
    }
}

#[test]
fn a_subscription_document_is_cut_like_any_other() {
    let (framing, all, broken) = texts(&DOCUMENT[..DOCUMENT.len() - 20]);
    assert_eq!(framing, Framing::JsonArray("logEvents"));
    assert_eq!(all[0], EVENTS[0]);
    assert_eq!(all.len(), 2);
    assert!(broken);
    // Longer than the window is read at once.
    let many = EVENTS.join(",");
    let long = DOCUMENT.replace(&many, &[many.as_str(); 10_000].join(","));
    assert_eq!(texts(&format!("{long}{long}")).1.len(), 40_000);
}

#[test]
fn other_logs_that_begin_with_a_time_are_no_tails() {
    for line in [
        "2015-05-13T23:39:43.945958Z my-loadbalancer 192.0.2.39:2817 10.0.0.1:80 0.000073",
        "2026-03-02T03:00:00.100000Z 192.0.2.1 2817 443 TLSv1.2",
        "2026-03-02T03:00:00.100000+00:00 host sshd[12]: Accepted",
        "2026-03-02 03:00:00 message",
        "2026-03-02T03:00:00.1 message",
        "2026-03-02T03:00:00",
    ] {
        assert_eq!(texts(&format!("{line}\n{line}\n{line}\n")).0, Framing::Lines, "{line}");
    }
    let mixed = "2026-03-02T03:00:00 a\n2026-03-02T03:00:01 b\nsomething else\n";
    assert_eq!(texts(mixed).0, Framing::Lines);
    assert_eq!(texts("2026-03-02T03:00:00Z a/b c").0, Framing::TailLines);
}

#[test]
fn a_long_export_record_does_not_end_the_stamps() {
    let long = "x".repeat(3000);
    let text = format!(
        "2025-02-25T12:25:04.000Z {long}\nmore\n2025-02-25T12:25:05.000Z two\n  lines\n2025-02-25T12:25:06.000Z three\n"
    );
    let (_, all, _) = frames(text.as_bytes(), 1000);
    assert_eq!(all.iter().map(|f| f.2).collect::<Vec<_>>(), [Some(0), Some(1), Some(2), Some(3), None, None]);
    assert_eq!(all[4].0, b"2025-02-25T12:25:05.000Z two\n  lines");
}

#[test]
fn csv_rows_with_odd_quotes() {
    let (framing, all, _) = texts("eventID,b\n1,\"x\ny\"\n2,in\"side\n\n3,\"open\n4,z");
    assert_eq!(framing, Framing::Csv);
    assert_eq!(all, ["eventID,b", "1,\"x\ny\"", "2,in\"side", "", "3,\"open\n4,z"]);
}

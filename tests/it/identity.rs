//! Reading the same event twice adds nothing; two events that look alike stay two.

use crate::env::{TestEnv, alb_lines, count, gzip, repo, text, total};
use crate::parts;
use serde_json::{Value, json};

const TASK: &str = "5f0e7c1a-8b42-4d39-9a6e-2c7d1b3f4e58";
const STREAM: &str = "2026/03/02/[$LATEST]0123456789abcdef0123456789abcdef";
const ORIGIN: [&str; 6] = ["--log-group", "/aws/lambda/app", "--account", "111122223333", "--region", "eu-central-1"];

/// Messages of one stream with their milliseconds after 2026-03-02T03:00:00Z: two equal ones in one
/// millisecond, one over three lines, one with quotes and other alphabets.
fn messages() -> Vec<(u64, &'static str)> {
    vec![
        (1, "START RequestId: 8f507cfc-1111-4222-8333-444455556666 Version: $LATEST"),
        (2, "the same line"),
        (2, "the same line"),
        (3, "Traceback (most recent call last):\n  File \"app.py\", line 3\nValueError: nope"),
        (4, "{\"level\":\"INFO\",\"message\":\"a \\\"quoted\\\" word, grüße, 漢字\"}"),
        (5, "END RequestId: 8f507cfc-1111-4222-8333-444455556666"),
    ]
}

/// As an export task writes them: `<task>/<stream with ->/000000.gz`.
fn export(env: &TestEnv) -> String {
    let lines: String =
        messages().iter().map(|(ms, message)| format!("2026-03-02T03:00:00.{ms:03}Z {message}\n")).collect();
    let path = format!("export/{TASK}/{}/000000.gz", STREAM.replace('/', "-"));
    env.file(&path, gzip(lines.as_bytes()));
    "export".to_owned()
}

/// As `aws logs filter-log-events` prints them: messages of Lambda end in a newline there.
fn api(env: &TestEnv) -> String {
    let start = 1_772_420_400_000_u64;
    let events: Vec<Value> = messages()
        .iter()
        .enumerate()
        .map(|(i, (ms, message))| {
            json!({"logStreamName": STREAM, "timestamp": start + ms, "message": format!("{message}\n"),
                "ingestionTime": start + 5_000, "eventId": format!("{:056}", 38_000_000 + i)})
        })
        .collect();
    env.file("api/events.json", json!({"events": events, "searchedLogStreams": []}).to_string());
    "api".to_owned()
}

#[test]
fn a_second_import_adds_nothing() {
    let env = TestEnv::new();
    let logs = repo("samples/incident/logs");
    let paths = [logs.join("alb"), logs.join("vpcflow"), logs.join("cloudtrail")];
    let paths: Vec<&str> = paths.iter().map(|p| text(p)).collect();
    let first = env.import(&paths);
    let ids = parts::event_ids(&env);
    let second = env.import(&paths);
    assert_eq!((second["objects"].as_u64(), &second["skipped"]), (Some(0), &first["objects"]));
    assert_eq!(second["tally"]["records_in"], 0);
    assert!(parts::event_ids(&env) == ids);
}

#[test]
fn a_copy_under_another_name_adds_nothing() {
    let env = TestEnv::new();
    let lines = alb_lines(50).join("\n");
    env.file("a/one.log", &lines);
    env.file("a/two.log", &lines);
    let report = env.import(&["a"]);
    assert_eq!((report["objects"].as_u64(), report["skipped"].as_u64()), (Some(1), Some(1)));
    assert_eq!(count(&report, "events", "alb"), 50);
    env.file("b/three.log", &lines);
    let report = env.import(&["b"]);
    assert_eq!((report["objects"].as_u64(), report["skipped"].as_u64()), (Some(0), Some(1)));
    assert_eq!(parts::event_ids(&env).len(), 50);
}

#[test]
fn the_same_trail_events_in_another_object_are_duplicates() {
    let env = TestEnv::new();
    let record = |n: usize, account: &str| {
        json!({"eventVersion": "1.11", "eventTime": "2026-03-02T08:00:00Z", "eventSource": "s3.amazonaws.com",
            "eventName": "GetObject", "eventID": format!("00000000-0000-4000-8000-{n:012}"),
            "awsRegion": "eu-central-1", "recipientAccountId": account})
    };
    let mut records: Vec<Value> = (0..20).map(|n| record(n, "111122223333")).collect();
    let document = json!({"Records": records}).to_string();
    env.file("plain/trail.json", &document);
    env.file("packed/trail.json.gz", gzip(document.as_bytes()));
    assert_eq!(count(&env.import(&["plain"]), "events", "cloudtrail"), 20);
    let report = env.import(&["packed"]);
    assert_eq!((report["objects"].as_u64(), report["skipped"].as_u64()), (Some(1), Some(0)));
    assert_eq!((total(&report, "events"), count(&report, "duplicates", "cloudtrail")), (0, 20));
    // The same eventID delivered to another account is another account's event.
    records.push(record(0, "444455556666"));
    records.push(record(0, "444455556666"));
    env.file("more/trail.json", json!({"Records": records}).to_string());
    let report = env.import(&["more"]);
    assert_eq!((total(&report, "events"), count(&report, "duplicates", "cloudtrail")), (1, 21));
}

/// Imports one view of a stream, then the other: the second adds nothing.
#[track_caller]
fn views(first: fn(&TestEnv) -> String, second: fn(&TestEnv) -> String, flags: &[&str]) {
    let env = TestEnv::new();
    let (first, second) = (first(&env), second(&env));
    let all = messages().len() as u64;
    let import = |folder: &str| env.import(&[flags, &[folder]].concat());
    let report = import(&first);
    assert_eq!((count(&report, "events", "cloudwatch"), total(&report, "duplicates")), (all, 0), "first: {first}");
    let report = import(&second);
    assert_eq!(report["tally"]["records_in"], all);
    assert_eq!((total(&report, "events"), total(&report, "duplicates")), (0, all), "second: {second}");
    assert_eq!(parts::event_ids(&env).len() as u64, all);
}

#[test]
fn an_export_and_the_api_tell_the_same_events() {
    views(export, api, &ORIGIN);
    views(api, export, &ORIGIN);
}

#[test]
fn without_a_group_another_view_cannot_be_matched_and_that_is_said() {
    let env = TestEnv::new();
    let (first, second) = (export(&env), api(&env));
    let all = messages().len() as u64;
    for (folder, events) in [(&first, all), (&first, 0), (&second, all)] {
        let output = env.cmd(&["import", "--output-format", "json", folder]).code(0);
        let report: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(total(&report, "events"), events, "{folder}");
        assert_eq!(output.stderr.contains("--log-group"), events > 0, "{folder}: {}", output.stderr);
    }
}

#[test]
fn equal_lines_in_one_millisecond_stay_two() {
    for flags in [&ORIGIN[..], &[]] {
        for view in [export, api] {
            let env = TestEnv::new();
            let folder = view(&env);
            env.import(&[flags, &[folder.as_str()]].concat());
            let ids = parts::event_ids(&env);
            let mut distinct = ids.clone();
            distinct.dedup();
            assert_eq!((ids.len(), distinct.len()), (messages().len(), messages().len()), "{folder} {flags:?}");
            let raw: Vec<_> = parts::list(&env).iter().flat_map(|(_, part)| parts::texts(part, "raw")).collect();
            let same = raw.iter().flatten().filter(|raw| raw.trim_end() == "the same line").count();
            assert_eq!(same, 2, "{folder} {flags:?}");
        }
    }
}

#[test]
fn the_same_text_of_another_group_is_another_event() {
    let env = TestEnv::new();
    let folder = api(&env);
    env.import(&[&ORIGIN[..], &[folder.as_str()]].concat());
    // Another object, or its hash would be known; the same events of another account.
    std::fs::write(env.path().join("api/events.json"), {
        let text = std::fs::read_to_string(env.path().join("api/events.json")).unwrap();
        text + "\n"
    })
    .unwrap();
    let flags = ["--log-group", "/aws/lambda/app", "--account", "444455556666", "--region", "eu-central-1"];
    let report = env.import(&[&flags[..], &[folder.as_str()]].concat());
    assert_eq!((total(&report, "events"), total(&report, "duplicates")), (messages().len() as u64, 0));
}

#[test]
fn a_subscription_document_that_came_twice_counts_once() {
    let env = TestEnv::new();
    let document = |ids: &[u64]| {
        let events: Vec<Value> = ids
            .iter()
            .map(
                |id| json!({"id": format!("{id:056}"), "timestamp": 1_772_420_400_000_u64, "message": "the same line"}),
            )
            .collect();
        json!({"messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "/app", "logStream": "s",
            "subscriptionFilters": ["f"], "logEvents": events})
        .to_string()
    };
    // Two equal lines; their document delivered again; a third one.
    env.file("stream.json", [document(&[1, 2]), document(&[1, 2]), document(&[2, 3])].concat());
    let counted = env.import(&["stream.json"]);
    assert_eq!((total(&counted, "events"), total(&counted, "duplicates")), (3, 3));
    // In another file they are the three that are there.
    env.file("again.json", document(&[3, 3, 1, 2]));
    let counted = env.import(&["again.json"]);
    assert_eq!((total(&counted, "events"), total(&counted, "duplicates")), (0, 4));
}

//! A lake that version 0.1.0 wrote (layout 1, before parts named their columns, had link indexes, and manifests
//! named one another) is read, added to, compacted and verified. `tests/data/lake_v1` holds the samples of alb,
//! cloudtrail and cloudwatch as they were then.

use crate::env::{TestEnv, alb_lines, count, jsonl, repo};
use crate::parts;
use std::path::Path;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { drop(std::fs::copy(entry.path(), target)) }
    }
}

fn old() -> TestEnv {
    let env = TestEnv::new();
    copy(&repo("tests/data/lake_v1"), &env.lake());
    env
}

fn rows(env: &TestEnv) -> Vec<(String, u64)> {
    let info = jsonl(&env.ok(&["lake", "info", "--format", "json"]));
    info.iter().map(|t| (t["table"].as_str().unwrap().to_owned(), t["rows"].as_u64().unwrap())).collect()
}

fn named(tables: [(&str, u64); 3]) -> Vec<(String, u64)> {
    tables.map(|(name, rows)| (name.to_owned(), rows)).to_vec()
}

#[test]
fn an_old_lake_is_read_added_to_compacted_and_verified() {
    let env = old();
    // Written down when the lake was made: 12 + 9 + 13 records in the samples.
    assert_eq!(rows(&env), named([("alb", 12), ("cloudtrail", 9), ("cloudwatch", 13)]));
    env.cmd(&["lake", "verify", "--deep"]).code(0);
    let before = parts::event_ids(&env);
    env.file("more.log", alb_lines(50).join("\n"));
    let again = serde_json::json!({"Records": [{
        "eventVersion": "1.08", "eventTime": "2026-03-02T08:00:02Z", "eventSource": "ec2.amazonaws.com",
        "eventName": "RunInstances", "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
        "eventID": "aaaaaaaa-0000-4000-8000-000000000002"}]});
    env.file("again.json", again.to_string());
    let report = env.import(&["more.log", "again.json"]);
    assert_eq!((count(&report, "events", "alb"), count(&report, "events", "cloudtrail")), (50, 0), "{report}");
    // An event whose identity the old lake holds is known.
    assert_eq!(count(&report, "duplicates", "cloudtrail"), 1, "{report}");
    let ids = parts::event_ids(&env);
    assert_eq!(ids.len(), before.len() + 50);
    let compacted = env.cmd(&["lake", "compact"]).code(0);
    assert!(compacted.stderr.contains("2 parts became 1"), "{}", compacted.stderr);
    assert_eq!(parts::event_ids(&env), ids);
    assert_eq!(rows(&env), named([("alb", 62), ("cloudtrail", 9), ("cloudwatch", 13)]));
    env.cmd(&["lake", "verify", "--deep"]).code(0);
    // The tree of the repository is as it was.
    assert!(!repo("tests/data/lake_v1/_logsift/manifest/000000000003.json").exists());
}

#[cfg(feature = "query")]
#[test]
fn an_old_lake_is_asked_alone_and_beside_new_parts() {
    let env = old();
    env.file("more.log", alb_lines(50).join("\n"));
    let ask = |sql: &str| env.cmd(&["query", "--format", "jsonl", sql]).code(0).jsonl();
    let counted = "SELECT source_table, count(event_id) AS n FROM events GROUP BY source_table ORDER BY source_table";
    let n = |rows: &[serde_json::Value]| rows.iter().map(|r| r["n"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(n(&ask(counted)), [12, 9, 13]);
    env.import(&["more.log"]);
    assert_eq!(n(&ask(counted)), [62, 9, 13]);
    let native = ask("SELECT event_date, count(event_id) AS n, count(alb_trace_id) AS t FROM alb GROUP BY event_date \
                      ORDER BY event_date");
    assert_eq!(n(&native), [2, 60]);
    assert!(env.cmd(&["timeline", "--format", "jsonl"]).code(0).stdout.lines().count() > 50);
    env.cmd(&["report", "-o", "-"]).code(0);
}

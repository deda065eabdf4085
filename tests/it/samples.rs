//! Every format against its sample: what a person reads from the records, the program must read too.
//!
//! `samples/<id>/expected.jsonl` has one object per event, in the order of the input. A column that is not
//! there is not checked; `null` says that the record does not tell.

use crate::env::{TestEnv, count, jsonl, repo, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;

fn formats(env: &TestEnv) -> Vec<String> {
    let rows = jsonl(&env.ok(&["formats", "list", "--format", "json"]));
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// `samples/<id>/input.*`
fn input(id: &str) -> PathBuf {
    let folder = repo("samples").join(id);
    let files =
        std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{}: every format has a sample", folder.display()));
    let mut inputs = files.map(|f| f.unwrap().path()).filter(|p| p.file_stem().is_some_and(|stem| stem == "input"));
    let first = inputs.next().unwrap_or_else(|| panic!("{}: no input.*", folder.display()));
    assert!(inputs.next().is_none(), "{}: more than one input.*", folder.display());
    first
}

fn expected(id: &str) -> Vec<Value> {
    let path = repo("samples").join(id).join("expected.jsonl");
    jsonl(&std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{} is missing", path.display())))
}

#[test]
fn every_format_reads_its_sample_as_a_person_does() {
    let ids = formats(&TestEnv::new());
    assert!(ids.len() >= 5);
    for id in ids {
        let env = TestEnv::new();
        let report = env.import(&[text(&input(&id))]);
        let expected = expected(&id);
        assert!((5..=20).contains(&expected.len()), "{id}: a sample is of a size to read");
        assert_eq!(count(&report, "events", &id), expected.len() as u64, "{id}: {report}");
        let columns: BTreeSet<&str> =
            expected.iter().flat_map(|e| e.as_object().unwrap().keys().map(String::as_str)).collect();
        let columns: Vec<&str> = columns.into_iter().collect();
        let sql = format!("SELECT {} FROM {id} ORDER BY source_record", columns.join(", "));
        let rows = jsonl(&env.ok(&["query", "--reveal", "--format", "jsonl", &sql]));
        assert_eq!(rows.len(), expected.len(), "{id}");
        let mut wrong = Vec::new();
        for (n, (row, expected)) in rows.iter().zip(&expected).enumerate() {
            for (column, value) in expected.as_object().unwrap() {
                if row[column] != *value {
                    wrong.push(format!("{id} event {}: {column} is {}, not {value}", n + 1, row[column]));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}

#[test]
fn samples_are_identified() {
    let env = TestEnv::new();
    for id in formats(&env) {
        let path = input(&id);
        let rows = jsonl(&env.ok(&["formats", "identify", "--format", "json", text(&path)]));
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0]["format"], id.as_str(), "{}", rows[0]);
        assert_eq!(rows[0]["path"], text(&path));
    }
}

#[test]
fn a_sample_reads_the_same_when_its_format_is_named() {
    for id in formats(&TestEnv::new()) {
        let env = TestEnv::new();
        let report = env.import(&["--format", &id, text(&input(&id))]);
        assert_eq!(count(&report, "events", &id), expected(&id).len() as u64, "{id}: {report}");
    }
}

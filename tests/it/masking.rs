//! No output shows a secret, and no file of the lake but the log tables holds one, unless asked with
//! `--reveal`.

use crate::env::{Output, TestEnv};
use crate::{incident, parts};
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::DataType;
use regex::bytes::Regex;
use std::os::unix::fs::PermissionsExt as _;

/// Every planted value; key ids are names and may be shown.
fn planted() -> Vec<String> {
    let truth = incident::truth();
    let secrets = truth["secrets"].as_array().unwrap().iter().filter(|s| s["rule"] != "aws-access-key-id");
    secrets.map(|s| s["value"].as_str().unwrap().to_owned()).collect()
}

fn any_of(values: &[String]) -> Regex {
    // A page or a JSON text may write some signs otherwise; letters and digits stay.
    let one = |value: &String| regex::escape(value).replace("\\+", "(?:\\+|&#43;|&#x2B;|\\\\u002[bB])");
    Regex::new(&values.iter().map(one).collect::<Vec<_>>().join("|")).unwrap()
}

#[track_caller]
fn assert_clean(secrets: &Regex, output: &Output) {
    for (name, text) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if let Some(hit) = secrets.find(text.as_bytes()) {
            let line = text.as_bytes()[..hit.start()].iter().filter(|b| **b == b'\n').count() + 1;
            panic!("logsift {}: {name} line {line} shows {}", output.args, String::from_utf8_lossy(hit.as_bytes()));
        }
    }
}

#[test]
fn the_check_itself_sees_a_secret() {
    let output = incident::lake().cmd(&["scan", "--reveal", "--occurrences", "--format", "jsonl"]).code(1);
    let secrets = planted();
    assert!(secrets.len() > 100);
    let found = secrets.iter().filter(|s| output.stdout.contains(s.as_str())).count();
    assert_eq!(found, secrets.len(), "of the planted values --reveal shows {found}");
    assert!(any_of(&secrets).is_match(output.stdout.as_bytes()));
}

#[test]
fn scans_are_masked() {
    let (env, secrets) = (incident::lake(), any_of(&planted()));
    for format in ["table", "jsonl", "csv"] {
        for extra in [&[][..], &["--occurrences"], &["--min-confidence", "low"], &["--verbose"]] {
            let args = [&["scan", "--format", format], extra].concat();
            assert_clean(&secrets, &env.cmd(&args).code(1));
        }
    }
}

#[test]
fn timelines_and_the_report_are_masked() {
    let (env, secrets) = (incident::lake(), any_of(&planted()));
    for format in ["table", "jsonl", "csv"] {
        for extra in [&[][..], &["--story"]] {
            let args = [&["timeline", "--format", format], extra].concat();
            let output = env.cmd(&args).code(0);
            assert!(output.stdout.len() > 10_000, "{} tells nothing", output.args);
            assert_clean(&secrets, &output);
        }
    }
    assert_clean(&secrets, &env.cmd(&["timeline", "--text", "DATABASE_URL", "--format", "jsonl"]));
    let report = env.cmd(&["report", "-o", "-", "--verbose"]).code(0);
    assert!(report.stdout.contains("</html>"));
    assert_clean(&secrets, &report);
}

#[test]
fn query_results_are_masked() {
    let (env, secrets) = (incident::lake(), any_of(&planted()));
    for table in ["cloudwatch", "events", "apigateway", "alb", "cloudtrail", "vpcflow", "findings", "occurrences"] {
        for format in ["table", "csv", "jsonl"] {
            let output = env.cmd(&["query", "--format", format, &format!("SELECT * FROM {table}")]).code(0);
            assert!(output.stdout.lines().count() > 10, "{} gives nothing", output.args);
            assert_clean(&secrets, &output);
        }
    }
    assert_clean(&secrets, &env.cmd(&["query", "--explain", "SELECT raw FROM cloudwatch"]).code(0));
}

#[test]
fn looks_into_the_lake_are_masked() {
    let (env, secrets) = (incident::lake(), any_of(&planted()));
    let mut all: Vec<Vec<&str>> = vec![vec!["lake", "ls", "--paths"], vec!["lake", "objects", "--sha256sum"]];
    for format in ["table", "json"] {
        for what in ["info", "ls", "objects", "rejects"] {
            all.push(vec!["lake", what, "--format", format]);
        }
        all.push(vec!["patterns", "list", "--format", format]);
        all.push(vec!["formats", "list", "--format", format]);
    }
    all.extend([vec!["lake", "rejects", "--format", "csv"], vec!["formats", "fields"], vec!["doctor"]]);
    for args in all {
        assert_clean(&secrets, &env.cmd(&args).code(0));
    }
}

#[test]
fn rejects_and_error_messages_are_masked() {
    let env = TestEnv::new();
    let secrets = planted();
    let lines: Vec<String> =
        secrets.iter().map(|s| format!("\0some text password={s} Bearer {s} key: {s} end")).collect();
    env.file("odd.txt", lines.join("\n"));
    // A line of a known format that does not follow it, and one whose JSON is broken after a secret.
    // A token that is known by itself: a bare phone number is not, without words around it.
    let token = secrets.iter().find(|s| s.starts_with("eyJ")).unwrap();
    let alb = format!("{}\nhttps 2026-03-02T00:00:00.000000Z app/x/y {token}\n", crate::env::alb_lines(1)[0]);
    env.file("alb.log", alb);
    let plain = env.cmd(&["scan", "--reveal", "--format", "jsonl", "--min-confidence", "low", "odd.txt"]).code(1);
    // What no rule can tell from other text stays: only what a scan finds is a secret here.
    let found: Vec<String> = secrets.into_iter().filter(|s| plain.stdout.contains(s.as_str())).collect();
    assert!(found.len() > 100, "{} of the planted values are found outside their log lines", found.len());
    let any = any_of(&found);
    assert_clean(&any, &env.cmd(&["--verbose", "import", "odd.txt", "alb.log"]).code(0));
    for format in ["table", "jsonl", "csv"] {
        let output = env.cmd(&["lake", "rejects", "--format", format]).code(0);
        assert!(output.stdout.lines().count() > found.len());
        assert_clean(&any, &output);
        assert_clean(&any, &env.cmd(&["query", "--format", format, "SELECT * FROM rejects"]).code(0));
    }
    assert_clean(&any, &env.cmd(&["scan", "odd.txt"]).code(1));
}

#[test]
fn reveal_shows_the_text_as_it_was_logged() {
    let env = incident::lake();
    let truth = incident::truth();
    let chosen = truth["secrets"].as_array().unwrap().iter().find(|s| s["rule"] == "database-uri").unwrap();
    let value = chosen["value"].as_str().unwrap();
    for args in [
        &["scan", "--reveal"][..],
        &["scan", "--reveal", "--occurrences", "--format", "csv"],
        &["timeline", "--reveal", "--format", "jsonl"],
        &["query", "--reveal", "--format", "jsonl", "SELECT raw FROM cloudwatch"],
    ] {
        assert!(env.cmd(args).stdout.contains(value), "{args:?}");
    }
}

#[test]
fn the_lake_is_private_and_only_log_tables_hold_secrets() {
    let env = incident::lake();
    let secrets = any_of(&planted());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&env.lake()), 0o700);
    let mut derived = 0;
    for file in parts::files(&env.lake()) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
        for folder in file.ancestors().skip(1).take_while(|folder| folder.starts_with(env.lake())) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
        let table = file.strip_prefix(env.lake()).unwrap().iter().next().unwrap().to_str().unwrap().to_owned();
        let parquet = file.extension().is_some_and(|e| e == "parquet");
        assert!(!parquet || table != "_logsift");
        if parquet && ["findings", "occurrences"].contains(&table.as_str()) {
            derived += 1;
            for text in all_text(&file) {
                assert!(!secrets.is_match(text.as_bytes()), "{} holds {text}", file.display());
            }
        } else if !parquet {
            assert!(!secrets.is_match(&std::fs::read(&file).unwrap()), "{}", file.display());
        }
    }
    assert!(derived >= 2, "findings and occurrences are kept");
    for name in ["home/cache", "home/data"] {
        let folder = env.path().join(name);
        let files = if folder.is_dir() { parts::files(&folder) } else { Vec::new() };
        for file in files {
            assert!(!secrets.is_match(&std::fs::read(&file).unwrap()), "{}", file.display());
        }
    }
}

/// Every text of a part, lists included.
fn all_text(part: &std::path::Path) -> Vec<String> {
    let mut all = Vec::new();
    for batch in parts::batches(part) {
        for column in batch.columns() {
            let values = match column.data_type() {
                DataType::List(_) => column.as_list::<i32>().values().clone(),
                _ => column.clone(),
            };
            if let Some(texts) = values.as_string_opt::<i32>() {
                all.extend(texts.iter().flatten().map(str::to_owned));
            }
        }
    }
    all
}

//! Secrets in more places than memory is given for: those wait in a file, and none is lost or out of order.

use crate::env::{TestEnv, alb_lines};
use crate::scan_again::token;
use std::collections::BTreeSet;

const LINES: usize = 150_000;

/// A secret on each line but every hundredth, which holds another one twice.
fn log() -> (String, [String; 2]) {
    let [one, two] = [token('a'), token('k')];
    let line = |i: usize| match i % 100 {
        0 => format!("{i} {two} and {two}\n"),
        _ => format!("{i} {one}\n"),
    };
    ((1..=LINES).map(line).collect(), [one, two])
}

/// Line and column of each.
fn truth() -> Vec<(u64, u64)> {
    let of_line = |i: usize| {
        let first = i.to_string().len() as u64 + 2;
        let second = (i.is_multiple_of(100)).then_some(first + 40 + 5);
        std::iter::once(first).chain(second).map(move |column| (i as u64, column))
    };
    (1..=LINES).flat_map(of_line).collect()
}

#[test]
fn places_of_files_are_told_in_order() {
    let env = TestEnv::new();
    let (text, secrets) = log();
    env.file("a.log", text);
    let args = ["scan", "a.log", "--pack", "secrets", "--occurrences", "--format"];
    let told = env.cmd(&[&args[..], &["jsonl"]].concat()).code(1);
    let place = |row: &serde_json::Value| (row["line"].as_u64().unwrap(), row["column"].as_u64().unwrap());
    assert!(told.jsonl().iter().map(place).eq(truth()));
    assert!(secrets.iter().all(|secret| !told.stdout.contains(secret.as_str())));

    let csv = env.cmd(&[&args[..], &["csv"]].concat()).code(1);
    let place = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        (cells[1].parse().unwrap(), cells[2].parse().unwrap())
    };
    assert!(csv.stdout.lines().skip(1).map(place).eq(truth()));

    let table = env.cmd(&[&args[..], &["table"]].concat()).code(1);
    let place = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        (cells[1].parse().unwrap(), cells[2].parse().unwrap())
    };
    assert!(table.stdout.lines().skip(1).map(place).eq(truth()));
    let widths: BTreeSet<usize> = table.stdout.lines().skip(1).map(str::len).collect();
    assert_eq!(widths.len(), 1, "columns are not aligned: {widths:?}");

    env.cmd(&[&args[..], &["parquet", "-o", "a.parquet"]].concat()).code(1);
    let rows = env.cmd(&["scan", "a.parquet", "--occurrences", "--pack", "secrets"]);
    assert!(rows.stderr.contains(" 151,500 records"), "{}", rows.stderr);
}

/// What was left out by name is left out of the file, too.
#[test]
fn known_findings_are_left_out() {
    let env = TestEnv::new();
    let (text, _) = log();
    env.file("a.log", text);
    let findings = env.cmd(&["scan", "a.log", "--pack", "secrets", "--format", "jsonl"]).code(1).jsonl();
    let more = findings.iter().max_by_key(|finding| finding["count"].as_u64()).unwrap();
    assert_eq!((findings.len(), more["count"].as_u64()), (2, Some(148_500)));
    env.file("known.txt", more["fingerprint"].as_str().unwrap());
    let args = ["scan", "a.log", "--pack", "secrets", "--occurrences", "--format", "jsonl", "--known", "known.txt"];
    let told = env.cmd(&args).code(1).jsonl();
    assert_eq!(told.len(), 3_000);
    assert!(told.iter().all(|row| row["line"].as_u64().unwrap().is_multiple_of(100)));
}

#[test]
fn a_lake_keeps_all_places_and_counts_values_over_scans() {
    let env = TestEnv::new();
    let mail = |(i, line): (usize, String)| line.replace("page=2", &format!("mail=user{i}@shop-mail.net"));
    let lines: Vec<String> = alb_lines(80_000);
    let first: Vec<String> = lines[..40_000].iter().cloned().enumerate().map(mail).collect();
    // Half of them people of the first file.
    let numbers = 20_000..60_000;
    let second: Vec<String> = numbers.zip(lines[40_000..].iter().cloned()).map(mail).collect();
    for (name, lines, different, places) in [("a.log", first, 40_000, 40_000), ("b.log", second, 60_000, 80_000)] {
        env.file(name, lines.join("\n"));
        env.import(&[name]);
        let findings = env.cmd(&["scan", "--format", "jsonl"]).jsonl();
        let mails = findings.iter().find(|finding| finding["rule"] == "email").unwrap();
        assert_eq!(mails["count"], places);
        assert_eq!(mails["facts"], serde_json::json!([["different", different.to_string()]]));
        let sql = "SELECT count(*) AS n, count(DISTINCT event_id) AS events FROM occurrences WHERE rule = 'email'";
        let rows = env.cmd(&["query", sql, "--format", "jsonl"]).jsonl();
        assert_eq!(rows, [serde_json::json!({"n": places, "events": places})]);
    }
}

#[test]
fn without_a_folder_for_them_places_stay_in_memory() {
    let env = TestEnv::new();
    env.file("a.log", log().0);
    let args = ["scan", "a.log", "--pack", "secrets", "--occurrences"];
    let temporary = [("TMPDIR", "/nowhere/at/all")];
    let (without, with) = (env.cmd_env(&temporary, &args).code(1), env.cmd(&args).code(1));
    assert_eq!(without.stdout, with.stdout);
    let said = "all held in memory: /nowhere/at/all takes no file for them";
    assert_eq!(without.stderr.matches(said).count(), 1, "{}", without.stderr);
    assert!(!with.stderr.contains("memory"), "{}", with.stderr);
    // Findings alone need no room.
    assert!(!env.cmd_env(&temporary, &args[..4]).code(1).stderr.contains("memory"));
}

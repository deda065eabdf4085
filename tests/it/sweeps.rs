//! Indicators, first sight, ready queries, and the bundle.

use crate::env::{TestEnv, jsonl, repo, text};
use crate::incident::{lake, truth};
use logsift::frame;
use logsift::model::TimeRange;
use serde_json::Value;
use std::process::Command;

#[test]
fn indicators_are_found_in_every_table() {
    let env = lake();
    let truth = truth();
    let ips: Vec<&str> = truth["attacker_ips"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    env.file(
        "ioc.txt",
        format!("{}\n192.0.2.222\nnowhere[.]example\n", ips.join("\n").replace("203.0.113.66", "203[.]0[.]113[.]66")),
    );
    let rows = env.cmd(&["ioc", "ioc.txt", "--all", "--format", "jsonl"]).code(1).jsonl();
    for ip in &ips {
        let row = rows.iter().find(|row| row["indicator"]["value"] == *ip).unwrap();
        let by_column = jsonl(&env.ok(&[
            "query",
            "--format",
            "jsonl",
            &format!(
                "SELECT count(event_id) AS n FROM events WHERE array_contains(ips, '{ip}') OR raw ~ '(^|[^0-9]){ip}([^0-9]|$)'"
            ),
        ]));
        assert_eq!(row["events"], by_column[0]["n"], "{ip}");
    }
    let unseen = rows.iter().filter(|row| row["events"] == 0).count();
    assert_eq!(unseen, 2);
    env.file("none.csv", "indicator,comment\nnowhere.example,\"x, y\"\n");
    env.cmd(&["ioc", "none.csv"]).code(0);
    env.file("bad.json", "{\"a\": 1}");
    env.cmd(&["ioc", "bad.json"]).fails(&["bad.json", "STIX 2.1", "MISP"]);
    env.file("empty.txt", "# nothing\n");
    env.cmd(&["ioc", "empty.txt"]).fails(&["no indicators"]);
    let piped = env.cmd_stdin(b"198.51.100.0/24\n", &["ioc", "-", "--format", "jsonl"]).code(1);
    assert_eq!(piped.jsonl()[0]["indicator"]["kind"], "cidr");
}

#[test]
fn what_was_never_seen_before_is_new() {
    let env = lake();
    let rows = jsonl(&env.ok(&[
        "firstseen",
        "ip",
        "--new-since",
        "2026-03-06T13:00Z",
        "--table",
        "cloudtrail",
        "--format",
        "jsonl",
    ]));
    let values: Vec<&str> = rows.iter().map(|row| row["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["198.51.100.77"], "the only address that calls AWS for the first time on that Friday");
    let all = jsonl(&env.ok(&["firstseen", "action", "--table", "cloudtrail", "--format", "jsonl"]));
    let events: u64 = all.iter().map(|row| row["events"].as_u64().unwrap()).sum();
    assert_eq!(events, truth()["records"]["cloudtrail"]["distinct_event_ids"].as_u64().unwrap());
    assert!(all.iter().map(|row| row["first"].as_str().unwrap()).is_sorted());
    env.cmd(&["firstseen", "ip", "--table", "abl"]).fails(&["did you mean `alb`?"]);
}

/// Every ready query gives the same rows in DuckDB, on the same Parquet files.
#[test]
fn ready_queries_run_on_both_engines() {
    let python = std::env::var("LOGSIFT_MOTO_PYTHON").expect("./x test sets LOGSIFT_MOTO_PYTHON");
    let every = TestEnv::new();
    for folder in std::fs::read_dir(repo("samples")).unwrap().map(|entry| entry.unwrap().path()) {
        let files = std::fs::read_dir(&folder).into_iter().flatten().map(|file| file.unwrap().path());
        for input in files.filter(|path| path.file_stem().is_some_and(|stem| stem == "input")) {
            every.import(&[text(&input)]);
        }
    }
    every.cmd(&["scan", "-q"]);
    let script = repo("tests/prove/query_library.py");
    let incident = lake();
    let (first, second) = (incident.lake(), every.lake());
    let args = [text(&script), env!("CARGO_BIN_EXE_logsift"), text(&first), text(&second)];
    let done = Command::new(python).args(args).env("HOME", every.path().join("home")).output().unwrap();
    let told = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{told}");
    assert!(told.matches(" same").count() >= 80, "{told}");
}

#[test]
fn queries_say_what_is_wrong_with_them() {
    let env = lake();
    env.cmd(&["query", "SELECT * FROM waf"]).fails(&["no table `waf`", "alb"]);
    env.cmd(&["query", "SELECT event_tme FROM alb"]).fails(&["did you mean `event_time`?"]);
    env.cmd(&["query", "SELECT count(*) FROM alb WHERE event_time > '2026-03-06T14:00:00Z'"]).fails(&["without zone"]);
    env.cmd(&["query", "SELECT SUM(COUNT(*)) OVER () FROM alb"]).fails(&["subquery"]);
    env.cmd(&["query", "--name", "top-talker"]).fails(&["did you mean `top-talkers`?"]);
    env.cmd(&["query", "missing.sql"]).fails(&["missing.sql", "cannot be read"]);
    let listed = env.ok(&["query", "--list"]);
    assert!(listed.lines().count() > 40 && listed.contains("top-talkers"), "{listed}");
    // A window leaves the rest out, for every table.
    let n = |args: &[&str]| {
        let all = [&["query", "--format", "jsonl", "SELECT count(*) AS n FROM alb"][..], args].concat();
        jsonl(&env.ok(&all))[0]["n"].as_u64().unwrap()
    };
    assert!(n(&["--from", "2026-03-06", "--to", "2026-03-07"]) < n(&[]));
    env.file("q.sql", "-- Rows of a table\nSELECT count(*) AS n FROM alb\n");
    assert_eq!(jsonl(&env.ok(&["query", "q.sql", "--format", "jsonl"]))[0]["n"].as_u64().unwrap(), n(&[]));
    let parquet = env.path().join("q.parquet");
    env.ok(&["query", "SELECT raw, ips FROM cloudwatch", "--format", "parquet", "-o", text(&parquet)]);
    let bytes = std::fs::read(&parquet).unwrap();
    assert!(bytes.starts_with(b"PAR1"));
}

#[test]
fn a_bundle_holds_the_case_and_its_checksums() {
    let env = lake();
    let file = env.path().join("evidence.zip");
    env.ok(&["bundle", "-o", text(&file), "--from", "2026-03-06", "--to", "2026-03-07"]);
    let check = "import hashlib, json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
sums = dict(reversed(line.split('  ')) for line in z.read('SHA256SUMS').decode().splitlines())
assert set(sums) == set(z.namelist()) - {'SHA256SUMS'}, sums
assert all(hashlib.sha256(z.read(name)).hexdigest() == sum for name, sum in sums.items())
assert 'org-trail was stopped' in z.read('coverage.json').decode()
rows = lambda name: [json.loads(line) for line in z.read(name).splitlines()]
print(json.dumps({name: len(rows(name)) for name in sums if name.endswith('.jsonl')}))
whole = b''.join(z.read(name) for name in z.namelist())
assert not any(secret.encode() in whole for secret in sys.argv[2:])";
    let secrets: Vec<String> = truth()["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|secret| ["aws-secret-access-key", "jwt", "password-field"].contains(&secret["rule"].as_str().unwrap()))
        .map(|secret| secret["value"].as_str().unwrap().to_owned())
        .collect();
    let done = Command::new("python3").args(["-c", check, text(&file)]).args(&secrets).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let counts: Value = serde_json::from_slice(&done.stdout).unwrap();
    let listed = jsonl(&env.ok(&["timeline", "--from", "2026-03-06", "--to", "2026-03-07", "--format", "jsonl"])).len();
    assert_eq!(counts["timeline.jsonl"], listed);
    assert!(counts["custody.jsonl"].as_u64().unwrap() > 10 && counts["exposure.jsonl"].as_u64().unwrap() > 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_query_only_asks() {
    let env = lake();
    for text in ["DELETE FROM alb", "DROP TABLE alb", "CREATE TABLE x AS SELECT * FROM alb"] {
        env.cmd(&["query", text]).fails(&["is not supported", "SELECT"]);
    }
    let count = |text: &str| env.cmd(&["query", "--format", "jsonl", text]).code(0).jsonl()[0]["n"].clone();
    let all = count("SELECT COUNT(*) AS n FROM events");
    assert_eq!(count("SELECT COUNT(1) AS n FROM events"), all);
    assert_eq!(count("WITH a AS (SELECT COUNT(*) AS n FROM events) SELECT n FROM a"), all);
    assert_eq!(count("SELECT COUNT(*) AS n FROM (SELECT * FROM events) AS a"), all);
    assert_eq!(count("SELECT COUNT(*) AS n FROM events WHERE event_time IS NOT NULL"), all);
    let berlin = env.cmd(&["--tz", "Europe/Berlin", "query", "SELECT MIN(event_time) AS t FROM cloudtrail"]).code(0);
    assert!(berlin.stdout.contains("+01:00"), "{}", berlin.stdout);
}

/// Groups that are made piece by piece are those that Polars makes at once.
#[test]
fn groups_of_pieces_are_those_of_the_whole() {
    let env = lake();
    let lake = logsift::lake::Lake::open(&env.lake()).unwrap();
    let mut asked: Vec<String> = frame::library()
        .filter(|ready| frame::pieces(ready.sql).is_some() && lake.tables().contains(&ready.tables))
        .map(|ready| ready.sql.to_owned())
        .collect();
    assert!(asked.len() >= 3, "{asked:?}");
    asked.extend(
        [
            "SELECT source_ip, COUNT(*) AS n, MIN(event_time) AS a, MAX(event_time) AS b FROM events GROUP BY source_ip ORDER BY n DESC, source_ip",
            "SELECT source_table, http_status, COUNT(user_agent) AS n, SUM(bytes_out) AS s FROM events GROUP BY source_table, http_status HAVING COUNT(*) > 2 ORDER BY source_table, http_status NULLS FIRST",
            "SELECT event_action, MAX(http_status) AS m FROM events WHERE source_ip IS NOT NULL GROUP BY event_action ORDER BY event_action NULLS LAST LIMIT 7",
            "SELECT error_code, COUNT(event_id) AS n FROM events WHERE event_time >= '2026-03-06' GROUP BY error_code ORDER BY n DESC, error_code NULLS LAST",
        ]
        .map(str::to_owned),
    );
    let columns_of = |cells: &frame::Cells| {
        let names = cells.columns();
        let rows = (0..cells.rows()).map(|row| names.iter().map(|name| cells.text(name, row)).collect::<Vec<_>>());
        (names.clone(), rows.collect::<Vec<_>>())
    };
    let run = |text: &str, in_pieces_from: u64| {
        let query =
            frame::SqlQuery { text, range: TimeRange::default(), detections: None, explain: false, in_pieces_from };
        match frame::sql(&lake, &query).unwrap_or_else(|error| panic!("{text}: {error}")) {
            frame::SqlResult::Rows(cells) => columns_of(&cells),
            frame::SqlResult::Plan(plan) => panic!("{plan}"),
        }
    };
    for text in asked {
        assert!(frame::pieces(&text).is_some(), "{text}");
        let (pieces, whole) = (run(&text, 0), run(&text, u64::MAX));
        assert!(!whole.1.is_empty(), "{text}");
        assert_eq!(pieces, whole, "{text}");
    }
}

//! Timelines: filters, pivot, groups, plans, exports; the sample incident is the truth.

use crate::env::{TestEnv, jsonl, repo, text};
use crate::incident::{lake, shows, truth};
use serde_json::Value;
use std::process::Command;

/// Which items of the truth the rows lack, in order.
#[track_caller]
fn missing(rows: &[Value]) -> Vec<String> {
    assert!(rows.iter().map(|row| row["time"].as_str().unwrap()).is_sorted());
    let (mut at, mut missing) = (0, Vec::new());
    for item in truth()["story"].as_array().unwrap() {
        match rows[at..].iter().position(|row| row["kind"] == "event" && shows(row, item)) {
            Some(after) => at += after + 1,
            None => missing.push(format!("{}: {}", item["n"], item["what"])),
        }
    }
    missing
}

fn leaked() -> String {
    truth()["leaked_access_key_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_pivot_from_the_leaked_key_recovers_every_step_and_says_by_which_link() {
    let rows = jsonl(&lake().ok(&["timeline", "--pivot", &leaked(), "--format", "jsonl"]));
    assert_eq!(missing(&rows), Vec::<String>::new());
    assert!(rows.iter().all(|row| row["link"]["by"].is_string() && row["link"]["hop"].as_u64().unwrap() <= 3));
    let link = |test: &dyn Fn(&Value) -> bool| rows.iter().find(|row| test(row)).unwrap()["link"].clone();
    let to_server = link(&|row| row["source"] == "vpcflow" && row["target"].to_string().contains("198.51.100.23"));
    assert_eq!((&to_server["by"], &to_server["value"]), (&"named".into(), &"198.51.100.23".into()));
    let restarted = link(&|row| row["action"] == "StartLogging");
    assert_eq!(restarted["by"], "target");
    let new_key = link(&|row| row["action"] == "DeleteLogGroup");
    assert_eq!(new_key["by"], "key");
    let environ = link(&|row| row["time"] == "2026-03-06T14:03:22.666915Z");
    assert_eq!((&environ["by"], &environ["hop"]), (&"request".into(), &0.into()), "one request is one step");
    // The same without the other filters is not the same with them.
    let few = jsonl(&lake().ok(&["timeline", "--pivot", &leaked(), "--table", "cloudtrail", "--format", "jsonl"]));
    assert!(few.len() < rows.len() && few.iter().all(|row| row["kind"] != "event" || row["source"] == "cloudtrail"));
}

#[test]
fn a_pivot_says_what_it_does_not_follow_and_what_occurs_nowhere() {
    let env = lake();
    let narrow = env.cmd(&["timeline", "--pivot", &leaked(), "--fan-out", "50", "--format", "jsonl"]).code(0);
    assert!(narrow.stderr.contains("not followed: ip 203.0.113.66"), "{}", narrow.stderr);
    let nowhere = env.cmd(&["timeline", "--pivot", "AKIANOBODYHASTHISKEY"]).code(0);
    assert_eq!(nowhere.stdout, "");
    assert!(nowhere.stderr.contains("no event, finding or detection has this id"), "{}", nowhere.stderr);
}

#[test]
fn filters_are_what_sql_says() {
    let env = lake();
    let count = |args: &[&str]| {
        let all = ["timeline", "--format", "jsonl"].iter().chain(args).copied().collect::<Vec<_>>();
        jsonl(&env.ok(&all)).iter().filter(|row| row["kind"] == "event").count() as u64
    };
    let sql = |condition: &str| {
        let query = format!("SELECT count(event_id) AS n FROM events WHERE {condition}");
        jsonl(&env.ok(&["query", "--format", "jsonl", &query]))[0]["n"].as_u64().unwrap()
    };
    let both: [(&[&str], &str); 9] = [
        (&["--ip", "203.0.113.66"], "array_contains(ips, '203.0.113.66')"),
        (&["--outcome", "5xx"], "http_status >= 500 AND http_status <= 599"),
        (&["--outcome", "403", "--outcome", "404"], "http_status = 403 OR http_status = 404"),
        (&["--outcome", "REJECT"], "event_action = 'REJECT'"),
        (&["--outcome", "AccessDenied"], "error_code = 'AccessDenied'"),
        (&["--resource", "orders-api"], "resource LIKE '%orders-api%'"),
        (&["--text", "proc/self"], "raw LIKE '%proc/self%'"),
        (
            &["--where", "bytes_out > 1000000 AND source_ip = '10.0.3.14'"],
            "bytes_out > 1000000 AND source_ip = '10.0.3.14'",
        ),
        (
            &["--actor", "svc-backup", "--from", "2026-03-06T15:10Z"],
            "user_name = 'svc-backup' AND event_time >= '2026-03-06 15:10:00'",
        ),
    ];
    for (args, condition) in both {
        let (ours, theirs) = (count(args), sql(condition));
        assert!(ours == theirs && ours > 0, "{args:?}: {ours}, and {theirs} by {condition}");
    }
    // A range holds what its addresses hold.
    let inside = jsonl(&env.ok(&["query", "--format", "jsonl", "SELECT ips FROM events"]));
    let expected = inside.iter().filter(|row| row["ips"].to_string().contains("\"198.51.100.")).count() as u64;
    assert_eq!(count(&["--ip", "198.51.100.0/24"]), expected);
}

#[test]
fn every_row_is_an_event_a_finding_or_a_detection() {
    let env = lake();
    let window = ["--from", "2026-03-06T13:00Z", "--to", "2026-03-06T16:00Z"];
    let rows = jsonl(&env.ok(&[&["timeline", "--format", "jsonl"][..], &window].concat()));
    let of = |kind: &str| rows.iter().filter(|row| row["kind"] == kind).count();
    let n = |sql: &str| jsonl(&env.ok(&["query", "--format", "jsonl", sql]))[0]["n"].as_u64().unwrap() as usize;
    let inside = |time: &str| format!("{time} >= '2026-03-06 13:00:00' AND {time} < '2026-03-06 16:00:00'");
    assert_eq!(of("event"), n(&format!("SELECT count(event_id) AS n FROM events WHERE {}", inside("event_time"))));
    assert_eq!(of("finding"), n(&format!("SELECT count(*) AS n FROM findings WHERE {}", inside("first_seen"))));
    assert_eq!(of("detection"), n(&format!("SELECT count(*) AS n FROM detections WHERE {}", inside("first_seen"))));
    assert_eq!(rows.len(), of("event") + of("finding") + of("detection"));
    // Folding loses none, and a limit says what it left out.
    let folded = jsonl(&env.ok(&[&["timeline", "--collapse", "--format", "jsonl"][..], &window].concat()));
    let count = |row: &Value| row["count"].as_u64().unwrap_or(1) as usize;
    assert_eq!(folded.iter().map(count).sum::<usize>(), rows.len());
    assert!(folded.len() < rows.len() && folded.iter().map(|row| row["time"].as_str().unwrap()).is_sorted());
    let first = env.cmd(&[&["timeline", "--limit", "7", "--format", "jsonl"][..], &window].concat()).code(0);
    assert_eq!(first.jsonl(), rows[..7]);
    assert!(first.stderr.contains("ended by --limit"), "{}", first.stderr);
    let folded_first =
        env.cmd(&[&["timeline", "--collapse", "--limit", "7", "--format", "jsonl"][..], &window].concat()).code(0);
    assert_eq!(folded_first.jsonl(), folded[..7]);
}

/// Ids in every form that an event shows: as the lake made them, as AWS did, and their beginning.
#[test]
fn an_id_finds_its_event() {
    let env = lake();
    for table in ["alb", "vpcflow", "cloudtrail", "cloudwatch"] {
        let one = jsonl(&env.ok(&[
            "query",
            "--format",
            "jsonl",
            &format!("SELECT event_id FROM {table} ORDER BY event_time LIMIT 1"),
        ]));
        let id = one[0]["event_id"].as_str().unwrap();
        for asked in [&["--id", id][..], &["--pivot", id, "--depth", "0"]] {
            let found = jsonl(&env.ok(&[&["timeline", "--format", "jsonl"], asked].concat()));
            assert!(found.iter().any(|row| row["reference"] == id), "{table} {asked:?}");
        }
    }
    let own = jsonl(&env.ok(&["query", "--format", "jsonl", "SELECT ct_event_id, event_id FROM cloudtrail LIMIT 1"]));
    let found = jsonl(&env.ok(&["timeline", "--id", own[0]["ct_event_id"].as_str().unwrap(), "--format", "jsonl"]));
    assert_eq!((found.len(), &found[0]["reference"]), (1, &own[0]["event_id"]));
}

#[test]
fn conditions_compare_times() {
    let env = lake();
    let of = |condition: &str| {
        jsonl(&env.ok(&["timeline", "--where", condition, "--table", "alb", "--format", "jsonl"])).len()
    };
    let window = ["timeline", "--from", "2026-03-06T14:00Z", "--to", "2026-03-06T14:30Z", "--table", "alb"];
    let expected = jsonl(&env.ok(&[&window[..], &["--format", "jsonl"]].concat())).len();
    assert!(expected > 0);
    assert_eq!(of("event_time >= '2026-03-06 14:00:00' AND event_time < '2026-03-06T14:30:00Z'"), expected);
    assert_eq!(of("'2026-03-06 14:00' <= event_time AND event_time < '2026-03-06 14:30'"), expected);
    let wrong = env.cmd(&["timeline", "--where", "http_status"]).code(2);
    assert!(wrong.stderr.lines().count() < 5, "{}", wrong.stderr);
}

#[test]
fn sessions_and_histograms_count_every_event() {
    let env = lake();
    let actors =
        jsonl(&env.ok(&["timeline", "--table", "cloudtrail", "--sessions", "--idle", "1h", "--format", "jsonl"]));
    let sum: u64 = actors.iter().map(|session| session["events"].as_u64().unwrap()).sum();
    let all = truth()["records"]["cloudtrail"]["distinct_event_ids"].as_u64().unwrap();
    assert_eq!(sum, all);
    let thief = actors.iter().find(|session| session["source_ips"].to_string().contains("198.51.100.77")).unwrap();
    assert_eq!(thief["first"], "2026-03-06T14:09:41.000000Z");
    let bars = jsonl(&env.ok(&["timeline", "--histogram", "--bucket", "1h", "--table", "alb", "--format", "jsonl"]));
    let sum: u64 = bars.iter().map(|bar| bar["events"].as_u64().unwrap()).sum();
    assert_eq!(sum, truth()["records"]["alb"]["lines"].as_u64().unwrap());
    let table = env.ok(&["timeline", "--histogram", "--outcome", "403"]);
    assert!(table.contains('█'), "{table}");
}

/// Each filter is asked of the Parquet reader, and only the columns that are needed are read.
#[test]
fn plans_push_predicates_and_columns_down() {
    let filters: [(&[&str], &str); 11] = [
        (&["--from", "2026-03-06T14:00Z", "--to", "2026-03-06T15:00Z"], "event_time"),
        (&["--ip", "203.0.113.66"], "ips"),
        (&["--ip", "203.0.113.0/24"], "ips"),
        (&["--actor", "alice"], "user_arn"),
        (&["--resource", "orders"], "resource"),
        (&["--outcome", "5xx"], "http_status"),
        (&["--outcome", "failure"], "event_outcome"),
        (&["--id", "1-69aadeaa-973bbbd64ece283699686af2"], "request_ids"),
        (&["--text", "proc"], "raw"),
        (&["--severity", "low"], "event_outcome"),
        (&["--where", "http_status = 403 AND url_path LIKE '/api/%'"], "url_path"),
    ];
    for (args, column) in filters {
        let plan = lake().ok(&[&["timeline", "--explain"][..], args].concat());
        for table in plan.split("\n\n").filter(|text| text.contains("Parquet SCAN")) {
            assert!(!table.contains("FILTER"), "{args:?} filters after reading:\n{table}");
            let selections: Vec<&str> =
                table.lines().filter(|line| line.trim_start().starts_with("SELECTION")).collect();
            assert!(
                !selections.is_empty() && selections.iter().all(|line| line.contains(&format!("col(\"{column}\")"))),
                "{args:?}: {table}"
            );
            for line in table.lines().filter(|line| line.trim_start().starts_with("PROJECT")) {
                let (read, all) = line.trim_start().trim_start_matches("PROJECT ").split_once('/').unwrap();
                let all: u32 = all.split(' ').next().unwrap().parse().unwrap();
                assert!(read.parse::<u32>().unwrap() < 25 && all > 40, "{args:?}: {line}");
            }
        }
    }
    let hour = lake().ok(&["timeline", "--explain", "--from", "2026-03-06T14:00Z", "--to", "2026-03-06T15:00Z"]);
    let days = hour.matches("event_date=").count();
    assert_eq!(days, hour.matches("event_date=2026-03-06").count(), "other days are opened: {hour}");
}

#[test]
fn exports_are_what_their_specifications_ask() {
    let env = lake();
    for format in ["timesketch", "ecs", "ocsf"] {
        let file = env.path().join(format!("out.{format}.jsonl"));
        env.cmd(&["timeline", "--format", format, "-o", text(&file)]).code(0);
        let check = repo("tests/prove/export_check.py");
        let done = Command::new("python3").args([text(&check), format, text(&file)]).output().unwrap();
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{told}");
        let lines = std::fs::read_to_string(&file).unwrap();
        assert_eq!(lines.lines().count(), jsonl(&env.ok(&["timeline", "--format", "jsonl"])).len());
        for secret in truth()["secrets"].as_array().unwrap().iter().filter(|s| s["rule"] == "aws-secret-access-key") {
            assert!(!lines.contains(secret["value"].as_str().unwrap()), "{format} shows a secret");
        }
    }
    let parquet = env.path().join("timeline.parquet");
    env.cmd(&["timeline", "--format", "parquet", "-o", text(&parquet)]).code(0);
    assert!(std::fs::read(&parquet).unwrap().starts_with(b"PAR1"));
}

#[test]
fn clocks_are_compared_and_times_are_left_as_they_are() {
    let env = TestEnv::new();
    let id = |n: u32| format!("b2462561-578d-423c-a52f-238cc9ae{n:04}");
    let access = |n: u32| {
        format!(
            r#"{{"requestId":"{}","ip":"192.0.2.1","requestTimeEpoch":{},"httpMethod":"GET","status":"200","path":"/x"}}"#,
            id(n),
            1_772_805_600_000u64 + u64::from(n) * 1000
        )
    };
    let line = |n: u32| format!("2026-03-06T15:00:{:02}.000Z\t{}\tINFO\thello", n, id(n));
    env.file("access.log", (0..20).map(access).collect::<Vec<_>>().join("\n"));
    env.file("lambda.log", (0..20).map(line).collect::<Vec<_>>().join("\n"));
    env.import(&["--log-group", "/api/access", "access.log"]);
    env.import(&["--log-group", "/aws/lambda/late", "lambda.log"]);
    let rows = jsonl(&env.ok(&["timeline", "--skew", "--format", "jsonl"]));
    assert_eq!(rows.len(), 1, "{rows:?}");
    // 2026-03-06T14:00:00Z is 1772805600: the function's clock is an hour ahead.
    assert_eq!((&rows[0]["ids"], &rows[0]["median"]), (&20.into(), &3_600_000_000u64.into()), "{rows:?}");
    assert!(env.ok(&["timeline", "--skew"]).contains("clocks apart"));
    let alone = TestEnv::new();
    alone.file("lambda.log", line(1));
    alone.import(&["lambda.log"]);
    let told = alone.cmd(&["timeline", "--skew"]).code(0);
    assert!(told.stderr.contains("clocks cannot be compared"), "{}", told.stderr);
}

#[test]
fn what_cannot_be_asked_is_told() {
    let env = lake();
    env.cmd(&["timeline", "--table", "cloudtrial"]).fails(&["did you mean `cloudtrail`?"]);
    env.cmd(&["timeline", "--where", "http_stauts = 1"]).fails(&["did you mean `http_status`?"]);
    env.cmd(&["timeline", "--where", "http_status ="]).fails(&["no condition in SQL"]);
    env.cmd(&["timeline", "--ip", "203.0.113.0/40"]).fails(&["no IP address and no range"]);
    env.cmd(&["timeline", "--from", "2026-03-07", "--to", "2026-03-06"]).fails(&["the window is empty"]);
    env.cmd(&["timeline", "--pivot", "x", "--sessions"]).fails(&["cannot be used with"]);
    env.cmd(&["timeline", "--sessions", "--format", "ecs"]).fails(&["table, jsonl or csv"]);
    let none =
        env.cmd(&["timeline", "--ip", "203.0.113.66", "--outcome", "success", "--severity", "high", "--text", "zzz"]);
    assert!(none.code(0).stderr.contains("nothing matches"));
    // One instant in six notations and zones.
    let one = |time: &str, tz: &str| {
        let args = ["--tz", tz, "timeline", "--from", time, "--limit", "1", "--format", "jsonl"];
        jsonl(&env.ok(&args))[0]["reference"].clone()
    };
    let expected = one("2026-03-06T14:00:00Z", "UTC");
    for (time, tz) in [
        ("2026-03-06T14:00Z", "UTC"),
        ("2026-03-06 14:00", "UTC"),
        ("2026-03-06T15:00:00+01:00", "UTC"),
        ("1772805600", "UTC"),
        ("1772805600000", "UTC"),
        ("2026-03-06 15:00", "Europe/Berlin"),
        ("2026-03-06 09:00", "America/New_York"),
    ] {
        assert_eq!(one(time, tz), expected, "{time} in {tz}");
    }
}

/// Whoever is known is named; what is known only later is not.
#[test]
fn a_context_file_names_addresses() {
    let env = lake();
    let context = env.file(
        "context.toml",
        r#"
[[network]]
name = "office Cologne"
kind = "office"
ranges = ["192.0.2.0/28"]
until = 2026-03-05

[[network]]
name = "scanner of our auditors"
kind = "third-party"
ranges = ["203.0.113.66"]

[[account]]
id = "111122223333"
name = "shop"
owner = "team-shop"
"#,
    );
    let aws = env.file(
        "ip-ranges.json",
        r#"{"syncToken":"0","prefixes":[{"ip_prefix":"198.51.100.0/24","region":"eu-central-1","service":"S3","network_border_group":"eu-central-1"}],"ipv6_prefixes":[]}"#,
    );
    let rows = jsonl(&env.ok(&[
        "timeline",
        "--table",
        "cloudtrail",
        "--table",
        "alb",
        "--format",
        "jsonl",
        "--context",
        text(&context),
        "--aws-ranges",
        text(&aws),
    ]));
    let named = |ip: &str, before: bool| {
        let of = |row: &&Value| row["source_ip"] == ip && (row["time"].as_str().unwrap() < "2026-03-05") == before;
        rows.iter().find(of).map(|row| row["network"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(named("192.0.2.14", true).as_deref(), Some("office Cologne"));
    assert_eq!(named("192.0.2.14", false).as_deref(), Some("documentation"));
    assert_eq!(named("203.0.113.66", false).as_deref(), Some("scanner of our auditors"));
    assert_eq!(named("198.51.100.77", false).as_deref(), Some("AWS S3 eu-central-1"));
    let wrong = env.file("wrong.toml", "[[network]]\nname = \"x\"\nkind = \"office\"\nranges = [\"10.0.0.0/99\"]\n");
    env.cmd(&["timeline", "--context", text(&wrong)]).fails(&["wrong.toml", "10.0.0.0/99"]);
}

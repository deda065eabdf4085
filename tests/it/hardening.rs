//! What a reviewer or an attacker found once.

use crate::env::{TestEnv, alb_lines};
use std::os::unix::fs::symlink;

/// A JWT whose header and claims decode, put together here so that no forge takes it for a live one.
const TOKEN: [&str; 3] =
    ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJ1c2VyLTEifQ", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"];

fn token() -> String {
    TOKEN.join(".")
}

#[test]
#[cfg(feature = "query")]
fn failing_queries_and_raw_bytes_show_no_secret() {
    let env = TestEnv::new();
    let line = [b"caf\xe9 token=".as_slice(), token().as_bytes(), b" end\n"].concat();
    env.file("odd.log", [line.as_slice(), format!("plain {}\n", token()).as_bytes()].concat());
    env.cmd(&["import", "odd.log"]).code(0);
    let cast = env.cmd(&["query", "SELECT CAST(raw AS BIGINT) FROM text"]).code(2);
    assert!(!cast.stderr.contains(TOKEN[2]) && !cast.stderr.contains("eyJhbGci"), "{}", cast.stderr);
    for format in ["table", "csv", "jsonl"] {
        let output = env.cmd(&["query", "--format", format, "SELECT raw_bytes, raw FROM text"]).code(0);
        assert!(output.stdout.contains("end") && !output.stdout.contains(TOKEN[2]), "{}", output.stdout);
    }
}

#[test]
fn a_scan_that_is_not_whole_keeps_no_findings() {
    let env = TestEnv::new();
    env.file("app.log", format!("a token {}\n", token()));
    env.cmd(&["import", "app.log"]).code(0);
    let findings = || env.cmd(&["lake", "ls", "--table", "findings", "--paths"]).code(0).stdout;
    for partial in
        [&["scan", "--pack", "pii"][..], &["scan", "--disable", "email"], &["scan", "--min-confidence", "low"]]
    {
        assert!(env.cmd(partial).stderr.contains("not kept"));
        assert_eq!(findings(), "");
    }
    env.cmd(&["scan"]).code(1);
    assert_eq!(findings().lines().count(), 1);
}

#[test]
fn links_are_not_followed_pipes_and_lakes_are_refused() {
    let env = TestEnv::new();
    env.file("outside/x.log", format!("{}\n", alb_lines(1)[0]));
    env.file("in/a.log", format!("{}\n", alb_lines(2)[1]));
    symlink(env.path().join("outside/x.log"), env.path().join("in/link.log")).unwrap();
    symlink(env.path().join("nowhere"), env.path().join("in/dangling.log")).unwrap();
    assert_eq!(env.import(&["in"])["objects"], 1);
    // A folder may not hide from the import by its name alone.
    env.file("hide/_logsift/a.log", format!("{}\n", alb_lines(3)[2]));
    assert_eq!(env.import(&["hide"])["objects"], 1);
    let pipe = env.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = env.cmd(&["scan", "pipe"]).code(2);
    assert!(refused.stderr.contains("pipe or a device") && refused.stderr.contains("standard input"));
    let refused = env.cmd(&["scan", "logsift-lake"]).code(2);
    assert!(refused.stderr.contains("work on it with --lake"), "{}", refused.stderr);
}

#[test]
fn members_beside_the_records_are_kept_and_scanned() {
    let env = TestEnv::new();
    env.file("app.json", format!("{{\"Records\":[],\"debug\":\"{}\"}}", token()));
    let report = env.import(&["app.json"]);
    assert_eq!(report["tally"]["records_in"], 1);
    env.cmd(&["scan"]).code(1);
}

#[test]
fn impossible_times_are_no_times() {
    let env = TestEnv::new();
    let event = |time: &str| format!("{{\"timestamp\":{time},\"message\":\"m{time}\",\"logStreamName\":\"s\"}}");
    let events = ["9223372036854775807", "-9223372036854775808", "1772805600000"].map(event).join(",");
    env.file("odd.json", format!("{{\"events\":[{events}]}}"));
    assert_eq!(env.import(&["--log-group", "/g", "odd.json"])["tally"]["records_in"], 3);
    #[cfg(feature = "query")]
    for command in [&["timeline"][..], &["report", "-o", "-"]] {
        assert!(env.cmd(command).code(0).stdout.contains("2026-03-06"));
    }
}

#[test]
fn two_objects_with_records_over_the_limit_in_one_scan() {
    let env = TestEnv::new();
    let line = "2026-03-06T14:00:00.000Z ".to_owned() + &"x".repeat(9 * 1024 * 1024);
    for name in ["a", "b"] {
        // The secret stands over the border of the two segments.
        let mut long = line.clone();
        let at = 8 * 1024 * 1024 - 10;
        long.replace_range(at..at, &format!(" token={} {name} ", token()));
        env.file(&format!("{name}.log"), long + "\n");
    }
    let report = env.import(&["a.log", "b.log"]);
    assert_eq!(report["tally"]["rejects"]["too_long"], 2);
    let scan = env.cmd(&["scan", "--format", "jsonl"]).code(1);
    let found: serde_json::Value = serde_json::from_str(scan.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((found["rule"].as_str(), found["count"].as_u64()), (Some("jwt"), Some(2)));
}

#[test]
fn documents_after_the_first_are_not_lost() {
    let env = TestEnv::new();
    let trail = |id: &str| {
        format!(
            "{{\"eventVersion\":\"1.08\",\"eventTime\":\"2026-03-06T14:00:00Z\",\"eventName\":\"X\",\"eventSource\":\
             \"s3.amazonaws.com\",\"eventID\":\"{id}\",\"recipientAccountId\":\"1\"}}"
        )
    };
    let wrapped = format!("{{\"Records\":[{},null,{}]}}\n", trail("a"), trail("b"));
    let rest = format!("{}\n{{\"Records\":[{}]}}\n{{\"token\":\"{}\"}}\n", trail("c"), trail("d"), token());
    env.file("mixed.json", wrapped + &rest);
    let tally = &env.import(&["mixed.json"])["tally"];
    assert_eq!((&tally["records_in"], &tally["events"]["cloudtrail"]), (&6.into(), &4.into()), "{tally}");
    env.cmd(&["scan"]).code(1);
}

#[test]
#[cfg(feature = "query")]
fn counting_the_view_and_limiting_the_timeline_work() {
    let env = TestEnv::new();
    env.file("alb.log", alb_lines(20).join("\n"));
    env.file("app.log", "nothing\n");
    env.cmd(&["import", "alb.log", "app.log"]).code(0);
    let count = env.cmd(&["query", "--format", "jsonl", "SELECT count(*) AS n FROM events"]).code(0);
    assert_eq!(count.stdout.trim(), "{\"n\":21}");
    let some = env.cmd(&["timeline", "--limit", "5", "--format", "jsonl"]).code(0);
    assert_eq!(some.stdout.lines().count(), 5);
    assert!(some.stderr.contains("ended by --limit"), "{}", some.stderr);
}

#[test]
fn a_secret_in_a_resource_name_is_masked() {
    let env = TestEnv::new();
    let stamp = "2026-03-06T14:00:00.000Z";
    env.file("app.log", format!("{stamp} password=Tr4vel-mug-91x\n"));
    env.cmd(&["import", "--log-group", &format!("/app/{}", token()), "--log-stream", "s", "app.log"]).code(0);
    for more in [&[][..], &["--occurrences"], &["--format", "jsonl"], &["--occurrences", "--format", "jsonl"]] {
        let scan = env.cmd(&[&["scan"], more].concat()).code(1);
        assert!(scan.stdout.contains("password") && !scan.stdout.contains(TOKEN[2]), "{}", scan.stdout);
    }
    #[cfg(feature = "query")]
    assert!(!env.cmd(&["report", "-o", "-"]).code(0).stdout.contains(TOKEN[2]));
}

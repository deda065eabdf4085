//! Who logs whole requests, responses and events; and what is counted instead of listed.

use crate::env::TestEnv;
use crate::incident;
use serde_json::Value;

#[test]
fn the_function_that_logs_its_events_is_named_and_none_else() {
    let env = incident::lake();
    let output = env.cmd(&["payloads", "--format", "jsonl"]).code(1);
    let rows = output.jsonl();
    let told: Vec<(&str, &str)> =
        rows.iter().map(|row| (row["resource"].as_str().unwrap(), row["kind"].as_str().unwrap())).collect();
    assert_eq!(told, [("/aws/lambda/orders-api", "alb-event"), ("/aws/lambda/orders-api", "apigateway-rest-event")]);
    // The sample's orders-api prints "event" and the whole event of each request that has a body.
    let truth = env.ok(&[
        "query",
        "SELECT count(*) AS n FROM cloudwatch WHERE raw LIKE '%INFO\tevent {%'",
        "--format",
        "jsonl",
    ]);
    let all: Value = serde_json::from_str(truth.trim()).unwrap();
    let sum: u64 = rows.iter().map(|row| row["events"].as_u64().unwrap()).sum();
    assert_eq!(all["n"].as_u64().unwrap(), sum);
    assert!(rows.iter().all(|row| row["with_body"] == row["events"]));
    let fields = rows[0]["fields"].to_string();
    for (path, rule) in [("$.headers.authorization", "jwt"), ("$.password", "password-field"), ("cardNumber", "card")] {
        assert!(fields.contains(path) && fields.contains(rule), "{fields}");
    }
    // The table shows names and lengths; no secret of the truth stands in any output.
    let table = env.cmd(&["payloads"]).code(1);
    for secret in incident::truth()["secrets"].as_array().unwrap() {
        let value = secret["value"].as_str().unwrap().replace("⟨⟩", "");
        assert!(!table.stdout.contains(&value) && !output.stdout.contains(&value), "{value}");
    }
    assert!(table.stdout.contains("console.log(event)"), "{}", table.stdout);
}

#[test]
fn an_account_that_logs_what_it_should_has_none() {
    let env = TestEnv::new();
    let lines = [
        r#"{"level":"INFO","message":"order created","statusCode":201,"orderId":"74118","body_bytes":812}"#,
        "2026-03-04T10:03:47.478Z INFO order created id=74118 total=107.05 EUR",
        r#"{"level":"DEBUG","message":"sent","payload":{"id":1}}"#,
    ];
    env.file("app.log", lines.join("\n"));
    env.cmd(&["import", "--log-group", "/aws/lambda/quiet", "app.log"]).code(0);
    let output = env.cmd(&["payloads"]).code(0);
    assert_eq!(output.stdout, "");
    assert!(output.stderr.contains("no whole payloads"), "{}", output.stderr);
}

/// A log group full of addresses is one line to read; each address is in the occurrences.
#[test]
fn addresses_are_counted_by_place() {
    let env = TestEnv::new();
    let line = |n: u32| {
        format!("2026-03-04T10:03:{:02}Z INFO login user{n}@brightoak.io client_ip=81.2.69.{}\n", n % 60, n % 9)
    };
    let import = |name: &str, group: &str, numbers: std::ops::Range<u32>| {
        env.file(name, numbers.map(line).collect::<String>());
        env.cmd(&["import", "--log-group", group, name]).code(0);
    };
    let findings = |args: &[&str]| -> Vec<String> {
        let rows = env.cmd(&[&["scan", "--format", "jsonl"], args].concat()).code(0).jsonl();
        rows.iter().map(|row| format!("{} {} {} {}", row["rule"], row["places"], row["mask"], row["count"])).collect()
    };
    import("one.log", "/a", 0..30);
    import("two.log", "/b", 0..5);
    let first = findings(&[]);
    let told = [
        r#""email" {"/a":30} "30 different" 30"#,
        r#""email" {"/b":5} "5 different" 5"#,
        r#""ip-address" {"/a":30} "9 different" 30"#,
        r#""ip-address" {"/b":5} "5 different" 5"#,
    ];
    assert_eq!(first, told);
    // Five of these ten are known: counted over both scans, as a scan of everything would.
    import("more.log", "/b", 0..10);
    let again = findings(&[]);
    assert_eq!(again[1], r#""email" {"/b":15} "10 different" 15"#);
    assert_eq!(again, findings(&["--rescan"]));
    let rows = env.ok(&[
        "query",
        "SELECT count(DISTINCT fingerprint) AS n FROM occurrences WHERE rule = 'email'",
        "--format",
        "jsonl",
    ]);
    assert_eq!(rows.trim(), "{\"n\":30}");
}

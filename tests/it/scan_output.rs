//! What a scan gives to people and machines: SARIF, ASFF, reasons, allow lists, the place of a value; and `find`.

use crate::env::TestEnv;
use crate::scan_again::token;
use base64::Engine as _;
use serde_json::Value;

fn with_secrets() -> (TestEnv, String, String) {
    let env = TestEnv::new();
    let (one, two) = (token('a'), token('k'));
    let body = base64::engine::general_purpose::STANDARD.encode(format!("{{\"auth\":{{\"token\":\"{one}\"}}}}"));
    let lines = [
        format!("2026-03-02T10:00:00Z INFO {{\"headers\":{{\"x-token\":\"{one}\"}}}}"),
        format!("{{\"requests\":[1,{{\"body\":\"{body}\"}}]}}"),
        format!("login token={two}"),
        "\u{1b}[31mnothing here\u{1b}[0m".to_owned(),
    ];
    env.file("app logs/a.log", lines.join("\n"));
    (env, one, two)
}

fn findings(env: &TestEnv, args: &[&str]) -> Vec<Value> {
    env.cmd(&[&["scan", "app logs", "--format", "jsonl", "--pack", "secrets"], args].concat()).jsonl()
}

#[test]
fn each_place_says_where_in_its_record_it_is() {
    let (env, ..) = with_secrets();
    let rows = findings(&env, &["--occurrences"]);
    let told: Vec<String> =
        rows.iter().map(|row| format!("{} {} {}", row["line"], row["context"], row["decode_path"])).collect();
    assert_eq!(
        told,
        [
            r#"1 "json($.headers.x-token)" []"#,
            r#"2 "json($.requests[1].body)" ["json($.requests[1].body)","base64","json($.auth.token)"]"#,
            r#"3 "key(token)" []"#,
        ]
    );
}

/// A member's name may be a secret too.
#[test]
fn a_secret_in_a_path_is_masked() {
    let env = TestEnv::new();
    let (one, two) = (token('a'), token('k'));
    env.file("a.log", format!("{{\"{one}\":{{\"t\":\"{two}\"}}}}"));
    let output = env.cmd(&["scan", "a.log", "--occurrences", "--format", "jsonl"]).code(1);
    assert!(output.stdout.contains("json($."), "{}", output.stdout);
    assert!(!output.stdout.contains(&one) && !output.stdout.contains(&two), "{}", output.stdout);
}

#[test]
fn sarif_names_rules_places_and_what_was_not_read() {
    let (env, one, two) = with_secrets();
    env.file("app logs/b.log.gz", &b"\x1f\x8b\x08\x00cut"[..]);
    let args = ["scan", "app logs", "--format", "sarif", "--pack", "secrets"];
    let output = env.cmd(&args).code(2);
    assert!(!output.stdout.contains(&one) && !output.stdout.contains(&two));
    let log: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "github-token");
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for result in results {
        assert_eq!((&result["ruleIndex"], &result["level"]), (&0.into(), &"error".into()));
        assert_eq!(result["partialFingerprints"]["logsift/v1"].as_str().unwrap().len(), 32);
    }
    let lines: Vec<u64> = results
        .iter()
        .flat_map(|result| result["locations"].as_array().unwrap())
        .map(|at| &at["physicalLocation"])
        .inspect(|at| assert_eq!(at["artifactLocation"]["uri"], "app%20logs/a.log"))
        .map(|at| at["region"]["startLine"].as_u64().unwrap())
        .collect();
    assert_eq!(lines.iter().sum::<u64>(), 1 + 2 + 3);
    let told = &run["invocations"][0];
    assert_eq!(told["executionSuccessful"], false);
    assert!(told["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap().contains("b.log.gz"));
}

#[test]
fn asff_has_what_security_hub_requires() {
    let (env, ..) = with_secrets();
    env.cmd(&["scan", "app logs", "--format", "asff"]).fails(&["--account"]);
    let args = ["scan", "app logs", "--format", "asff", "--account", "111122223333", "--hub-region", "eu-central-1"];
    let all: Vec<Value> = serde_json::from_str(&env.cmd(&args).code(1).stdout).unwrap();
    assert_eq!(all.len(), 2);
    // Fact: AWS, "Required top-level ASFF attributes".
    for name in "AwsAccountId CreatedAt Description GeneratorId Id ProductArn Resources SchemaVersion Severity Title Types UpdatedAt".split(' ') {
        assert!(all.iter().all(|finding| !finding[name].is_null()), "{name}");
    }
    assert_eq!(all[0]["SchemaVersion"], "2018-10-08");
    assert_eq!(all[0]["ProductArn"], "arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default");
    assert_eq!(all[0]["Types"][0], "Sensitive Data Identifications/Passwords");
    assert_eq!(all[0]["Resources"][0]["Id"], "app logs/a.log");
}

#[test]
fn a_finding_is_explained() {
    let (env, one, _) = with_secrets();
    let rows = findings(&env, &[]);
    let begins = &rows[0]["fingerprint"].as_str().unwrap()[..8];
    let output = env.cmd(&["scan", "app logs", "--explain", begins]).code(0);
    for words in ["github-token", "the check github-crc32 found nothing against it", "app logs/a.log", "remedy"] {
        assert!(output.stdout.contains(words), "{words}: {}", output.stdout);
    }
    assert!(!output.stdout.contains(&one));
    env.cmd(&["scan", "app logs", "--explain", "ffffffffff"]).fails(&["no finding"]);
    // Of the lake, what was kept.
    env.import(&["app logs"]);
    env.cmd(&["scan", "--explain", begins]).fails(&["logsift scan"]);
    env.cmd(&["scan"]).code(1);
    let kept = env.cmd(&["scan", "--explain", ""]).code(2);
    assert!(kept.stderr.contains("2 fingerprints"), "{}", kept.stderr);
}

#[test]
fn what_is_allowed_is_left_out_until_its_day() {
    let (env, ..) = with_secrets();
    let rows = findings(&env, &[]);
    let print = rows[0]["fingerprint"].as_str().unwrap();
    let entry = |more: &str, day: &str| {
        format!("[[allow]]\n{more}\nreason = \"a test account\"\nowner = \"ada\"\nexpires = \"{day}\"\n")
    };
    let left = |text: String| {
        env.file("allow.toml", text);
        env.cmd(&["scan", "app logs", "--pack", "secrets", "--format", "jsonl", "--allow", "allow.toml"])
    };
    let one = format!("fingerprint = \"{print}\"");
    let output = left(entry(&one, "2099-01-31")).code(1);
    assert_eq!(output.jsonl().len(), 1);
    assert!(
        output.stderr.contains("one finding left out") || output.stderr.contains("1 finding left out"),
        "{}",
        output.stderr
    );
    assert_eq!(left(entry("rule = \"github-token\"", "2099-01-31")).code(0).jsonl().len(), 0);
    let here = "rule = \"github-token\"\nplace = \"app*a.log\"";
    assert_eq!(left(entry(here, "2099-01-31")).code(0).jsonl().len(), 0);
    assert_eq!(left(entry("rule = \"github-token\"\nplace = \"/aws/*\"", "2099-01-31")).code(1).jsonl().len(), 2);
    let expired = left(entry(&one, "2026-01-31")).code(1);
    assert!(expired.jsonl().len() == 2 && expired.stderr.contains("expired on 2026-01-31"), "{}", expired.stderr);
    for (wrong, word) in [
        ("[[allow]]\nrule = \"x\"".to_owned(), "reason"),
        (entry("place = \"x\"", "2099-01-31"), "neither"),
        (entry(&one, "soon"), "2027-01-31"),
    ] {
        left(wrong).fails(&["allow.toml", word]);
    }
}

#[test]
fn a_known_value_is_found_in_every_encoding() {
    let env = TestEnv::new();
    let value = "Tr0ub4dor\"&3 made up";
    let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let url: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let lines = [
        format!("plain {value}"),
        serde_json::json!({"password": value}).to_string(),
        format!("basic {}", encode(&format!("ada:{value}"))),
        format!("hex={hex}"),
        format!("GET /?p={url}"),
        "nothing".to_owned(),
    ];
    env.file("a.log", lines.join("\n"));
    let input = format!("{value}\n");
    let args = ["find", "--value-stdin", "a.log", "--format", "jsonl"];
    let output = env.cmd_stdin(input.as_bytes(), &args).code(1);
    let found: Vec<u64> = output.jsonl().iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(found, [1, 2, 3, 4, 5]);
    assert!(!output.stdout.contains(value) && !output.stderr.contains(value));
    env.cmd_stdin(b"another value", &args).code(0);
    env.cmd_stdin(b"abc", &args).fails(&["shorter than"]);
    // In the lake, and nothing is kept.
    env.import(&["a.log"]);
    let lake = env.cmd_stdin(input.as_bytes(), &["find", "--value-stdin"]).code(1);
    assert!(lake.stderr.contains("5 places"), "{}", lake.stderr);
    assert!(!lake.stdout.contains(value));
}

//! From the leak to its use, on the sample incident and on weeks made up for it.

use crate::env::{TestEnv, jsonl, repo, text};
use crate::incident::{lake, shows, truth};
use base64::Engine as _;
use serde_json::Value;

fn of<'r>(rows: &'r [Value], credential: &str) -> &'r Value {
    rows.iter().find(|row| row["credential"] == credential).unwrap()
}

#[test]
fn the_stolen_key_its_uses_and_the_key_it_made() {
    let truth = truth();
    let leaked = truth["leaked_access_key_id"].as_str().unwrap();
    let output = lake().cmd(&["exposure", "--events", "--format", "jsonl"]).code(1);
    let rows = output.jsonl();
    let stolen = of(&rows, leaked);
    assert_eq!(stolen["verdict"], "used_from_somewhere_new");
    assert_eq!(stolen["first_written"], "2026-03-06T14:03:22.647000Z");
    assert_eq!(stolen["places"][0]["place"], "/aws/lambda/orders-api");
    // The first and the last call of the story with this key, and the one that was denied.
    let with_key = |item: &&Value| item["table"] == "cloudtrail" && item["match"]["source_ip"] == "198.51.100.77";
    let calls: Vec<&Value> = truth["story"].as_array().unwrap().iter().filter(with_key).collect();
    assert_eq!(stolen["new"]["first"], calls[0]["time"]);
    assert_eq!(stolen["new"]["source_ips"], serde_json::json!(["198.51.100.77"]));
    assert_eq!(stolen["after"]["denied"], 1);
    // alice read the group after it stood there, as an incident responder would.
    let readers = stolen["readers"].to_string();
    assert!(readers.contains("user/alice") && readers.contains("FilterLogEvents"), "{readers}");
    let made = rows.iter().find(|row| row["issued_by"] == leaked).unwrap();
    assert_eq!(made["verdict"], "used_from_somewhere_new");
    assert_eq!(made["new"]["first"], "2026-03-06T15:09:55.000000Z");
    assert!(output.stderr.contains("org-trail was stopped"), "{}", output.stderr);
    assert!(output.stderr.contains("2026-03-06T15:07:19.000000Z to 2026-03-06T16:10:28.000000Z"), "{}", output.stderr);
    // What hangs together with it is the whole story, in order.
    let events = stolen["events"].as_array().unwrap();
    let mut at = 0;
    for item in truth["story"].as_array().unwrap() {
        let after = events[at..].iter().position(|row| row["kind"] == "event" && shows(row, item));
        at += after.unwrap_or_else(|| panic!("{}: {}", item["n"], item["what"])) + 1;
    }
}

/// The same week without the Friday: everything leaks, nothing is used.
#[test]
fn a_quiet_week_has_no_exposure() {
    let env = TestEnv::new();
    let logs = repo("samples/incident/logs");
    let paths: Vec<_> = ["alb", "vpcflow", "cloudtrail"].iter().map(|name| logs.join(name)).collect();
    env.import(&[text(&paths[0]), text(&paths[1]), text(&paths[2])]);
    let folder = logs.join("cloudwatch/orders-api");
    env.import(&["--log-group", "/aws/lambda/orders-api", text(&folder)]);
    // From the Friday on is taken out by keeping only what was before.
    let quiet = TestEnv::new();
    let rows = env.ok(&[
        "query",
        "--reveal",
        "--format",
        "jsonl",
        "SELECT source_table, raw FROM events WHERE event_time < '2026-03-06'",
    ]);
    let mut trail = Vec::new();
    let mut lambda = Vec::new();
    for row in jsonl(&rows) {
        let raw = row["raw"].as_str().unwrap().to_owned();
        match row["source_table"].as_str().unwrap() {
            "cloudtrail" => trail.push(raw),
            "cloudwatch" => lambda.push(raw.trim_end().to_owned()),
            _ => {}
        }
    }
    quiet.file("trail.jsonl", trail.join("\n"));
    quiet.file("lambda.log", lambda.join("\n"));
    quiet.import(&["trail.jsonl"]);
    quiet.import(&["--log-group", "/aws/lambda/orders-api", "lambda.log"]);
    quiet.cmd(&["scan", "-q"]).code(1);
    let output = quiet.cmd(&["exposure", "--format", "jsonl"]).code(0);
    let rows = output.jsonl();
    assert!(rows.len() > 20, "{} credentials leak in a quiet week", rows.len());
    assert!(rows.iter().all(|row| row["verdict"] != "used_from_somewhere_new"), "{}", output.stdout);
}

/// Calls of one key as CloudTrail has them.
fn call(key: &str, time: &str, ip: &str, agent: &str) -> String {
    let id = format!("{}-{}", time.replace([':', '-', 'T', 'Z'], ""), ip.replace('.', ""));
    format!(
        r#"{{"eventVersion":"1.11","userIdentity":{{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/deploy","accountId":"111122223333","accessKeyId":"{key}","userName":"deploy"}},"eventTime":"{time}","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-central-1","sourceIPAddress":"{ip}","userAgent":"{agent}","requestParameters":null,"responseElements":null,"requestID":"{id}","eventID":"{id}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}}"#
    )
}

/// A key with its secret in a log, and calls around it.
fn case(calls: &[String]) -> TestEnv {
    let env = TestEnv::new();
    let secret = ["wJalrXUtnFEMIq7MDENGbPx", "RfiCYzzkQm4tLp9v"].concat() + "8";
    let log = format!("2026-03-04T10:00:00.000Z INFO AWS_ACCESS_KEY_ID={KEY} AWS_SECRET_ACCESS_KEY={secret}\n");
    env.file("app.log", log);
    env.import(&["--log-group", "/app/deploy", "app.log"]);
    if !calls.is_empty() {
        env.file("trail.jsonl", calls.join("\n"));
        env.import(&["trail.jsonl"]);
    }
    env.cmd(&["scan", "-q"]).code(1);
    env
}

const KEY: &str = "AKIAQ3EGR5TJ7WLX2VNB";

fn verdict(env: &TestEnv, args: &[&str], code: i32) -> Value {
    let all = [&["exposure", "--format", "jsonl"][..], args].concat();
    let rows = env.cmd(&all).code(code).jsonl();
    of(&rows, KEY).clone()
}

#[test]
fn verdicts_compare_uses_after_the_leak_with_those_before() {
    let agent = "aws-cli/2.15.30";
    let before = call(KEY, "2026-03-03T09:00:00Z", "81.2.69.10", agent);
    let same = call(KEY, "2026-03-05T09:00:00Z", "81.2.69.10", agent);
    let other = call(KEY, "2026-03-05T10:00:00Z", "93.184.216.34", "curl/8.0");
    let quiet = case(std::slice::from_ref(&before));
    assert_eq!(verdict(&quiet, &[], 0)["verdict"], "no_use_seen");
    let usual = case(&[before.clone(), same.clone()]);
    assert_eq!(verdict(&usual, &[], 0)["verdict"], "used_as_before");
    let stolen = case(&[before, same, other.clone()]);
    let told = verdict(&stolen, &[], 1);
    assert_eq!(told["verdict"], "used_from_somewhere_new");
    assert_eq!((&told["before"]["events"], &told["after"]["events"]), (&1.into(), &2.into()));
    assert_eq!(told["new"]["first"], "2026-03-05T10:00:00.000000Z");
    assert_eq!(told["new"]["user_agents"], serde_json::json!(["curl/8.0"]));
    // Who is known to be us is not somewhere new.
    let ours =
        stolen.file("context.toml", "[[network]]\nname = \"VPN\"\nkind = \"vpn\"\nranges = [\"93.184.216.0/24\"]\n");
    assert_eq!(verdict(&stolen, &["--context", text(&ours)], 0)["verdict"], "used_as_before");
    let text = stolen.cmd(&["exposure"]).code(1);
    assert!(
        text.stdout.contains("used from somewhere new") && text.stdout.contains("93.184.216.34"),
        "{}",
        text.stdout
    );
    assert!(!text.stdout.contains("wJalr"), "{}", text.stdout);
}

#[test]
fn a_lake_without_cloudtrail_or_scan_says_so() {
    let env = case(&[]);
    let output = env.cmd(&["exposure", "--format", "jsonl"]).code(0);
    let secret = &output.jsonl()[0];
    assert_eq!(secret["verdict"], "not_visible", "{secret}");
    let table = env.cmd(&["exposure"]).code(0).stdout;
    let (head, row) = table.split_once('\n').unwrap();
    let column = |name: &str| row[head.find(name).unwrap()..].split("  ").next().unwrap();
    assert_eq!(column("written"), secret["first_written"].as_str().unwrap(), "{table}");
    assert_eq!(column("where"), "/app/deploy", "{table}");
    assert!(output.stderr.contains("no CloudTrail in this lake"), "{}", output.stderr);
    let unscanned = TestEnv::new();
    unscanned.file("app.log", "hello\n");
    unscanned.import(&["app.log"]);
    unscanned.cmd(&["exposure"]).fails(&["was not scanned", "logsift scan"]);
    env.cmd(&["exposure", "AKIAQ3EGR5TJ7NOTHERE"]).fails(&["AKIAQ3EGR5TJ7NOTHERE", "logsift exposure"]);
}

/// API Gateway logs whom a token names, not the token.
#[test]
fn a_token_is_used_where_its_subject_calls_before_it_ends() {
    let encode = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    // Ends at 2026-03-04T12:00:00Z.
    let claims = r#"{"iss":"https://issuer.example","sub":"user-1748","iat":1772532000,"exp":1772625600}"#;
    let signature = encode("a made-up signature of 32 bytes.");
    let token = format!("{}.{}.{signature}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(claims));
    let request = |id: u32, time: &str, ip: &str, sub: &str| {
        format!(
            r#"{{"requestId":"5f1c0e2a-0000-4000-8000-{id:012}","ip":"{ip}","requestTime":"{time}","httpMethod":"GET","routeKey":"GET /orders","status":"200","protocol":"HTTP/1.1","responseLength":"12","sub":"{sub}"}}"#
        )
    };
    let home = request(1, "03/Mar/2026:09:00:00 +0000", "81.2.69.10", "user-1748");
    let later = request(2, "04/Mar/2026:11:00:00 +0000", "81.2.69.10", "user-1748");
    let other = request(3, "04/Mar/2026:11:30:00 +0000", "93.184.216.34", "user-1748");
    let ended = request(4, "04/Mar/2026:12:00:00 +0000", "93.184.216.34", "user-1748");
    let stranger = request(5, "04/Mar/2026:11:30:00 +0000", "93.184.216.34", "user-2");
    let told = |requests: &[&String], code: i32| {
        let env = TestEnv::new();
        env.file("app.log", format!("2026-03-04T10:00:00.000Z INFO Authorization: Bearer {token}\n"));
        env.import(&["--log-group", "/app/orders", "app.log"]);
        env.file("api.log", requests.iter().map(|line| format!("{line}\n")).collect::<String>());
        env.import(&["api.log"]);
        env.cmd(&["scan", "-q"]).code(1);
        let rows = env.cmd(&["exposure", "--format", "jsonl"]).code(code).jsonl();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows[0].clone()
    };
    let roamed = told(&[&home, &later, &other, &ended, &stranger], 1);
    assert_eq!(roamed["verdict"], "used_from_somewhere_new", "{roamed}");
    assert_eq!(roamed["subject"], "user-1748");
    assert_ne!(roamed["severity"], "critical", "a user's name at a new address is less than the token itself");
    assert_eq!((&roamed["before"]["events"], &roamed["after"]["events"]), (&1.into(), &2.into()));
    assert_eq!(roamed["new"]["first"], "2026-03-04T11:30:00.000000Z");
    assert_eq!(told(&[&home, &later, &ended, &stranger], 0)["verdict"], "used_as_before");
    assert_eq!(told(&[&home, &ended, &stranger], 0)["verdict"], "no_use_seen");
}

/// Who can read a log group is in the posture table.
#[test]
fn places_tell_who_can_read_them() {
    let env = case(&[call(KEY, "2026-03-05T10:00:00Z", "93.184.216.34", "curl/8.0")]);
    env.file(
        "posture.jsonl",
        [
            r#"{"posture":"log_group","time":"2026-03-06T08:00:00Z","accountId":"111122223333","region":"eu-central-1","resource":"/app/deploy","arn":"arn:aws:logs:eu-central-1:111122223333:log-group:/app/deploy","created":"2024-01-01T00:00:00Z","logGroupClass":"STANDARD","retentionInDays":null,"storedBytes":1,"kmsKeyId":null,"dataProtectionStatus":null,"lastEventTimestamp":"2026-03-06T07:59:58.123Z","gaps":["never expires"]}"#,
            &format!(r#"{{"posture":"access_key","time":"2026-03-06T08:00:00Z","accountId":"111122223333","region":"aws-global","resource":"deploy","arn":"arn:aws:iam::111122223333:user/deploy","created":"2025-02-01T00:00:00Z","userName":"deploy","accessKeyId":"{KEY}","status":"Inactive","lastUsed":"2026-03-05T10:00:00Z","lastUsedService":"s3","lastUsedRegion":"eu-central-1","gaps":[]}}"#),
        ]
        .join("\n"),
    );
    env.import(&["posture.jsonl"]);
    let told = verdict(&env, &[], 1);
    assert_eq!(told["places"][0]["readable"], serde_json::json!(["never expires", "no KMS key"]));
    assert!(told["life"].as_str().unwrap().starts_with("Inactive"), "{told}");
}

//! The sample incident against its truth: counts, secrets, story, exfiltration.

use crate::env::{TestEnv, count, jsonl, repo, text, total};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// `truth.json` without its break marks.
pub fn truth() -> Value {
    let path = repo("samples/incident/truth.json");
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str(&text.replace("⟨⟩", "").replace("\\u27e8\\u27e9", "")).unwrap()
}

const GROUPS: [&str; 5] = ["orders-api", "orders-api-again", "thumbnailer", "apigw-access", "apigw-access-v2"];

fn import_sources(env: &TestEnv) -> Value {
    let logs = repo("samples/incident/logs");
    let paths: Vec<_> = ["alb", "vpcflow", "cloudtrail"].iter().map(|name| logs.join(name)).collect();
    env.import(&[text(&paths[0]), text(&paths[1]), text(&paths[2])])
}

fn import_group(env: &TestEnv, name: &str) -> Value {
    let truth = truth();
    let group = truth["log_groups"][format!("cloudwatch/{name}")]["log_group"].as_str().unwrap().to_owned();
    let folder = repo("samples/incident/logs/cloudwatch").join(name);
    let (account, region) = (truth["account"].as_str().unwrap(), truth["region"].as_str().unwrap());
    env.import(&["--log-group", &group, "--account", account, "--region", region, text(&folder)])
}

/// The incident imported and scanned, shared by the tests that only read it.
pub fn lake() -> Arc<TestEnv> {
    static SHARED: Mutex<Weak<TestEnv>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(env) = shared.upgrade() {
        return env;
    }
    let env = Arc::new(TestEnv::new());
    import_sources(&env);
    GROUPS.iter().for_each(|name| drop(import_group(&env, name)));
    env.cmd(&["scan", "--quiet"]).code(1);
    *shared = Arc::downgrade(&env);
    env
}

#[test]
fn every_record_is_counted() {
    let env = TestEnv::new();
    let records = &truth()["records"];
    let number = |value: &Value| value.as_u64().unwrap();
    let report = import_sources(&env);
    assert_eq!(count(&report, "events", "alb"), number(&records["alb"]["lines"]));
    assert_eq!(count(&report, "events", "vpcflow"), number(&records["vpcflow"]["lines"]));
    let headers = number(&records["alb"]["headers"]) + number(&records["vpcflow"]["headers"]);
    assert_eq!(count(&report, "ignored", "header line"), headers);
    assert_eq!(total(&report, "ignored"), headers);
    let (all, distinct) =
        (number(&records["cloudtrail"]["records"]), number(&records["cloudtrail"]["distinct_event_ids"]));
    assert_eq!(count(&report, "events", "cloudtrail"), distinct);
    assert_eq!(count(&report, "duplicates", "cloudtrail"), all - distinct);
    assert_eq!(total(&report, "duplicates"), all - distinct);
    assert_eq!(total(&report, "rejects"), 0);
    assert_eq!(report["skipped"], 0);
    for name in GROUPS {
        let report = import_group(&env, name);
        let expected = number(&records[format!("cloudwatch {name}")]);
        let again = name == "orders-api-again";
        let tested = name == "orders-api";
        assert_eq!(total(&report, "events"), if again { 0 } else { expected }, "{name}");
        assert_eq!(total(&report, "duplicates"), if again { expected } else { 0 }, "{name}");
        assert_eq!(total(&report, "rejects"), 0, "{name}");
        assert_eq!(total(&report, "ignored"), u64::from(tested), "{name}: the write test object");
    }
    let missing = env.ok(&[
        "query",
        "--format",
        "jsonl",
        "SELECT vpc_log_status AS s, count(*) AS n FROM vpcflow WHERE vpc_log_status <> 'OK' GROUP BY s",
    ]);
    let missing: BTreeMap<String, u64> =
        jsonl(&missing).iter().map(|r| (r["s"].as_str().unwrap().to_lowercase(), number(&r["n"]))).collect();
    assert_eq!(missing["nodata"], number(&records["vpcflow"]["nodata"]));
    assert_eq!(missing["skipdata"], number(&records["vpcflow"]["skipdata"]));
}

/// Rule, value and place → events, first and last time.
type Sightings = BTreeMap<(String, String, String), (BTreeSet<String>, String, String)>;

fn sightings(env: &TestEnv, confidence: &str) -> Sightings {
    let args = ["scan", "--reveal", "--occurrences", "--format", "jsonl", "--quiet", "--min-confidence", confidence];
    let mut all = Sightings::new();
    for row in env.cmd(&args).code(1).jsonl() {
        let get = |name: &str| row[name].as_str().unwrap_or_else(|| panic!("{name} of {row}")).to_owned();
        let table = get("source_table");
        let place = if table == "cloudtrail" { table } else { get("resource") };
        let time = get("event_time");
        let entry = all
            .entry((get("rule"), get("secret"), place))
            .or_insert_with(|| (BTreeSet::new(), time.clone(), time.clone()));
        entry.0.insert(get("event_id"));
        entry.1 = entry.1.clone().min(time.clone());
        entry.2 = entry.2.clone().max(time);
    }
    all
}

/// CloudTrail holds key ids and session tokens of every caller: they are shown with low confidence only.
fn is_ordinary(secret: &Value) -> bool {
    secret["log_group_or_table"] == "cloudtrail"
        && ["aws-access-key-id", "aws-session-token"].contains(&secret["rule"].as_str().unwrap())
}

#[track_caller]
fn compare(found: &Sightings, secret: &Value) {
    let get = |name: &str| secret[name].as_str().unwrap().to_owned();
    let Some((events, first, last)) = found.get(&(get("rule"), get("value"), get("log_group_or_table"))) else {
        panic!("{} is not found", secret["id"]);
    };
    assert_eq!(events.len() as u64, secret["events"].as_u64().unwrap(), "events of {}", secret["id"]);
    assert_eq!((first, last), (&get("first_seen"), &get("last_seen")), "times of {}", secret["id"]);
}

#[test]
fn every_secret_is_found_and_nothing_else() {
    let env = lake();
    let found = sightings(&env, "medium");
    let truth = truth();
    let planted: Vec<&Value> =
        truth["secrets"].as_array().unwrap().iter().filter(|secret| !is_ordinary(secret)).collect();
    planted.iter().for_each(|secret| compare(&found, secret));
    let expected: BTreeSet<(&str, &str)> =
        planted.iter().map(|s| (s["rule"].as_str().unwrap(), s["value"].as_str().unwrap())).collect();
    let extra: Vec<_> = found
        .keys()
        .filter(|(rule, value, _)| !expected.contains(&(rule.as_str(), value.as_str())))
        .map(|(rule, value, place)| format!("{rule} {value} in {place}"))
        .collect();
    assert!(extra.is_empty(), "{extra:#?}");
    assert_eq!(found.len(), planted.len(), "a secret is told at a place that truth.json does not have");
}

#[test]
fn key_ids_of_cloudtrail_are_found_with_low_confidence() {
    let found = sightings(&lake(), "low");
    for secret in truth()["secrets"].as_array().unwrap().iter().filter(|secret| is_ordinary(secret)) {
        compare(&found, secret);
    }
}

/// Whether a timeline row shows what an event of the truth must show.
pub fn shows(row: &Value, item: &Value) -> bool {
    let of = |name: &str| row[name].as_str().unwrap_or_default();
    let matches = |(key, value): (&String, &Value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match key.as_str() {
            "source_ip" => of("source_ip") == text,
            "event_action" => of("action") == text,
            "event_outcome" => of("outcome").split(' ').next() == Some(&text),
            "http_status" | "error_code" => of("outcome").split(' ').any(|word| word == text),
            "url_path" => of("target") == text,
            "destination_ip" => of("target").starts_with(&format!("{text}:")),
            "destination_port" => of("target").ends_with(&format!(":{text}")),
            "bytes" => of("message").split(' ').any(|word| word == text),
            "access_key_id" | "user_arn" | "user_name" | "log_group" => {
                of("actor").contains(&text) || of("message").contains(&text)
            }
            "trace_id" | "request_id" | "user_agent" => of("message").contains(&text),
            other => panic!("truth.json has a new key `{other}`"),
        }
    };
    let matched: &Map<String, Value> = item["match"].as_object().unwrap();
    row["time"] == item["time"] && row["source"] == item["table"] && matched.iter().all(matches)
}

#[test]
fn the_story_tells_every_step_in_order() {
    let rows = jsonl(&lake().ok(&["timeline", "--story", "--format", "jsonl"]));
    let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
    let truth = truth();
    let mut at = 0;
    let mut missing = Vec::new();
    for item in truth["story"].as_array().unwrap() {
        match rows[at..].iter().position(|row| row["kind"] == "event" && shows(row, item)) {
            Some(after) => at += after + 1,
            None => missing.push(format!("{}: {}", item["n"], item["what"])),
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn detections_stand_in_the_story() {
    let rows = jsonl(&lake().ok(&["timeline", "--story", "--format", "jsonl"]));
    let truth = truth();
    let leaked = truth["leaked_access_key_id"].as_str().unwrap();
    let has = |id: &str, check: &dyn Fn(&Value) -> bool| {
        let hit = rows.iter().any(|row| row["kind"] == "detection" && row["action"] == id && check(row));
        assert!(hit, "{id} is not in the story");
    };
    has("metadata-ssrf", &|row| row["source_ip"] == "203.0.113.66");
    has("leaked-key-use", &|row| row["source_ip"] == "198.51.100.77" && row.to_string().contains(leaked));
    has("iam-persistence", &|row| row["source_ip"] == "198.51.100.77");
    has("egress-volume", &|row| row["target"].as_str().unwrap_or_default().contains("198.51.100.23"));
    has("trail-tampering", &|row| row.to_string().contains("StopLogging"));
    let blamed: BTreeSet<&str> = truth["attacker_ips"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for row in rows.iter().filter(|row| row["kind"] == "detection" && row["severity"] == "critical") {
        let text = row.to_string();
        assert!(blamed.iter().any(|ip| text.contains(ip)), "blames nobody of the truth: {text}");
    }
}

#[test]
fn the_timeline_has_every_event_with_a_time() {
    let env = lake();
    let rows = jsonl(&env.ok(&["timeline", "--format", "jsonl"]));
    let records = &truth()["records"];
    let of = |path: &[&str]| path.iter().fold(records, |value, key| &value[*key]).as_u64().unwrap();
    // Every record of every source has a time.
    let expected = of(&["alb", "lines"])
        + of(&["vpcflow", "lines"])
        + of(&["cloudtrail", "distinct_event_ids"])
        + GROUPS.iter().filter(|g| **g != "orders-api-again").map(|g| of(&[&format!("cloudwatch {g}")])).sum::<u64>();
    assert_eq!(rows.iter().filter(|row| row["kind"] == "event").count() as u64, expected);
    let times: Vec<&str> = rows.iter().map(|row| row["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
}

#[test]
fn the_exfiltration_is_summed_exactly() {
    let truth = truth();
    let expected = &truth["exfiltration"];
    let sql = format!(
        "SELECT sum(bytes_out) AS b, count(*) AS n FROM vpcflow WHERE source_ip = '{}' AND destination_ip = '{}'",
        expected["source_ip"].as_str().unwrap(),
        expected["destination_ip"].as_str().unwrap()
    );
    let rows = jsonl(&lake().ok(&["query", "--format", "jsonl", &sql]));
    assert_eq!(rows, [serde_json::json!({"b": expected["bytes"], "n": expected["records"]})]);
}

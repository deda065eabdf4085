//! CloudTrail's digest files have no events, and stay in the lake as they were delivered.

use crate::env::{TestEnv, count, gzip, jsonl, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;

/// A digest of hour `n`, as CloudTrail writes it.
fn digest(n: usize) -> String {
    let key = |hour: usize| {
        format!(
            "AWSLogs/111122223333/CloudTrail-Digest/eu-central-1/2026/03/02/111122223333_CloudTrail-Digest_eu-central-1_org_eu-central-1_20260302T{hour:02}0000Z.json.gz"
        )
    };
    json!({
        "awsAccountId": "111122223333",
        "digestStartTime": format!("2026-03-02T{n:02}:00:00Z"),
        "digestEndTime": format!("2026-03-02T{:02}:00:00Z", n + 1),
        "digestS3Bucket": "trail-bucket",
        "digestS3Object": key(n + 1),
        "digestPublicKeyFingerprint": "0123456789abcdef",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null,
        "oldestEventTime": null,
        "previousDigestS3Bucket": "trail-bucket",
        "previousDigestS3Object": key(n),
        "previousDigestHashValue": "00",
        "previousDigestHashAlgorithm": "SHA-256",
        "previousDigestSignature": "00",
        "logFiles": [{"s3Bucket": "trail-bucket", "s3Object": "k", "hashValue": "00", "hashAlgorithm": "SHA-256"}],
    })
    .to_string()
}

fn record(n: usize) -> String {
    format!(
        r#"{{"Records":[{{"eventVersion":"1.11","eventTime":"2026-03-02T08:00:{n:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"e-{n}","recipientAccountId":"111122223333"}}]}}"#
    )
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// Where the lake at `lake` keeps these bytes.
fn kept(env: &TestEnv, lake: &str, bytes: &[u8], suffix: &str) -> PathBuf {
    env.path().join(lake).join("evidence/cloudtrail-digest").join(sha256(bytes) + suffix)
}

fn verified(env: &TestEnv) -> Value {
    serde_json::from_str(&env.cmd(&["lake", "verify", "--deep", "--format", "json"]).stdout).unwrap()
}

#[test]
fn digests_are_kept_as_delivered() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new();
    let (one, two, three) = (gzip(digest(1).as_bytes()), digest(2).into_bytes(), gzip(digest(3).as_bytes()));
    env.file("trail/CloudTrail-Digest/one.json.gz", &one);
    env.file("trail/CloudTrail-Digest/two.json", &two);
    env.file("trail/CloudTrail/records.json.gz", gzip(record(1).as_bytes()));
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(three.len() as u64);
    tar.append_data(&mut header, "digests/three.json.gz", &three[..]).unwrap();
    env.file("trail/more.tar.gz", gzip(&tar.into_inner().unwrap()));
    let counted = env.import(&["trail"]);
    assert_eq!((count(&counted, "ignored", "CloudTrail digest"), count(&counted, "events", "cloudtrail")), (3, 1));
    let custody = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    let evidence = |name: &str| {
        let object = custody.iter().find(|object| object["name"].as_str().unwrap().ends_with(name)).unwrap();
        object["evidence"].as_str().map(str::to_owned)
    };
    for (name, bytes, suffix) in [
        ("one.json.gz", &one, ".json.gz"),
        ("two.json", &two, ".json"),
        ("!/digests/three.json.gz", &three, ".json.gz"),
    ] {
        let path = kept(&env, "logsift-lake", bytes, suffix);
        assert_eq!(&std::fs::read(&path).unwrap(), bytes, "{name}");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        assert_eq!(env.lake().join(evidence(name).unwrap()), path, "{name}");
    }
    assert_eq!((evidence("records.json.gz"), evidence("more.tar.gz")), (None, None));
    assert_eq!(env.ok(&["lake", "objects"]).matches("whole, kept").count(), 3);
    assert!(env.ok(&["lake", "verify"]).contains("evidence  3 as delivered"));
    // Again, pruned and compacted: all of it stays.
    assert_eq!(env.import(&["trail"])["skipped"], 4);
    env.ok(&["lake", "prune", "--before", "2027-01-01"]);
    env.ok(&["lake", "compact"]);
    env.file("other.json", record(2));
    env.import(&["other.json"]);
    let report = verified(&env);
    assert_eq!((&report["evidence"], &report["problems"], &report["orphans"]), (&json!(3), &json!([]), &json!(0)));
}

#[test]
fn evidence_that_is_not_what_it_was_is_told() {
    let env = TestEnv::new();
    let (one, two) = (gzip(digest(1).as_bytes()), gzip(digest(2).as_bytes()));
    env.file("d/one.json.gz", &one);
    env.file("d/two.json.gz", &two);
    env.import(&["d"]);
    let (first, second) = (kept(&env, "logsift-lake", &one, ".json.gz"), kept(&env, "logsift-lake", &two, ".json.gz"));
    // Left by a run that was cut off: told, and gone with the next one that writes.
    let stray = first.with_file_name("0".repeat(64) + ".json.gz");
    std::fs::write(&stray, "x").unwrap();
    assert_eq!((verified(&env)["orphans"].as_u64(), verified(&env)["problems"].clone()), (Some(1), json!([])));
    env.file("more.json", record(3));
    env.import(&["more.json"]);
    assert!(!stray.exists() && first.exists() && second.exists());
    std::fs::write(&first, &two).unwrap();
    std::fs::remove_file(&second).unwrap();
    let report = verified(&env);
    let mut whats: Vec<_> =
        report["problems"].as_array().unwrap().iter().map(|p| p["what"].as_str().unwrap()).collect();
    whats.sort_unstable();
    assert_eq!((whats.len(), report["evidence"].as_u64()), (2, Some(0)), "{whats:?}");
    assert!(whats[0].starts_with("another SHA-256") && whats[1] == "is missing", "{whats:?}");
    env.cmd(&["lake", "verify"]).fails(&["evidence/cloudtrail-digest/"]);
    // Nothing of it is taken over.
    env.cmd(&["--lake", "b", "lake", "merge", "logsift-lake"]).fails(&["evidence/cloudtrail-digest/"]);
    assert!(!kept(&env, "b", &one, ".json.gz").exists());
}

#[test]
fn merging_takes_evidence_over() {
    let env = TestEnv::new();
    let one = gzip(digest(1).as_bytes());
    env.file("d/one.json.gz", &one);
    env.ok(&["--lake", "a", "import", "d"]);
    env.ok(&["--lake", "b", "lake", "merge", "a"]);
    assert_eq!(std::fs::read(kept(&env, "b", &one, ".json.gz")).unwrap(), one);
    let report: Value = serde_json::from_str(&env.ok(&["--lake", "b", "lake", "verify", "--format", "json"])).unwrap();
    assert_eq!((&report["evidence"], &report["problems"]), (&json!(1), &json!([])));
    // A manifest that names another place is refused.
    let change = env.path().join("a/_logsift/manifest/000000000001.json");
    let said = std::fs::read_to_string(&change).unwrap();
    for elsewhere in ["evidence/../x", "evidence/cloudtrail-digest/../../../x", "alb/cloudtrail-digest/y"] {
        let name = kept(&env, "a", &one, ".json.gz");
        let path = text(&name).split_once("/a/").unwrap().1.to_owned();
        std::fs::write(&change, said.replace(&path, elsewhere)).unwrap();
        env.cmd(&["--lake", "c", "lake", "merge", "a"]).code(2);
        assert!(!env.path().join("c/evidence").exists(), "{elsewhere}");
    }
}

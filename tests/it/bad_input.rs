//! Damaged, odd and hostile input, and wrong usage: nothing is lost, nothing crashes, and every message
//! says what is wrong, where, and what to do.

use crate::env::{Output, TestEnv, alb_lines, count, gzip, jsonl, text, total};
use crate::parts;
use serde_json::Value;
use std::io::Write as _;

/// What an import counted, whatever its exit code.
#[track_caller]
fn report(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", output.stdout, output.stderr))
}

fn import_json<'a>(args: &[&'a str]) -> Vec<&'a str> {
    ["import", "--output-format", "json"].iter().chain(args).copied().collect()
}

/// A secret no rule file holds in one piece: a Slack bot token's shape, for tests that need one found.
fn token(n: u64) -> String {
    format!("{}-{}-{}-{}", "xoxb", 712_596_564_518 + n, 6_948_554_394_275 + n, "0chHaGAR8CSiK99N1KIYkpTJ")
}

/// A gzip stream cut exactly where `head` has been written and nothing of the rest.
fn cut_gzip(head: &str, rest: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(head.as_bytes()).unwrap();
    // A sync flush: every byte so far can be read from the bytes so far.
    encoder.flush().unwrap();
    let cut = encoder.get_ref().len();
    encoder.write_all(rest.as_bytes()).unwrap();
    let mut all = encoder.finish().unwrap();
    assert!(cut < all.len());
    all.truncate(cut);
    all
}

#[test]
fn a_truncated_gzip_keeps_what_came_before() {
    let env = TestEnv::new();
    let lines = alb_lines(3_000);
    let (whole, half) = (lines[..1_000].join("\n") + "\n", &lines[1_000][..100]);
    let head = format!("{whole}{half}");
    let path = env.file("logs/cut.log.gz", cut_gzip(&head, &lines[1_001..].join("\n")));
    let output = env.cmd(&import_json(&["logs"])).fails(&["logs/cut.log.gz", "Fetch the object again"]);
    assert!(output.stderr.contains(&format!("byte {}", head.len())), "{}", output.stderr);
    let counted = report(&output);
    assert_eq!(count(&counted, "events", "alb"), 1_000);
    assert_eq!(count(&counted, "rejects", "truncated"), 1);
    assert_eq!(counted["errors"].as_array().unwrap().len(), 1);
    let objects = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    assert!(objects[0]["incomplete"].as_str().unwrap().contains("cut.log.gz"));
    let rejects = jsonl(&env.ok(&["lake", "rejects", "--reveal", "--format", "jsonl"]));
    assert_eq!((rejects[0]["raw"].as_str(), rejects[0]["reason"].as_str()), (Some(half), Some("truncated")));
    // The same bytes again are known.
    let again = env.import(&["logs"]);
    assert_eq!((again["skipped"].as_u64(), &again["tally"]["records_in"]), (Some(1), &Value::from(0)));
    env.cmd(&["scan", text(&path)]).fails(&["cut.log.gz"]);
}

#[test]
fn a_cut_trail_document_keeps_its_whole_records() {
    let env = TestEnv::new();
    let record = |n: usize| {
        format!(
            r#"{{"eventVersion":"1.11","eventTime":"2026-03-02T08:00:{n:02}Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"e-{n}","recipientAccountId":"111122223333"}}"#
        )
    };
    let records: Vec<String> = (0..20).map(record).collect();
    let document = format!("{{\"Records\":[{}]}}", records.join(","));
    env.file("whole.json", &document);
    assert_eq!(count(&env.import(&["whole.json"]), "events", "cloudtrail"), 20);
    let other = TestEnv::new();
    // In the middle of the eleventh.
    let cut = document.find("\"e-10\"").unwrap();
    other.file("cut.json", &document[..cut]);
    let output = other.cmd(&import_json(&["cut.json"])).fails(&["cut.json", "byte"]);
    let counted = report(&output);
    assert_eq!((count(&counted, "events", "cloudtrail"), count(&counted, "rejects", "truncated")), (10, 1));
}

#[test]
fn a_binary_file_is_kept_as_rejects_and_scanned() {
    let env = TestEnv::new();
    let mut bytes: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    bytes.extend_from_slice(b"\n\0\0 ");
    bytes.extend_from_slice(token(0).as_bytes());
    bytes.extend_from_slice(b" \0\xff\n");
    env.file("core.bin", &bytes);
    let output = env.cmd(&import_json(&["core.bin"])).code(0);
    let counted = report(&output);
    assert!(output.stderr.contains("core.bin") && output.stderr.contains("binary"), "{}", output.stderr);
    assert_eq!(total(&counted, "events"), 0);
    assert!(total(&counted, "rejects") > 0);
    assert_eq!(env.cmd(&["import", "--strict", "core.bin"]).code, Some(0), "known objects have no rejects");
    let found = env.cmd(&["scan", "--occurrences", "--format", "jsonl", "--reveal"]).code(1).jsonl();
    assert!(found.iter().any(|row| row["secret"] == token(0).as_str()), "{found:?}");
    let identified = env.ok(&["formats", "identify", "core.bin"]);
    assert!(identified.contains("binary"), "{identified}");
}

#[test]
fn an_empty_file_is_no_error() {
    let env = TestEnv::new();
    env.file("empty.log", "");
    env.file("empty.log.gz", gzip(b""));
    let output = env.cmd(&import_json(&["empty.log", "empty.log.gz"])).code(0);
    assert!(output.stderr.contains("empty.log: is empty"), "{}", output.stderr);
    assert!(output.stderr.contains("empty.log.gz: is empty"), "{}", output.stderr);
    assert_eq!((report(&output)["objects"].as_u64(), total(&report(&output), "rejects")), (Some(2), 0));
    env.cmd(&["scan", "empty.log", "empty.log.gz"]).code(0);
}

/// As another user where the tests run as root, who may read everything.
#[cfg(unix)]
#[test]
fn a_folder_without_read_permission_is_told() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;
    let env = TestEnv::new();
    env.file("logs/open/a.log", alb_lines(5).join("\n"));
    let folder = env.file("logs/closed/b.log", alb_lines(5).join("\n")).parent().unwrap().to_path_buf();
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o000)).unwrap();
    let mut command = env.command(&["import", "logs"]);
    if std::fs::read_dir(&folder).is_ok() {
        if chown(env.path(), Some(NOBODY), Some(NOBODY)).is_err() {
            println!("skipped: this user reads everything and cannot become another one");
            return;
        }
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: the program cannot be run as another user: {error}");
            return;
        }
    };
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    let output = Output::of(&["import", "logs"], output);
    output.fails(&["logs/closed", "permission denied", "change its mode"]);
    // What could be read is there.
    let objects = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    assert_eq!(objects.len(), 1);
    assert!(objects[0]["name"].as_str().unwrap().ends_with("open/a.log"));
}

#[test]
fn bytes_that_are_not_utf8_are_kept_exactly() {
    let env = TestEnv::new();
    let mut lines: Vec<Vec<u8>> = alb_lines(3).into_iter().map(String::into_bytes).collect();
    let at = lines[1].windows(6).position(|w| w == b"?page=").unwrap();
    lines[1].splice(at..at, *b"\xff\xfe\xe4");
    env.file("odd.log", lines.join(&b'\n'));
    assert_eq!(count(&env.import(&["odd.log"]), "events", "alb"), 3);
    let listed = parts::list(&env);
    assert_eq!(listed.len(), 1);
    let (raw, exact) = (parts::texts(&listed[0].1, "raw"), parts::bytes(&listed[0].1, "raw_bytes"));
    assert_eq!(exact, [None, Some(lines[1].clone()), None]);
    assert_eq!(raw[1].as_deref(), Some(&*String::from_utf8_lossy(&lines[1])));
    assert_eq!(raw[0].as_deref().map(str::as_bytes), Some(&lines[0][..]));
}

/// 100 MB without a line end, with a secret over each of two borders of the 8 MiB segments.
#[test]
fn a_line_of_a_hundred_megabytes_is_kept_in_segments_and_scanned_over_their_borders() {
    const SEGMENT: usize = 8 * 1024 * 1024;
    const SIZE: usize = 100_000_000;
    let env = TestEnv::new();
    let mut line = b"words and more words ".repeat(SIZE / 21 + 1);
    line.truncate(SIZE);
    for (n, border) in [(1u64, SEGMENT), (2, 3 * SEGMENT)] {
        let secret = format!(" {} ", token(n));
        let start = border - secret.len() / 2;
        line[start..start + secret.len()].copy_from_slice(secret.as_bytes());
    }
    env.file("long.log", &line);
    let counted = env.import(&["long.log"]);
    assert_eq!(counted["tally"]["records_in"], 1);
    assert_eq!((total(&counted, "events"), count(&counted, "rejects", "too_long")), (0, 1));
    let mut pieces = Vec::new();
    for (_, path) in parts::list(&env) {
        let (raw, segments) = (parts::texts(&path, "raw"), parts::ints(&path, "segment"));
        pieces.extend(segments.into_iter().map(Option::unwrap).zip(raw.into_iter().map(Option::unwrap)));
    }
    pieces.sort_by_key(|(segment, _)| *segment);
    assert_eq!(pieces.len(), SIZE.div_ceil(SEGMENT));
    assert!(pieces.iter().map(|(_, raw)| raw.len()).max().unwrap() <= SEGMENT);
    assert!(pieces.iter().flat_map(|(_, raw)| raw.bytes()).eq(line.iter().copied()), "the bytes are all there");
    for args in [&["scan"][..], &["scan", "long.log"]] {
        let args = [args, &["--occurrences", "--reveal", "--format", "jsonl"]].concat();
        let mut found: Vec<String> =
            env.cmd(&args).code(1).jsonl().iter().map(|row| row["secret"].as_str().unwrap().to_owned()).collect();
        found.sort_unstable();
        assert_eq!(found, [token(1), token(2)], "{args:?}");
    }
}

#[test]
fn records_after_one_that_is_too_long_are_read() {
    let env = TestEnv::new();
    let long = "x".repeat(20 * 1024 * 1024);
    let lines = alb_lines(6);
    env.file("mixed.log", format!("{}\n{long}\n{}\n", lines[..3].join("\n"), lines[3..].join("\n")));
    let counted = env.import(&["mixed.log"]);
    assert_eq!(counted["tally"]["records_in"], 7);
    assert_eq!((count(&counted, "events", "alb"), count(&counted, "rejects", "too_long")), (6, 1));
    let listed = parts::list(&env);
    let alb = listed.iter().filter(|(part, _)| part["table"] == "alb");
    let mut records: Vec<i64> = alb.flat_map(|(_, path)| parts::ints(path, "source_record")).flatten().collect();
    records.sort_unstable();
    assert_eq!(records, [1, 2, 3, 5, 6, 7]);
}

#[test]
fn the_limit_of_a_record_is_exact() {
    const LIMIT: usize = 8 * 1024 * 1024;
    for (length, too_long) in [(LIMIT, 0), (LIMIT + 1, 1)] {
        let env = TestEnv::new();
        env.file("long.log", format!("{}\n{}\n", "x".repeat(length), alb_lines(1)[0]));
        let counted = env.import(&["long.log"]);
        assert_eq!(counted["tally"]["records_in"], 2);
        assert_eq!(count(&counted, "rejects", "too_long"), too_long, "a record of {length} bytes");
    }
}

#[test]
fn wrong_rule_files_are_named_with_rule_and_position() {
    let env = TestEnv::new();
    let rule = |pattern: &str| {
        format!(
            "[[rule]]\nid = \"own-rule\"\nname = \"Own\"\ncategory = \"token\"\nprovider = \"me\"\npattern = '{pattern}'\n\
             severity = \"high\"\nconfidence = \"high\"\nremediation = \"Revoke it.\"\nexamples = [\"zz-123\"]\n"
        )
    };
    env.file("good/own.toml", rule("zz-[0-9]+"));
    env.file("x.log", "text zz-123 text\n");
    let found = env.cmd(&["scan", "--rules", "good", "--format", "jsonl", "x.log"]).code(1).jsonl();
    assert_eq!((found.len(), &found[0]["rule"]), (1, &Value::from("own-rule")));
    // The bracket that is never closed is byte 6 of the pattern.
    env.file("bad/own.toml", rule("zz-(a)[0-9"));
    env.cmd(&["scan", "--rules", "bad", "x.log"]).fails(&["bad/own.toml", "own-rule", "byte 6"]);
    env.cmd(&["patterns", "--rules", "bad", "check"]).fails(&["bad/own.toml", "own-rule", "byte 6"]);
    env.file("toml/own.toml", "[[rule]\nid = 1\n");
    env.cmd(&["scan", "--rules", "toml", "x.log"]).fails(&["toml/own.toml", "line 1"]);
    env.file("twice/one.toml", rule("zz-[0-9]+"));
    env.file("twice/two.toml", rule("zz-[0-9]+"));
    env.cmd(&["scan", "--rules", "twice", "x.log"]).fails(&["twice/two.toml", "own-rule", "one.toml"]);
    env.cmd(&["scan", "--rules", "nowhere", "x.log"]).fails(&["nowhere", "check the path"]);
    env.cmd(&["scan", "--pack", "all-of-it", "x.log"]).fails(&["all-of-it", "secrets, pii, phi, financial, all"]);
}

#[test]
fn paths_and_lakes_that_are_not_there() {
    let env = TestEnv::new();
    env.cmd(&["import", "nowhere.log"]).fails(&["nowhere.log", "no such file", "check the path"]);
    env.cmd(&["scan", "nowhere.log"]).fails(&["nowhere.log", "no such file"]);
    env.cmd(&["formats", "identify", "nowhere.log"]).fails(&["nowhere.log", "no such file"]);
    for args in [&["--lake", "none", "scan"][..], &["--lake", "none", "lake", "info"]] {
        env.cmd(args).fails(&["none", "no lake here", "logsift import", "--lake"]);
    }
    env.file("a-file", "no lake\n");
    env.file("x.log", alb_lines(2).join("\n"));
    for args in [&["--lake", "a-file", "import", "x.log"][..], &["--lake", "a-file", "scan"]] {
        env.cmd(args).fails(&["a-file", "is a file, not a lake", "--lake"]);
    }
    assert_eq!(std::fs::read_to_string(env.path().join("a-file")).unwrap(), "no lake\n");
    env.file("full/other.txt", "x");
    env.cmd(&["--lake", "full", "import", "x.log"]).fails(&["full", "other files in it", "--lake"]);
    // What can be read is imported beside what cannot.
    let output = env.cmd(&import_json(&["x.log", "nowhere.log"])).fails(&["nowhere.log"]);
    assert_eq!(count(&report(&output), "events", "alb"), 2);
}

#[test]
fn unknown_words_on_the_command_line() {
    let env = TestEnv::new();
    env.file("x.log", alb_lines(2).join("\n"));
    env.import(&["x.log"]);
    env.cmd(&["import", "--format", "albb", "x.log"]).fails(&["albb", "alb, cloudtrail"]);
    env.cmd(&["scan", "--format", "yaml", "x.log"]).fails(&["yaml", "--format", "table, jsonl, csv"]);
    env.cmd(&["scan", "--fail-on", "huge", "x.log"]).fails(&["huge", "critical"]);
    env.cmd(&["--tz", "Europe/Berlim", "lake", "info"]).fails(&["Europe/Berlim", "time zone", "Europe/Berlin"]);
    env.cmd(&["lake", "nothing"]).fails(&["nothing", "--help"]);
    env.cmd(&["patterns", "show", "no-such-rule"]).fails(&["no-such-rule", "logsift patterns list"]);
    env.file("bad.toml", "lake = \"x\"\nlaek = 1\n");
    env.cmd(&["--config", "bad.toml", "config", "show"]).fails(&["bad.toml", "laek"]);
    env.cmd(&["--config", "none.toml", "config", "show"]).fails(&["none.toml", "--config"]);
    env.cmd_env(&[("LOGSIFT_FAIL_ON", "huge")], &["config", "show"]).fails(&["huge", "critical"]);
    env.cmd_env(&[("LOGSIFT_COLOR", "red")], &["config", "show"]).fails(&["LOGSIFT_COLOR", "red", "never"]);
    env.file("short.key", "0123\n");
    env.cmd(&["scan", "--key-file", "short.key", "x.log"]).fails(&["short.key", "64 hex digits", "--key-file"]);
}

#[cfg(feature = "query")]
#[test]
fn questions_that_cannot_be_answered() {
    let env = TestEnv::new();
    env.file("x.log", alb_lines(2).join("\n"));
    env.import(&["x.log"]);
    let same = ["timeline", "--from", "2026-03-06", "--to", "2026-03-06"];
    let backwards = ["timeline", "--from", "2026-03-07", "--to", "2026-03-06"];
    let report = ["report", "--from", "2026-03-07", "--to", "2026-03-06"];
    for args in [&same, &backwards, &report] {
        env.cmd(args).fails(&["the end must be later"]);
    }
    env.cmd(&["timeline", "--from", "yesterday"]).fails(&["yesterday", "2026-03-06T14:00:00Z"]);
    env.cmd(&["timeline", "--ip", "10.0.0.300"]).fails(&["10.0.0.300", "no IP address"]);
    env.cmd(&["timeline", "--table", "albb"]).fails(&["albb", "alb"]);
    env.cmd(&["query", "SELECT * FROM albb"]).fails(&["albb", "did you mean `alb`? It has: alb, events, detections"]);
    env.cmd(&["query", "SELEKT * FROM alb"]).fails(&["SELEKT"]);
    env.cmd(&["query", "SELECT no_such_column FROM alb"]).fails(&["no_such_column"]);
    env.cmd(&["query", "SELECT * FROM alb", "-o", "none/x.csv"]).fails(&["none/x.csv", "-o"]);
    assert!(!env.path().join("logsift-report.html").exists());
}

#[test]
fn a_damaged_manifest_is_named() {
    let env = TestEnv::new();
    env.file("x.log", alb_lines(2).join("\n"));
    env.import(&["x.log"]);
    let path = env.lake().join("_logsift/manifest/000000000001.json");
    let good = std::fs::read(&path).unwrap();
    for bad in [&b"{\"layout\":1,\"by\":\"imp"[..], b"", b"\0\0\0\0", b"[]"] {
        std::fs::write(&path, bad).unwrap();
        for args in [&["lake", "info"][..], &["scan"], &["import", "x.log"]] {
            env.cmd(args).fails(&["manifest/000000000001.json", "damaged manifest", "restore the file"]);
        }
    }
    let newer = String::from_utf8(good.clone()).unwrap().replacen("\"layout\":1", "\"layout\":99", 1);
    std::fs::write(&path, newer).unwrap();
    env.cmd(&["lake", "info"]).fails(&["newer logsift", "99"]);
    std::fs::write(&path, good).unwrap();
    env.ok(&["lake", "info"]);
}

#[test]
fn a_damaged_part_is_named_and_the_rest_is_scanned() {
    let env = TestEnv::new();
    env.file("x.log", alb_lines(100).join("\n"));
    env.file("y.txt", format!("a line with {} in it\n", token(5)));
    env.import(&["x.log", "y.txt"]);
    let listed = parts::list(&env);
    let (part, path) = listed.iter().find(|(part, _)| part["table"] == "alb").unwrap();
    let good = std::fs::read(path).unwrap();
    let name = part["path"].as_str().unwrap();
    let half = &good[..good.len() / 2];
    let mut flipped = good.clone();
    flipped[20..good.len() / 2].fill(0x5a);
    for bad in [half, &flipped[..], b"", b"PAR1"] {
        std::fs::write(path, bad).unwrap();
        let output = env.cmd(&["scan", "--format", "jsonl"]).fails(&[name]);
        assert_eq!(output.jsonl().len(), 1, "what can be read is scanned");
    }
    std::fs::remove_file(path).unwrap();
    env.cmd(&["scan"]).fails(&[name]);
    std::fs::write(path, good).unwrap();
    env.cmd(&["scan"]).code(1);
}

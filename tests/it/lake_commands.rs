//! Commands that check and tend the lake: what they leave is the same events, and the truth about them.

use crate::env::{TestEnv, alb_lines, gzip, jsonl, repo, text};
use crate::parts;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// `lines` of one ALB, each of `pieces` files imported by itself: so many parts of one day.
fn pieces(lines: usize, pieces: usize) -> TestEnv {
    let env = TestEnv::new();
    for (i, piece) in alb_lines(lines).chunks(lines.div_ceil(pieces)).enumerate() {
        let name = format!("in/{i:03}.log");
        env.file(&name, piece.join("\n"));
        env.import(&[&name]);
    }
    env
}

/// Every row's identity, time and bytes, in the order of the lake's files: what no compaction may change.
fn rows(env: &TestEnv) -> BTreeMap<String, (Option<i64>, String, Option<i64>)> {
    let mut all = BTreeMap::new();
    for (_, path) in parts::list(env) {
        let (ids, raws) = (parts::texts(&path, "event_id"), parts::texts(&path, "raw"));
        let (times, records) = (parts::times(&path), parts::ints(&path, "source_record"));
        for (((id, raw), time), record) in ids.into_iter().zip(raws).zip(times).zip(records) {
            assert!(all.insert(id.unwrap(), (time, raw.unwrap(), record)).is_none(), "an event is there twice");
        }
    }
    all
}

fn verify(env: &TestEnv) -> Value {
    let output = env.cmd(&["lake", "verify", "--deep", "--format", "json"]).code(0);
    output.jsonl().pop().unwrap()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() { copy(&entry.path(), &target) } else { drop(std::fs::copy(entry.path(), target)) }
    }
}

#[test]
fn compaction_keeps_every_row_and_sorts_them() {
    let env = pieces(3_000, 12);
    // Half of the files again, later in the alphabet and earlier in time: parts overlap.
    let noise: String = (0..300).map(|i| format!("noise {i}\n")).collect();
    env.file("a/noise.txt", &noise);
    env.file("b/noise.txt", noise + "more\n");
    env.import(&["b/noise.txt"]);
    env.import(&["a/noise.txt"]);
    let before = rows(&env);
    let files: Vec<PathBuf> = parts::list(&env).into_iter().map(|(_, path)| path).collect();
    assert_eq!(files.len(), 14);
    env.cmd(&["lake", "compact"]).code(0);
    assert_eq!(rows(&env), before);
    let listed = parts::list(&env);
    assert_eq!(listed.len(), 2, "one of alb and one of rejects");
    for (part, path) in &listed {
        let keys: Vec<_> = parts::times(path)
            .into_iter()
            .zip(parts::texts(path, "source_object"))
            .zip(parts::ints(path, "source_record"))
            .collect();
        assert!(keys.is_sorted(), "{part}");
        let replaced: BTreeSet<&str> =
            part["replaces"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
        assert!(!replaced.is_empty(), "{part}");
        assert!(replaced.iter().all(|path| files.contains(&env.lake().join(path))), "{part}");
    }
    // Whoever opened the lake before still finds its files; the next command that writes deletes them.
    assert!(files.iter().all(|file| file.exists()));
    assert_eq!(verify(&env)["orphans"], 14);
    let again = env.cmd(&["lake", "compact"]).code(0);
    assert!(again.stderr.contains("nothing to compact"), "{}", again.stderr);
    assert!(files.iter().all(|file| !file.exists()));
    let report = verify(&env);
    assert_eq!((&report["orphans"], &report["rows"]), (&0.into(), &(before.len() as u64).into()));
    // Everything that was in the lake is known still.
    assert_eq!(env.import(&["in", "a", "b"])["skipped"], 14);
}

#[test]
fn parts_are_cut_at_the_target_and_do_not_overlap() {
    let env = pieces(2_000, 8);
    let before = rows(&env);
    env.cmd(&["lake", "compact", "--target-size", "300KB"]).code(0);
    assert_eq!(rows(&env), before);
    let mut listed: Vec<Value> = parts::list(&env).into_iter().map(|(part, _)| part).collect();
    listed.sort_by_key(|part| part["min_time"].as_i64());
    let raw: Vec<u64> = listed.iter().map(|part| part["raw_bytes"].as_u64().unwrap()).collect();
    assert!(raw.iter().all(|bytes| *bytes <= 300_000), "{raw:?}");
    assert!(raw[..raw.len() - 1].iter().all(|bytes| *bytes > 290_000), "{raw:?}");
    assert!(raw.len() >= 3, "{raw:?}");
    for pair in listed.windows(2) {
        assert!(pair[0]["max_time"].as_i64() <= pair[1]["min_time"].as_i64());
    }
    verify(&env);
    env.cmd(&["lake", "compact", "--target-size", "10M"]).fails(&["10M", "128MB"]);
    env.cmd(&["lake", "compact", "--table", "albb"]).fails(&["albb", "alb"]);
}

/// Starts a compaction and kills it as soon as a file shows up whose path `seen` takes; whether it was running.
fn kill_compaction(env: &TestEnv, seen: impl Fn(&str) -> bool) -> bool {
    let mut child = env.command(&["lake", "compact"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        if parts::files(&env.lake()).iter().any(|file| seen(text(file))) {
            break;
        }
    }
    let running = child.try_wait().unwrap().is_none();
    // SIGKILL: nothing can be tidied up.
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

#[test]
fn a_compaction_that_is_killed_leaves_the_old_or_the_new_lake() {
    let origin = pieces(20_000, 20);
    let expected = parts::event_ids(&origin);
    let old: BTreeSet<String> =
        parts::files(&origin.lake()).iter().map(|f| f.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    let mut killed = 0;
    for round in 0..9 {
        let env = TestEnv::new();
        copy(&origin.lake(), &env.lake());
        killed += u32::from(kill_compaction(&env, |file| {
            let name = Path::new(file).file_name().unwrap().to_str().unwrap();
            match round % 3 {
                0 => name.contains(".tmp-"),
                1 => name.ends_with(".parquet") && !old.contains(name) && !name.starts_with('.'),
                _ => name.ends_with(".bin") && !old.contains(name),
            }
        }));
        let left = parts::list(&env).len();
        assert!(left == 20 || left == 1, "{left} parts after the kill in round {round}");
        assert!(parts::event_ids(&env) == expected, "round {round}");
        verify(&env);
        env.ok(&["lake", "compact"]);
        env.ok(&["lake", "compact"]);
        let report = verify(&env);
        assert_eq!((&report["orphans"], &report["parts"]), (&0.into(), &1.into()));
        let left = parts::files(&env.lake()).iter().filter(|f| text(f).contains(".tmp-")).count();
        assert_eq!(left, 0);
    }
    assert!(killed >= 3, "{killed} of 9 compactions were still running when they were killed");
}

#[test]
fn verify_names_what_was_altered_and_where() {
    let env = pieces(400, 2);
    let sound = verify(&env);
    assert_eq!((&sound["objects"], &sound["parts"], &sound["changes"]), (&2.into(), &2.into(), &2.into()));
    assert_eq!(sound["head"].as_str().unwrap().len(), 64);
    let (part, path) = parts::list(&env).remove(0);
    let name = part["path"].as_str().unwrap();
    let index = env.lake().join(format!("_logsift/index/{}.bin", part["sha256"].as_str().unwrap()));
    let good = std::fs::read(&path).unwrap();
    let altered = |bytes: Vec<u8>, words: &[&str]| {
        std::fs::write(&path, bytes).unwrap();
        env.cmd(&["lake", "verify"]).fails(&[&[name], words].concat());
        let json = env.cmd(&["lake", "verify", "--format", "json"]).code(2).jsonl().pop().unwrap();
        assert_eq!(json["problems"].as_array().unwrap().len(), 1);
        // Nothing damaged is taken over and given a new hash.
        env.cmd(&["lake", "compact"]).fails(&[name, "nothing was changed"]);
    };
    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0xff;
        bytes
    };
    altered(flip(0), &["byte 0", "SHA-256"]);
    altered(flip(good.len() - 1), &[&format!("byte {}", good.len() - 4)]);
    altered(flip(good.len() / 3), &["another SHA-256"]);
    altered(good[..good.len() - 10].to_vec(), &[&format!("byte {}", good.len() - 10)]);
    altered(Vec::new(), &["byte 0"]);
    std::fs::remove_file(&path).unwrap();
    env.cmd(&["lake", "verify"]).fails(&[name, "is missing"]);
    std::fs::write(&path, &good).unwrap();
    // The link index: only a deep check reads it.
    let links = std::fs::read(&index).unwrap();
    let mut wrong = links.clone();
    *wrong.last_mut().unwrap() ^= 1;
    std::fs::write(&index, wrong).unwrap();
    env.cmd(&["lake", "verify"]).code(0);
    env.cmd(&["lake", "verify", "--deep"]).fails(&["_logsift/index", "is not the index of its part"]);
    std::fs::write(&index, links).unwrap();
    verify(&env);
}

#[test]
fn verify_walks_the_chain_of_manifests() {
    let env = pieces(200, 4);
    let manifest = |n: u64| env.lake().join(format!("_logsift/manifest/{n:012}.json"));
    let second = std::fs::read_to_string(manifest(2)).unwrap();
    // Another time of import, and everything else is sound.
    std::fs::write(manifest(2), second.replacen("\"imported\":\"20", "\"imported\":\"19", 1)).unwrap();
    env.cmd(&["lake", "verify"]).fails(&["manifest/000000000002.json", "was altered"]);
    std::fs::remove_file(manifest(2)).unwrap();
    for args in [&["lake", "verify"][..], &["lake", "info"], &["import", "in"]] {
        env.cmd(args).fails(&["manifest/000000000002.json", "is missing"]);
    }
    std::fs::write(manifest(2), second).unwrap();
    verify(&env);
}

#[test]
fn verify_looks_at_the_source_objects() {
    let env = pieces(300, 3);
    let stdin = env.cmd_stdin(alb_lines(301)[300].as_bytes(), &["import", "-"]);
    assert_eq!(stdin.code, Some(0));
    std::fs::remove_file(env.path().join("in/000.log")).unwrap();
    let first = env.cmd(&["lake", "verify"]).code(0);
    assert!(first.stderr.contains("in/000.log: is no longer there"), "{}", first.stderr);
    let grown = std::fs::read_to_string(env.path().join("in/001.log")).unwrap() + "\nmore\n";
    env.file("in/001.log", &grown);
    let report = verify(&env);
    assert_eq!(report["grown"], serde_json::json!(["in/001.log"]));
    assert_eq!(report["missing"], serde_json::json!(["in/000.log"]));
    assert_eq!((&report["not_local"], &report["objects"]), (&serde_json::json!(["-"]), &1.into()));
    env.import(&["in/001.log"]);
    assert_eq!(verify(&env)["objects"], 2);
    // Cut, and altered.
    env.file("in/002.log", "short");
    env.cmd(&["lake", "verify"]).fails(&["in/002.log", "byte 5", "not what was imported"]);
    let altered = std::fs::read_to_string(env.path().join("in/001.log")).unwrap().replacen("https", "httpz", 1);
    env.file("in/001.log", altered);
    env.cmd(&["lake", "verify"]).fails(&["in/001.log", "not what was imported"]);
}

/// Events of three days from 2026-03-02 on, 100 a day at even distances, and a reject without a time.
fn three_days() -> TestEnv {
    let env = TestEnv::new();
    let lines = alb_lines(3 * 86_400);
    let some: Vec<&str> = lines.iter().step_by(864).map(String::as_str).collect();
    env.file("alb.log", some.join("\n"));
    env.file("noise.txt", "no\0time here\n");
    env.import(&["alb.log", "noise.txt"]);
    env
}

#[test]
fn pruning_takes_out_exactly_what_is_older_and_says_so() {
    let env = three_days();
    let before = rows(&env);
    let border = 1_772_539_200_000_000; // 2026-03-03T12:00:00Z
    let dry = env.cmd(&["lake", "prune", "--before", "2026-03-03T12:00Z", "--dry-run"]).code(0);
    assert!(dry.stderr.contains("150 events before") && dry.stderr.contains("nothing was changed"), "{}", dry.stderr);
    assert_eq!(rows(&env), before);
    env.cmd(&["lake", "prune", "--before", "2026-03-03T12:00Z"]).code(0);
    let kept: BTreeMap<_, _> = before
        .iter()
        .filter(|(_, row)| row.0.is_none_or(|t| t >= border))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    assert_eq!(kept.len(), 151);
    assert_eq!(rows(&env), kept);
    verify(&env);
    let info = env.cmd(&["lake", "info"]).code(0);
    assert!(info.stderr.contains("pruned from alb: 150 events before 2026-03-03T12:00:00.000000Z"), "{}", info.stderr);
    // The object is known still: its rows do not come back.
    assert_eq!(env.import(&["alb.log"])["skipped"], 1);
    assert_eq!(rows(&env), kept);
    // The whole of a table may go; that it did stays.
    env.cmd(&["lake", "prune", "--before", "2027-01-01", "--table", "alb"]).code(0);
    let info = jsonl(&env.ok(&["lake", "info", "--format", "json"]));
    let alb = info.iter().find(|table| table["table"] == "alb").unwrap();
    assert_eq!((&alb["rows"], &alb["pruned_rows"]), (&0.into(), &300.into()));
    assert!(env.cmd(&["lake", "prune", "--before", "1s"]).code(0).stderr.contains("1 event without a time"));
    env.cmd(&["lake", "prune", "--before", "yesterday"]).fails(&["yesterday"]);
}

#[test]
fn merging_lakes_takes_each_event_once() {
    let env = TestEnv::new();
    let lines = alb_lines(900);
    let trail = text(&repo("samples/cloudtrail/input.json")).to_owned();
    for (name, range) in [("one", 0..300), ("both", 300..600), ("two", 600..900)] {
        env.file(&format!("{name}.log"), lines[range].join("\n"));
    }
    // The same CloudTrail events by way of two different objects.
    env.file("trail.json.gz", gzip(&std::fs::read(&trail).unwrap()));
    env.import(&["--lake", "a", "one.log", "both.log", &trail]);
    env.import(&["--lake", "b", "both.log", "two.log", "trail.json.gz"]);
    env.import(&["--lake", "all", "one.log", "both.log", "two.log", &trail, "trail.json.gz"]);
    env.cmd(&["--lake", "a", "scan"]);
    let ids = |lake: &str| {
        let listed = jsonl(&env.ok(&["--lake", lake, "lake", "ls", "--format", "json"]));
        let events = listed.iter().filter(|part| part["table"] != "findings" && part["table"] != "occurrences");
        let mut ids: Vec<String> = events
            .flat_map(|p| parts::texts(&env.path().join(lake).join(p["path"].as_str().unwrap()), "event_id"))
            .map(Option::unwrap)
            .collect();
        ids.sort_unstable();
        ids
    };
    let expected = ids("all");
    let source = |lake: &str| -> Vec<(PathBuf, Vec<u8>)> {
        parts::files(&env.path().join(lake)).into_iter().map(|f| (f.clone(), std::fs::read(f).unwrap())).collect()
    };
    let before = (source("a"), source("b"));
    for into in ["new", "b"] {
        env.cmd(&["--lake", into, "lake", "merge", "a", if into == "new" { "b" } else { "new" }]).code(0);
        assert!(ids(into) == expected, "{into}");
        let objects = jsonl(&env.ok(&["--lake", into, "lake", "objects", "--format", "json"]));
        assert_eq!(objects.len(), 5, "{into}");
        env.cmd(&["--lake", into, "lake", "verify", "--deep"]).code(0);
        let again = env.cmd(&["--lake", into, "lake", "merge", "a"]).code(0);
        assert!(again.stderr.contains("0 events taken over"), "{}", again.stderr);
        if into == "new" {
            assert!((source("a"), source("b")) == before, "the others are only read");
        }
    }
    assert_eq!(env.import(&["--lake", "new", "two.log"])["skipped"], 1);
    let tables = env.ok(&["--lake", "new", "lake", "info"]);
    assert!(!tables.contains("findings"), "{tables}");
    env.cmd(&["--lake", "a", "lake", "merge", "a"]).fails(&["is the lake to merge into"]);
    env.cmd(&["--lake", "a", "lake", "merge", "nowhere"]).fails(&["nowhere", "no lake here"]);
    // A lake that was tampered with is not taken over, and nothing of it is left.

    let victim = parts::files(&env.path().join("b")).into_iter().find(|f| text(f).ends_with(".parquet")).unwrap();
    let mut bytes = std::fs::read(&victim).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&victim, bytes).unwrap();
    env.cmd(&["--lake", "clean", "lake", "merge", "b"]).fails(&["is not what the manifest says"]);
    let left = parts::files(&env.path().join("clean")).iter().filter(|f| text(f).ends_with(".parquet")).count();
    assert_eq!(left, 0);
}

/// A pivot reads only the parts that may hold the address: a wrong yes is possible, a wrong no is not.
#[cfg(feature = "query")]
#[test]
fn a_pivot_finds_every_event() {
    let env = TestEnv::new();
    let lines = alb_lines(4_000);
    for (i, piece) in lines.chunks(100).enumerate() {
        // Addresses of its own for each file, and one that is in all.
        let own = piece.iter().map(|line| line.replace(" 203.0.113.", &format!(" 198.51.{i}.")));
        env.file(&format!("in/{i:02}.log"), own.collect::<Vec<_>>().join("\n"));
        env.import(&[&format!("in/{i:02}.log")]);
    }
    let timeline = |args: &[&str]| env.cmd(&[&["timeline", "--format", "jsonl", "--limit", "100000"], args].concat());
    let found = timeline(&["--ip", "198.51.7.10"]).code(0);
    let seen = found.stdout.lines().count();
    let expected = lines.iter().skip(700).take(100).filter(|line| line.contains(" 203.0.113.10:")).count();
    assert!(expected > 0);
    assert_eq!(seen, expected);
    assert_eq!(timeline(&["--ip", "10.0.1.20"]).code(0).stdout.lines().count(), 4_000);
    assert_eq!(timeline(&["--ip", "192.0.2.77"]).code(0).stdout.lines().count(), 0);
}

#[test]
fn checksums_are_ones_that_sha256sum_accepts() {
    let env = TestEnv::new();
    let names =
        ["plain.log", "with blank.log", "back\\slash.log", "two\nlines.log", "cr\r.log", "-dash.log", "ümläut.log"];
    for (i, name) in names.iter().enumerate() {
        env.file(&format!("in/{name}"), &alb_lines(10)[i]);
    }
    env.import(&["in"]);
    assert_eq!(env.cmd_stdin(alb_lines(11)[10].as_bytes(), &["import", "-"]).code, Some(0));
    let sums = env.cmd(&["lake", "objects", "--sha256sum"]).code(0);
    assert!(sums.stderr.contains("1 object left out"), "{}", sums.stderr);
    assert_eq!(sums.stdout.lines().count(), names.len());
    env.file("sums", &sums.stdout);
    let check = || {
        let output =
            std::process::Command::new("sha256sum").args(["--strict", "-c", "sums"]).current_dir(env.path()).output();
        output.unwrap().status.success()
    };
    assert!(check());
    env.file("in/two\nlines.log", "altered");
    assert!(!check());
    let objects = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    assert!(objects.iter().all(|o| o["tool"].as_str().unwrap().starts_with("logsift ") && o["imported"].is_string()));
    let table = env.ok(&["lake", "objects"]);
    let head = table.lines().next().unwrap();
    assert!(["object", "bytes", "sha256", "etag", "imported", "tool", "rejects"].iter().all(|h| head.contains(h)));
}

#[test]
fn rejects_are_summed_up_with_what_to_do() {
    let env = TestEnv::new();
    env.file("noise.txt", "\0one\n\0two\n\0three\n");
    env.file("alb.log", format!("{}\nhttps 2026-03-02T00:00:00.000000Z app/x/y -\n", alb_lines(3).join("\n")));
    env.import(&["noise.txt", "alb.log"]);
    let rows = jsonl(&env.ok(&["lake", "rejects", "--summary", "--format", "jsonl"]));
    let found: Vec<_> = rows
        .iter()
        .map(|r| (r["reason"].as_str().unwrap(), r["object"].as_str().unwrap(), r["records"].as_u64().unwrap()))
        .collect();
    assert_eq!(found, [("malformed", "alb.log", 1), ("unknown_format", "noise.txt", 3)]);
    assert!(rows[1]["remedy"].as_str().unwrap().contains("--format"));
    let table = env.ok(&["lake", "rejects", "--summary"]);
    assert!(table.contains("logsift formats list"), "{table}");
    env.cmd(&["lake", "rejects", "--summary", "--format", "csv", "-o", "rejects.csv"]).code(0);
    let csv = std::fs::read_to_string(env.path().join("rejects.csv")).unwrap();
    assert_eq!(csv.lines().count(), 3, "{csv}");
}

#[test]
fn ddl_names_every_column_with_its_type() {
    let env = three_days();
    let sql = env.ok(&["lake", "ddl", "--athena", "--location", "s3://bucket/it's/"]);
    let statements: Vec<&str> = sql.split("CREATE EXTERNAL TABLE IF NOT EXISTS ").skip(1).collect();
    assert_eq!(statements.len(), 2, "{sql}");
    let (alb, rejects) = (statements[0], statements[1]);
    for line in [
        "`event_id` string,",
        "`event_time` timestamp,",
        "`source_port` bigint,",
        "`ips` array<string>,",
        "`raw_bytes` binary,",
        "`alb_request_processing_time` double,",
        "`extra` string\n)",
        "PARTITIONED BY (`event_date` string)\nSTORED AS PARQUET\nLOCATION 's3://bucket/it''s/alb/'",
        "'projection.event_date.range' = '2026-03-02,",
        "'storage.location.template' = 's3://bucket/it''s/alb/event_date=${event_date}/'",
    ] {
        assert!(alb.contains(line), "`{line}` is missing in\n{alb}");
    }
    // Rows without a day are not found by projection.
    assert!(rejects.contains("MSCK REPAIR TABLE `rejects`;") && !rejects.contains("projection"), "{rejects}");
    let columns = alb.lines().filter(|line| line.starts_with("  `")).count();
    let (_, path) = parts::list(&env).remove(0);
    assert_eq!(columns, parts::batches(&path)[0].num_columns());
    let sql = env.ok(&["lake", "ddl", "--duckdb", "--table", "alb"]);
    let glob = format!("{}/alb/*/*.parquet", env.lake().display());
    assert!(sql.contains("CREATE OR REPLACE VIEW \"alb\" AS") && sql.contains(&glob), "{sql}");
    // With files beside the lake's own, only those that count are named.
    env.cmd(&["lake", "prune", "--before", "2026-03-03T12:00Z"]).code(0);
    let sql = env.ok(&["lake", "ddl", "--duckdb", "--table", "alb"]);
    assert_eq!((sql.matches(".parquet").count(), sql.contains('*')), (2, true), "{sql}");
    env.cmd(&["lake", "ddl"]).fails(&["--athena"]);
    env.cmd(&["lake", "ddl", "--athena", "--location", "/tmp"]).fails(&["/tmp", "s3://"]);
    env.cmd(&["lake", "ddl", "--athena", "--table", "albb"]).fails(&["albb", "alb"]);
}

#[test]
fn commands_that_write_wait_for_each_other() {
    let env = pieces(2_000, 8);
    env.file("more/x.log", alb_lines(2_500)[2_000..].join("\n"));
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let compact = || env.cmd(&["lake", "compact"]);
        let import = || env.cmd(&["import", "more"]);
        let all = [scope.spawn(compact), scope.spawn(import), scope.spawn(compact)];
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    outputs.into_iter().for_each(|output| drop(output.code(0)));
    assert_eq!(rows(&env).len(), 2_500);
    verify(&env);
}

//! What the lake holds is what was counted, in order, and survives being cut off.

use crate::env::{TestEnv, alb_lines, jsonl, repo, text};
use crate::parts;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The incident's sources, a file of rejects, a header alone, an empty file and blank lines.
fn mixed() -> TestEnv {
    let env = TestEnv::new();
    let logs = repo("samples/incident/logs");
    env.file("odd/noise.txt", "one\ntwo\n\nthree {\n");
    env.file("odd/empty.log", "");
    env.file("odd/short.log", format!("{}\nhttps 2026-03-02T00:00:00.000000Z app/x/y -\n\n", alb_lines(3).join("\n")));
    env.file("odd/header.log", "version account-id interface-id srcaddr dstaddr\n");
    env.import(&[text(&logs.join("vpcflow")), text(&logs.join("alb")), text(&logs.join("cloudtrail")), "odd"]);
    let group = ["--log-group", "/g", "--account", "111122223333", "--region", "eu-central-1"];
    env.import(&[&group[..], &[text(&logs.join("cloudwatch/orders-api"))]].concat());
    env.import(&[&group[..], &[text(&logs.join("cloudwatch/orders-api-again"))]].concat());
    env
}

fn sum(classes: &Value) -> u64 {
    classes.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

#[test]
fn every_object_is_balanced_and_every_row_is_there() {
    let env = mixed();
    let objects = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for object in &objects {
        let tally = &object["tally"];
        let out = ["events", "rejects", "ignored", "duplicates"].map(|class| sum(&tally[class]));
        assert_eq!(tally["records_in"].as_u64().unwrap(), out.iter().sum::<u64>(), "{object}");
        for (table, n) in tally["events"].as_object().unwrap() {
            *expected.entry(table.clone()).or_default() += n.as_u64().unwrap();
        }
        *expected.entry("rejects".to_owned()).or_default() += sum(&tally["rejects"]);
    }
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    for (part, path) in parts::list(&env) {
        let n = parts::texts(&path, "event_id").len() as u64;
        assert_eq!(part["rows"], n, "{part}");
        *rows.entry(part["table"].as_str().unwrap().to_owned()).or_default() += n;
    }
    assert_eq!(rows, expected);
    assert_eq!((rows["rejects"], rows["text"]), (1, 3));
    let ids = parts::event_ids(&env);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "event ids are unique");
    // A hash, or the place: 24 digits of the object's own and the number of the record.
    let hex = |text: &str, len: usize| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let place = |id: &str| id.split_once('-').is_some_and(|(object, n)| hex(object, 24) && n.parse::<u64>().is_ok());
    assert!(ids.iter().all(|id| hex(id, 32) || place(id)));
}

/// The custody record: sizes and hashes are those of the files.
#[test]
fn objects_bear_the_hash_of_their_bytes() {
    use sha2::Digest as _;
    let env = mixed();
    let mut seen = 0;
    for object in jsonl(&env.ok(&["lake", "objects", "--format", "json"])) {
        let name = object["name"].as_str().unwrap();
        let bytes = std::fs::read(env.path().join(name)).unwrap();
        let hash: String = sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((object["sha256"].as_str(), object["size"].as_u64()), (Some(&*hash), Some(bytes.len() as u64)));
        seen += 1;
    }
    let sums = env.ok(&["lake", "objects", "--sha256sum"]);
    assert_eq!(sums.lines().count(), seen);
    assert!(sums.lines().all(|line| line.len() > 66 && &line[64..66] == "  "));
}

#[test]
fn parts_are_sorted_and_hold_one_day() {
    let env = mixed();
    for (part, path) in parts::list(&env) {
        let times = parts::times(&path);
        // No time sorts before every time.
        assert!(times.is_sorted(), "{part}");
        let known: Vec<i64> = times.iter().flatten().copied().collect();
        assert_eq!(part["min_time"].as_i64(), known.first().copied(), "{part}");
        assert_eq!(part["max_time"].as_i64(), known.last().copied(), "{part}");
        let days: BTreeSet<i64> = known.iter().map(|t| t.div_euclid(86_400_000_000)).collect();
        assert!(days.len() <= 1, "{part}");
        let relative = part["path"].as_str().unwrap();
        assert!(relative.starts_with(&format!("{}/event_date=", part["table"].as_str().unwrap())), "{part}");
        assert_eq!(relative.contains("__HIVE_DEFAULT_PARTITION__"), known.is_empty(), "{part}");
    }
}

/// The raw bytes of a record are those of the file at its offset.
#[test]
fn records_lie_where_the_lake_says() {
    let env = TestEnv::new();
    let lines = alb_lines(400);
    let file = format!("{}\r\n{}", lines[..200].join("\r\n"), lines[200..].join("\n"));
    env.file("mixed.log", &file);
    env.import(&["mixed.log"]);
    let mut seen = 0;
    for (_, path) in parts::list(&env) {
        let (raws, offsets) = (parts::texts(&path, "raw"), parts::ints(&path, "source_offset"));
        let records = parts::ints(&path, "source_record");
        for ((raw, offset), record) in raws.iter().zip(offsets).zip(records) {
            let (raw, offset) = (raw.as_deref().unwrap(), offset.unwrap() as usize);
            assert_eq!(&file[offset..offset + raw.len()], raw);
            assert_eq!(raw, lines[record.unwrap() as usize - 1]);
            seen += 1;
        }
    }
    assert_eq!(seen, 400);
}

/// Kills an import after a while; whether it was still running.
fn kill_import(env: &TestEnv, after: Duration) -> bool {
    let mut child = env.command(&["import", "big"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let running = child.try_wait().unwrap().is_none();
    // SIGKILL: nothing can be tidied up.
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

#[test]
fn an_import_that_is_killed_and_run_again_gives_the_same_events() {
    const LINES: usize = 200_000;
    let calm = TestEnv::new();
    let lines = alb_lines(LINES);
    for (i, piece) in lines.chunks(LINES / 4).enumerate() {
        calm.file(&format!("big/{i}.log"), piece.join("\n"));
    }
    drop(lines);
    let start = Instant::now();
    calm.ok(&["import", "big"]);
    let whole = start.elapsed();
    let expected = parts::event_ids(&calm);
    assert_eq!(expected.len(), LINES);
    for tenths in [1, 3, 5, 7, 9] {
        let mut after = whole * tenths / 10;
        let env = loop {
            let env = TestEnv::new();
            std::fs::rename(calm.path().join("big"), env.path().join("big")).unwrap();
            if kill_import(&env, after) {
                break env;
            }
            // This one was faster than the first.
            after = after * 2 / 3;
            std::fs::rename(env.path().join("big"), calm.path().join("big")).unwrap();
        };
        // Whatever is there can be read: the old lake or the new one.
        if env.lake().join("_logsift").is_dir() {
            env.ok(&["lake", "info"]);
            let before = parts::event_ids(&env).len();
            assert!(before == 0 || before == LINES, "{before} events after the kill");
        }
        env.ok(&["import", "big"]);
        assert!(parts::event_ids(&env) == expected, "killed after {after:?} of {whole:?}");
        assert_no_orphans(&env);
        std::fs::rename(env.path().join("big"), calm.path().join("big")).unwrap();
    }
}

/// Every Parquet file belongs to the lake, and nothing half-written is left.
fn assert_no_orphans(env: &TestEnv) {
    let named: BTreeSet<String> = env.ok(&["lake", "ls", "--paths"]).lines().map(str::to_owned).collect();
    for file in parts::files(&env.lake()) {
        let name = text(&file);
        assert!(!name.contains(".tmp-"), "{name} is left behind");
        if name.ends_with(".parquet") {
            let whole = file.canonicalize().unwrap();
            assert!(named.contains(name) || named.contains(text(&whole)), "{name} is no part of the lake");
        }
    }
}

/// Four imports of 5,000 lines each, started together.
fn import_at_once(env: &TestEnv, lake: &str) {
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let run = |i: usize| env.cmd(&["--lake", lake, "import", &format!("in{i}")]);
        let all: Vec<_> = (0..4).map(|i| scope.spawn(move || run(i))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    outputs.into_iter().for_each(|output| drop(output.code(0)));
    let info = jsonl(&env.ok(&["--lake", lake, "lake", "info", "--format", "json"]));
    let alb = info.iter().find(|table| table["table"] == "alb").unwrap();
    assert_eq!(alb["rows"], 20_000);
}

fn four_inputs() -> TestEnv {
    let env = TestEnv::new();
    for (i, piece) in alb_lines(20_000).chunks(5_000).enumerate() {
        env.file(&format!("in{i}/x.log"), piece.join("\n"));
    }
    env
}

#[test]
fn imports_at_once_wait_for_each_other() {
    let env = four_inputs();
    env.file("first.log", "no log\n");
    for round in 0..3 {
        let lake = format!("lake-{round}");
        env.ok(&["--lake", &lake, "import", "-q", "first.log"]);
        import_at_once(&env, &lake);
    }
}

#[test]
fn imports_at_once_may_all_find_no_lake() {
    let env = four_inputs();
    (0..8).for_each(|round| import_at_once(&env, &format!("lake-{round}")));
}

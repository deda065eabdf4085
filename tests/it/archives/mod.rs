//! Archives as sources: every member is an object, nothing is skipped without a word, nothing is written under a
//! member's name.

mod make;

use crate::env::{Output, TestEnv, alb_lines, count, gzip, jsonl, text, total};
use crate::parts;
use logsift::source::archive::{Found, unpack};
use logsift::source::object::Object;
use logsift::source::whole::Spool;
use make::{Zipped, tar, tar_member, tarred, zip, zipped};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;

#[track_caller]
fn counts_of(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}\n{}", output.stdout, output.stderr))
}

fn import_json<'a>(args: &[&'a str]) -> Vec<&'a str> {
    ["import", "--output-format", "json"].iter().chain(args).copied().collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// `n` lines of an ALB from the `from`th on.
fn lines(from: usize, n: usize) -> String {
    alb_lines(from + n)[from..].iter().map(|line| format!("{line}\n")).collect()
}

/// Custody records by name.
fn custody(env: &TestEnv) -> Vec<(String, Value)> {
    let all = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    all.into_iter().map(|object| (object["name"].as_str().unwrap().to_owned(), object)).collect()
}

fn verified(env: &TestEnv) -> Value {
    serde_json::from_str(&env.cmd(&["lake", "verify", "--deep", "--format", "json"]).stdout).unwrap()
}

/// What lies in the bytes: each object's name with its bytes, or a word in angle brackets and a message.
fn inside(name: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let all = inside_with(&Spool::new(folder.path().to_path_buf()), name, bytes);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something was written under a name");
    all
}

fn inside_with(spool: &Spool, name: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let object = Object::of_stream(name, Box::new(std::io::Cursor::new(bytes.to_vec())));
    let mut all = Vec::new();
    unpack(object, spool, &mut |found| {
        all.push(match found {
            Found::Object(object, content) => {
                let mut bytes = Vec::new();
                let result = content.into_bytes().read_to_end(&mut bytes);
                let mut said = String::from_utf8_lossy(&bytes).into_owned();
                if let Err(error) = result {
                    said.push_str(&format!("<broken> {error}"));
                }
                (object.name, said)
            }
            Found::Left { name, what } => (name, format!("<left> {what}")),
            Found::Error(error) => ("<error>".to_owned(), error.to_string()),
        });
        Ok::<(), ()>(())
    })
    .unwrap();
    all
}

/// Every archive of these two members.
fn every_kind(one: &[u8], two: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let tar = tar(&[tarred("a/one.log", one), tarred("two.log.gz", two)]);
    let method =
        |method| zip(&[Zipped { method, ..zipped("a/one.log", one) }, Zipped { method, ..zipped("two.log.gz", two) }]);
    vec![
        ("in.zip", method(8)),
        ("stored.zip", method(0)),
        ("zstd.zip", method(93)),
        ("in.zip.gz", gzip(&method(8))),
        ("in.tar.gz", gzip(&tar)),
        ("in.tar.zst", zstd::encode_all(&tar[..], 1).unwrap()),
        ("no.suffix", tar),
    ]
}

#[test]
fn members_are_objects_with_custody() {
    let (one, two) = (lines(0, 40), lines(40, 25));
    let two = gzip(two.as_bytes());
    for (name, archive) in every_kind(one.as_bytes(), &two) {
        let env = TestEnv::new();
        env.file(name, &archive);
        let counted = env.import(&[name]);
        assert_eq!((count(&counted, "events", "alb"), &counted["objects"]), (65, &Value::from(2)), "{name}");
        assert_eq!(counted["tally"]["records_in"], 65, "{name}");
        let sources: std::collections::BTreeSet<_> =
            parts_of(&env).iter().flat_map(|part| parts::texts(part, "source_object")).flatten().collect();
        let (first, second) = (format!("{name}!/a/one.log"), format!("{name}!/two.log.gz"));
        assert_eq!(sources.into_iter().collect::<Vec<_>>(), [first.clone(), second.clone()], "{name}");
        let rows = custody(&env);
        assert_eq!(rows.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), [name, &first, &second]);
        let hashes: Vec<&str> = rows.iter().map(|row| row.1["sha256"].as_str().unwrap()).collect();
        assert_eq!(hashes, [sha256(&archive), sha256(one.as_bytes()), sha256(&two)], "{name}");
        let sizes: Vec<u64> = rows.iter().map(|row| row.1["size"].as_u64().unwrap()).collect();
        assert_eq!(sizes, [archive.len(), one.len(), two.len()].map(|n| n as u64), "{name}");
        assert_eq!(
            (&rows[0].1["members"], &rows[1].1["archive"]),
            (&Value::from(2), &Value::from(hashes[0])),
            "{name}"
        );
        // Again: nothing is read twice, as the archive or as one of its members.
        let again = env.import(&[name]);
        assert_eq!((&again["objects"], &again["skipped"]), (&Value::from(0), &Value::from(2)), "{name}");
        env.file("alone.log", &one);
        assert_eq!(env.import(&["alone.log"])["skipped"], 1, "{name}");
        let report = verified(&env);
        assert_eq!((&report["objects"], &report["problems"]), (&Value::from(3), &serde_json::json!([])), "{name}");
        // Other ways to read it see the same.
        assert_eq!(env.cmd(&["parse", name]).code(0).stdout.lines().count(), 65, "{name}");
        let found = env.ok(&["formats", "identify", name]);
        assert!(found.contains(&format!("{first}: alb ")) && found.contains(&format!("{second}: alb ")), "{found}");
        env.cmd(&["scan", name]).code(0);
        let stdin = TestEnv::new();
        let output = stdin.cmd_stdin(&archive, &import_json(&["-"])).code(0);
        assert_eq!(count(&counts_of(&output), "events", "alb"), 65, "{name}");
        assert_eq!(custody(&stdin)[1].0, "-!/a/one.log", "{name}");
        assert_eq!(verified(&stdin)["not_local"].as_array().unwrap().len(), 3, "{name}");
        assert_eq!(stdin.cmd_stdin(&archive, &["parse", "-"]).code(0).stdout.lines().count(), 65, "{name}");
        stdin.cmd_stdin(&archive, &["scan", "-"]).code(0);
    }
}

/// Files of the ALB table.
fn parts_of(env: &TestEnv) -> Vec<std::path::PathBuf> {
    parts::list(env).into_iter().filter(|(part, _)| part["table"] == "alb").map(|(_, path)| path).collect()
}

#[test]
fn names_do_nothing_but_name() {
    let env = TestEnv::new();
    let names: [&[u8]; 8] = [
        b"../escape.log",
        b"../../../../../../tmp/archives-test-escape.log",
        b"/tmp/archives-test-absolute.log",
        b"new\nline.log",
        b"caf\xe9.log",
        b"nul\0.log",
        b"!/x!/y",
        b"\x1b[2Jx\xe2\x80\xae.log",
    ];
    // In a tar header a zero ends a name; in its long form, too.
    let expected = |zip: bool| -> Vec<String> {
        let cut = |name: &&[u8]| name.split(|b| !zip && *b == 0).next().unwrap().to_vec();
        names.iter().map(|name| String::from_utf8_lossy(&cut(name)).into_owned()).collect()
    };
    let members: Vec<_> = names.iter().enumerate().map(|(n, name)| (name, lines(n * 3, 3))).collect();
    let zip = zip(&members.iter().map(|(name, data)| zipped(name, data)).collect::<Vec<_>>());
    let tar = tar(&members.iter().map(|(name, data)| tarred(name, data)).collect::<Vec<_>>());
    for (archive, bytes) in [("evil.zip", zip), ("evil.tar", tar)] {
        let env = TestEnv::new();
        env.file(&format!("in/{archive}"), bytes);
        let before: Vec<_> = walk(env.path());
        assert_eq!(count(&env.import(&["in"]), "events", "alb"), 24);
        let outside = |all: Vec<String>| {
            all.into_iter().filter(|p| !p.contains("logsift-lake") && !p.contains("/home")).collect::<Vec<_>>()
        };
        assert_eq!(outside(walk(env.path())), outside(before));
        let mut wanted: Vec<_> = expected(archive == "evil.zip").iter().map(|n| format!("in/{archive}!/{n}")).collect();
        wanted.sort();
        let named: Vec<_> = custody(&env).into_iter().skip(1).map(|row| row.0).collect();
        assert_eq!(named, wanted);
        assert_eq!(
            (verified(&env)["objects"].as_u64(), &verified(&env)["problems"]),
            (Some(9), &serde_json::json!([]))
        );
        for args in [&["lake", "objects"][..], &["formats", "identify", "in"]] {
            let shown = env.ok(args);
            assert!(!shown.contains('\x1b') && !shown.contains('\u{202e}') && !shown.contains('\0'), "{shown}");
            assert_eq!(shown.lines().filter(|line| line.contains("new\\nline.log")).count(), 1, "{shown}");
        }
        // Members are no files that sha256sum could open.
        let sums = env.cmd(&["lake", "objects", "--sha256sum"]).code(0);
        assert_eq!(sums.stdout.lines().count(), 1);
        assert!(sums.stderr.contains("8 objects left out"), "{}", sums.stderr);
    }
    for name in ["escape", "absolute"] {
        assert!(!std::path::Path::new(&format!("/tmp/archives-test-{name}.log")).exists());
    }
    drop(env);
}

fn walk(root: &std::path::Path) -> Vec<String> {
    let all = walkdir::WalkDir::new(root).sort_by_file_name().into_iter();
    all.map(|entry| entry.unwrap().path().display().to_string()).collect()
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_stays() {
    let env = TestEnv::new();
    let member = |name: &str, n: usize| zipped(name, lines(n, 5));
    let archive = zip(&[
        member("fine.log", 0),
        Zipped { flags: 1, ..member("secret.log", 5) },
        Zipped { method: 12, ..member("old.log", 10) },
        Zipped { crc: Some(7), ..member("altered.log", 15) },
        Zipped { size: Some(100), ..member("longer.log", 20) },
        Zipped { size: Some(90_000), method: 0, ..member("shorter.log", 25) },
        Zipped { shares: Some(0), ..member("bomb.log", 0) },
        Zipped { mode: 0o040_755, method: 0, ..zipped("folder/", "") },
        Zipped { mode: 0o120_777, ..zipped("link.log", "/etc/passwd") },
        Zipped { mode: 0o010_644, method: 0, ..zipped("pipe", "") },
        // What says it is a folder or a link and has a log in it is read.
        Zipped { mode: 0o040_755, ..member("no-folder/", 30) },
        Zipped { mode: 0o120_777, ..zipped("no-link", lines(35, 40)) },
        member("last.log", 80),
    ]);
    env.file("mixed.zip", &archive);
    let output = env.cmd(&import_json(&["mixed.zip"])).fails(&[
        "mixed.zip!/secret.log: is encrypted",
        "mixed.zip!/old.log: is compressed by zip's method 12 (BZIP2)",
        "mixed.zip!/altered.log: the data ends early",
        "CRC-32",
        "mixed.zip!/longer.log",
        "mixed.zip!/shorter.log",
        "mixed.zip!/bomb.log: shares its bytes",
        "mixed.zip!/link.log: is a symbolic link",
        "mixed.zip!/pipe: is a pipe",
    ]);
    let counted = counts_of(&output);
    // fine, altered (all but its checksum), shorter, no-folder, no-link, last
    assert_eq!(count(&counted, "events", "alb"), 5 + 5 + 5 + 5 + 40 + 5);
    assert_eq!(count(&counted, "rejects", "truncated"), 1, "of longer.log 100 bytes are there");
    for what in ["folder", "symbolic link", "pipe"] {
        assert_eq!(count(&counted, "ignored", &format!("{what} in an archive")), 1, "{what}");
    }
    assert_eq!(counted["errors"].as_array().unwrap().len(), 6, "{}", counted["errors"]);
    let sum = ["events", "rejects", "ignored", "duplicates"].iter().map(|class| total(&counted, class)).sum::<u64>();
    assert_eq!(counted["tally"]["records_in"].as_u64(), Some(sum));
    let rows = custody(&env);
    assert!(rows[0].1["incomplete"].as_str().unwrap().contains("6 of its members"), "{}", rows[0].1);
    // What could not be read is told again, what could is known.
    let again = counts_of(&env.cmd(&import_json(&["mixed.zip"])).fails(&["secret.log", "bomb.log"]));
    assert_eq!((&again["objects"], &again["skipped"]), (&Value::from(0), &Value::from(7)));
    assert_eq!(custody(&env).len(), rows.len());
    assert_eq!(verified(&env)["problems"], serde_json::json!([]));
    env.cmd(&["parse", "mixed.zip"]).fails(&["secret.log", "altered.log", "bomb.log"]);
    env.cmd(&["scan", "mixed.zip"]).fails(&["not scanned", "secret.log", "altered.log", "bomb.log"]);
    env.cmd(&["formats", "identify", "mixed.zip"]).code(2);
}

#[test]
fn tar_members_of_every_kind() {
    let long = "very/long/".repeat(30) + "name.log";
    let pax = |record: &str, name: &str, data: &str| {
        let text = (1..)
            .map(|n| format!("{n} {record}\n"))
            .find(|t| t.len() == t.split(' ').next().unwrap().parse::<usize>().unwrap());
        [tar_member(&(b'x', b"pax".to_vec(), text.unwrap().into_bytes())), tar_member(&tarred(name, data))].concat()
    };
    let mut bytes = Vec::new();
    for member in [
        (b'g', b"global".to_vec(), b"15 comment=abc\n".to_vec()),
        (b'5', b"folder/".to_vec(), Vec::new()),
        (0, b"old-folder/".to_vec(), Vec::new()),
        (b'1', b"hard".to_vec(), Vec::new()),
        (b'2', b"soft".to_vec(), Vec::new()),
        (b'3', b"char".to_vec(), Vec::new()),
        (b'6', b"fifo".to_vec(), Vec::new()),
        (0, b"old.log".to_vec(), b"old".to_vec()),
        (b'7', b"continuous.log".to_vec(), b"continuous".to_vec()),
        (b'Z', b"unknown kind".to_vec(), b"read all the same".to_vec()),
        (b'2', b"no link".to_vec(), b"bytes behind a link".to_vec()),
        (b'0', long.clone().into_bytes(), b"long".to_vec()),
        (b'S', b"sparse".to_vec(), b"pieces".to_vec()),
    ] {
        bytes.extend(tar_member(&member));
    }
    bytes.extend(pax("path=new\nline", "short", "pax"));
    bytes.extend(pax("GNU.sparse.major=1", "sparse too", "pieces"));
    bytes.extend(tar_member(&tarred("last", "last")));
    let sparse =
        "is a sparse file, of which only pieces are stored; unpack the archive and give the files; it was not read";
    let expected = [
        ("t!/folder/", "<left> folder"),
        ("t!/old-folder/", "<left> folder"),
        ("t!/hard", "<left> hard link"),
        ("t!/soft", "<left> symbolic link"),
        ("t!/char", "<left> device"),
        ("t!/fifo", "<left> pipe"),
        ("t!/old.log", "old"),
        ("t!/continuous.log", "continuous"),
        ("t!/unknown kind", "read all the same"),
        ("t!/no link", "bytes behind a link"),
        (&format!("t!/{long}"), "long"),
        ("<error>", &format!("t!/sparse: {sparse}")),
        ("t!/new\nline", "pax"),
        ("<error>", &format!("t!/sparse too: {sparse}")),
        ("t!/last", "last"),
    ];
    let whole = [&bytes[..], &[0; 1024]].concat();
    let expected: Vec<_> = expected.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    // As a stream, packed, and as a file that can be read at any place.
    assert_eq!(inside("t", &whole), expected);
    assert_eq!(inside("t", &gzip(&whole)), expected);
    let stored = zip(&[Zipped { method: 0, ..zipped("t", &whole) }]);
    let nested: Vec<_> =
        inside("z", &stored).into_iter().map(|(n, t)| (n.replace("z!/t", "t"), t.replace("z!/t", "t"))).collect();
    assert_eq!(nested, expected);
    // One archive after another: programs that stop at the first mark of an end do not see the second.
    let mut two = expected.clone();
    two.extend(expected.clone());
    assert_eq!(inside("t", &[&whole[..], &whole].concat()), two);
    let error = |bytes: &[u8]| inside("t", bytes).pop().unwrap();
    assert!(error(&bytes).1.contains("mark of its end is missing"));
    assert!(error(&[&whole[..], &[7; 512]].concat()).1.contains("no member's header"));
    let greedy = tar_member(&(b'L', b"x".to_vec(), vec![b'a'; 1024 * 1024 + 1]));
    assert!(error(&greedy).1.contains("bytes that describe a member"));
}

#[test]
fn a_cut_archive_gives_what_came_before() {
    let all: String = lines(0, 400);
    let names = ["a.log", "b.log", "c.log"];
    let tar = tar(&names.map(|name| tarred(name, &all)));
    let at = 512 + all.len().next_multiple_of(512) + 512 + 1234;
    for (name, bytes) in [("cut.tar", tar[..at].to_vec()), ("cut.tgz", cut_gzip(&tar, at))] {
        let env = TestEnv::new();
        env.file(name, bytes);
        let whole_lines = all[..1234].matches('\n').count() as u64;
        let output = env
            .cmd(&import_json(&[name]))
            .fails(&[&format!("{name}!/b.log: the data ends early"), &format!("{name}: the archive ends early")]);
        let counted = counts_of(&output);
        assert_eq!(count(&counted, "events", "alb"), 400 + whole_lines, "{name}");
        assert_eq!(count(&counted, "rejects", "truncated"), 1, "{name}: {}", counted["tally"]);
        assert_eq!(verified(&env)["problems"], serde_json::json!([]), "{name}");
        env.cmd(&["scan", name]).fails(&["b.log"]);
        env.cmd(&["parse", name]).fails(&["b.log"]);
    }
    let env = TestEnv::new();
    let zip = zip(&names.map(|name| zipped(name, &all)));
    env.file("cut.zip", &zip[..zip.len() - 30]);
    env.cmd(&["import", "cut.zip"]).fails(&["cut.zip: the archive ends early or is damaged"]);
    assert!(custody(&env)[0].1["incomplete"].is_string());
    // Fetched again, whole: only what was missing comes.
    let env = TestEnv::new();
    env.file("x.tar", &tar[..at]);
    env.cmd(&["import", "x.tar"]).code(2);
    let whole =
        make::tar(&[tarred("a.log", &all), tarred("b.log", lines(400, 10) + &all), tarred("c.log", lines(500, 5))]);
    env.file("x.tar", &whole);
    let counted = env.import(&["x.tar"]);
    assert_eq!((counted["skipped"].as_u64(), counted["objects"].as_u64()), (Some(1), Some(2)));
    let report = verified(&env);
    assert_eq!(report["problems"], serde_json::json!([]));
    let replaced: Vec<_> = report["replaced"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(replaced, ["x.tar", "x.tar!/b.log"]);
}

/// A gzip stream that holds the first bytes and no more.
fn cut_gzip(bytes: &[u8], at: usize) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&bytes[..at]).unwrap();
    encoder.flush().unwrap();
    encoder.get_ref().clone()
}

#[test]
fn archives_in_archives_end_at_three() {
    let log = lines(0, 7);
    let one = zip(&[zipped("deep.log", &log)]);
    let two = gzip(&tar(&[tarred("one.zip", &one), tarred("beside.log", lines(7, 3))]));
    let three = zip(&[zipped("two.tgz", &two)]);
    let four = tar(&[tarred("three.zip", &three), tarred("top.log", lines(10, 2))]);
    let env = TestEnv::new();
    env.file("three.zip", &three);
    assert_eq!(count(&env.import(&["three.zip"]), "events", "alb"), 10);
    let rows = custody(&env);
    let names: Vec<&str> = rows.iter().map(|row| row.0.as_str()).collect();
    let expected = [
        "three.zip",
        "three.zip!/two.tgz",
        "three.zip!/two.tgz!/beside.log",
        "three.zip!/two.tgz!/one.zip",
        "three.zip!/two.tgz!/one.zip!/deep.log",
    ];
    assert_eq!(names, expected);
    // Each names the file that lies on disk.
    assert!(rows[1..].iter().all(|row| row.1["archive"] == rows[0].1["sha256"]));
    assert_eq!(verified(&env)["objects"], 5);
    let env = TestEnv::new();
    env.file("four.tar", &four);
    let output =
        env.cmd(&import_json(&["four.tar"])).fails(&["four.tar!/three.zip!/two.tgz!/one.zip: is an archive in"]);
    assert_eq!(count(&counts_of(&output), "events", "alb"), 5);
    env.cmd(&["scan", "four.tar"]).fails(&["four.tar!/three.zip!/two.tgz!/one.zip"]);
}

#[test]
fn large_members_do_not_stay_in_memory_or_on_disk() {
    // More than is held in memory, in every kind of archive, with a small one behind it.
    let large = lines(0, 1).repeat(20_000);
    assert!(large.len() > logsift::source::whole::IN_MEMORY);
    let tar = tar(&[tarred("large.log", &large), tarred("small.log", lines(1, 3))]);
    let zip = zip(&[zipped("large.log", &large), zipped("small.log", lines(1, 3))]);
    for (name, bytes) in [
        ("l.zip", zip.clone()),
        ("l.tgz", gzip(&tar)),
        ("l.tar", tar),
        ("zip.tar.gz", gzip(&make::tar(&[tarred("l.zip", zip)]))),
    ] {
        let env = TestEnv::new();
        env.file(name, bytes);
        assert_eq!(count(&env.import(&[name]), "events", "alb"), 20_003, "{name}");
        assert_eq!(verified(&env)["problems"], serde_json::json!([]), "{name}");
        assert_eq!(env.cmd(&["parse", name]).code(0).stdout.lines().count(), 20_003, "{name}");
        let left: Vec<_> =
            std::fs::read_dir(env.lake().join("_logsift")).unwrap().map(|e| e.unwrap().file_name()).collect();
        let left: Vec<_> = left.iter().filter(|n| *n != "manifest" && *n != "index" && *n != "writer.lock").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn an_altered_archive_is_told_by_verify() {
    let env = TestEnv::new();
    let members = |last: &str| zip(&[zipped("a.log", lines(0, 5)), zipped("b.log", last)]);
    env.file("x.zip", members(&lines(5, 5)));
    env.import(&["x.zip"]);
    env.file("x.zip", members(&lines(50, 5)));
    let report = verified(&env);
    let wrong: Vec<_> = report["problems"].as_array().unwrap().iter().map(|p| p["file"].as_str().unwrap()).collect();
    assert_eq!((wrong, report["objects"].as_u64()), (vec!["x.zip", "x.zip!/b.log"], Some(1)));
    env.cmd(&["lake", "verify"]).code(2);
    std::fs::remove_file(env.path().join("x.zip")).unwrap();
    let report = verified(&env);
    assert_eq!((report["missing"].as_array().unwrap().len(), &report["problems"]), (3, &serde_json::json!([])));
    // The path says where a member comes from, as it does for a file.
    let env = TestEnv::new();
    let folder = "AWSLogs/111122223333/elasticloadbalancing/eu-central-1/2026/03/02/x.log";
    let path = env.file("logs.zip", zip(&[zipped(folder, lines(0, 1)), zipped("ELBAccessLogTestFile", "test")]));
    let counted = env.import(&[text(&path)]);
    assert_eq!(count(&counted, "ignored", "test object"), 1);
    let part = &parts_of(&env)[0];
    assert_eq!(parts::texts(part, "account_id"), [Some("111122223333".to_owned())]);
    assert_eq!(parts::texts(part, "region"), [Some("eu-central-1".to_owned())]);
}

/// A small generator of numbers: the same ones each time.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn no_damage_ends_the_run() {
    let zip = zip(&[
        zipped("one.log", lines(0, 3)),
        Zipped { method: 0, ..zipped("two.log", "short") },
        Zipped { method: 93, ..zipped("three.log", lines(3, 2)) },
        Zipped { mode: 0o120_777, ..zipped("link", "x") },
    ]);
    let long = "n".repeat(150);
    let tar = tar(&[
        tarred("one.log", lines(0, 3)),
        tarred(&long, "two"),
        (b'x', b"p".to_vec(), b"11 size=42\n".to_vec()),
        tarred("three", "t"),
    ]);
    let nested = make::tar(&[tarred("z.zip", &zip), tarred("t.tgz", gzip(&tar))]);
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for (name, archive) in [("zip", zip), ("tar", tar), ("nested", nested)] {
        for round in 0..1_500 {
            let mut bytes = archive.clone();
            for _ in 0..=next(&mut state) % 3 {
                let at = (next(&mut state) % bytes.len() as u64) as usize;
                match next(&mut state) % 4 {
                    0 => bytes[at] = 0xff,
                    1 => bytes[at] ^= 1 << (next(&mut state) % 8),
                    2 => bytes.truncate(at.max(1)),
                    _ => {
                        let end = (at + 8).min(bytes.len());
                        bytes[at..end].fill(0xff);
                    }
                }
            }
            let found = inside_with(&Spool::temporary(), name, &bytes);
            let read: usize = found.iter().map(|(_, text)| text.len()).sum();
            assert!(read < 100_000, "{name} {round}: {read}");
        }
    }
}

#[test]
fn a_million_refusals_are_counted_and_not_listed() {
    let members: Vec<Zipped> = (0..1_250).map(|n| Zipped { flags: 1, ..zipped(format!("{n}.log"), "x") }).collect();
    let mut archive = zip(&members);
    // The directory says one member more than it names.
    let count = archive.len() - 14;
    archive[count..count + 4].copy_from_slice(&[1_251u16.to_le_bytes(); 2].concat());
    let found = inside("z", &archive);
    assert_eq!(found.len(), 1_002);
    assert!(found[999].1.starts_with("z!/999.log: is encrypted"), "{}", found[999].1);
    assert!(found[1_000].1.contains("its directory says 1251 members and names 1250"), "{}", found[1_000].1);
    assert!(found[1_001].1.starts_with("z: 250 more of its members cannot be read"), "{}", found[1_001].1);
}

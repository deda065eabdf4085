//! A scan of a lake that was scanned before; values that are encoded; files of other kinds.

use crate::env::{TestEnv, alb_lines, gzip};
use crate::parts;
use arrow::array::{ArrayRef, BinaryArray, StringArray};
use arrow::record_batch::RecordBatch;
use base64::Engine as _;
use serde_json::Value;
use std::sync::Arc;

/// Made up; its last six characters are the checksum that GitHub documents.
pub fn token(seed: char) -> String {
    let entropy: String = (0..30).map(|i| char::from(b'A' + ((i * 7 + seed as u32) % 26) as u8)).collect();
    // CRC-32 in base 62, digits first: what the rule's validator asks for.
    let mut sum = crc32(entropy.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[(sum % 62) as usize];
        sum /= 62;
    }
    format!("ghp_{entropy}{}", std::str::from_utf8(&digits).unwrap())
}

fn crc32(data: &[u8]) -> u32 {
    logsift::codec::inflate::crc32(data)
}

/// Records and bytes that were read, by what it says.
fn read(stderr: &str) -> (String, String) {
    let line = stderr.lines().find(|line| line.contains("bytes scanned with")).unwrap();
    let words: Vec<&str> = line.split("; ").nth(1).unwrap().split([' ', ',']).collect();
    (words[0].to_owned(), line.to_owned())
}

/// Findings by fingerprint, without their order.
fn findings(env: &TestEnv, args: &[&str]) -> Vec<Value> {
    let mut rows = env.cmd(&[&["scan", "--format", "jsonl"], args].concat()).jsonl();
    rows.sort_by_key(|row| row["fingerprint"].to_string());
    rows
}

fn log(env: &TestEnv, name: &str, from: usize, secrets: &[&str]) {
    let lines = alb_lines(from + 40).split_off(from);
    let leaks = secrets.iter().map(|secret| format!("token {secret} logged in {name}"));
    env.file(name, lines.into_iter().chain(leaks).collect::<Vec<_>>().join("\n"));
    env.import(&[name]);
}

#[test]
fn only_what_is_new_is_read() {
    let env = TestEnv::new();
    let (one, two) = (token('a'), token('k'));
    log(&env, "one.log", 0, &[&one]);
    let first = env.cmd(&["scan"]).code(1);
    assert_ne!(read(&first.stderr).0, "0");
    let again = env.cmd(&["scan"]).code(1);
    assert_eq!(read(&again.stderr).0, "0", "{}", again.stderr);
    assert_eq!(again.stdout, first.stdout);
    // The same secret once more, and another one.
    log(&env, "two.log", 40, &[&one, &two]);
    let new = env.cmd(&["scan", "--since-last", "--format", "jsonl"]).code(1);
    assert_eq!((read(&new.stderr).0.as_str(), new.jsonl().len()), ("42", 1), "{}", new.stderr);
    assert_eq!(new.jsonl()[0]["count"], 1);
    let merged = findings(&env, &[]);
    assert_eq!(merged.iter().map(|row| row["count"].as_u64().unwrap()).sum::<u64>(), 3);
    assert_eq!(merged, findings(&env, &["--rescan"]));
    let rows = env.ok(&["query", "SELECT count(*) AS n FROM occurrences", "--format", "jsonl"]);
    assert_eq!(rows.trim(), "{\"n\":3}");
    env.cmd(&["scan", "--since-last"]).code(0);
    // What was compacted was read, what was taken out is no longer found.
    env.cmd(&["lake", "compact"]).code(0);
    assert_eq!(read(&env.cmd(&["scan"]).stderr).0, "0");
    log(&env, "three.log", 80, &[]);
    env.cmd(&["lake", "compact"]).code(0);
    assert_ne!(read(&env.cmd(&["scan"]).stderr).0, "0", "a part that was not read went into the compacted one");
    assert_eq!(findings(&env, &[]), merged);
    env.cmd(&["lake", "prune", "--before", "2100-01-01"]).code(0);
    assert_ne!(read(&env.cmd(&["scan"]).stderr).0, "");
    let rest = findings(&env, &[]);
    assert_eq!(rest, findings(&env, &["--rescan"]));
}

#[test]
fn another_rule_set_or_key_reads_everything() {
    let env = TestEnv::new();
    log(&env, "one.log", 0, &[&token('a')]);
    env.cmd(&["scan"]).code(1);
    let rule = "[[rule]]\nid = \"own\"\nname = \"n\"\ncategory = \"token\"\nprovider = \"p\"\npattern = '''zzqq[0-9]{4}'''\n\
                severity = \"low\"\nconfidence = \"medium\"\nremediation = \"r\"\nexamples = [\"zzqq1234\"]\n";
    env.file("rules/own.toml", rule);
    assert_ne!(read(&env.cmd(&["scan", "--rules", "rules"]).stderr).0, "0");
    assert_eq!(read(&env.cmd(&["scan", "--rules", "rules"]).stderr).0, "0");
    env.file("key", "00".repeat(32));
    assert_ne!(read(&env.cmd(&["scan", "--rules", "rules", "--key-file", "key"]).stderr).0, "0");
}

#[test]
fn findings_that_are_known_are_left_out() {
    let env = TestEnv::new();
    let text = format!("a {}\nb {}\n", token('a'), token('k'));
    env.file("app.log", text);
    let all = env.cmd(&["scan", "app.log", "--format", "jsonl"]).code(1).jsonl();
    assert_eq!(all.len(), 2);
    env.file("known.txt", format!("# rotated\n{} OPS-7\n", all[0]["fingerprint"].as_str().unwrap()));
    let left = env.cmd(&["scan", "app.log", "--format", "jsonl", "--known", "known.txt"]).code(1).jsonl();
    assert_eq!(left, all[1..]);
    env.file("all.jsonl", all.iter().map(|row| format!("{row}\n")).collect::<String>());
    env.cmd(&["scan", "app.log", "--known", "all.jsonl"]).code(0);
    env.file("key", "00".repeat(32));
    env.cmd(&["scan", "app.log", "--known", "all.jsonl", "--key-file", "key"]).fails(&["was made with key", "line 1"]);
}

/// However it is written, it is the same secret.
#[test]
fn encoded_values_are_found_and_told_decoded() {
    let env = TestEnv::new();
    let secret = token('a');
    let body = format!("{{\"user\":\"ada\",\"token\":\"{secret}\"}}");
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let url: String = body.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let hex: String = body.bytes().map(|byte| format!("{byte:02x}")).collect();
    let lines = [
        format!("plain {secret}"),
        format!("body={}", encode(body.as_bytes())),
        format!("packed={}", encode(&gzip(body.as_bytes()))),
        format!("GET /x?d={url} 200"),
        format!("hex {hex}"),
        format!("twice {}", encode(encode(body.as_bytes()).as_bytes())),
        format!("{{\"q\":\"a\\u0026t={secret}\"}}"),
    ];
    env.file("app.log", lines.join("\n"));
    let rows = env.cmd(&["scan", "app.log", "--occurrences", "--format", "jsonl", "--pack", "secrets"]).code(1).jsonl();
    let paths: Vec<String> = rows.iter().map(|row| format!("{} {}", row["line"], row["decode_path"])).collect();
    let wanted = [
        "1 []",
        "2 [\"base64\",\"json($.token)\"]",
        "3 [\"gzip+base64\",\"json($.token)\"]",
        "4 [\"url\",\"json($.token)\"]",
        "5 [\"hex\",\"json($.token)\"]",
        "6 [\"base64\",\"base64\",\"json($.token)\"]",
        "7 []",
    ];
    assert_eq!(paths, wanted);
    assert!(rows.iter().all(|row| row["fingerprint"] == rows[0]["fingerprint"]));
    let span = |row: &Value| (row["start"].as_u64().unwrap() as usize, row["end"].as_u64().unwrap() as usize);
    let (start, end) = span(&rows[1]);
    let run = base64::engine::general_purpose::STANDARD_NO_PAD.encode(body.as_bytes());
    assert!(run.contains(&lines[1][start..end]) && end - start < run.len());
    // Who prints the line does not show it either.
    let hidden = env.cmd(&["import", "app.log"]).code(0);
    assert!(!hidden.stderr.contains(&secret));
    let shown = env.ok(&["query", "SELECT raw FROM text"]);
    assert!(!shown.contains(&lines[1][start..end]) && !shown.contains(&secret), "{shown}");
}

#[test]
fn values_that_inflate_beyond_all_bounds_are_not_called_clean() {
    let env = TestEnv::new();
    let bomb = base64::engine::general_purpose::STANDARD.encode(gzip(&vec![b' '; 64 << 20]));
    env.file("app.log", format!("payload {bomb}\n"));
    let output = env.cmd(&["scan", "app.log"]).code(2);
    assert!(output.stderr.contains("one encoded value, which inflate"), "{}", output.stderr);
}

/// Every text and binary column, whoever wrote the file.
#[test]
fn parquet_of_anyone_is_read_row_by_row() {
    let env = TestEnv::new();
    let secret = token('a');
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["nothing".to_owned(), format!("token {secret}")]));
    let bytes: ArrayRef = Arc::new(BinaryArray::from_vec(vec![b"nothing", secret.as_bytes()]));
    let batch = RecordBatch::try_from_iter([("message", texts), ("payload", bytes)]).unwrap();
    let zstd = parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default());
    let properties = parquet::file::properties::WriterProperties::builder().set_compression(zstd).build();
    let mut out = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut out, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    env.file("app.parquet", &out);
    let rows = env.cmd(&["scan", "app.parquet", "--occurrences", "--format", "jsonl"]).code(1).jsonl();
    assert_eq!(rows.iter().filter(|row| row["rule"] == "github-token" && row["line"] == 2).count(), 2, "{rows:?}");
    // A page that is damaged is not called clean.
    out[4..40].fill(0xff);
    env.file("bad.parquet", out);
    let output = env.cmd(&["scan", "bad.parquet"]).code(2);
    assert!(output.stderr.contains("not scanned: "), "{}", output.stderr);
}

/// A file is cut into pieces that all workers take: lines keep their numbers, whatever worker read them.
#[test]
fn a_large_file_is_read_by_all_and_told_in_order() {
    let env = TestEnv::new();
    let secret = token('a');
    let mut text = String::new();
    for n in 1..=60_000u32 {
        text.push_str(&if n % 1_000 == 0 {
            format!("{n} token {secret}\n")
        } else {
            format!("{n} {}\n", "x ".repeat(40))
        });
    }
    env.file("app.log", &text);
    env.file("app.log.gz", gzip(text.as_bytes()));
    for name in ["app.log", "app.log.gz"] {
        let rows = env.cmd(&["scan", name, "--occurrences", "--format", "jsonl"]).code(1).jsonl();
        let lines: Vec<u64> = rows.iter().map(|row| row["line"].as_u64().unwrap()).collect();
        assert_eq!(lines, (1..=60).map(|n| n * 1_000).collect::<Vec<u64>>());
    }
}

/// Who names a stream after a user, or puts a token into an object's name, has logged it.
#[test]
fn names_of_groups_and_objects_are_scanned_too() {
    let env = TestEnv::new();
    let secret = token('a');
    env.file(&format!("upload-{secret}.log"), "2026-11-22T10:00:00Z INFO done\n");
    env.cmd(&["import", "--log-group", "/aws/lambda/of-mara@brightoak.io", &format!("upload-{secret}.log")]).code(0);
    let rows = findings(&env, &[]);
    let mut rules: Vec<&str> = rows.iter().map(|row| row["rule"].as_str().unwrap()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["email", "github-token"]);
    let shown = serde_json::to_string(&rows).unwrap();
    assert!(!shown.contains(&secret) && !shown.contains("mara@brightoak.io"), "{shown}");
    // Another part of the same group makes no new place.
    env.file("more.log", "2026-11-22T11:00:00Z INFO done\n");
    env.cmd(&["import", "--log-group", "/aws/lambda/of-mara@brightoak.io", "more.log"]).code(0);
    assert_eq!(findings(&env, &[]), rows);
    assert_eq!(findings(&env, &["--rescan"]), rows);
    // Another name that holds the same secret does.
    let again = format!("again-{secret}.log");
    env.file(&again, "2026-11-22T12:00:00Z INFO done\n");
    env.cmd(&["import", "--log-group", "/aws/lambda/orders", &again]).code(0);
    let more = findings(&env, &[]);
    let counts = |rows: &[Value]| rows.iter().map(|row| row["count"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(counts(&more).iter().sum::<u64>(), counts(&rows).iter().sum::<u64>() + 1);
    assert_eq!(findings(&env, &["--rescan"]), more);
    assert_eq!(findings(&env, &[]), more);
    let kept = env.ok(&["query", "SELECT count(*) AS n FROM occurrences", "--format", "jsonl"]);
    assert_eq!(kept.trim(), format!("{{\"n\":{}}}", counts(&more).iter().sum::<u64>()));
    // A short name is masked too.
    env.file("short.log", "2026-11-22T13:00:00Z INFO done\n");
    env.cmd(&["import", "--log-group", "jo@oak.io", "short.log"]).code(0);
    let inside = format!("inside-{secret}.log");
    env.file(&inside, format!("2026-11-22T14:00:00Z INFO {}\n", token('k')));
    env.import(&[&inside]);
    for args in [&["scan"][..], &["scan", "--occurrences"], &["scan", &inside], &["scan", "--occurrences", &inside]] {
        let told = env.cmd(&[args, &["--format", "jsonl"]].concat()).code(1);
        assert!(told.stdout.contains("inside-"), "{}", told.stdout);
        assert!(!told.stdout.contains("jo@oak.io") && !told.stdout.contains(&secret), "{}", told.stdout);
    }
    // Calls that read an object are joined by its name: the lake keeps it as it is.
    let parts = parts::all(&env).into_iter().filter(|(part, _)| part["table"] == "occurrences");
    let objects: Vec<_> = parts.flat_map(|(_, path)| parts::texts(&path, "source_object")).flatten().collect();
    assert!(objects.contains(&inside), "{objects:?}");
    env.cmd(&["scan", "--occurrences", "--format", "parquet", "-o", "told.parquet"]).code(1);
    let told = parts::texts(&env.path().join("told.parquet"), "source_object");
    assert!(told.len() == objects.len() && told.iter().flatten().all(|object| !object.contains(&secret)), "{told:?}");
}

#[test]
fn a_token_tells_whether_it_was_live_when_it_was_logged() {
    let env = TestEnv::new();
    let part = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    // 2026-11-22T10:00:00Z
    let claims = part(r#"{"sub":"u1","exp":1795341600}"#);
    let token = format!("{}.{claims}.{}", part(r#"{"alg":"HS256"}"#), "a".repeat(43));
    for (name, hour, life) in [("one.log", "10", "expired"), ("two.log", "09", "live")] {
        env.file(name, format!("2026-11-22T{hour}:59:59Z INFO token {token}\n").as_str());
        env.import(&[name]);
        let rows = findings(&env, &[]);
        assert_eq!(rows[0]["rule"], "jwt");
        let facts = rows[0]["facts"].as_array().unwrap();
        let told: Vec<&Value> = facts.iter().filter(|fact| fact[0] == "when_logged").map(|fact| &fact[1]).collect();
        assert_eq!(told, [life]);
    }
}

#[test]
fn findings_and_places_as_parquet() {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let env = TestEnv::new();
    env.file("app.log", format!("nothing\ntoken {}\ntoken {0}\n", token('a')).as_str());
    for (flags, rows) in [(&[][..], 1), (&["--occurrences"][..], 2)] {
        let args = ["scan", "app.log", "--format", "parquet", "-o", "out.parquet"];
        env.cmd(&[&args[..], flags].concat()).code(1);
        let file = std::fs::File::open(env.path().join("out.parquet")).unwrap();
        let batches: Vec<RecordBatch> =
            ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), rows);
        assert!(batches[0].column_by_name("fingerprint").is_some());
    }
    env.cmd(&["scan", "app.log", "--format", "parquet", "--reveal", "-o", "out.parquet"]).code(2);
}

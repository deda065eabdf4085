//! Exit codes, help, settings, pipes.

use crate::env::{TestEnv, alb_lines, count, jsonl};
use serde_json::Value;

/// A Slack token's shape: severity high, and nothing else in the file.
fn secret() -> String {
    format!("{}-{}-{}-{}", "xoxb", 712_596_564_518_u64, 6_948_554_394_275_u64, "0chHaGAR8CSiK99N1KIYkpTJ")
}

#[test]
fn exit_codes_of_scan() {
    let env = TestEnv::new();
    env.file("clean.log", "nothing to see\n");
    env.file("leak.log", format!("token {} logged\n", secret()));
    env.cmd(&["scan", "clean.log"]).code(0);
    let found = env.cmd(&["scan", "--format", "jsonl", "leak.log"]).code(1).jsonl();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["severity"], "high");
    for (least, code) in [("info", 1), ("low", 1), ("medium", 1), ("high", 1), ("critical", 0)] {
        env.cmd(&["scan", "--fail-on", least, "leak.log"]).code(code);
        env.cmd_env(&[("LOGSIFT_FAIL_ON", least)], &["scan", "leak.log"]).code(code);
    }
    env.cmd(&["scan", "--disable", found[0]["rule"].as_str().unwrap(), "leak.log"]).code(0);
    env.cmd(&["scan", "--pack", "pii", "leak.log"]).code(0);
    // Incomplete coverage weighs more than findings.
    let output = env.cmd(&["scan", "--format", "jsonl", "leak.log", "missing.log"]).fails(&["missing.log"]);
    assert_eq!(output.jsonl().len(), 1);
}

#[test]
fn exit_codes_of_import() {
    let env = TestEnv::new();
    env.file("mixed.log", format!("{}\nno log line\n", alb_lines(3).join("\n")));
    env.cmd(&["--lake", "a", "import", "mixed.log"]).code(0);
    env.cmd(&["--lake", "b", "import", "--strict", "mixed.log"]).code(2);
    env.cmd(&["--lake", "c", "import", "missing.log"]).code(2);
    env.cmd(&["import"]).code(2);
    env.cmd(&[]).code(2);
    env.cmd(&["--version"]).code(0);
}

/// Every command and subcommand of the help, each with its own help.
#[test]
fn every_command_explains_itself() {
    let env = TestEnv::new();
    let commands = |help: &str| -> Vec<String> {
        let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = lines.take_while(|line| !line.is_empty()).filter(|line| line.starts_with("  "));
        let name = |line: &str| (!line.starts_with("   ")).then(|| line.split_whitespace().next().unwrap().to_owned());
        names.filter_map(name).filter(|name| name != "help").collect()
    };
    let top = commands(&env.ok(&["--help"]));
    assert!(top.len() >= 9, "{top:?}");
    for name in top {
        let help = env.ok(&[&name, "--help"]);
        let below = commands(&help);
        let example = help.contains("Example");
        let description = help.lines().next().unwrap_or_default();
        assert!(description.len() > 10 && !description.starts_with("Usage"), "{name}: {description}");
        let has_options =
            below.is_empty() && ["import", "scan", "timeline", "query", "report"].contains(&name.as_str());
        assert!(example || !has_options, "{name} has no example");
        for sub in below {
            let help = env.ok(&[&name, &sub, "--help"]);
            let description = help.lines().next().unwrap_or_default();
            assert!(description.len() > 10 && !description.starts_with("Usage"), "{name} {sub}: {description}");
            assert!(help.contains("Usage: "), "{name} {sub}");
        }
        assert!(env.ok(&[&name, "-h"]).len() <= help.len());
    }
}

fn setting(env: &TestEnv, variables: &[(&str, &str)], flags: &[&str], name: &str) -> (Value, String) {
    let args = [flags, &["config", "show", "--format", "json"]].concat();
    let all: Value = serde_json::from_str(&env.cmd_env(variables, &args).code(0).stdout).unwrap();
    (all[name]["value"].clone(), all[name]["from"].as_str().unwrap().to_owned())
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let env = TestEnv::new();
    assert_eq!(setting(&env, &[], &[], "tz"), ("UTC".into(), "default".to_owned()));
    assert_eq!(setting(&env, &[], &[], "scan.fail_on"), ("medium".into(), "default".to_owned()));
    env.file(
        "logsift.toml",
        "lake = \"file-lake\"\ntz = \"Asia/Tokyo\"\naccount = \"111122223333\"\n[scan]\nfail_on = \"critical\"\n",
    );
    env.file("other.toml", "tz = \"Europe/Paris\"\n");
    let variables = [
        ("LOGSIFT_LAKE", "env-lake"),
        ("LOGSIFT_TZ", "America/Lima"),
        ("LOGSIFT_FAIL_ON", "low"),
        ("LOGSIFT_ACCOUNT", "444455556666"),
    ];
    let of_file = |name: &str, value: &str| {
        let (found, from) = setting(&env, &[], &[], name);
        assert_eq!(found, value);
        assert!(from.ends_with("logsift.toml"), "{name} from {from}");
        let (found, from) = setting(&env, &variables, &[], name);
        assert_ne!(found, value, "{name}");
        assert!(from.starts_with("env LOGSIFT_"), "{name} from {from}");
    };
    for (name, value) in
        [("lake", "file-lake"), ("tz", "Asia/Tokyo"), ("scan.fail_on", "critical"), ("account", "111122223333")]
    {
        of_file(name, value);
    }
    let flags = ["--lake", "flag-lake", "--tz", "Europe/Berlin"];
    assert_eq!(setting(&env, &variables, &flags, "lake"), ("flag-lake".into(), "flag".to_owned()));
    assert_eq!(setting(&env, &variables, &flags, "tz"), ("Europe/Berlin".into(), "flag".to_owned()));
    let (zone, from) = setting(&env, &[], &["--config", "other.toml"], "tz");
    assert_eq!((zone, from.ends_with("other.toml")), ("Europe/Paris".into(), true));
    let (zone, _) = setting(&env, &[("LOGSIFT_CONFIG", "other.toml")], &[], "tz");
    assert_eq!(zone, "Europe/Paris");
    // An empty variable says nothing.
    assert_eq!(setting(&env, &[("LOGSIFT_TZ", "")], &[], "tz").0, "Asia/Tokyo");
}

#[test]
fn settings_do_what_they_say() {
    let env = TestEnv::new();
    env.file("logsift.toml", "lake = \"file-lake\"\n[scan]\nfail_on = \"critical\"\n");
    env.file("leak.log", format!("token {} logged\n", secret()));
    env.cmd(&["scan", "leak.log"]).code(0);
    env.cmd_env(&[("LOGSIFT_FAIL_ON", "high")], &["scan", "leak.log"]).code(1);
    env.cmd_env(&[("LOGSIFT_FAIL_ON", "high")], &["scan", "--fail-on", "critical", "leak.log"]).code(0);
    env.ok(&["import", "leak.log"]);
    assert!(env.path().join("file-lake/_logsift").is_dir() && !env.lake().exists());
    env.cmd_env(&[("LOGSIFT_LAKE", "env-lake")], &["import", "leak.log"]).code(0);
    assert!(env.path().join("env-lake/_logsift").is_dir());
    env.cmd_env(&[("LOGSIFT_LAKE", "env-lake")], &["--lake", "flag-lake", "import", "leak.log"]).code(0);
    assert!(env.path().join("flag-lake/_logsift").is_dir());
}

#[cfg(feature = "query")]
#[test]
fn times_are_shown_in_the_zone_asked_for() {
    let env = TestEnv::new();
    env.file("x.log", &alb_lines(1)[0]);
    env.import(&["x.log"]);
    assert!(env.ok(&["timeline"]).contains("2026-03-02T00:00:00.000100Z"));
    // Tokyo has no summer time: nine hours ahead.
    let tokyo = env.ok(&["--tz", "Asia/Tokyo", "timeline", "--format", "csv"]);
    assert!(tokyo.contains("2026-03-02T09:00:00.000100+09:00"), "{tokyo}");
    let inside = env.ok(&["--tz", "Asia/Tokyo", "timeline", "--from", "2026-03-02 09:00", "--format", "jsonl"]);
    let rows = jsonl(&inside);
    assert_eq!((rows.len(), rows[0]["time"].as_str()), (1, Some("2026-03-02T00:00:00.000100Z")));
    let after = env.ok(&["--tz", "Asia/Tokyo", "timeline", "--from", "2026-03-02 09:01", "--format", "jsonl"]);
    assert_eq!(after, "");
}

#[test]
fn standard_input_is_read() {
    let env = TestEnv::new();
    let lines = alb_lines(40).join("\n");
    let args = ["import", "--output-format", "json", "-"];
    let report: Value = serde_json::from_str(&env.cmd_stdin(lines.as_bytes(), &args).code(0).stdout).unwrap();
    assert_eq!(count(&report, "events", "alb"), 40);
    let objects = jsonl(&env.ok(&["lake", "objects", "--format", "json"]));
    assert_eq!(objects[0]["name"], "-");
    // The same bytes, compressed or as a file, are another object or a known one.
    env.file("same.log", &lines);
    assert_eq!(env.import(&["same.log"])["skipped"], 1);
    let leak = format!("first\nsecond {} here\n", secret());
    for input in [leak.clone().into_bytes(), crate::env::gzip(leak.as_bytes())] {
        let output = env.cmd_stdin(&input, &["scan", "--occurrences", "--format", "jsonl", "-"]).code(1);
        let rows = output.jsonl();
        assert_eq!(rows.len(), 1);
        let place = (rows[0]["path"].as_str(), rows[0]["line"].as_u64(), rows[0]["column"].as_u64());
        // `second ` has seven bytes.
        assert_eq!(place, (Some("-"), Some(2), Some(8)));
        assert_eq!(rows[0]["end"].as_u64().unwrap() - rows[0]["start"].as_u64().unwrap(), secret().len() as u64);
    }
    env.cmd_stdin(b"", &["scan", "-"]).code(0);
    env.cmd_stdin(b"x", &["scan", "-", "same.log"]).fails(&["stands alone"]);
}

#[cfg(feature = "query")]
#[test]
fn a_closed_pipe_is_quiet() {
    use std::process::{Command, Stdio};
    let env = TestEnv::new();
    env.file("x.log", alb_lines(20_000).join("\n"));
    env.import(&["x.log"]);
    for what in ["timeline", "timeline --format jsonl", "query --format csv 'SELECT raw FROM alb'", "lake rejects"] {
        let script = format!("{{ \"$LOGSIFT\" -q {what}; echo \"code $?\" >&2; }} | head -n 1");
        let settings = env.command(&[]);
        let mut sh = Command::new("sh");
        for (name, value) in settings.get_envs() {
            match value {
                Some(value) => sh.env(name, value),
                None => sh.env_remove(name),
            };
        }
        let sh = sh.env("LOGSIFT", env!("CARGO_BIN_EXE_logsift")).current_dir(env.path());
        let output = sh.args(["-c", &script]).stdin(Stdio::null()).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "code 0\n", "{what}");
        assert!(output.stdout.iter().filter(|b| **b == b'\n').count() <= 1);
    }
}

#[test]
fn json_means_one_object_a_line() {
    let env = TestEnv::new();
    env.file("leak.log", format!("token {} logged\n", secret()));
    let scan = |format: &str| env.cmd(&["scan", "--occurrences", "--format", format, "leak.log"]).code(1);
    assert_eq!(scan("json").stdout, scan("jsonl").stdout);
    assert_eq!(scan("json").jsonl().len(), 1);
    assert_eq!(scan("text").stdout, scan("table").stdout);
}

#[test]
fn quiet_silences_stderr() {
    let env = TestEnv::new();
    env.file("leak.log", format!("token {} logged\n", secret()));
    env.file("x.log", alb_lines(3).join("\n"));
    assert_ne!(env.cmd(&["import", "x.log", "leak.log"]).code(0).stderr, "");
    for args in [
        &["-q", "import", "x.log"][..],
        &["import", "--quiet", "--lake", "b", "x.log", "leak.log"],
        &["-q", "scan"],
        &["scan", "leak.log", "-q"],
        &["-q", "patterns", "list"],
        &["-q", "lake", "info"],
    ] {
        let output = env.cmd(args);
        assert_eq!((output.stderr.as_str(), output.code != Some(2)), ("", true), "{args:?}");
    }
    // Errors are told all the same.
    env.cmd(&["-q", "scan", "missing.log"]).fails(&["missing.log"]);
}

#[test]
fn output_files_are_private_and_csv_is_defused() {
    use std::os::unix::fs::PermissionsExt as _;
    let env = TestEnv::new();
    env.file("=cmd.log", format!("token {} logged\n", secret()));
    let args = ["scan", "--occurrences", "--format", "csv", "-o", "out.csv", "=cmd.log"];
    assert_eq!(env.cmd(&args).code(1).stdout, "");
    let path = env.path().join("out.csv");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], "path,line,column,severity,confidence,rule,secret,fingerprint");
    assert!(!rows[1].starts_with('=') && !rows[1].starts_with("\"="), "{}", rows[1]);
    assert!(!text.contains(&secret()));
}

#[test]
fn identify_is_told_the_templates_that_import_is_told() {
    let env = TestEnv::new();
    env.file("flow.log", "eni-0a1b2c3d4e5f60718 192.0.2.10 10.0.0.5 ACCEPT\n");
    env.file("stage.log", "192.0.2.10|GET|/orders|200|c6af9ac6-7b61-11e6-9a41-93e8deadbeef\n");
    let format = |file: &str, flags: &[&str]| {
        let args: Vec<&str> =
            ["formats", "identify", "--format", "json"].iter().chain(flags).copied().chain([file]).collect();
        jsonl(&env.ok(&args))[0]["format"].as_str().unwrap().to_owned()
    };
    let flow = ["--vpc-flow-format", "${interface-id} ${srcaddr} ${dstaddr} ${action}"];
    let template = "$context.identity.sourceIp|$context.httpMethod|$context.path|$context.status|$context.requestId";
    let stage = ["--apigw-format", template];
    for (file, flags, expected) in [("flow.log", flow, "vpcflow"), ("stage.log", stage, "apigateway")] {
        assert_ne!(format(file, &[]), expected, "{file}");
        assert_eq!(format(file, &flags), expected, "{file}");
    }
    // The other's template says nothing of it.
    assert_ne!(format("stage.log", &flow), "vpcflow");
}

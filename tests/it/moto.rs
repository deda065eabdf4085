//! `pull` against moto, which stands for AWS.

use crate::env::{Output, TestEnv};
use crate::pull::{Events, assert_equal, pulled};
use serde_json::Value;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// `tests/moto/serve.py`; ends with the test.
struct Moto {
    server: Child,
    port: u16,
    truth: Value,
}

impl Moto {
    fn start(args: &[&str]) -> Self {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
        let python = std::env::var_os("LOGSIFT_MOTO_PYTHON").map(PathBuf::from);
        let python = python.unwrap_or_else(|| cache.join("logsift-moto/bin/python"));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/serve.py");
        let mut command = Command::new(&python);
        command.arg(script).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command
            .spawn()
            .unwrap_or_else(|error| panic!("no moto at {} ({error}); `./x test` installs it", python.display()));
        let mut out = BufReader::new(server.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            line
        };
        let port = line().trim().parse().unwrap();
        Self { server, port, truth: serde_json::from_str(&line()).unwrap() }
    }

    fn get(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    fn count(&self, what: &str) -> u64 {
        self.get("/counts")[what].as_u64().unwrap_or(0)
    }

    #[track_caller]
    fn pull(&self, env: &TestEnv, args: &[&str]) -> Output {
        let url = format!("http://127.0.0.1:{}", self.port);
        let all = [&["pull", "--region", "eu-central-1", "--endpoint-url", &url], args].concat();
        let mut command = env.command(&all);
        command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "none");
        Output::of(&all, command.output().unwrap())
    }

    fn events(&self) -> Events {
        let mut events = Events::new();
        for event in self.truth["events"].as_array().unwrap() {
            let text = |n: usize| event[n].as_str().unwrap().to_owned();
            *events.entry((text(0), text(1), event[2].as_i64().unwrap(), text(3))).or_default() += 1;
        }
        events
    }

    fn keys(&self, of: &str) -> HashSet<&str> {
        self.truth[of].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

#[test]
fn log_groups_come_whole() {
    let moto = Moto::start(&["logs", "60", "6000"]);
    let env = TestEnv::new();
    let args = ["cloudwatch", "--log-group", "*", "--since", "1d", "--max-tps", "100"];
    moto.pull(&env, &args).code(0);
    assert_equal(&moto.events(), &pulled(&env.lake()));
}

#[test]
fn an_export_task_is_waited_for_and_fetched() {
    let moto = Moto::start(&["export"]);
    let env = TestEnv::new();
    let export = ["export-task", "--log-group", "/app/*", "--destination", "s3://exports/case", "--since", "2d"];
    let plan = moto.pull(&env, &[&export[..], &["--dry-run"]].concat()).code(0);
    assert!(plan.stdout.contains("/app/web") && plan.stdout.contains("s3://exports/case"), "{}", plan.stdout);
    assert_eq!(moto.count("CreateExportTask"), 0);
    let output = moto.pull(&env, &export).code(0);
    assert!(output.stderr.contains("/app/web: export task 00000000"), "{}", output.stderr);
    assert_equal(&moto.events(), &pulled(&env.lake()));
    // What AWS may not have exported yet is fetched from CloudWatch, the rest is not, and nothing comes twice.
    let rest = ["cloudwatch", "--log-group", "/app/web", "--since", "2d", "--dry-run", "--output-format", "json"];
    let plan = moto.pull(&env, &rest).code(0).jsonl();
    let missing: Vec<i64> = plan[0]["missing"][0].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    let hours = (missing[1] - missing[0]) as f64 / 3_600_000.0;
    assert!(plan[0]["missing"].as_array().unwrap().len() == 1 && (13.9..14.1).contains(&hours), "{hours}");
    moto.pull(&env, &["cloudwatch", "--log-group", "/app/web", "--since", "2d", "--follow-late", "48"]).code(0);
    assert_equal(&moto.events(), &pulled(&env.lake()));
    assert_eq!(moto.count("CreateExportTask"), 1);
}

const WINDOW: [&str; 4] = ["--from", "2026-03-02T10:00Z", "--to", "2026-03-02T12:00Z"];

#[test]
fn of_a_bucket_only_what_the_time_needs_is_listed_and_fetched() {
    let moto = Moto::start(&["s3", "1920"]);
    let env = TestEnv::new();
    let args = [&["s3", "s3://logs"], &WINDOW[..]].concat();
    let plan = moto.pull(&env, &[&args[..], &["--dry-run"]].concat()).code(0);
    assert!(plan.stdout.contains("to fetch in eu-central-1"), "{}", plan.stdout);
    assert_eq!(moto.count("GET object"), 0);
    moto.pull(&env, &args).code(0);
    let lake = logsift::lake::Lake::open(&env.lake()).unwrap();
    let names = lake.manifest.objects.values().map(|object| object.name.strip_prefix("s3://logs/").unwrap());
    let fetched: HashSet<&str> = names.collect();
    let needed = moto.keys("needed");
    assert_eq!(needed.len(), 120);
    assert!(needed.is_subset(&fetched), "{:?}", needed.difference(&fetched).next());
    assert!(moto.keys("far").is_disjoint(&fetched));
    assert_eq!(moto.count("GET object"), fetched.len() as u64);
    assert!(fetched.len() < needed.len() * 3 / 2, "{} of 1920 were fetched", fetched.len());
    // Its bytes are kept, and are what the custody record says.
    env.ok(&["lake", "verify"]);
    assert!(lake.manifest.objects.values().all(|object| object.evidence.is_some() && object.etag.is_some()));
    moto.pull(&env, &args).code(0);
    assert_eq!(moto.count("GET object"), fetched.len() as u64, "something was fetched twice");
}

#[test]
fn what_a_bucket_does_not_give_is_told() {
    let moto = Moto::start(&["s3", "12"]);
    let env = TestEnv::new();
    let output = moto.pull(&env, &[&["s3", "s3://logs/access/", "s3://no-such-bucket"], &WINDOW[..]].concat()).code(2);
    assert!(output.stderr.contains("there is no bucket no-such-bucket"), "{}", output.stderr);
    let output = moto.pull(&env, &["s3", "logs/access"]).code(2);
    assert!(output.stderr.contains("is no S3 URI"), "{}", output.stderr);
}

#[test]
fn what_an_investigator_would_miss_is_seen_and_kept() {
    let moto = Moto::start(&["account"]);
    let env = TestEnv::new();
    let seen = moto.pull(&env, &["discover", "--format", "json"]).code(0).jsonl();
    let gaps = |resource: &str| {
        let fact = seen.iter().find(|fact| fact["resource"] == resource).unwrap_or_else(|| panic!("no {resource}"));
        fact["gaps"].to_string()
    };
    assert!(gaps("/aws/lambda/kept").contains("never expires"));
    assert!(!gaps("/aws/lambda/short").contains("never expires"));
    assert!(gaps("/aws/lambda/short").contains("no KMS key"));
    let stage = format!("{}/prod", moto.truth["api"].as_str().unwrap());
    assert_eq!(gaps(&stage), "[\"no access logs\"]");
    let keys = moto.pull(&env, &["credentials", "--format", "json"]).code(0).jsonl();
    let key = |n: usize| keys.iter().find(|fact| fact["accessKeyId"] == moto.truth["keys"][n]).unwrap();
    assert_eq!((&key(0)["status"], &key(1)["status"]), (&"Active".into(), &"Inactive".into()));
    let ada = keys.iter().find(|fact| fact["posture"] == "user" && fact["userName"] == "ada").unwrap();
    assert_eq!(ada["gaps"].to_string(), "[\"a password without a second factor\"]");
    let rows = env.ok(&["lake", "info"]);
    assert!(rows.contains("posture"), "{rows}");
}

#[test]
fn a_role_in_each_account_of_the_organisation() {
    let moto = Moto::start(&["account"]);
    let env = TestEnv::new();
    let args = ["--org-role", "audit", "cloudwatch", "--log-group", "*", "--since", "1d", "--dry-run"];
    let plan = moto.pull(&env, &args).code(0);
    for account in moto.truth["accounts"].as_array().unwrap() {
        assert!(plan.stdout.contains(&format!("{} eu-central-1", account.as_str().unwrap())), "{}", plan.stdout);
    }
    assert!(moto.count("POST") > 0);
}

#[test]
fn the_policy_is_printed_without_a_socket() {
    let env = TestEnv::new();
    let policy: Value = serde_json::from_str(&env.ok(&["pull", "iam-policy", "s3", "--kms"])).unwrap();
    let actions: Vec<String> =
        policy["Statement"].as_array().unwrap().iter().map(|statement| statement["Action"].to_string()).collect();
    assert_eq!(actions, ["[\"s3:GetObject\",\"s3:ListBucket\"]", "[\"kms:Decrypt\"]"]);
    assert!(!env.ok(&["pull", "iam-policy"]).contains("Create"));
    let policy = env.ok(&["pull", "iam-policy", "export-task"]);
    assert!(policy.contains("logs:CreateExportTask") && policy.contains("LogsiftPullExportTask"), "{policy}");
}

/// As `aws configure` writes it; the SDK refuses such a profile.
#[test]
fn a_profile_that_needs_a_second_factor_asks_for_it() {
    let moto = Moto::start(&["logs", "4", "100"]);
    let env = TestEnv::new();
    let serial = "arn:aws:iam::111122223333:mfa/ada";
    let config = env.file(
        "config",
        format!(
            "[profile audit]\nrole_arn = arn:aws:iam::111122223333:role/audit\nsource_profile = base\n\
             mfa_serial = {serial}\nregion = eu-central-1\n[profile base]\naws_access_key_id = AKIAEXAMPLE\n\
             aws_secret_access_key = none\n"
        ),
    );
    let url = format!("http://127.0.0.1:{}", moto.port);
    let args = [
        "pull",
        "--profile",
        "audit",
        "--endpoint-url",
        &url,
        "cloudwatch",
        "--log-group",
        "*",
        "--since",
        "1d",
        "--dry-run",
    ];
    let pull = |code: &str| {
        let mut command = env.command(&args);
        command.env("AWS_CONFIG_FILE", &config).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
        Output::of(&args, child.wait_with_output().unwrap())
    };
    let given = pull("123456\n").code(0);
    assert!(given.stderr.contains(&format!("code of {serial}")), "{}", given.stderr);
    assert!(pull("").code(2).stderr.contains("no code of the second factor"));
}

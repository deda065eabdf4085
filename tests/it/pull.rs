//! `pull` against a simulator of CloudWatch Logs that speaks its protocol to the real SDK.

use crate::env::{Output, TestEnv};
use crate::simulator;
use logsift::lake::Lake;
use logsift::report::text::number;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// See `simulator/mod.rs`.
struct Simulator {
    port: u16,
}

impl Simulator {
    fn start(env: &TestEnv, flags: &[&str]) -> Self {
        let put = env.path().join("put.jsonl");
        let args = [&["--dump", put.to_str().unwrap()], flags].concat();
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        Self { port: simulator::start(&args) }
    }

    fn answers(&self, what: &str) -> u64 {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /stats HTTP/1.1\r\n\r\n").unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let stats: Value = serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
        stats["answers"][what].as_u64().unwrap_or(0)
    }

    fn command(&self, env: &TestEnv, args: &[&str]) -> Command {
        let url = format!("http://127.0.0.1:{}", self.port);
        let all = ["pull", "--region", "eu-central-1", "--endpoint-url", &url, "cloudwatch"];
        let mut command = env.command(&[&all, args].concat());
        command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "none");
        command
    }

    /// Runs that are killed after so many milliseconds.
    fn pull_and_kill(&self, env: &TestEnv, args: &[&str], after: &[u64]) {
        for millis in after {
            let mut child = self.command(env, args).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(*millis));
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    #[track_caller]
    fn pull(&self, env: &TestEnv, args: &[&str]) -> Output {
        Output::of(args, self.command(env, args).output().unwrap())
    }
}

/// Group, stream, milliseconds and message, with how often they come.
pub type Events = BTreeMap<(String, String, i64, String), u32>;

fn put(env: &TestEnv) -> Events {
    let mut events = Events::new();
    for line in std::fs::read_to_string(env.path().join("put.jsonl")).unwrap().lines() {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| value[name].as_str().unwrap().to_owned();
        *events.entry((text("g"), text("s"), value["t"].as_i64().unwrap(), text("m"))).or_default() += 1;
    }
    events
}

pub fn pulled(lake: &Path) -> Events {
    let lake = Lake::open(lake).unwrap();
    let mut events = Events::new();
    for part in lake.all_parts().filter(|part| part.table == "cloudwatch") {
        for batch in lake.text_batches(part, &["cw_log_group", "cw_log_stream", "raw"]).unwrap() {
            let batch = batch.unwrap();
            let [group, stream, raw] = ["cw_log_group", "cw_log_stream", "raw"].map(|name| batch.texts(name));
            for i in 0..batch.len() {
                let text = |value: Option<&str>| value.unwrap().to_owned();
                let time = batch.time(i).unwrap() / 1000;
                *events.entry((text(group.get(i)), text(stream.get(i)), time, text(raw.get(i)))).or_default() += 1;
            }
        }
    }
    events
}

#[track_caller]
fn assert_same(env: &TestEnv) {
    assert_equal(&put(env), &pulled(&env.lake()));
}

#[track_caller]
pub fn assert_equal(put: &Events, pulled: &Events) {
    assert!(put.values().any(|n| *n > 1), "no doubles were planted");
    let missing: Vec<_> = put.iter().filter(|(event, n)| pulled.get(*event) != Some(n)).take(3).collect();
    let extra: Vec<_> = pulled.iter().filter(|(event, n)| put.get(*event) != Some(n)).take(3).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:?}\nextra {extra:?}");
}

#[test]
fn every_event_comes_once_and_the_same_command_again_fetches_nothing() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &["--events", "40000"]);
    let args = ["--log-group", "/aws/lambda/*", "--since", "1d", "--max-tps", "200"];
    simulator.pull(&env, &args).code(0);
    assert_same(&env);
    let first = simulator.answers("FilterLogEvents");
    // A page holds 10,000 events at most.
    assert!(first >= 4, "{first}");
    let again = simulator.pull(&env, &[&args[..], &["--output-format", "json"]].concat()).code(0);
    let summary: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(summary["tally"]["records_in"], 0, "{summary}");
    // Late events are looked for, and what is known adds nothing.
    simulator.pull(&env, &[&args[..], &["--follow-late", "24"]].concat()).code(0);
    assert_same(&env);
}

#[test]
fn each_method_gives_the_same_events() {
    let flags = ["--events", "40000", "--streams", "5"];
    for (method, asked, not_asked) in
        [("get", "GetLogEvents", "FilterLogEvents"), ("filter", "FilterLogEvents", "GetLogEvents")]
    {
        let env = TestEnv::new();
        let simulator = Simulator::start(&env, &flags);
        let rates = ["--max-tps", "200", "--max-get-tps", "200"];
        let args = [&["--log-group", "*", "--since", "1d", "--method", method], &rates[..]].concat();
        simulator.pull(&env, &args).code(0);
        assert_same(&env);
        assert!(simulator.answers(asked) > 0 && simulator.answers(not_asked) == 0, "{method}");
        // What one way gave, the other way adds nothing to.
        let other = ["--log-group", "*", "--since", "1d", "--method", "both", "--follow-late", "24"];
        simulator.pull(&env, &[&other[..], &rates].concat()).code(0);
        assert_same(&env);
        assert!(simulator.answers("GetLogEvents") > 0 && simulator.answers("FilterLogEvents") > 0);
    }
}

#[test]
fn get_log_events_through_faults_and_kills() {
    let env = TestEnv::new();
    let flags = ["--events", "40000", "--streams", "20", "--faults", "0.15", "--latency-ms", "50"];
    let simulator = Simulator::start(&env, &flags);
    let args = ["--log-group", "*", "--since", "1d", "--method", "both", "--max-tps", "100", "--max-get-tps", "200"];
    simulator.pull_and_kill(&env, &args, &[300, 900]);
    simulator.pull(&env, &args).code(0);
    assert_same(&env);
}

#[test]
fn faults_cost_time_and_no_event() {
    let mut faults = 0;
    for seed in ["1", "2", "3"] {
        let env = TestEnv::new();
        let simulator =
            Simulator::start(&env, &["--events", "30000", "--pad", "1000", "--faults", "0.2", "--seed", seed]);
        simulator.pull(&env, &["--log-group", "*", "--since", "1d", "--max-tps", "400"]).code(0);
        faults += simulator.answers("fault");
        assert_same(&env);
    }
    // Some hundred calls, of which a fifth fail: so few as three come once in ten million runs.
    assert!(faults > 3, "{faults}");
}

#[test]
fn a_killed_run_is_carried_on() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &["--events", "60000", "--latency-ms", "200"]);
    let args = ["--log-group", "*", "--since", "1d", "--max-tps", "60"];
    simulator.pull_and_kill(&env, &args, &[150, 400, 900]);
    simulator.pull(&env, &args).code(0);
    assert_same(&env);
    let leftovers = std::fs::read_dir(env.lake().join("_logsift")).unwrap().flatten();
    let leftovers = leftovers.filter(|entry| entry.file_name().to_string_lossy().starts_with(".tmp-"));
    assert_eq!(leftovers.count(), 0);
}

/// Lines that come while it runs are printed once, and are in the lake when it is stopped.
#[test]
fn following_shows_what_comes() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &["--events", "3000", "--groups", "2", "--live", "600"]);
    let args = ["--log-group", "*", "--since", "1d", "--max-tps", "100", "--follow", "--interval", "1"];
    let more = ["--output-format", "json", "--progress", "json"];
    let mut command = simulator.command(&env, &[&args[..], &more].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Read as it comes: a full pipe would hold up the program.
    let mut stderr = child.stderr.take().unwrap();
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        text
    });
    let mut shown = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let value: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if value["message"].is_null() {
            break;
        }
        shown.push((value["log_group"].to_string(), value["event_time"].to_string(), value["message"].to_string()));
        if shown.len() == 100 {
            let pid = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        }
    }
    let errors = errors.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{errors}");
    assert!(shown.len() >= 100);
    let unique: std::collections::BTreeSet<_> = shown.iter().collect();
    assert_eq!(unique.len(), shown.len(), "a line was shown twice");
    let lake = pulled(&env.lake());
    // Lines that come while it runs are young, all others are older than a quarter of an hour.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let mut old = put(&env).into_iter().filter(|(event, _)| event.2 < now - 900_000);
    assert!(old.all(|(event, n)| lake.get(&event) == Some(&n)));
    assert!(lake.values().sum::<u32>() as usize >= 3000 + shown.len());
    let line = errors.lines().rev().find(|line| line.starts_with('{')).unwrap();
    let progress: Value = serde_json::from_str(line).unwrap();
    assert!(progress["events"].as_u64().unwrap() >= 3000 && progress["share"] == 1.0, "{progress}");
}

#[test]
fn a_quota_is_kept_to() {
    let env = TestEnv::new();
    let flags = ["--events", "40000", "--filter-tps", "4", "--latency-ms", "50"];
    let simulator = Simulator::start(&env, &flags);
    simulator.pull(&env, &["--log-group", "*", "--since", "1d", "--max-tps", "100"]).code(0);
    assert!(simulator.answers("throttled") > 0);
    assert_same(&env);
}

#[test]
fn a_group_that_may_not_be_read_keeps_no_other_from_coming() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &["--deny", "/aws/lambda/fn-1"]);
    let args = ["--log-group", "*", "--log-group", "no-such-group", "--since", "1d", "--max-tps", "100"];
    let output = simulator.pull(&env, &args).code(2);
    assert!(output.stderr.contains("/aws/lambda/fn-1: AccessDeniedException"), "{}", output.stderr);
    assert!(output.stderr.contains("no log group of eu-central-1 is called no-such-group"), "{}", output.stderr);
    let groups: std::collections::BTreeSet<_> = pulled(&env.lake()).into_keys().map(|(group, ..)| group).collect();
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), ["/aws/lambda/fn-0", "/aws/lambda/fn-2"]);
}

#[test]
fn a_plan_fetches_nothing() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &[]);
    let plan = simulator.pull(&env, &["--log-group", "*", "--since", "1d", "--dry-run"]).code(0);
    assert!(plan.stdout.contains("/aws/lambda/fn-2") && plan.stdout.contains("FilterLogEvents"), "{}", plan.stdout);
    assert_eq!(simulator.answers("FilterLogEvents"), 0);
    assert!(!env.lake().exists());
}

#[test]
fn what_cannot_be_is_told() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &[]);
    let none = simulator.pull(&env, &["--log-group", "*"]).code(2);
    assert!(none.stderr.contains("say how far back"), "{}", none.stderr);
    let backwards = ["--log-group", "*", "--from", "2026-03-02", "--to", "2026-03-01"];
    assert!(simulator.pull(&env, &backwards).code(2).stderr.contains("the window is empty"));
    let mut command = simulator.command(&env, &["--log-group", "*", "--since", "1d", "--profile", "nobody"]);
    let output = Output::of(&["--profile", "nobody"], command.output().unwrap()).code(2);
    assert!(output.stderr.contains("nobody"), "{}", output.stderr);
}

#[test]
fn expired_credentials_are_waited_for() {
    let flags = ["--events", "30000", "--latency-ms", "300", "--expire-after", "8"];
    let args = ["--log-group", "*", "--since", "1d", "--max-tps", "50"];
    let keys = |env: &TestEnv, key: &str| {
        env.file("credentials", format!("[default]\naws_access_key_id = {key}\naws_secret_access_key = none\n"))
    };
    let start = |env: &TestEnv, simulator: &Simulator, more: &[&str]| {
        let mut command = simulator.command(env, &[&args[..], more].concat());
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_SHARED_CREDENTIALS_FILE", keys(env, "AKIAEXAMPLE"));
        command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    };
    // Without patience the run ends with what it has, and says so.
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &flags);
    let ended = Output::of(&args, start(&env, &simulator, &[]).wait_with_output().unwrap()).code(2);
    assert!(ended.stderr.contains("the credentials do not work (any more)"), "{}", ended.stderr);

    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &flags);
    let waits = start(&env, &simulator, &["--credentials-wait", "1"]);
    std::thread::sleep(Duration::from_secs(3));
    keys(&env, "AKIAEXAMPLE2");
    let output = Output::of(&args, waits.wait_with_output().unwrap()).code(0);
    assert!(output.stderr.contains("the credentials have expired"), "{}", output.stderr);
    assert_same(&env);
}

/// What the simulator's policy hides.
fn is_hidden(message: &str) -> bool {
    let n = message.strip_prefix("GET /items/").and_then(|rest| rest.split(' ').next());
    n.and_then(|n| n.parse::<u32>().ok()).is_some_and(|n| n % 8 == 3)
}

#[test]
fn a_wrong_clock_of_this_machine_is_made_up_for() {
    for skew in ["-3600", "900"] {
        let env = TestEnv::new();
        let simulator = Simulator::start(&env, &["--events", "30000", "--skew", skew]);
        let output = simulator.pull(&env, &["--log-group", "*", "--since", "1d", "--max-tps", "200"]).code(0);
        assert!(simulator.answers("skewed") > 0, "{}", output.stderr);
        assert_same(&env);
    }
}

#[test]
fn a_signature_that_is_wrong_for_another_reason_is_told() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &["--wrong-signature", "1"]);
    let output = simulator.pull(&env, &["--log-group", "*", "--since", "1d"]).code(2);
    assert!(output.stderr.contains("InvalidSignatureException"), "{}", output.stderr);
    assert_eq!(simulator.answers("skewed"), 1);
}

#[test]
fn what_is_masked_or_sampled_is_never_clean() {
    let env = TestEnv::new();
    let simulator = Simulator::start(&env, &["--masked", "/aws/lambda/fn-1", "--events", "30000"]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    // The same beginning each time: what was masked before it would stay so.
    let from = (now - 86_400).to_string();
    let args = ["--log-group", "*", "--from", &from, "--max-tps", "200"];
    let first = simulator.pull(&env, &args).code(0);
    let events = put(&env);
    let hidden = events.iter().filter(|((group, ..), _)| group == "/aws/lambda/fn-1");
    let hidden: u32 = hidden.filter(|((.., text), _)| is_hidden(text)).map(|(_, n)| n).sum();
    let told = format!("hid something in {} of 10,000 events", number(u64::from(hidden)));
    assert!(hidden > 100 && first.stderr.contains(&told), "{hidden} {}", first.stderr);
    let marked = env.cmd(&["query", r#"SELECT count(*) AS n, min(raw) AS least, max(raw) AS most FROM cloudwatch WHERE extra LIKE '%"masked":true%'"#, "--format", "json"]);
    let row: Value = serde_json::from_str(&marked.code(0).stdout).unwrap();
    assert_eq!((&row["n"], &row["least"]), (&hidden.into(), &row["most"]), "{row}");
    let scan = env.cmd(&["scan"]).code(2);
    assert!(scan.stderr.contains("log-group:/aws/lambda/fn-1: a data protection policy"), "{}", scan.stderr);
    assert!(!scan.stderr.contains("fn-0"), "{}", scan.stderr);
    env.file("leak.log", "2026-03-02T10:00:00.000Z password=Tr0ub4dor-and-3\n");
    env.import(&["--log-group", "/aws/lambda/fn-1", "--log-stream", "s", "leak.log"]);
    let found = env.cmd(&["scan", "--format", "jsonl"]).code(2).jsonl();
    assert_eq!(found[0]["incomplete_places"][0], "/aws/lambda/fn-1", "{found:?}");
    simulator.pull(&env, &[&args[..], &["--unmask"]].concat()).code(0);
    // Whole by now, and no longer cut short by what was hidden.
    env.cmd(&["scan"]).code(1);

    // A sample is of whole pages: a group of several is needed to see one.
    let sampled = TestEnv::new();
    let simulator = Simulator::start(&sampled, &["--events", "120000"]);
    simulator.pull(&sampled, &[&args[..], &["--sample", "40kB"]].concat()).code(0);
    let some: u32 = pulled(&sampled.lake()).values().sum();
    assert!((1_000..110_000).contains(&some), "{some}");
    let scan = sampled.cmd(&["scan"]).code(2);
    assert!(scan.stderr.contains("a sample of 40,000 bytes of about"), "{}", scan.stderr);
    simulator.pull(&sampled, &args).code(0);
    assert_same(&sampled);
    sampled.cmd(&["scan"]).code(0);
}

/// A tenth of all events lies in one second: more than an answer holds, so that it has to be cut within the second.
#[test]
fn groups_of_infrequent_access_come_by_insights() {
    let env = TestEnv::new();
    let flags = ["--groups", "1", "--events", "120000", "--infrequent", "/aws/lambda/fn-0", "--streams", "4"];
    let simulator = Simulator::start(&env, &flags);
    let args = ["--log-group", "*", "--since", "1d"];
    let plan = simulator.pull(&env, &[&args[..], &["--dry-run"]].concat()).code(0);
    assert!(plan.stdout.contains("Insights") && plan.stdout.contains("USD"), "{}", plan.stdout);
    assert_eq!(simulator.answers("StartQuery"), 0);
    let output = simulator.pull(&env, &args).code(0);
    assert!(output.stderr.contains("Insights scanned"), "{}", output.stderr);
    assert_same(&env);
    assert_eq!(simulator.answers("FilterLogEvents") + simulator.answers("GetLogEvents"), 0);
}

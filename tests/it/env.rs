//! A folder of its own for each test, and the program run inside it.

use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Working directory, home and lake of one test.
pub struct TestEnv {
    dir: TempDir,
}

/// What a command gave.
#[derive(Debug)]
pub struct Output {
    pub args: String,
    pub stdout: String,
    pub stderr: String,
    /// `None` when a signal ended it.
    pub code: Option<i32>,
}

impl TestEnv {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the lake is when no flag or setting says otherwise.
    pub fn lake(&self) -> PathBuf {
        self.path().join("logsift-lake")
    }

    /// Writes a file, and its folders.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The program, not yet run; nothing of the caller's own settings reaches it.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_logsift"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LOGSIFT_") || name == "NO_COLOR" {
                command.env_remove(name);
            }
        }
        command.env("HOME", self.path().join("home"));
        for (name, folder) in [("CACHE", "cache"), ("DATA", "data"), ("CONFIG", "config"), ("STATE", "state")] {
            command.env(format!("XDG_{name}_HOME"), self.path().join("home").join(folder));
        }
        command.current_dir(self.path()).args(args).stdin(Stdio::null());
        command
    }

    pub fn cmd(&self, args: &[&str]) -> Output {
        finish(&mut self.command(args), args)
    }

    pub fn cmd_env(&self, variables: &[(&str, &str)], args: &[&str]) -> Output {
        finish(self.command(args).envs(variables.iter().copied()), args)
    }

    pub fn cmd_stdin(&self, input: &[u8], args: &[&str]) -> Output {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // A program that did not read to the end is judged by its output.
        let _ = feeder.join().unwrap();
        Output::of(args, output)
    }

    /// Runs a command that must end with 0; gives its stdout.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        self.cmd(args).code(0).stdout
    }

    /// Imports and gives the counts, as `--output-format json` prints them.
    #[track_caller]
    pub fn import(&self, args: &[&str]) -> Value {
        let all: Vec<&str> = ["import", "--output-format", "json"].iter().chain(args).copied().collect();
        serde_json::from_str(&self.ok(&all)).unwrap()
    }
}

fn finish(command: &mut Command, args: &[&str]) -> Output {
    Output::of(args, command.output().unwrap())
}

impl Output {
    pub fn of(args: &[&str], output: std::process::Output) -> Self {
        Self {
            args: args.join(" "),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }

    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        let stdout: String = self.stdout.chars().take(2000).collect();
        assert_eq!(self.code, Some(expected), "logsift {}\n{stdout}\n{}", self.args, self.stderr);
        self
    }

    /// Exit code 2, and a message that holds every one of the words.
    #[track_caller]
    pub fn fails(self, words: &[&str]) -> Self {
        let this = self.code(2);
        for word in words {
            assert!(this.stderr.contains(word), "logsift {}: `{word}` is missing in\n{}", this.args, this.stderr);
        }
        assert!(!this.stderr.contains("panicked"), "{}", this.stderr);
        this
    }

    pub fn jsonl(&self) -> Vec<Value> {
        jsonl(&self.stdout)
    }
}

/// One JSON value a line.
pub fn jsonl(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// A count of an import: `count(&report, "events", "alb")`; 0 where there is none.
pub fn count(report: &Value, class: &str, name: &str) -> u64 {
    report["tally"][class][name].as_u64().unwrap_or(0)
}

/// All of a class: `total(&report, "rejects")`.
pub fn total(report: &Value, class: &str) -> u64 {
    report["tally"][class].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

/// The repository.
pub fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `n` different, well-formed lines of an ALB, one second apart from 2026-03-02T00:00:00Z on.
pub fn alb_lines(n: usize) -> Vec<String> {
    (0..n).map(alb_line).collect()
}

fn alb_line(i: usize) -> String {
    let (day, second) = (2 + i / 86_400, i % 86_400);
    let time = format!("2026-03-{day:02}T{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    let (client, port, trace) = (i % 250 + 1, 1024 + i % 60_000, i);
    format!(
        "https {time}.000100Z app/web/50dc6c495c0c9188 203.0.113.{client}:{port} 10.0.1.20:8080 0.001 0.012 0.000 \
         200 200 512 1843 \"GET https://shop.example.com:443/items/{i}?page=2 HTTP/1.1\" \"Mozilla/5.0\" \
         TLS_AES_128_GCM_SHA256 TLSv1.3 \
         arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/web/73e2d6bc24d8a067 \
         \"Root=1-69a54a12-{trace:024x}\" \"shop.example.com\" \"-\" 1 {time}.000000Z \"forward\" \"-\" \"-\" \
         \"10.0.1.20:8080\" \"200\" \"-\" \"-\" TID_{trace:032x}"
    )
}

//! CloudWatch Logs for tests: the JSON 1.1 protocol over HTTP, faithful where moto is not: pages of 1 MB, empty pages
//! with a token, an inclusive end for FilterLogEvents and an exclusive one for GetLogEvents, quotas, and faults on
//! request. Facts: AWS, CloudWatch Logs API reference and quotas.
//!
//! ```text
//! [--groups 3] [--streams 30] [--events 10000] [--hours 6] [--seed 1] [--dump FILE]
//! [--latency-ms 0] [--filter-tps N] [--get-tps N] [--faults SHARE] [--deny GROUP] [--pad BYTES]
//! [--expire-after CALLS] [--masked GROUP] [--infrequent GROUP] [--live SECONDS] [--skew SECONDS] [--wrong-signature 1]
//! ```
//!
//! `--skew`: our clock goes so far before the caller's, and requests of other times are refused as AWS refuses them; with
//! `--faults` it jumps now and then. `--live`: for so long a line comes every 100 ms, half a second late.
//! Streams are counted by group, events in all. `GET /stats` tells the answers given. `--dump`: every event as JSON,
//! one a line.

mod insights;
mod logs;

use logs::{Event, Group, Random};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PAGE_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1_048_576;
const ACCOUNT: &str = "111122223333";
const REGION: &str = "eu-central-1";
/// What a data protection policy leaves of some events.
const HIDDEN: &str = "paid with ****************";
/// Expires with `--expire-after`; others do not.
const FIRST_KEY: &str = "AKIAEXAMPLE";

#[derive(Default)]
struct Counts {
    queries: HashMap<String, insights::Query>,
    answers: HashMap<String, u64>,
    /// Calls of this second, by operation.
    second: HashMap<String, (u64, u64)>,
    /// First and last answer, by operation.
    spans: HashMap<String, (Instant, Instant)>,
    storm_until: Option<Instant>,
    /// Token and text of the last page of each chain.
    last_page: HashMap<String, (Option<String>, String)>,
    /// Seconds that our clock is before that of this machine.
    skew: i64,
}

struct World {
    groups: Vec<Group>,
    flags: HashMap<String, String>,
    counts: Mutex<Counts>,
    random: Mutex<Random>,
    start: Instant,
}

enum Answer {
    Ok(String),
    Error(u16, &'static str, &'static str),
    /// The connection breaks before the answer.
    Reset,
    /// The connection breaks in the middle of it.
    Cut(String),
}

/// Starts a simulator that lives as long as the process; its port.
pub fn start(args: &[String]) -> u16 {
    let flags: HashMap<String, String> =
        args.chunks(2).map(|pair| (pair[0].trim_start_matches('-').to_owned(), pair[1].clone())).collect();
    let number = |name: &str, default: u64| flags.get(name).map_or(default, |text| text.parse().unwrap());
    let mut random = Random(number("seed", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (groups, streams) = (number("groups", 3), number("streams", 30));
    let groups = logs::make_groups(groups, streams, number("events", 10_000), number("hours", 6), &mut random);
    let groups = logs::with_live(groups, number("live", 0));
    if let Some(path) = flags.get("dump") {
        logs::dump(path, &groups, number("pad", 0) as usize);
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts = Counts { skew: flags.get("skew").map_or(0, |text| text.parse().unwrap()), ..Counts::default() };
    let (counts, random, start) = (Mutex::new(counts), Mutex::new(random), Instant::now());
    let world = Arc::new(World { groups, flags, counts, random, start });
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let world = Arc::clone(&world);
            std::thread::spawn(move || serve(&world, stream));
        }
    });
    port
}

fn serve(world: &World, stream: TcpStream) {
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    loop {
        let (mut target, mut key, mut length, mut line) = (String::new(), String::new(), 0, String::new());
        let mut signed = None;
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let stats = line.starts_with("GET /stats");
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "authorization" => key = value.split(['=', '/']).nth(1).unwrap_or_default().to_owned(),
                "x-amz-date" => signed = Some(logs::seconds(value.trim())),
                "x-amz-target" => target = value.trim().rsplit('.').next().unwrap().to_owned(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let answer = if stats {
            let counts = world.counts.lock().unwrap();
            let spans = counts.spans.iter().map(|(name, (first, last))| (name, (*last - *first).as_secs_f64()));
            let spans: HashMap<_, _> = spans.collect();
            Answer::Ok(json!({"answers": counts.answers, "spans": spans}).to_string())
        } else if let Some(refused) = world.refused(signed) {
            refused
        } else {
            world.answer(&target, &key, &serde_json::from_slice(&body).unwrap_or(Value::Null))
        };
        let (status, text, cut) = match answer {
            Answer::Ok(text) => (200, text, false),
            Answer::Cut(text) => (200, text, true),
            Answer::Error(status, kind, message) => {
                (status, json!({"__type": kind, "message": message}).to_string(), false)
            }
            Answer::Reset => return,
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ndate: {}\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\r\n",
            logs::date(world.now()),
            text.len()
        );
        let sent = if cut { &text.as_bytes()[..text.len() / 2] } else { text.as_bytes() };
        if writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(sent)).is_err() || cut {
            return;
        }
    }
}

impl World {
    fn number(&self, name: &str) -> Option<f64> {
        self.flags.get(name).map(|text| text.parse().unwrap())
    }

    fn chance(&self, share: f64) -> bool {
        self.random.lock().unwrap().chance(share)
    }

    /// Seconds since 1970 by our clock.
    fn now(&self) -> i64 {
        logs::now() / 1000 + self.counts.lock().unwrap().skew
    }

    /// A request that was signed at another time than it is, by five minutes or more.
    fn refused(&self, signed: Option<i64>) -> Option<Answer> {
        let late = self.now() - signed?;
        if late.abs() < 300 && !self.flags.contains_key("wrong-signature") {
            return None;
        }
        self.count("skewed");
        let why = match late {
            300.. => "Signature expired: it is now earlier than 5 min. ago",
            ..=-300 => "Signature not yet current: it is still later than in 5 min.",
            _ => "The request signature we calculated does not match the signature you provided.",
        };
        Some(Answer::Error(400, "InvalidSignatureException", why))
    }

    fn count(&self, what: &str) {
        let mut counts = self.counts.lock().unwrap();
        *counts.answers.entry(what.to_owned()).or_default() += 1;
        let now = Instant::now();
        counts.spans.entry(what.to_owned()).or_insert((now, now)).1 = now;
    }

    /// Whether the operation's quota of this second is used up.
    fn over_quota(&self, operation: &str, quota: Option<f64>) -> bool {
        let Some(quota) = quota else { return false };
        let now = self.start.elapsed().as_secs();
        let mut counts = self.counts.lock().unwrap();
        let (second, calls) = counts.second.entry(operation.to_owned()).or_default();
        if *second != now {
            (*second, *calls) = (now, 0);
        }
        *calls += 1;
        *calls as f64 > quota
    }

    fn answer(&self, operation: &str, key: &str, body: &Value) -> Answer {
        let calls = || self.counts.lock().unwrap().answers.values().sum::<u64>() as f64;
        if key == FIRST_KEY && self.number("expire-after").is_some_and(|most| calls() >= most) {
            return Answer::Error(
                400,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            );
        }
        let quota = match operation {
            "FilterLogEvents" => self.number("filter-tps"),
            "GetLogEvents" => self.number("get-tps"),
            _ => None,
        };
        if self.over_quota(operation, quota) {
            self.count("throttled");
            return Answer::Error(400, "ThrottlingException", "Rate exceeded");
        }
        if let Some(fault) = self.fault(operation, body) {
            self.count("fault");
            return fault;
        }
        self.count(operation);
        let answer = match operation {
            "DescribeLogGroups" => self.describe_groups(body),
            "FilterLogEvents" => self.filter(body),
            "GetLogEvents" => self.get(body),
            "DescribeLogStreams" => self.describe_streams(body),
            "StartQuery" => self.start_query(body),
            "GetQueryResults" => self.query_results(body),
            _ => Answer::Error(400, "UnknownOperationException", "not simulated"),
        };
        match answer {
            Answer::Ok(page) if self.chance(self.number("faults").unwrap_or(0.0) / 4.0) => Answer::Cut(page),
            answer => answer,
        }
    }

    fn fault(&self, operation: &str, body: &Value) -> Option<Answer> {
        let share = self.number("faults")?;
        let mut random = self.random.lock().unwrap();
        let mut counts = self.counts.lock().unwrap();
        if counts.storm_until.is_some_and(|until| until > Instant::now()) {
            return Some(Answer::Error(400, "ThrottlingException", "Rate exceeded"));
        }
        if !random.chance(share) {
            return None;
        }
        Some(match random.below(8) {
            7 => {
                counts.skew = [0, 600, -900, 86_400][random.below(4) as usize];
                return None;
            }
            0 => Answer::Error(500, "InternalFailure", "try again"),
            1 => Answer::Error(503, "ServiceUnavailableException", "try again"),
            2 => Answer::Reset,
            3 => {
                counts.storm_until = Some(Instant::now() + Duration::from_millis(300));
                Answer::Error(400, "ThrottlingException", "Rate exceeded")
            }
            4 if operation == "FilterLogEvents" => {
                Answer::Error(400, "InvalidParameterException", "The specified nextToken is invalid.")
            }
            // The page that gave this token, once more.
            5 => match counts.last_page.get(&chain(body)) {
                Some((Some(token), page)) if body["nextToken"].as_str() == Some(token) => Answer::Ok(page.clone()),
                _ => return None,
            },
            _ => {
                drop((random, counts));
                std::thread::sleep(Duration::from_millis(200));
                return None;
            }
        })
    }

    fn group(&self, body: &Value) -> Result<&Group, Answer> {
        let name = body["logGroupName"].as_str().or(body["logGroupIdentifier"].as_str()).unwrap_or_default();
        let name = name.rsplit("log-group:").next().unwrap_or(name);
        if self.flags.get("deny").map(String::as_str) == Some(name) {
            return Err(Answer::Error(
                400,
                "AccessDeniedException",
                "is not authorized to perform: logs:FilterLogEvents",
            ));
        }
        let missing = Answer::Error(400, "ResourceNotFoundException", "The specified log group does not exist.");
        self.groups.iter().find(|group| group.name == name).ok_or(missing)
    }

    fn is_infrequent(&self, name: &str) -> bool {
        self.flags.get("infrequent").is_some_and(|infrequent| infrequent == name)
    }

    fn is_masked(&self, group: &Group) -> bool {
        self.flags.get("masked").is_some_and(|name| *name == group.name)
    }

    /// Whether a policy hides what some events hold.
    fn hides(&self, group: &Group, body: &Value) -> bool {
        self.is_masked(group) && body["unmask"] != true
    }

    fn describe_groups(&self, body: &Value) -> Answer {
        let prefix = body["logGroupNamePrefix"].as_str().unwrap_or_default();
        let from: usize = body["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let all: Vec<&Group> = self.groups.iter().filter(|group| group.name.starts_with(prefix)).collect();
        let page: Vec<Value> = all.iter().skip(from).take(50).map(|group| {
            let arn = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{}", group.name);
            json!({"logGroupName": group.name, "logGroupArn": arn, "arn": format!("{arn}:*"), "creationTime": 1_600_000_000_000i64,
                "storedBytes": group.events.len() * 20, "logGroupClass": if self.is_infrequent(&group.name) { "INFREQUENT_ACCESS" } else { "STANDARD" },
                "dataProtectionStatus": self.is_masked(group).then_some("ACTIVATED")})
        }).collect();
        let next = (from + 50 < all.len()).then(|| (from + 50).to_string());
        Answer::Ok(json!({"logGroups": page, "nextToken": next}).to_string())
    }

    fn describe_streams(&self, body: &Value) -> Answer {
        let group = match self.group(body) {
            Ok(group) => group,
            Err(answer) => return answer,
        };
        let from: usize = body["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
        let page: Vec<Value> =
            group.streams.iter().skip(from).take(50).map(|name| json!({"logStreamName": name})).collect();
        let next = (from + 50 < group.streams.len()).then(|| (from + 50).to_string());
        Answer::Ok(json!({"logStreams": page, "nextToken": next}).to_string())
    }

    /// Events from `at` on that `fits` takes, as many as a page holds, as a JSON array; where the next page begins.
    fn page(
        &self,
        group: &Group,
        mut at: usize,
        end: usize,
        fits: impl Fn(&Event) -> bool,
        hidden: bool,
        ids: bool,
    ) -> (String, usize) {
        let pad = self.number("pad").unwrap_or(0.0) as usize;
        let (mut page, mut count, mut bytes) = (String::from("["), 0, 0);
        while at < end && count < PAGE_EVENTS {
            let event = &group.events[at];
            if fits(event) {
                let message = if hidden && event.text % 8 == 3 { HIDDEN.to_owned() } else { event.message(pad) };
                if bytes + message.len() > PAGE_BYTES {
                    break;
                }
                bytes += message.len() + 26;
                let (timestamp, message) = (event.timestamp, serde_json::to_string(&message).unwrap());
                let comma = if count > 0 { "," } else { "" };
                write!(
                    page,
                    "{comma}{{\"timestamp\":{timestamp},\"message\":{message},\"ingestionTime\":{}",
                    timestamp + 1500
                )
                .unwrap();
                if ids {
                    let stream = &group.streams[event.stream as usize];
                    write!(page, ",\"logStreamName\":\"{stream}\",\"eventId\":\"{at:056}\"").unwrap();
                }
                page.push('}');
                count += 1;
            }
            at += 1;
        }
        page.push(']');
        if let Some(latency) = self.number("latency-ms") {
            // A full page takes all of it.
            let share = (bytes as f64 / PAGE_BYTES as f64).max(f64::from(count as u32) / PAGE_EVENTS as f64).max(0.1);
            std::thread::sleep(Duration::from_secs_f64(latency / 1000.0 * share));
        }
        (page, at)
    }

    fn filter(&self, body: &Value) -> Answer {
        let group = match self.group(body) {
            Ok(group) => group,
            Err(answer) => return answer,
        };
        if self.is_infrequent(&group.name) {
            return Answer::Error(400, "InvalidParameterException", "not supported by the log group class");
        }
        let from = body["startTime"].as_i64().unwrap_or(0);
        let to = body["endTime"].as_i64().unwrap_or(i64::MAX - 1);
        let prefix = body["logStreamNamePrefix"].as_str().unwrap_or_default();
        let end = group.events.partition_point(|event| event.timestamp <= to.min(logs::now() - 500));
        let at = match body["nextToken"].as_str() {
            Some(token) => token.split('.').next().unwrap().parse().unwrap(),
            None => group.events.partition_point(|event| event.timestamp < from),
        };
        // A quiet stretch, as it seems.
        if self.chance(0.1) && at < end {
            // No token comes twice: the AWS command line takes that for an error.
            let token = format!("{at}.{}", self.random.lock().unwrap().next());
            return Answer::Ok(json!({"events": [], "searchedLogStreams": [], "nextToken": token}).to_string());
        }
        let fits = |event: &Event| group.streams[event.stream as usize].starts_with(prefix);
        let (page, next) = self.page(group, at, end, fits, self.hides(group, body), true);
        let token = (next < end || self.chance(0.2)).then(|| next.to_string());
        let more = token.as_ref().map(|token| format!(",\"nextToken\":\"{token}\"")).unwrap_or_default();
        let page = format!("{{\"events\":{page},\"searchedLogStreams\":[]{more}}}");
        if self.number("faults").is_some() {
            self.counts.lock().unwrap().last_page.insert(chain(body), (token, page.clone()));
        }
        Answer::Ok(page)
    }

    fn get(&self, body: &Value) -> Answer {
        let group = match self.group(body) {
            Ok(group) => group,
            Err(answer) => return answer,
        };
        let name = body["logStreamName"].as_str().unwrap_or_default();
        let Some(stream) = group.streams.iter().position(|stream| stream == name) else {
            return Answer::Error(400, "ResourceNotFoundException", "The specified log stream does not exist.");
        };
        let from = body["startTime"].as_i64().unwrap_or(0);
        let to = body["endTime"].as_i64().unwrap_or(i64::MAX);
        let end = group.events.partition_point(|event| event.timestamp < to);
        let at = match body["nextToken"].as_str() {
            Some(token) => token[2..58].parse().unwrap(),
            None => group.events.partition_point(|event| event.timestamp < from),
        };
        let fits = |event: &Event| event.stream as usize == stream;
        let (page, next) = self.page(group, at, end, fits, self.hides(group, body), false);
        Answer::Ok(format!(
            "{{\"events\":{page},\"nextForwardToken\":\"f/{next:056}/s\",\"nextBackwardToken\":\"b/{at:056}/s\"}}"
        ))
    }
}

/// Group and range of a chain of pages.
fn chain(body: &Value) -> String {
    format!("{} {} {}", body["logGroupName"], body["startTime"], body["endTime"])
}

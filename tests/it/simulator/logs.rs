//! Made-up log groups.

use serde_json::json;
use std::io::Write as _;

/// xorshift64*: the same seed gives the same logs.
#[derive(Clone)]
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn chance(&mut self, share: f64) -> bool {
        (self.next() >> 11) as f64 / ((1u64 << 53) as f64) < share
    }
}

pub(super) struct Event {
    pub timestamp: i64,
    pub stream: u32,
    /// Seed of the message.
    pub text: u32,
}

impl Event {
    /// One in eight is the same as others, at equal times now and then; others have at least `pad` bytes.
    pub fn message(&self, pad: usize) -> String {
        match self.text % 8 {
            0 => "the same line".to_owned(),
            1 => format!("{{\"level\":\"INFO\",\"n\":{},\"text\":\"é \\\"quoted\\\"{}\"}}", self.text, "z".repeat(pad)),
            2 => format!("line {}\n  at second line {}{}", self.text, self.text / 7, "y".repeat(pad)),
            _ => format!(
                "GET /items/{} took {} ms {}",
                self.text,
                self.text % 997,
                "x".repeat((self.text % 120) as usize + pad)
            ),
        }
    }
}

pub(super) struct Group {
    pub name: String,
    pub streams: Vec<String>,
    /// By time.
    pub events: Vec<Event>,
}

/// Milliseconds since 1970.
pub(super) fn now() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// As HTTP's `Date` has it.
pub(super) fn date(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}

/// Seconds since 1970 of `20261122T181736Z`.
pub(super) fn seconds(text: &str) -> i64 {
    jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap()
        .timestamp()
        .as_second()
}

/// Adds lines of the next seconds.
pub(super) fn with_live(mut groups: Vec<Group>, seconds: u64) -> Vec<Group> {
    let start = now();
    for group in &mut groups {
        let event = |n: i64| Event { timestamp: start + n * 100, stream: 0, text: 8 * n as u32 + 1 };
        group.events.extend((0..seconds as i64 * 10).map(event));
    }
    groups
}

pub(super) fn make_groups(groups: u64, streams: u64, events: u64, hours: u64, random: &mut Random) -> Vec<Group> {
    let now = now();
    // Whole hours, so that a test may name them; over before the last ten minutes.
    let end = now - 20 * 60 * 1000;
    let span = hours as i64 * 3_600_000;
    (0..groups)
        .map(|g| {
            let names = (0..streams).map(|s| format!("2026/11/22/[$LATEST]{s:032x}")).collect();
            let mut events: Vec<Event> = (0..events / groups)
                .map(|_| Event {
                    // A tenth of all lies in one second: a hot spot.
                    timestamp: end
                        - if random.chance(0.1) {
                            span / 3 + random.below(1000) as i64
                        } else {
                            random.below(span as u64) as i64
                        },
                    stream: random.below(streams) as u32,
                    text: random.next() as u32 >> 8,
                })
                .collect();
            // Doubles: the same line in the same millisecond of the same stream.
            for i in (1..events.len()).filter(|i| i % 50 == 0) {
                let Event { timestamp, stream, .. } = events[i - 1];
                events[i] = Event { timestamp, stream, text: events[i - 1].text };
            }
            events.sort_by_key(|event| event.timestamp);
            Group { name: format!("/aws/lambda/fn-{g}"), streams: names, events }
        })
        .collect()
}

pub(super) fn dump(path: &str, groups: &[Group], pad: usize) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    for group in groups {
        for event in &group.events {
            let stream = &group.streams[event.stream as usize];
            let line = json!({"g": group.name, "s": stream, "t": event.timestamp, "m": event.message(pad)});
            writeln!(out, "{line}").unwrap();
        }
    }
}

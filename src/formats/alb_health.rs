//! ALB health check log: one record per check of a target. Facts: AWS, "Health check logs for your Application
//! Load Balancer".

use super::shared::elb::{self, Layout};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Row, Value};

pub struct AlbHealth;

/// The latency is in seconds. The target's token fills three cells: as it is, and address and port where it has
/// them; a Lambda target is an ARN.
#[rustfmt::skip]
static FIELDS: [Field; 13] = [
    Field::new("albh_type", "type", Kind::Str),
    Field::new("albh_time", "time", Kind::Time).feeds(Common::EventTime),
    Field::new("albh_latency", "latency", Kind::Float),
    Field::new("albh_target_addr", "target_addr", Kind::Str).feeds(Common::Target),
    Field::new("albh_target_ip", "target_addr", Kind::Str).feeds(Common::DestinationIp),
    Field::new("albh_target_port", "target_addr", Kind::Int).feeds(Common::DestinationPort),
    Field::new("albh_target_group_id", "target_group_id", Kind::Str),
    Field::new("albh_status", "status", Kind::Str),
    Field::new("albh_status_code", "status_code", Kind::Int),
    Field::new("albh_reason_code", "reason_code", Kind::Str).feeds(Common::ErrorCode),
    Field::new("albh_elb", "elb", Kind::Str).feeds(Common::Resource),
    Field::new("albh_ip_address", "ip_address", Kind::Str).feeds(Common::SourceIp).link(Link::Ip),
    Field::new("albh_extra", "(undocumented)", Kind::Str),
];

const KIND: usize = 0;
const TARGET: usize = 3;
const GROUP: usize = 6;
const STATUS: usize = 7;
const CODE: usize = 8;

static ORDER: [usize; 10] = elb::order(&FIELDS);

static LAYOUT: Layout = Layout {
    fewest: 6,
    time: 1,
    aliases: &[("timestamp", 1)],
    signs: &["latency", "target_addr", "target_group_id", "reason_code"],
    elb: "app/",
    ..Layout::of_lines(&FIELDS, &ORDER)
};

const TYPES: [&str; 5] = ["http", "https", "h2", "grpc", "lambda"];

impl LogFormat for AlbHealth {
    fn id(&self) -> &'static str {
        "alb_health"
    }

    fn title(&self) -> &'static str {
        "Application Load Balancer health check log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "the CloudWatch timestamp where a JSON record has no time"),
            (Common::EventAction, "always health_check"),
            (Common::EventOutcome, "success for status PASS, failure for FAIL"),
            (Common::HttpStatus, "status_code, but for type grpc"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut tokens = tokens::split(record.text);
        if !TYPES.contains(&tokens.next()?) {
            return LAYOUT.claims_object(record.text);
        }
        Micros::parse_rfc3339(tokens.next()?)?;
        let latency = tokens.next()?;
        let timed = latency == "-" || latency.parse::<f64>().is_ok();
        (timed && matches!(tokens.nth(2)?, "PASS" | "FAIL")).then_some(Claim {
            score: 95,
            reason: "a protocol, a time, a latency, a target, its group and PASS or FAIL",
        })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    LAYOUT.read_plain(record, row, derive)
}

fn derive(row: &mut Row<'_>) {
    row.set(Common::EventAction, Value::text("health_check"));
    let outcome = match row.native[STATUS].as_str() {
        Some("PASS") => elb::outcome(true),
        Some("FAIL") => elb::outcome(false),
        _ => Value::Null,
    };
    row.set(Common::EventOutcome, outcome);
    if row.native[KIND].as_str() != Some("grpc") {
        let status = row.native[CODE].clone();
        row.set(Common::HttpStatus, status);
    }
    for cell in [TARGET, GROUP] {
        elb::link_arn(row, cell);
    }
    let target = row.native[TARGET].as_str().unwrap_or_default();
    let (address, port) = tokens::ip_port(target);
    let whole = || tokens::ip(target).map(|ip| (ip, None));
    if let Some((ip, port)) = tokens::ip(address).map(|ip| (ip, port)).or_else(whole) {
        let ip = Value::owned(ip.into_owned());
        row.native[TARGET + 1] = ip;
        row.native[TARGET + 2] = port.map_or(Value::Null, Value::Int);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn record(text: &str) -> Record<'_> {
        Record { text, envelope: None, origin: &ORIGIN }
    }

    fn parse(line: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&record(line), &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    const PASS: &str = "http 2026-03-02T08:15:30.123456Z 0.003 10.0.1.20:8080 targetgroup/web/73e2d6bc24d8a067 PASS 200 - app/web/50dc6c495c0c9188 10.0.0.5";
    const LAMBDA: &str = "lambda 2026-03-02T08:15:31.000000Z 0.250 arn:aws:lambda:eu-central-1:111122223333:function:orders targetgroup/fn/9d1f0c6e2b7a4853 FAIL - TargetError app/web/50dc6c495c0c9188 10.0.0.5";

    #[test]
    fn a_check_that_passed() {
        let (outcome, row) = parse(PASS);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time(), Micros::parse_rfc3339("2026-03-02T08:15:30.123456Z"));
        assert_eq!(row.native[2], Value::Float(0.003));
        assert_eq!(row.common(Common::Target), &Value::text("10.0.1.20:8080"));
        assert_eq!(row.common(Common::DestinationIp), &Value::text("10.0.1.20"));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(8080));
        assert_eq!(row.common(Common::SourceIp), &Value::text("10.0.0.5"));
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(200));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        assert!(row.common(Common::ErrorCode).is_null());
    }

    #[test]
    fn checks_that_failed() {
        let (outcome, row) = parse(LAMBDA);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("TargetError"));
        assert_eq!(row.links(Link::Arn), ["arn:aws:lambda:eu-central-1:111122223333:function:orders"]);
        assert!(row.common(Common::DestinationIp).is_null() && row.common(Common::HttpStatus).is_null());
        let line = PASS.replace("http ", "grpc ").replace("PASS 200 -", "FAIL 12 GRPCUnexpectedStatus");
        let (_, row) = parse(&line);
        assert_eq!(row.native[CODE], Value::Int(12));
        assert!(row.common(Common::HttpStatus).is_null());
        let line = PASS.replace("10.0.1.20:8080", "2001:DB8::20:8080");
        let (_, row) = parse(&line);
        assert_eq!(row.common(Common::DestinationIp), &Value::text("2001:db8::20"));
    }

    #[test]
    fn other_lengths_and_other_logs() {
        let all: Vec<&str> = PASS.split(' ').collect();
        for n in [6, 8, 10] {
            let line = all[..n].join(" ");
            assert_eq!(parse(&line).0, Outcome::Event, "{n} fields");
        }
        let line = format!("{PASS} more");
        assert_eq!(parse(&line).1.native[12], Value::text("more"));
        assert!(matches!(parse(&all[..5].join(" ")).0, Outcome::Reject(_)));
        let claims = |text: &str| AlbHealth.claims(&record(text), &Options::default()).is_some();
        assert!(claims(PASS) && claims(LAMBDA));
        assert!(!claims("http 2025-03-01T10:00:00Z app/a/b 192.0.2.1:1 - -1 -1 -1 400 - 0 272"));
        assert!(!claims("lambda started"));
    }

    #[test]
    fn a_vended_record() {
        let text = r#"{"type":"http","time":"2026-03-02T08:15:30Z","latency":0.003,"target_addr":"10.0.1.20:8080","status":"FAIL","status_code":"503","reason_code":"ResponseCodeMismatch"}"#;
        assert!(AlbHealth.claims(&record(text), &Options::default()).is_some());
        let (outcome, row) = parse(text);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(503));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(8080));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("ResponseCodeMismatch"));
    }
}

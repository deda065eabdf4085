//! Rows for the tests of the exports.

use crate::model::{Common, Detail, Entry, EntryKind, Micros, Severity};
use serde_json::Value;

pub const AT: Micros = Micros(1_709_979_072_123_456);

pub fn event(source: &str, details: Vec<(Common, Detail)>) -> Entry {
    Entry {
        time: AT,
        kind: EntryKind::Event,
        source: source.to_owned(),
        severity: Severity::Info,
        actor: None,
        source_ip: None,
        action: None,
        target: None,
        outcome: None,
        message: Some("{\"raw\":true}".to_owned()),
        reference: "0123abcd".to_owned(),
        count: 1,
        last: None,
        link: None,
        network: None,
        details,
    }
}

pub fn text(column: Common, text: &str) -> (Common, Detail) {
    (column, Detail::Text(text.to_owned()))
}

pub fn cloudtrail(action: &str) -> Entry {
    let arn = "arn:aws:sts::111122223333:assumed-role/orders/jane";
    let details = vec![
        (Common::EventTime, Detail::Time(AT)),
        text(Common::AccountId, "111122223333"),
        text(Common::Region, "eu-central-1"),
        text(Common::Resource, "iam.amazonaws.com"),
        text(Common::SourceIp, "2001:db8::7"),
        text(Common::UserArn, arn),
        text(Common::AccessKeyId, "ASIAIOSFODNN7EXAMPLE"),
        text(Common::SessionName, "jane"),
        text(Common::EventAction, action),
        text(Common::Target, "bob"),
        text(Common::EventOutcome, "failure"),
        text(Common::ErrorCode, "AccessDenied"),
        text(Common::RequestId, "r-1"),
    ];
    Entry { outcome: Some("failure AccessDenied".to_owned()), severity: Severity::Low, ..event("cloudtrail", details) }
}

pub fn flow() -> Entry {
    let details = vec![
        (Common::EventEnd, Detail::Time(Micros(AT.0 + 59_000_000))),
        text(Common::Resource, "eni-0a1b2c3d"),
        text(Common::SourceIp, "203.0.113.9"),
        (Common::SourcePort, Detail::Int(40_001)),
        text(Common::DestinationIp, "10.0.1.20"),
        (Common::DestinationPort, Detail::Int(22)),
        text(Common::EventAction, "REJECT"),
        (Common::BytesOut, Detail::Int(840)),
    ];
    event("vpcflow", details)
}

pub fn alb() -> Entry {
    let details = vec![
        text(Common::Resource, "app/web/50dc6c495c0c9188"),
        text(Common::SourceIp, "203.0.113.10"),
        (Common::SourcePort, Detail::Int(70_000)),
        text(Common::HttpMethod, "GET"),
        (Common::HttpStatus, Detail::Int(502)),
        text(Common::UrlPath, "/cart"),
        text(Common::EventAction, "GET"),
        text(Common::EventOutcome, "failure"),
        (Common::BytesIn, Detail::Int(512)),
        (Common::BytesOut, Detail::Int(-1)),
        text(Common::TraceId, "1-69a54a12-012345678901234567890123"),
    ];
    event("alb", details)
}

pub fn finding() -> Entry {
    Entry {
        kind: EntryKind::Finding,
        severity: Severity::Critical,
        action: Some("secret logged: aws-secret-key".to_owned()),
        target: Some("/aws/lambda/orders".to_owned()),
        outcome: Some("high".to_owned()),
        message: Some("AWS secret access key wJal****, 3 times".to_owned()),
        reference: "f00d".to_owned(),
        ..event("findings", Vec::new())
    }
}

pub fn detection() -> Entry {
    Entry {
        kind: EntryKind::Detection,
        severity: Severity::High,
        actor: Some("arn:aws:iam::111122223333:user/eve".to_owned()),
        source_ip: Some("198.51.100.7".to_owned()),
        action: Some("iam-persistence".to_owned()),
        outcome: Some("success".to_owned()),
        message: Some("User made [by hand] [T1136.003]".to_owned()),
        reference: "e-9".to_owned(),
        ..event("detections", Vec::new())
    }
}

/// A record of 100 KB with what breaks lines, terminals and schemas.
pub fn hostile() -> Entry {
    let long = format!("a\0\u{1b}[2J\n\r\u{2028}\u{202e}\"\\{}", "é{\"x\":".repeat(14_000));
    let details = vec![
        text(Common::SourceIp, "1.2.3.4.5, evil"),
        text(Common::EventAction, &long),
        text(Common::EventOutcome, "perhaps"),
        text(Common::UserAgent, ""),
        text(Common::HttpMethod, "G\u{1b}T"),
        text(Common::UrlPath, "/\u{202e}x"),
        (Common::HttpStatus, Detail::Int(-7)),
        (Common::DestinationPort, Detail::Int(i64::MAX)),
        (Common::BytesIn, Detail::Int(i64::MAX)),
        (Common::BytesOut, Detail::Int(i64::MAX)),
        (Common::EventEnd, Detail::Time(Micros(1))),
    ];
    Entry { message: Some(long), reference: "\u{7f}".repeat(40_000), ..event("cloudfront", details) }
}

pub fn all() -> [Entry; 7] {
    let login = cloudtrail("ConsoleLogin");
    [cloudtrail("CreateUser"), login, flow(), alb(), finding(), detection(), hostile()]
}

/// The one line that the writer made, which no character in it may break.
pub fn parse(line: &[u8]) -> Value {
    let text = std::str::from_utf8(line).unwrap();
    assert!(text.ends_with('\n') && !text.trim_end_matches('\n').contains(super::super::text::is_unsafe));
    serde_json::from_str(text).unwrap()
}

/// Calls `see` for every value within.
pub fn walk(value: &Value, see: &mut dyn FnMut(&Value)) {
    see(value);
    match value {
        Value::Array(all) => all.iter().for_each(|inner| walk(inner, see)),
        Value::Object(all) => all.values().for_each(|inner| walk(inner, see)),
        _ => {}
    }
}

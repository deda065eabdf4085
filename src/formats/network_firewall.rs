//! AWS Network Firewall alert, flow and TLS logs: a Suricata EVE event inside an envelope of the
//! firewall. One JSON object a record.

use super::shared::derive;
use super::shared::json_row::JsonMap;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json;
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Record, Reject, Row, Value};
use std::sync::LazyLock;

pub struct NetworkFirewall;

#[rustfmt::skip]
static FIELDS: [Field; 38] = [
    Field::new("nfw_firewall_name", "firewall_name", Kind::Str).feeds(Common::Resource),
    Field::new("nfw_availability_zone", "availability_zone", Kind::Str),
    Field::new("nfw_event_timestamp", "event_timestamp", Kind::Time),
    Field::new("nfw_eve_timestamp", "event.timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("nfw_event_event_type", "event.event_type", Kind::Str),
    Field::new("nfw_event_flow_id", "event.flow_id", Kind::Str),
    Field::new("nfw_event_src_ip", "event.src_ip", Kind::Str).feeds(Common::SourceIp),
    Field::new("nfw_event_src_port", "event.src_port", Kind::Int).feeds(Common::SourcePort),
    Field::new("nfw_event_dest_ip", "event.dest_ip", Kind::Str).feeds(Common::DestinationIp),
    Field::new("nfw_event_dest_port", "event.dest_port", Kind::Int).feeds(Common::DestinationPort),
    Field::new("nfw_event_proto", "event.proto", Kind::Str),
    Field::new("nfw_event_app_proto", "event.app_proto", Kind::Str),
    Field::new("nfw_event_tx_id", "event.tx_id", Kind::Int),
    Field::new("nfw_event_alert_action", "event.alert.action", Kind::Str),
    Field::new("nfw_event_alert_signature_id", "event.alert.signature_id", Kind::Int),
    Field::new("nfw_event_alert_signature", "event.alert.signature", Kind::Str),
    Field::new("nfw_event_alert_category", "event.alert.category", Kind::Str),
    Field::new("nfw_event_alert_severity", "event.alert.severity", Kind::Int),
    Field::new("nfw_event_alert_rev", "event.alert.rev", Kind::Int),
    Field::new("nfw_event_verdict_action", "event.verdict.action", Kind::Str),
    Field::new("nfw_event_netflow_pkts", "event.netflow.pkts", Kind::Int),
    Field::new("nfw_event_netflow_bytes", "event.netflow.bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("nfw_event_netflow_start", "event.netflow.start", Kind::Time),
    Field::new("nfw_event_netflow_end", "event.netflow.end", Kind::Time).feeds(Common::EventEnd),
    Field::new("nfw_event_netflow_age", "event.netflow.age", Kind::Int),
    Field::new("nfw_event_tcp", "event.tcp", Kind::Json),
    Field::new("nfw_event_http_hostname", "event.http.hostname", Kind::Str),
    Field::new("nfw_event_http_url", "event.http.url", Kind::Str),
    Field::new("nfw_event_http_http_method", "event.http.http_method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("nfw_event_http_http_user_agent", "event.http.http_user_agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("nfw_event_http_status", "event.http.status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("nfw_event_http_length", "event.http.length", Kind::Int),
    Field::new("nfw_event_tls_sni", "event.tls.sni", Kind::Str),
    Field::new("nfw_event_tls_version", "event.tls.version", Kind::Str),
    Field::new("nfw_event_tls_subject", "event.tls.subject", Kind::Str),
    Field::new("nfw_event_tls_issuerdn", "event.tls.issuerdn", Kind::Str),
    Field::new("nfw_event_tls_fingerprint", "event.tls.fingerprint", Kind::Str),
    Field::new("nfw_event_dns", "event.dns", Kind::Json),
];

const ZONE: usize = 1;
const ENVELOPE_TIME: usize = 2;
const EVENT_TIME: usize = 3;
const EVENT_TYPE: usize = 4;
const SOURCE_IP: usize = 6;
const DESTINATION_IP: usize = 8;
const DESTINATION_PORT: usize = 9;
const ALERT_ACTION: usize = 13;
const SIGNATURE: usize = 15;
const VERDICT: usize = 19;
const HOSTNAME: usize = 26;
const URL: usize = 27;
const SNI: usize = 32;
const DNS: usize = 37;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| JsonMap::new(&FIELDS));

impl LogFormat for NetworkFirewall {
    fn id(&self) -> &'static str {
        "network_firewall"
    }

    fn title(&self) -> &'static str {
        "Network Firewall log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "event_timestamp where event.timestamp is missing, else the CloudWatch timestamp"),
            (Common::Region, "availability_zone without its letter"),
            (Common::EventAction, "alert.action, else event_type"),
            (Common::EventOutcome, "failure for blocked, drop and reject, success for allowed and pass"),
            (Common::ErrorCode, "alert.signature of what was blocked"),
            (Common::UrlPath, "path of http.url, without the query"),
            (Common::Target, "http.hostname and path, else tls.sni, else the DNS name, else dest_ip:dest_port"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "Network Activity [4001]"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let named = text.starts_with('{')
            && ["\"firewall_name\"", "\"event_timestamp\"", "\"event\""].iter().all(|name| text.contains(name));
        named.then_some(Claim { score: 93, reason: "a JSON object with firewall_name, event_timestamp and event" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if let Err(reject) = MAP.fill_record(row, &FIELDS, record.text) {
        return Outcome::Reject(reject);
    }
    if row.native[EVENT_TIME].is_null() {
        let time = match row.native[ENVELOPE_TIME] {
            Value::Time(time) => Some(time),
            _ => record.envelope.and_then(|envelope| envelope.time),
        };
        let Some(time) = time else {
            return Outcome::Reject(Reject::malformed("neither event.timestamp nor event_timestamp is a time"));
        };
        row.set(Common::EventTime, Value::Time(time));
    }
    derive_common(row);
    Outcome::Event
}

fn derive_common(row: &mut Row<'_>) {
    derive::canonical_ip(row, SOURCE_IP);
    derive::canonical_ip(row, DESTINATION_IP);
    if let Some(region) = row.native[ZONE].as_str().and_then(derive::region_of_zone).map(str::to_owned) {
        row.set(Common::Region, Value::owned(region));
    }
    let action = [ALERT_ACTION, EVENT_TYPE].map(|cell| row.native[cell].clone()).into_iter().find(|v| !v.is_null());
    row.set(Common::EventAction, action.unwrap_or_default());
    // An alert rule may allow what a later rule drops: the verdict has it.
    let said = |words: &[&str]| {
        [ALERT_ACTION, VERDICT].iter().any(|cell| row.native[*cell].as_str().is_some_and(|word| words.contains(&word)))
    };
    if said(&["blocked", "drop", "reject"]) {
        row.set(Common::EventOutcome, Value::text("failure"));
        let signature = row.native[SIGNATURE].clone();
        row.set(Common::ErrorCode, signature);
    } else if said(&["allowed", "pass", "accept"]) {
        row.set(Common::EventOutcome, Value::text("success"));
    }
    let path = row.native[URL].as_str().map(|url| tokens::url_path(url).to_owned());
    let target = target(row, path.as_deref());
    row.set(Common::Target, target.map_or(Value::Null, Value::owned));
    row.set(Common::UrlPath, path.filter(|p| !p.is_empty()).map_or(Value::Null, Value::owned));
}

fn target(row: &Row<'_>, path: Option<&str>) -> Option<String> {
    if let Some(host) = row.native[HOSTNAME].as_str() {
        return Some(format!("{host}{}", path.unwrap_or_default()));
    }
    let dns = row.native[DNS].as_str().and_then(|text| {
        let name = json::parse(text).ok()?.get("rrname")?.scalar()?;
        Some(name.into_owned())
    });
    let address = || match (row.native[DESTINATION_IP].as_str(), &row.native[DESTINATION_PORT]) {
        (Some(ip), Value::Int(port)) if ip.contains(':') => Some(format!("[{ip}]:{port}")),
        (Some(ip), Value::Int(port)) => Some(format!("{ip}:{port}")),
        (ip, _) => ip.map(str::to_owned),
    };
    row.native[SNI].as_str().map(str::to_owned).or(dns).or_else(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn a_blocked_request() {
        let text = r#"{"firewall_name":"fw","availability_zone":"us-east-1b","event_timestamp":"1602627001","event":{"timestamp":"2020-10-13T22:10:01.006481+0000","flow_id":1582438383425873,"event_type":"alert","src_ip":"203.0.113.4","src_port":55555,"dest_ip":"2001:DB8::16","dest_port":111,"proto":"TCP","alert":{"action":"blocked","signature_id":5,"rev":0,"signature":"test_tcp","category":"","severity":1,"metadata":{"x":["y"]}},"http":{"hostname":"x.example.com","url":"/a?b=c"}}}"#;
        let (outcome, row) = parse(text);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2020-10-13T22:10:01.006481Z");
        assert_eq!(row.common(Common::Region), &Value::text("us-east-1"));
        assert_eq!(row.common(Common::EventAction), &Value::text("blocked"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("test_tcp"));
        assert_eq!(row.common(Common::DestinationIp), &Value::text("2001:db8::16"));
        assert_eq!(row.common(Common::Target), &Value::text("x.example.com/a"));
        assert_eq!(row.native[5], Value::text("1582438383425873"));
        assert_eq!(row.extra_json().unwrap(), r#"{"event.alert.metadata":{"x":["y"]}}"#);
        let record = Record { text, envelope: None, origin: &ORIGIN };
        assert!(NetworkFirewall.claims(&record, &Options::default()).is_some());
    }

    #[test]
    fn flows_names_and_addresses_as_target() {
        let (outcome, row) = parse(
            r#"{"firewall_name":"fw","event_timestamp":"1602627001","event":{"event_type":"netflow","src_ip":"10.0.0.1","dest_ip":"2001:db8::1","dest_port":53,"netflow":{"pkts":1,"bytes":60,"end":"2020-10-13T22:05:01.000001+0000"}}}"#,
        );
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2020-10-13T22:10:01.000000Z");
        assert_eq!(row.common(Common::BytesOut), &Value::Int(60));
        assert_eq!(row.common(Common::Target), &Value::text("[2001:db8::1]:53"));
        assert_eq!(row.common(Common::EventAction), &Value::text("netflow"));
        assert!(row.common(Common::EventOutcome).is_null());
        let (_, row) = parse(r#"{"event_timestamp":"1602627001","event":{"dns":{"rrname":"a.example.com"}}}"#);
        assert_eq!(row.common(Common::Target), &Value::text("a.example.com"));
        assert!(matches!(parse(r#"{"firewall_name":"fw","event":{}}"#).0, Outcome::Reject(_)));
    }
}

//! CloudFront connection logs: TLS handshakes of distributions that ask viewers for a certificate. Facts:
//! AWS, "Observability using connection logs". JSON objects, or lines under a `#Fields` header.

use super::shared::derive;
use super::shared::json_row::JsonMap;
use super::shared::w3c::Layout;
use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::model::{Common, Field, Kind, Record, Reject, Row, Value};
use std::sync::LazyLock;

pub struct CloudFrontConnection;

#[rustfmt::skip]
static FIELDS: [Field; 18] = [
    Field::new("cfc_event_timestamp", "eventTimestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("cfc_connection_id", "connectionId", Kind::Str).feeds(Common::RequestId),
    Field::new("cfc_connection_status", "connectionStatus", Kind::Str),
    Field::new("cfc_client_ip", "clientIp", Kind::Str).feeds(Common::SourceIp),
    Field::new("cfc_client_port", "clientPort", Kind::Int).feeds(Common::SourcePort),
    Field::new("cfc_server_ip", "serverIp", Kind::Str).feeds(Common::DestinationIp),
    Field::new("cfc_distribution_id", "distributionId", Kind::Str).feeds(Common::Resource),
    Field::new("cfc_distribution_tenant_id", "distributionTenantId", Kind::Str),
    Field::new("cfc_tls_protocol", "tlsProtocol", Kind::Str),
    Field::new("cfc_tls_cipher", "tlsCipher", Kind::Str),
    Field::new("cfc_tls_handshake_duration", "tlsHandshakeDuration", Kind::Float),
    Field::new("cfc_tls_sni", "tlsSni", Kind::Str).feeds(Common::Target),
    Field::new("cfc_client_leaf_cert_serial_number", "clientLeafCertSerialNumber", Kind::Str),
    Field::new("cfc_client_leaf_cert_subject", "clientLeafCertSubject", Kind::Str),
    Field::new("cfc_client_leaf_cert_issuer", "clientLeafCertIssuer", Kind::Str),
    Field::new("cfc_client_leaf_cert_validity", "clientLeafCertValidity", Kind::Str),
    Field::new("cfc_connection_log_custom_data", "connectionLogCustomData", Kind::Str),
    Field::new("cfc_extra", "(undocumented)", Kind::Str),
];

const TIME: usize = 0;
const ID: usize = 1;
const STATUS: usize = 2;
const CLIENT_IP: usize = 3;
const SERVER_IP: usize = 5;
const DOCUMENTED: usize = 17;
const EXTRA: usize = 17;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| JsonMap::new(&FIELDS));

impl LogFormat for CloudFrontConnection {
    fn id(&self) -> &'static str {
        "cloudfront_connection"
    }

    fn title(&self) -> &'static str {
        "CloudFront connection log (mutual TLS)"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventOutcome, "success for connectionStatus Success, else failure"),
            (Common::ErrorCode, "what follows Failed: in connectionStatus"),
        ]
    }

    fn has_headers(&self) -> bool {
        true
    }

    fn ocsf(&self) -> &'static str {
        "Network Activity [4001]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim();
        if text.starts_with('{') {
            let named = text.contains("\"connectionStatus\"")
                && ["\"tlsProtocol\"", "\"distributionId\"", "\"tlsSni\""].iter().any(|name| text.contains(name));
            return named.then_some(Claim { score: 90, reason: "a JSON object with connectionStatus and TLS fields" });
        }
        if let Some(names) = text.strip_prefix("#Fields:") {
            return is_header(names)
                .then_some(Claim { score: 95, reason: "a #Fields line with the names of connection logs" });
        }
        let status = |token: &str| token == "Success" || token.starts_with("Failed:");
        (text.contains('\t') && text.split('\t').any(status))
            .then_some(Claim { score: 60, reason: "tab-separated, with a connection status" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(ConnectionParser { layout: None })
    }
}

fn is_header(names: &str) -> bool {
    let layout = Layout::named(&FIELDS, names);
    layout.known() > 0 && names.split_whitespace().any(|n| matches!(n, "connectionStatus" | "connectionId"))
}

struct ConnectionParser {
    /// What the last `#Fields` line said; without one, lines are read in the documented order.
    layout: Option<Layout>,
}

impl Parser for ConnectionParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let line = record.text.trim_end_matches(['\r', '\n']);
        if line.starts_with('#') {
            if let Some(names) = line.strip_prefix("#Fields:") {
                if !is_header(names) {
                    self.layout = None;
                    return Outcome::Reject(Reject::malformed("a #Fields line of another log"));
                }
                self.layout = Some(Layout::named(&FIELDS, names));
            }
            return Outcome::Ignored("header line");
        }
        if line.trim().is_empty() {
            return Outcome::Ignored("empty line");
        }
        if line.trim_start().starts_with('{') {
            if let Err(reject) = MAP.fill_record(row, &FIELDS, line) {
                return Outcome::Reject(reject);
            }
        } else {
            let documented = Layout::documented(DOCUMENTED);
            self.layout.as_ref().unwrap_or(&documented).fill(row, &FIELDS, line, EXTRA);
        }
        if row.native[ID].is_null() && row.native[STATUS].is_null() {
            return Outcome::Reject(Reject::malformed("neither connectionId nor connectionStatus"));
        }
        if let Err(reject) = derive::set_time(row, TIME, record.envelope, "eventTimestamp is missing or no time") {
            return Outcome::Reject(reject);
        }
        derive_common(row);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(Self { layout: self.layout.clone() })
    }

    fn is_state(&self, record: &[u8]) -> bool {
        record.first() == Some(&b'#')
    }
}

fn derive_common(row: &mut Row<'_>) {
    derive::canonical_ip(row, CLIENT_IP);
    derive::canonical_ip(row, SERVER_IP);
    let Some(status) = row.native[STATUS].as_str().map(str::to_owned) else {
        return;
    };
    let outcome = if status == "Success" { "success" } else { "failure" };
    row.set(Common::EventOutcome, Value::text(outcome));
    if let Some(code) = status.strip_prefix("Failed:").map(str::trim).filter(|code| !code.is_empty()) {
        row.set(Common::ErrorCode, Value::owned(code.to_owned()));
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

    #[test]
    fn a_refused_certificate() {
        let text = r#"{"eventTimestamp":"1764000000123","connectionId":"c==","connectionStatus":"Failed:ClientCertExpired","clientIp":"2001:DB8::9","clientPort":"443","tlsSni":"api.example.com","tlsHandshakeDuration":"12.5","clientLeafCertValidity":"NotBefore=x;NotAfter=y","new":1}"#;
        let mut row = Row::new(FIELDS.len());
        assert_eq!(CloudFrontConnection.parser(&Options::default()).parse(&record(text), &mut row), Outcome::Event);
        row.feed(&FIELDS);
        assert_eq!(row.time().unwrap().to_string(), "2025-11-24T16:00:00.123000Z");
        assert_eq!(row.common(Common::ErrorCode), &Value::text("ClientCertExpired"));
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::9"));
        assert_eq!(row.native[10], Value::Float(12.5));
        assert_eq!(row.extra_json().unwrap(), r#"{"new":1}"#);
        assert!(CloudFrontConnection.claims(&record(text), &Options::default()).is_some());
    }

    #[test]
    fn lines_with_a_header_and_without() {
        let mut parser = CloudFrontConnection.parser(&Options::default());
        let header = "#Fields: connectionStatus\teventTimestamp\tconnectionId\ttlsSni";
        let line = "Success\t2025-11-24T16:00:00Z\tc==\tx.example.com";
        for text in [header, line] {
            assert!(CloudFrontConnection.claims(&record(text), &Options::default()).is_some(), "{text}");
        }
        assert_eq!(parser.parse(&record(header), &mut Row::new(18)), Outcome::Ignored("header line"));
        let mut row = Row::new(18);
        assert_eq!(parser.fork().parse(&record(line), &mut row), Outcome::Event);
        row.feed(&FIELDS);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        assert_eq!(row.common(Common::Target), &Value::text("x.example.com"));
        let mut fresh = CloudFrontConnection.parser(&Options::default());
        let mut row = Row::new(18);
        let documented = "2025-11-24T16:00:00Z\tc==\tFailed:X\t192.0.2.1\t5";
        assert_eq!(fresh.parse(&record(documented), &mut row), Outcome::Event);
        assert_eq!(row.common(Common::ErrorCode), &Value::text("X"));
        assert!(matches!(fresh.parse(&record(line), &mut Row::new(18)), Outcome::Reject(_)));
        assert!(matches!(fresh.parse(&record("#Fields: date time"), &mut Row::new(18)), Outcome::Reject(_)));
    }
}

//! ALB connection log: one record per client connection to an HTTP or HTTPS listener, made or failed. Facts: AWS,
//! "Connection logs for your Application Load Balancer". `conn_trace_id` leads to the requests of the access log.

use super::shared::elb::{self, Layout};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Row, Value};

pub struct AlbConnection;

/// The latency is in seconds. The validity's token fills three cells: as it is, and its two times.
#[rustfmt::skip]
static FIELDS: [Field; 18] = [
    Field::new("albc_timestamp", "timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("albc_client_ip", "client_ip", Kind::Str).feeds(Common::SourceIp).link(Link::Ip),
    Field::new("albc_client_port", "client_port", Kind::Int).feeds(Common::SourcePort),
    Field::new("albc_listener_port", "listener_port", Kind::Int).feeds(Common::DestinationPort),
    Field::new("albc_tls_protocol", "tls_protocol", Kind::Str),
    Field::new("albc_tls_cipher", "tls_cipher", Kind::Str),
    Field::new("albc_tls_handshake_latency", "tls_handshake_latency", Kind::Float),
    Field::new("albc_leaf_client_cert_subject", "leaf_client_cert_subject", Kind::Str),
    Field::new("albc_leaf_client_cert_validity", "leaf_client_cert_validity", Kind::Str),
    Field::new("albc_leaf_client_cert_not_before", "leaf_client_cert_validity", Kind::Time),
    Field::new("albc_leaf_client_cert_not_after", "leaf_client_cert_validity", Kind::Time),
    Field::new("albc_leaf_client_cert_serial_number", "leaf_client_cert_serial_number", Kind::Str),
    Field::new("albc_tls_verify_status", "tls_verify_status", Kind::Str),
    Field::new("albc_conn_trace_id", "conn_trace_id", Kind::Str).link(Link::RequestId),
    Field::new("albc_tls_keyexchange", "tls_keyexchange", Kind::Str),
    Field::new("albc_elb", "elb", Kind::Str).feeds(Common::Resource),
    Field::new("albc_ip_address", "ip_address", Kind::Str).feeds(Common::DestinationIp).link(Link::Ip),
    Field::new("albc_extra", "(undocumented)", Kind::Str),
];

const LATENCY: usize = 6;
const VALIDITY: usize = 8;
const VERIFIED: usize = 12;

static ORDER: [usize; 15] = elb::order(&FIELDS);

static LAYOUT: Layout = Layout {
    fewest: 4,
    aliases: &[("time", 0)],
    signs: &[
        "listener_port",
        "tls_handshake_latency",
        "leaf_client_cert_subject",
        "leaf_client_cert_validity",
        "leaf_client_cert_serial_number",
        "tls_verify_status",
    ],
    elb: "app/",
    ..Layout::of_lines(&FIELDS, &ORDER)
};

impl LogFormat for AlbConnection {
    fn id(&self) -> &'static str {
        "alb_connection"
    }

    fn title(&self) -> &'static str {
        "Application Load Balancer connection log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "the CloudWatch timestamp where a JSON record has no timestamp"),
            (Common::EventAction, "always connection"),
            (Common::ErrorCode, "what follows Failed: in tls_verify_status"),
            (
                Common::EventOutcome,
                "failure where tls_verify_status is Failed, success where it is Success or the handshake has a latency",
            ),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "Network Activity [4001]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut tokens = tokens::split(record.text);
        if Micros::parse_rfc3339(tokens.next()?).is_none() {
            return LAYOUT.claims_object(record.text);
        }
        tokens::ip(tokens.next()?)?;
        let ports = tokens.by_ref().take(2).filter(|port| port.parse::<u16>().is_ok()).count() == 2;
        let protocol = tokens.next()?;
        (ports && (protocol == "-" || protocol.starts_with("TLS")))
            .then_some(Claim { score: 92, reason: "a time, an address, two ports and a TLS version" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    LAYOUT.read_plain(record, row, derive)
}

fn derive(row: &mut Row<'_>) {
    row.set(Common::EventAction, Value::text("connection"));
    if let Some(validity) = row.native[VALIDITY].as_str() {
        let time = |name| validity.split(';').find_map(|part| Micros::parse_rfc3339(part.trim().strip_prefix(name)?));
        let (from, to) = (time("NotBefore="), time("NotAfter="));
        row.native[VALIDITY + 1] = Value::time(from);
        row.native[VALIDITY + 2] = Value::time(to);
    }
    // A listener without TLS, and a handshake that broke off, have neither: which it was is not told.
    let success = match row.native[VERIFIED].as_str() {
        Some(status) if status.starts_with("Failed") => Some(false),
        Some("Success") => Some(true),
        _ => (!row.native[LATENCY].is_null()).then_some(true),
    };
    row.set(Common::EventOutcome, success.map_or(Value::Null, elb::outcome));
    let code = elb::part(&row.native[VERIFIED], |status| status.strip_prefix("Failed:").map(str::trim));
    row.set(Common::ErrorCode, code);
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

    const MUTUAL: &str = r#"2023-10-04T17:05:15.514108Z 203.0.113.10 41522 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 4.036 "CN=client.example.com,O=Client\x22s, Ltd" NotBefore=2023-09-21T22:43:21Z;NotAfter=2026-06-17T22:43:21Z FEF257372D5C14D4 Success TID_3180a73013c8ca4bac2f731159d4b0fe x25519 app/web/50dc6c495c0c9188 10.0.0.5"#;
    const PLAIN: &str =
        r#"2023-10-04T17:05:16.000000Z 2001:DB8::7 41523 80 - - - "-" - - - TID_4180a73013c8ca4bac2f731159d4b0fe"#;

    #[test]
    fn mutual_tls() {
        let (outcome, row) = parse(MUTUAL);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::SourceIp), &Value::text("203.0.113.10"));
        assert_eq!(row.common(Common::SourcePort), &Value::Int(41_522));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(443));
        assert_eq!(row.common(Common::DestinationIp), &Value::text("10.0.0.5"));
        assert_eq!(row.common(Common::Resource), &Value::text("app/web/50dc6c495c0c9188"));
        assert_eq!(row.native[LATENCY], Value::Float(4.036));
        assert_eq!(row.native[7], Value::text("CN=client.example.com,O=Client\"s, Ltd"));
        assert_eq!(row.native[VALIDITY + 1], Value::time(Micros::parse_rfc3339("2023-09-21T22:43:21Z")));
        assert_eq!(row.native[VALIDITY + 2], Value::time(Micros::parse_rfc3339("2026-06-17T22:43:21Z")));
        assert_eq!(row.native[14], Value::text("x25519"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        assert_eq!(row.links(Link::RequestId), ["TID_3180a73013c8ca4bac2f731159d4b0fe"]);
        assert_eq!(row.links(Link::Ip), ["203.0.113.10", "10.0.0.5"]);
    }

    #[test]
    fn refused_certificates_and_plain_listeners() {
        let line = MUTUAL.replace(" Success ", " Failed:ClientCertExpired ");
        let (_, row) = parse(&line);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("ClientCertExpired"));
        let (outcome, row) = parse(PLAIN);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::7"));
        assert!(row.common(Common::EventOutcome).is_null() && row.native[7].is_null());
        let line = MUTUAL.replace(" Success ", " - ");
        assert_eq!(parse(&line).1.common(Common::EventOutcome), &Value::text("success"));
    }

    #[test]
    fn shorter_and_longer_lines() {
        let all: Vec<&str> = PLAIN.split(' ').collect();
        for n in [4, 7, 12] {
            let line = all[..n].join(" ");
            assert_eq!(parse(&line).0, Outcome::Event, "{n} fields");
        }
        let line = format!("{MUTUAL} - \"new one\"");
        assert_eq!(parse(&line).1.native[17], Value::text("- \"new one\""));
        assert!(matches!(parse("2023-10-04T17:05:15Z 192.0.2.1 5").0, Outcome::Reject(_)));
        assert!(matches!(parse(&PLAIN.replace("2023-", "2023/")).0, Outcome::Reject(_)));
    }

    #[test]
    fn a_vended_record_and_foreign_ones() {
        let text = r#"{"timestamp":"2026-03-02T08:15:30.123456Z","client_ip":"203.0.113.10","client_port":"41522","listener_port":443,"tls_protocol":"TLSv1.3","tls_handshake_latency":"0.004","tls_verify_status":"-","elb":"app/web/1"}"#;
        let (outcome, row) = parse(text);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::SourcePort), &Value::Int(41_522));
        assert_eq!(row.native[LATENCY], Value::Float(0.004));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        let claims = |text: &str| AlbConnection.claims(&record(text), &Options::default()).is_some();
        assert!(claims(text) && claims(MUTUAL) && claims(PLAIN));
        assert!(!claims(r#"{"timestamp":"2026-03-02T08:15:30Z","client_ip":"203.0.113.10","message":"x"}"#));
        assert!(!claims("2023-10-04T17:05:15Z 192.0.2.1 5 apples and 3 pears"));
    }
}

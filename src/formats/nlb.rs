//! Network Load Balancer access log: connections to TLS listeners, written when they end. Facts: AWS, "Access logs
//! for your Network Load Balancer". Lines of version 1.0 (2019) stop earlier.

use super::shared::elb::{self, Layout};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::{percent, tokens};
use crate::model::{Common, Field, Kind, Micros, Record, Row, Value};

pub struct Nlb;

/// Times are in milliseconds; a token that holds `ip:port` fills two cells.
#[rustfmt::skip]
static FIELDS: [Field; 25] = [
    Field::new("nlb_type", "type", Kind::Str),
    Field::new("nlb_version", "version", Kind::Str),
    Field::new("nlb_time", "time", Kind::Time).feeds(Common::EventTime),
    Field::new("nlb_elb", "elb", Kind::Str).feeds(Common::Resource),
    Field::new("nlb_listener", "listener", Kind::Str),
    Field::new("nlb_client_ip", "client:port", Kind::Str).feeds(Common::SourceIp),
    Field::new("nlb_client_port", "client:port", Kind::Int).feeds(Common::SourcePort),
    Field::new("nlb_destination_ip", "destination:port", Kind::Str).feeds(Common::DestinationIp),
    Field::new("nlb_destination_port", "destination:port", Kind::Int).feeds(Common::DestinationPort),
    Field::new("nlb_connection_time", "connection_time", Kind::Int),
    Field::new("nlb_tls_handshake_time", "tls_handshake_time", Kind::Int),
    Field::new("nlb_received_bytes", "received_bytes", Kind::Int).feeds(Common::BytesIn),
    Field::new("nlb_sent_bytes", "sent_bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("nlb_incoming_tls_alert", "incoming_tls_alert", Kind::Int),
    Field::new("nlb_chosen_cert_arn", "chosen_cert_arn", Kind::Str),
    Field::new("nlb_chosen_cert_serial", "chosen_cert_serial", Kind::Str),
    Field::new("nlb_tls_cipher", "tls_cipher", Kind::Str),
    Field::new("nlb_tls_protocol_version", "tls_protocol_version", Kind::Str),
    Field::new("nlb_tls_named_group", "tls_named_group", Kind::Str),
    Field::new("nlb_domain_name", "domain_name", Kind::Str).feeds(Common::Target),
    Field::new("nlb_alpn_fe_protocol", "alpn_fe_protocol", Kind::Str),
    Field::new("nlb_alpn_be_protocol", "alpn_be_protocol", Kind::Str),
    Field::new("nlb_alpn_client_preference_list", "alpn_client_preference_list", Kind::Json),
    Field::new("nlb_tls_connection_creation_time", "tls_connection_creation_time", Kind::Time),
    Field::new("nlb_extra", "(undocumented)", Kind::Str),
];

const TIME: usize = 2;
const CLIENT: usize = 5;
const DESTINATION: usize = 7;
const HANDSHAKE: usize = 10;
const ALERT: usize = 13;
const CERTIFICATE: usize = 14;
const PROTOCOL: usize = 17;
const DOMAIN: usize = 19;
const ALPN: usize = 22;

static ORDER: [usize; 22] = elb::order(&FIELDS);

static LAYOUT: Layout = Layout {
    fewest: 11,
    time: TIME,
    pairs: &[CLIENT, DESTINATION],
    aliases: &[
        ("client_port", CLIENT),
        ("client_ip", CLIENT),
        ("destination_port", DESTINATION),
        ("destination_ip", DESTINATION),
        ("timestamp", TIME),
        ("tls_protocol", PROTOCOL),
        ("tls_keyexchange", 18),
    ],
    signs: &[
        "listener",
        "destination_port",
        "connection_time",
        "tls_handshake_time",
        "incoming_tls_alert",
        "chosen_cert_serial",
        "tls_protocol_version",
        "tls_named_group",
        "alpn_fe_protocol",
        "alpn_be_protocol",
        "alpn_client_preference_list",
        "tls_connection_creation_time",
    ],
    elb: "net/",
    ..Layout::of_lines(&FIELDS, &ORDER)
};

impl LogFormat for Nlb {
    fn id(&self) -> &'static str {
        "nlb"
    }

    fn title(&self) -> &'static str {
        "Network Load Balancer access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "the CloudWatch timestamp where a JSON record has no time"),
            (Common::EventEnd, "time"),
            (Common::AccountId, "account of chosen_cert_arn"),
            (Common::Region, "region of chosen_cert_arn"),
            (Common::EventAction, "always connection"),
            (
                Common::EventOutcome,
                "failure with an incoming_tls_alert but 0, or with neither tls_handshake_time nor a protocol; else success",
            ),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "Network Activity [4001]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut tokens = tokens::split(record.text);
        if tokens.next()? != "tls" {
            return LAYOUT.claims_object(record.text);
        }
        let version = tokens.next()?;
        let versioned = version.contains('.') && version.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let timed = Micros::parse_rfc3339(tokens.next()?).is_some();
        (versioned && timed && tokens.next()?.starts_with("net/"))
            .then_some(Claim { score: 95, reason: "tls, a version, a time and a net/… load balancer id" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    LAYOUT.read_plain(record, row, derive)
}

fn derive(row: &mut Row<'_>) {
    let end = row.native[TIME].clone();
    row.set(Common::EventEnd, end);
    row.set(Common::EventAction, Value::text("connection"));
    let alert = matches!(row.native[ALERT], Value::Int(alert) if alert != 0);
    let secured = !row.native[HANDSHAKE].is_null() || !row.native[PROTOCOL].is_null();
    row.set(Common::EventOutcome, elb::outcome(secured && !alert));
    elb::set_owner(row, CERTIFICATE);
    elb::link_arn(row, CERTIFICATE);
    if let Some(domain) = row.native[DOMAIN].as_str().filter(|domain| domain.contains('%')) {
        row.native[DOMAIN] = Value::owned(percent::decode(domain).into_owned());
    }
    if let Some(list) = row.native[ALPN].as_str().filter(|list| !list.starts_with('[')) {
        let names = list.trim_matches('"').split("\",\"").map(percent::decode);
        row.native[ALPN] = Value::owned(serde_json::Value::from_iter(names).to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Envelope, Link, Origin};

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

    const LINE: &str = r#"tls 2.0 2020-04-01T08:51:42 net/my-nlb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.154:51341 2001:db8::5:443 2053 97 98 246 - arn:aws:acm:us-east-2:111122223333:certificate/2a108f19 - ECDHE-RSA-AES128-SHA tlsv12 - a%20b.example.com h2 http/1.1 "h2","http/1.1" 2020-04-01T08:51:40"#;

    #[test]
    fn the_tokens_go_to_their_cells() {
        let (outcome, row) = parse(LINE);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time(), Micros::parse_rfc3339("2020-04-01T08:51:42Z"));
        assert_eq!(row.native[23], Value::time(Micros::parse_rfc3339("2020-04-01T08:51:40Z")));
        assert_eq!(row.common(Common::DestinationIp), &Value::text("2001:db8::5"));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(443));
        assert_eq!((&row.native[9], &row.native[HANDSHAKE]), (&Value::Int(2053), &Value::Int(97)));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(246));
        assert_eq!(row.common(Common::Target), &Value::text("a b.example.com"));
        assert_eq!(row.native[ALPN], Value::text(r#"["h2","http/1.1"]"#));
        assert_eq!(row.common(Common::AccountId), &Value::text("111122223333"));
        assert_eq!(row.common(Common::Region), &Value::text("us-east-2"));
        assert_eq!(row.links(Link::Arn), ["arn:aws:acm:us-east-2:111122223333:certificate/2a108f19"]);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
    }

    #[test]
    fn older_and_newer_lines() {
        let all: Vec<&str> = LINE.split(' ').collect();
        for n in [11, 16, 18, 21, 22] {
            let line = all[..n].join(" ").replace("tls 2.0", "tls 1.0");
            let (outcome, row) = parse(&line);
            assert_eq!(outcome, Outcome::Event, "{n} fields");
            assert_eq!(row.native[23].is_null(), n < 22, "{n} fields");
            assert_eq!(row.native[ALPN].is_null(), n < 21, "{n} fields");
        }
        let longer = format!("{LINE} - x");
        assert_eq!(parse(&longer).1.native[24], Value::text("- x"));
        assert!(matches!(parse("tls 2.0 2020-04-01T08:51:42 net/a/b c").0, Outcome::Reject(_)));
    }

    #[test]
    fn a_handshake_that_failed() {
        let line = "tls 2.0 2020-04-01T08:51:42 net/a/b c 192.0.2.154:51341 - 5 - 0 0 48 - - - - - - - - - -";
        let (outcome, row) = parse(line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[ALERT], Value::Int(48));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert!(row.common(Common::DestinationIp).is_null() && row.native[ALPN].is_null());
    }

    #[test]
    fn a_vended_record() {
        let text = r#"{"version":"2.0","elb":"net/a/b","client_port":"192.0.2.9:5","destination_port":443,"connection_time":"12","tls_handshake_time":3,"alpn_client_preference_list":"\"h2\",\"http/1.1\"","later":1}"#;
        let envelope = Envelope { time: Some(Micros(5)), ..Envelope::default() };
        let with_time = Record { envelope: Some(&envelope), ..record(text) };
        assert!(Nlb.claims(&with_time, &Options::default()).is_some());
        let mut row = Row::new(FIELDS.len());
        assert_eq!(read(&with_time, &mut row), Outcome::Event);
        row.feed(&FIELDS);
        assert_eq!(row.time(), Some(Micros(5)));
        assert_eq!(row.common(Common::SourceIp), &Value::text("192.0.2.9"));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(443));
        assert_eq!(row.native[9], Value::Int(12));
        assert_eq!(row.native[ALPN], Value::text(r#"["h2","http/1.1"]"#));
        assert_eq!(row.extra_json().unwrap(), r#"{"later":1}"#);
        assert!(matches!(parse(text).0, Outcome::Reject(_)));
    }
}

//! Classic Load Balancer access log. Facts: AWS, "Access logs for your Classic Load Balancer". Fields are read by
//! position; the first lines, of 2014, stop at the request.

use super::shared::elb::{self, Layout};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Micros, Record, Row};

pub struct Clb;

/// A token that holds `ip:port` fills two cells. Times are in seconds, bytes without headers.
#[rustfmt::skip]
static FIELDS: [Field; 19] = [
    Field::new("clb_timestamp", "timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("clb_elb", "elb", Kind::Str).feeds(Common::Resource),
    Field::new("clb_client_ip", "client:port", Kind::Str).feeds(Common::SourceIp),
    Field::new("clb_client_port", "client:port", Kind::Int).feeds(Common::SourcePort),
    Field::new("clb_backend_ip", "backend:port", Kind::Str).feeds(Common::DestinationIp),
    Field::new("clb_backend_port", "backend:port", Kind::Int).feeds(Common::DestinationPort),
    Field::new("clb_request_processing_time", "request_processing_time", Kind::Float),
    Field::new("clb_backend_processing_time", "backend_processing_time", Kind::Float),
    Field::new("clb_response_processing_time", "response_processing_time", Kind::Float),
    Field::new("clb_elb_status_code", "elb_status_code", Kind::Int).feeds(Common::HttpStatus),
    Field::new("clb_backend_status_code", "backend_status_code", Kind::Int),
    Field::new("clb_received_bytes", "received_bytes", Kind::Int).feeds(Common::BytesIn),
    Field::new("clb_sent_bytes", "sent_bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("clb_request", "request", Kind::Str),
    Field::new("clb_request_url", "request", Kind::Str),
    Field::new("clb_user_agent", "user_agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("clb_ssl_cipher", "ssl_cipher", Kind::Str),
    Field::new("clb_ssl_protocol", "ssl_protocol", Kind::Str),
    Field::new("clb_extra", "(undocumented)", Kind::Str),
];

const CLIENT: usize = 2;
const BACKEND: usize = 4;
const STATUS: usize = 9;
const REQUEST: usize = 13;
const CIPHER: usize = 16;
const EXTRA: usize = 18;

static ORDER: [usize; 15] = elb::order(&FIELDS);

static LAYOUT: Layout = Layout { fewest: 12, time: 0, pairs: &[CLIENT, BACKEND], ..Layout::of_lines(&FIELDS, &ORDER) };

impl LogFormat for Clb {
    fn id(&self) -> &'static str {
        "clb"
    }

    fn title(&self) -> &'static str {
        "Classic Load Balancer access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventAction, "method of request"),
            (Common::HttpMethod, "method of request"),
            (Common::UrlPath, "path of request, without the query"),
            (Common::Target, "path of request, without the query"),
            (Common::EventOutcome, "failure from elb_status_code 400 on, else success; null without one (TCP)"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut tokens = tokens::split(record.text);
        Micros::parse_rfc3339(tokens.next()?)?;
        let name = tokens.next()?;
        let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_peer = |token: &str| {
            let (address, port) = tokens::ip_port(token);
            port.is_some() && tokens::ip(address).is_some()
        };
        let peers = is_peer(tokens.next()?) && tokens.next().is_some_and(|backend| backend == "-" || is_peer(backend));
        let times = tokens.take(3).filter(|time| time.parse::<f64>().is_ok()).count() == 3;
        (named && peers && times)
            .then_some(Claim { score: 92, reason: "a time, a name, client:port, backend:port and three durations" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let outcome = LAYOUT.read(record, row, is_shifted, is_tail);
    if outcome == Outcome::Event {
        elb::set_request(row, REQUEST);
        elb::set_outcome(row, STATUS);
    }
    outcome
}

/// A quote inside a text makes more tokens of it.
fn is_shifted(row: &Row<'_>) -> bool {
    let quoted = |cell: usize| row.native[cell].as_str().is_some_and(|text| text.contains('"'));
    !row.native[EXTRA].is_null() || quoted(CIPHER) || quoted(CIPHER + 1)
}

/// Cipher and protocol end the line.
fn is_tail(text: &str) -> bool {
    let mut words = text.split(' ');
    let is_word = |word: Option<&str>| word.is_some_and(|word| !word.is_empty() && !word.contains('"'));
    is_word(words.next()) && is_word(words.next()) && words.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Value};

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

    const HTTP: &str = r#"2015-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.com:80/a?b=c HTTP/1.1" "curl/7.38.0" - -"#;
    const TCP: &str = r#"2015-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 10.0.0.1:80 0.001069 0.000028 0.000041 - - 82 305 "- - - " "-" - -"#;

    #[test]
    fn the_tokens_go_to_their_cells() {
        let (outcome, row) = parse(HTTP);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time(), Micros::parse_rfc3339("2015-05-13T23:39:43.945958Z"));
        assert_eq!(row.common(Common::Resource), &Value::text("my-lb"));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(80));
        assert_eq!(row.native[7], Value::Float(0.001_048));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(29));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/a"));
        assert_eq!(row.native[REQUEST + 1], Value::text("http://www.example.com:80/a?b=c"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("curl/7.38.0"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        assert!(row.native[EXTRA].is_null() && row.extra.is_empty());
    }

    #[test]
    fn tcp_has_no_request_and_no_status() {
        let (outcome, row) = parse(TCP);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::SourceIp), &Value::text("192.0.2.39"));
        assert_eq!(row.common(Common::BytesIn), &Value::Int(82));
        for column in [Common::HttpMethod, Common::HttpStatus, Common::UrlPath, Common::EventOutcome, Common::UserAgent]
        {
            assert!(row.common(column).is_null(), "{}", column.name());
        }
        assert!(row.native[REQUEST + 1].is_null());
    }

    #[test]
    fn lines_may_stop_at_the_request_and_go_on() {
        let all: Vec<&str> = HTTP.split(" \"curl").collect();
        let (outcome, row) = parse(all[0]);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(200));
        let longer = format!("{HTTP} new \"a b\"");
        let (outcome, row) = parse(&longer);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[EXTRA], Value::text("new \"a b\""));
        assert_eq!(row.common(Common::UserAgent), &Value::text("curl/7.38.0"));
        assert!(matches!(parse("2015-05-13T23:39:43.945958Z my-lb 192.0.2.39:2817 -").0, Outcome::Reject(_)));
    }

    #[test]
    fn a_quote_in_the_user_agent() {
        let line = HTTP.replace("curl/7.38.0", "a \" b\" c");
        let (outcome, row) = parse(&line);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::UserAgent), &Value::text("a \" b\" c"));
        assert_eq!(row.common(Common::UrlPath), &Value::text("/a"));
        assert!(row.native[EXTRA].is_null());
    }

    #[test]
    fn only_its_own_lines_are_claimed() {
        let claims = |line: &str| Clb.claims(&record(line), &Options::default()).is_some();
        assert!(claims(HTTP) && claims(TCP));
        assert!(!claims("2023-10-04T17:05:15.514108Z 192.0.2.10 41522 443 TLSv1.2 - - \"-\" - - - TID_0"));
        assert!(!claims("2023-10-04T17:05:15.514108Z started 192.0.2.10:80 10.0.0.1:80 in 3 seconds"));
        assert!(!claims("tls 2.0 2020-04-01T08:51:42 net/a/b c 192.0.2.1:1 10.0.0.1:2 5 2 0 0 - - -"));
    }
}

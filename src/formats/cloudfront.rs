//! CloudFront standard access logs: lines under a `#Fields` header, lines without one in the documented
//! order, and the JSON objects of version 2. Facts: AWS, "Standard logging reference". Values are
//! percent-encoded; native cells keep them as written.

use super::shared::derive;
use super::shared::json_row::JsonMap;
use super::shared::w3c::Layout;
use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::{percent, tokens};
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

pub struct CloudFront;

/// The 35 documented fields of a line in their order, then those version 2 adds.
#[rustfmt::skip]
static FIELDS: [Field; 45] = [
    Field::new("cf_date", "date", Kind::Str),
    Field::new("cf_time", "time", Kind::Str),
    Field::new("cf_x_edge_location", "x-edge-location", Kind::Str),
    Field::new("cf_sc_bytes", "sc-bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("cf_c_ip", "c-ip", Kind::Str).feeds(Common::SourceIp),
    Field::new("cf_cs_method", "cs-method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("cf_cs_host", "cs(Host)", Kind::Str).feeds(Common::Resource),
    Field::new("cf_cs_uri_stem", "cs-uri-stem", Kind::Str),
    Field::new("cf_sc_status", "sc-status", Kind::Int),
    Field::new("cf_cs_referer", "cs(Referer)", Kind::Str),
    Field::new("cf_cs_user_agent", "cs(User-Agent)", Kind::Str),
    Field::new("cf_cs_uri_query", "cs-uri-query", Kind::Str),
    Field::new("cf_cs_cookie", "cs(Cookie)", Kind::Str),
    Field::new("cf_x_edge_result_type", "x-edge-result-type", Kind::Str),
    Field::new("cf_x_edge_request_id", "x-edge-request-id", Kind::Str).feeds(Common::RequestId),
    Field::new("cf_x_host_header", "x-host-header", Kind::Str),
    Field::new("cf_cs_protocol", "cs-protocol", Kind::Str),
    Field::new("cf_cs_bytes", "cs-bytes", Kind::Int).feeds(Common::BytesIn),
    Field::new("cf_time_taken", "time-taken", Kind::Float),
    Field::new("cf_x_forwarded_for", "x-forwarded-for", Kind::Str),
    Field::new("cf_ssl_protocol", "ssl-protocol", Kind::Str),
    Field::new("cf_ssl_cipher", "ssl-cipher", Kind::Str),
    Field::new("cf_x_edge_response_result_type", "x-edge-response-result-type", Kind::Str),
    Field::new("cf_cs_protocol_version", "cs-protocol-version", Kind::Str),
    Field::new("cf_fle_status", "fle-status", Kind::Str),
    Field::new("cf_fle_encrypted_fields", "fle-encrypted-fields", Kind::Int),
    Field::new("cf_c_port", "c-port", Kind::Int).feeds(Common::SourcePort),
    Field::new("cf_time_to_first_byte", "time-to-first-byte", Kind::Float),
    Field::new("cf_x_edge_detailed_result_type", "x-edge-detailed-result-type", Kind::Str),
    Field::new("cf_sc_content_type", "sc-content-type", Kind::Str),
    Field::new("cf_sc_content_len", "sc-content-len", Kind::Int),
    Field::new("cf_sc_range_start", "sc-range-start", Kind::Int),
    Field::new("cf_sc_range_end", "sc-range-end", Kind::Int),
    Field::new("cf_distribution_tenant_id", "distribution-tenant-id", Kind::Str),
    Field::new("cf_connection_id", "connection-id", Kind::Str).link(Link::RequestId),
    Field::new("cf_timestamp", "timestamp", Kind::Time),
    Field::new("cf_timestamp_ms", "timestamp(ms)", Kind::Time),
    Field::new("cf_origin_fbl", "origin-fbl", Kind::Float),
    Field::new("cf_origin_lbl", "origin-lbl", Kind::Float),
    Field::new("cf_asn", "asn", Kind::Int),
    Field::new("cf_c_country", "c-country", Kind::Str),
    Field::new("cf_cache_behavior_path_pattern", "cache-behavior-path-pattern", Kind::Str),
    Field::new("cf_viewer_request_log_data", "viewer-request-log-data", Kind::Str),
    Field::new("cf_viewer_response_log_data", "viewer-response-log-data", Kind::Str),
    Field::new("cf_extra", "(undocumented)", Kind::Str),
];

/// Fields of a line that no header describes.
const DOCUMENTED: usize = 35;
/// What lines had before fields were added behind them.
const FEWEST_TOKENS: usize = 12;
const C_IP: usize = 4;
const STATUS: usize = 8;
const TIMESTAMP: usize = 35;
const TIMESTAMP_MS: usize = 36;
const EXTRA: usize = 44;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| JsonMap::new(&FIELDS));

/// Cells that both kinds of CloudFront request log have.
pub(super) struct RequestCells {
    pub host: usize,
    pub viewer_host: usize,
    pub method: usize,
    pub uri: usize,
    pub status: usize,
    pub user_agent: usize,
    pub forwarded: usize,
    pub result: usize,
    pub detailed_result: usize,
    pub client_ip: usize,
}

const CELLS: RequestCells = RequestCells {
    host: 6,
    viewer_host: 15,
    method: 5,
    uri: 7,
    status: STATUS,
    user_agent: 10,
    forwarded: 19,
    result: 13,
    detailed_result: 28,
    client_ip: C_IP,
};

impl LogFormat for CloudFront {
    fn id(&self) -> &'static str {
        "cloudfront"
    }

    fn title(&self) -> &'static str {
        "CloudFront standard access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "date and time, else timestamp(ms), else timestamp, else the CloudWatch timestamp"),
            (Common::EventEnd, "as event_time: AWS logs the end of the response"),
            (Common::EventAction, "cs-method"),
            (Common::UrlPath, "cs-uri-stem, percent-decoded once"),
            (Common::Target, "x-host-header, else cs(Host), and url_path"),
            (Common::UserAgent, "cs(User-Agent), percent-decoded, twice where it is encoded twice"),
            (Common::HttpStatus, "sc-status unless 000: the viewer left before a response"),
            (Common::EventOutcome, "failure from sc-status 400 on and for 000, else success"),
            (Common::ErrorCode, "x-edge-detailed-result-type where x-edge-result-type is an error"),
        ]
    }

    fn has_headers(&self) -> bool {
        true
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim();
        if text.starts_with('{') {
            let has = |name: &str| text.contains(name);
            let edge = has("\"x-edge-request-id\"") || has("\"x-edge-location\"") || has("\"x-edge-result-type\"");
            let request = has("\"cs-uri-stem\"") && (has("\"sc-status\"") || has("\"c-ip\"") || has("\"cs(Host)\""));
            return (edge || request)
                .then_some(Claim { score: 90, reason: "a JSON object with CloudFront's x-edge or cs fields" });
        }
        if let Some(names) = text.strip_prefix("#Fields:") {
            return is_header(names).then_some(Claim { score: 95, reason: "a #Fields line with CloudFront's names" });
        }
        if text == "#Version: 1.0" {
            return Some(Claim { score: 60, reason: "a #Version line as CloudFront writes it" });
        }
        is_documented_line(text)
            .then_some(Claim { score: 85, reason: "CloudFront's fields in the documented order: date, time, edge" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(StandardParser { layout: None })
    }
}

/// Other web servers write `#Fields` too, with some of the same names.
fn is_header(names: &str) -> bool {
    let layout = Layout::named(&FIELDS, names);
    layout.known() > 0 && (layout.is_all_known() || names.split_whitespace().any(|name| name.starts_with("x-edge-")))
}

/// Whether a line without header has what the first fields must have.
fn is_documented_line(line: &str) -> bool {
    let mut tokens = line.split('\t');
    let start = (tokens.next(), tokens.next());
    let (Some(date), Some(time)) = start else {
        return false;
    };
    event_time(date, time).is_some()
        && tokens.nth(C_IP - 2).is_some_and(|ip| tokens::ip(ip).is_some())
        && tokens.nth(STATUS - C_IP - 1).is_some_and(|s| s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit()))
        && tokens.count() + STATUS + 1 >= FEWEST_TOKENS
}

fn event_time(date: &str, time: &str) -> Option<Micros> {
    if date.len() != 10 || time.len() < 8 {
        return None;
    }
    Micros::parse_rfc3339(&format!("{date}T{time}Z"))
}

struct StandardParser {
    /// What the last `#Fields` line said; `None` where there was none.
    layout: Option<Layout>,
}

impl Parser for StandardParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let line = record.text.trim_end_matches(['\r', '\n']);
        if line.starts_with('#') {
            return self.take_header(line);
        }
        if line.trim().is_empty() {
            return Outcome::Ignored("empty line");
        }
        if line.trim_start().starts_with('{') {
            if let Err(reject) = MAP.fill_record(row, &FIELDS, line) {
                return Outcome::Reject(reject);
            }
        } else if let Some(layout) = &self.layout {
            layout.fill(row, &FIELDS, line, EXTRA);
        } else if is_documented_line(line) {
            Layout::documented(DOCUMENTED).fill(row, &FIELDS, line, EXTRA);
        } else {
            return Outcome::Reject(Reject::malformed("no #Fields line before it, and not in the documented order"));
        }
        if !set_time(row, record) {
            return Outcome::Reject(Reject::malformed("neither date and time nor a timestamp"));
        }
        derive_request(row, &CELLS);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(Self { layout: self.layout.clone() })
    }

    fn is_state(&self, record: &[u8]) -> bool {
        record.first() == Some(&b'#')
    }
}

impl StandardParser {
    fn take_header(&mut self, line: &str) -> Outcome {
        if let Some(names) = line.strip_prefix("#Fields:") {
            if !is_header(names) {
                // Another log's header: its lines are not in the documented order either.
                self.layout = None;
                return Outcome::Reject(Reject::malformed("a #Fields line without CloudFront's names"));
            }
            self.layout = Some(Layout::named(&FIELDS, names));
        }
        Outcome::Ignored("header line")
    }
}

fn set_time(row: &mut Row<'_>, record: &Record<'_>) -> bool {
    let written = match (row.native[0].as_str(), row.native[1].as_str()) {
        (Some(date), Some(time)) => event_time(date, time),
        _ => None,
    };
    let stamp = [TIMESTAMP_MS, TIMESTAMP].into_iter().find_map(|cell| match row.native[cell] {
        Value::Time(time) => Some(time),
        _ => None,
    });
    let time = written.or(stamp).or_else(|| record.envelope.and_then(|envelope| envelope.time));
    row.set(Common::EventTime, Value::time(time));
    time.is_some()
}

/// The common columns of a request, the same for standard and real-time logs.
pub(super) fn derive_request(row: &mut Row<'_>, cells: &RequestCells) {
    derive::canonical_ip(row, cells.client_ip);
    let end = row.common(Common::EventTime).clone();
    row.set(Common::EventEnd, end);
    let method = row.native[cells.method].clone();
    row.set(Common::EventAction, method);
    let agent = row.native[cells.user_agent].as_str().map(decode_agent);
    row.set(Common::UserAgent, agent.map_or(Value::Null, Value::owned));
    let path = row.native[cells.uri].as_str().map(|uri| percent::decode(uri).into_owned());
    let host = [cells.viewer_host, cells.host].into_iter().find_map(|cell| row.native[cell].as_str());
    if let Some(target) = host.map(|host| format!("{host}{}", path.as_deref().unwrap_or_default())).or(path.clone()) {
        row.set(Common::Target, Value::owned(target));
    }
    row.set(Common::UrlPath, path.map_or(Value::Null, Value::owned));
    if let Value::Int(status) = row.native[cells.status] {
        row.set(Common::EventOutcome, derive::http_outcome(status));
        row.set(Common::HttpStatus, if status == 0 { Value::Null } else { Value::Int(status) });
    }
    // LimitExceeded and CapacityExceeded are refusals, the other kinds of failure end in Error.
    let result = row.native[cells.result].as_str().unwrap_or_default();
    if result.ends_with("Error") || result.ends_with("Exceeded") {
        let detail = row.native[cells.detailed_result].clone();
        let error = if detail.is_null() { row.native[cells.result].clone() } else { detail };
        row.set(Common::ErrorCode, error);
    }
    if let Some(list) = row.native[cells.forwarded].as_str().map(|list| decode(list).into_owned()) {
        derive::link_forwarded(row, &list);
    }
}

/// Percent-decoded; `\xhh` is what some lines have instead.
fn decode(text: &str) -> Cow<'_, str> {
    match percent::decode(text) {
        Cow::Borrowed(same) => tokens::unescape_hex(same),
        Cow::Owned(changed) => Cow::Owned(tokens::unescape_hex(&changed).into_owned()),
    }
}

fn decode_agent(text: &str) -> String {
    let once = decode(text);
    // No user agent has an encoded blank but for CloudFront's encoding it twice.
    if once.contains("%20") { percent::decode(&once).into_owned() } else { once.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn record(text: &str) -> Record<'_> {
        Record { text, envelope: None, origin: &ORIGIN }
    }

    fn parse_all<'r>(lines: &[&'r str]) -> Vec<(Outcome, Row<'r>)> {
        let mut parser = CloudFront.parser(&Options::default());
        let parse = |line: &&'r str| {
            let mut row = Row::new(FIELDS.len());
            let outcome = parser.parse(&record(line), &mut row);
            row.feed(&FIELDS);
            (outcome, row)
        };
        lines.iter().map(parse).collect()
    }

    const LINE: &str = "2019-12-04\t21:02:31\tLAX1\t392\t192.0.2.100\tGET\td1.cloudfront.net\t/a%20b/%2520c\t404\t-\tcurl/8%2520(x)\tq=1\t-\tError\tabc==\twww.example.com\thttps\t23\t0.001\t203.0.113.7,%202001:DB8::1\tTLSv1.3\tX\tError\tHTTP/2.0\t-\t-\t11040\t0.001\tOriginDnsError\ttext/html\t78\t-\t-";

    #[test]
    fn lines_without_header_are_read_in_the_documented_order() {
        let longer = format!("{LINE}\ttenant\tconn==\tnew1\tnew2");
        let trailing = format!("{LINE}\t");
        let old: String = LINE.split('\t').take(24).collect::<Vec<_>>().join("\t");
        let all = parse_all(&[LINE, &longer, &trailing, &old, "2019-12-04\t21:02:31\tLAX1"]);
        assert!(all[..4].iter().all(|(outcome, _)| *outcome == Outcome::Event));
        assert!(matches!(all[4].0, Outcome::Reject(_)));
        let row = &all[0].1;
        assert_eq!(row.time().unwrap().to_string(), "2019-12-04T21:02:31.000000Z");
        assert_eq!(row.common(Common::UrlPath), &Value::text("/a b/%20c"));
        assert_eq!(row.native[7], Value::text("/a%20b/%2520c"));
        assert_eq!(row.common(Common::Target), &Value::text("www.example.com/a b/%20c"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("curl/8 (x)"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("OriginDnsError"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.links(Link::Ip), ["203.0.113.7", "2001:db8::1", "192.0.2.100"]);
        assert_eq!(all[1].1.native[EXTRA], Value::text("new1\tnew2"));
        assert_eq!(all[1].1.links(Link::RequestId), ["conn==", "abc=="]);
        assert!(all[2].1.native[33].is_null());
        assert!(all[3].1.common(Common::SourcePort).is_null());
        assert!(CloudFront.claims(&record(LINE), &Options::default()).is_some());
    }

    #[test]
    fn the_header_rules_and_a_fork_keeps_it() {
        let header = "#Fields: c-ip\tsc-status timestamp(ms) x-edge-location cmcd-version";
        let mut parser = CloudFront.parser(&Options::default());
        assert_eq!(parser.parse(&record("#Version: 1.0"), &mut Row::new(45)), Outcome::Ignored("header line"));
        assert_eq!(parser.parse(&record(header), &mut Row::new(45)), Outcome::Ignored("header line"));
        assert!(parser.is_state(header.as_bytes()) && !parser.is_state(LINE.as_bytes()));
        let mut row = Row::new(45);
        let line = "192.0.2.1\t000\t1575493351250\tLAX1\t1";
        assert_eq!(parser.fork().parse(&record(line), &mut row), Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2019-12-04T21:02:31.250000Z");
        assert_eq!(row.native[STATUS], Value::Int(0));
        assert!(row.common(Common::HttpStatus).is_null());
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.extra_json().unwrap(), r#"{"cmcd-version":"1"}"#);
        assert!(matches!(parser.parse(&record("192.0.2.1\t200\t-"), &mut Row::new(45)), Outcome::Reject(_)));
    }

    #[test]
    fn headers_of_other_servers_are_not_claimed() {
        let iis = "#Fields: date time s-ip cs-method cs-uri-stem s-port cs-username c-ip cs(User-Agent) sc-status";
        let other = "#Fields: eventTimestamp connectionId connectionStatus";
        for text in [iis, other, "#Version: 1.1", "# x", "2019-12-04\t21:02:31\té", "a\tb"] {
            assert_eq!(CloudFront.claims(&record(text), &Options::default()), None, "{text}");
        }
        assert!(matches!(parse_all(&[other])[0].0, Outcome::Reject(_)));
    }

    #[test]
    fn version_2_as_json() {
        let text = r#"{"date":"2024-11-14","time":"22:34:06","x-edge-location":"SOF50-P2","asn":"16509","timestamp(ms)":"1731623646814","c-ip":"192.0.2.1","cs(User-Agent)":"a%20b","sc-status":"200","x-edge-result-type":"Hit","cs(Cookie)":"-","cmcd-version":"-"}"#;
        let (outcome, row) = parse_all(&[text]).remove(0);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2024-11-14T22:34:06.000000Z");
        assert_eq!(row.common(Common::UserAgent), &Value::text("a b"));
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(200));
        assert_eq!(row.native[39], Value::Int(16_509));
        assert!(row.common(Common::ErrorCode).is_null() && row.native[12].is_null());
        assert_eq!(CloudFront.claims(&record(text), &Options::default()).unwrap().score, 90);
    }
}

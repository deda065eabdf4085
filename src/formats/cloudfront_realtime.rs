//! CloudFront real-time logs: tab-separated, without header. Facts: AWS, "Use real-time access logs". A
//! configuration chooses fields but not their order, so a line tells its fields only where none was left
//! out before its last: those are read, any other choice is refused rather than guessed.

use super::cloudfront::{RequestCells, derive_request};
use super::shared::derive;
use super::shared::w3c::Layout;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row};

pub struct CloudFrontRealtime;

#[rustfmt::skip]
static FIELDS: [Field; 70] = [
    Field::new("cfr_timestamp", "timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("cfr_c_ip", "c-ip", Kind::Str).feeds(Common::SourceIp),
    Field::new("cfr_s_ip", "s-ip", Kind::Str).feeds(Common::DestinationIp),
    Field::new("cfr_time_to_first_byte", "time-to-first-byte", Kind::Float),
    Field::new("cfr_sc_status", "sc-status", Kind::Int),
    Field::new("cfr_sc_bytes", "sc-bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("cfr_cs_method", "cs-method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("cfr_cs_protocol", "cs-protocol", Kind::Str),
    Field::new("cfr_cs_host", "cs-host", Kind::Str).feeds(Common::Resource),
    Field::new("cfr_cs_uri_stem", "cs-uri-stem", Kind::Str),
    Field::new("cfr_cs_bytes", "cs-bytes", Kind::Int).feeds(Common::BytesIn),
    Field::new("cfr_x_edge_location", "x-edge-location", Kind::Str),
    Field::new("cfr_x_edge_request_id", "x-edge-request-id", Kind::Str).feeds(Common::RequestId),
    Field::new("cfr_x_host_header", "x-host-header", Kind::Str),
    Field::new("cfr_time_taken", "time-taken", Kind::Float),
    Field::new("cfr_cs_protocol_version", "cs-protocol-version", Kind::Str),
    Field::new("cfr_c_ip_version", "c-ip-version", Kind::Str),
    Field::new("cfr_cs_user_agent", "cs-user-agent", Kind::Str),
    Field::new("cfr_cs_referer", "cs-referer", Kind::Str),
    Field::new("cfr_cs_cookie", "cs-cookie", Kind::Str),
    Field::new("cfr_cs_uri_query", "cs-uri-query", Kind::Str),
    Field::new("cfr_x_edge_response_result_type", "x-edge-response-result-type", Kind::Str),
    Field::new("cfr_x_forwarded_for", "x-forwarded-for", Kind::Str),
    Field::new("cfr_ssl_protocol", "ssl-protocol", Kind::Str),
    Field::new("cfr_ssl_cipher", "ssl-cipher", Kind::Str),
    Field::new("cfr_x_edge_result_type", "x-edge-result-type", Kind::Str),
    Field::new("cfr_fle_encrypted_fields", "fle-encrypted-fields", Kind::Int),
    Field::new("cfr_fle_status", "fle-status", Kind::Str),
    Field::new("cfr_sc_content_type", "sc-content-type", Kind::Str),
    Field::new("cfr_sc_content_len", "sc-content-len", Kind::Int),
    Field::new("cfr_sc_range_start", "sc-range-start", Kind::Int),
    Field::new("cfr_sc_range_end", "sc-range-end", Kind::Int),
    Field::new("cfr_c_port", "c-port", Kind::Int).feeds(Common::SourcePort),
    Field::new("cfr_x_edge_detailed_result_type", "x-edge-detailed-result-type", Kind::Str),
    Field::new("cfr_c_country", "c-country", Kind::Str),
    Field::new("cfr_cs_accept_encoding", "cs-accept-encoding", Kind::Str),
    Field::new("cfr_cs_accept", "cs-accept", Kind::Str),
    Field::new("cfr_cache_behavior_path_pattern", "cache-behavior-path-pattern", Kind::Str),
    Field::new("cfr_cs_headers", "cs-headers", Kind::Str),
    Field::new("cfr_cs_header_names", "cs-header-names", Kind::Str),
    Field::new("cfr_cs_headers_count", "cs-headers-count", Kind::Int),
    Field::new("cfr_primary_distribution_id", "primary-distribution-id", Kind::Str),
    Field::new("cfr_primary_distribution_dns_name", "primary-distribution-dns-name", Kind::Str),
    Field::new("cfr_origin_fbl", "origin-fbl", Kind::Float),
    Field::new("cfr_origin_lbl", "origin-lbl", Kind::Float),
    Field::new("cfr_asn", "asn", Kind::Int),
    Field::new("cfr_cmcd_encoded_bitrate", "cmcd-encoded-bitrate", Kind::Str),
    Field::new("cfr_cmcd_buffer_length", "cmcd-buffer-length", Kind::Str),
    Field::new("cfr_cmcd_buffer_starvation", "cmcd-buffer-starvation", Kind::Str),
    Field::new("cfr_cmcd_content_id", "cmcd-content-id", Kind::Str),
    Field::new("cfr_cmcd_object_duration", "cmcd-object-duration", Kind::Str),
    Field::new("cfr_cmcd_deadline", "cmcd-deadline", Kind::Str),
    Field::new("cfr_cmcd_measured_throughput", "cmcd-measured-throughput", Kind::Str),
    Field::new("cfr_cmcd_next_object_request", "cmcd-next-object-request", Kind::Str),
    Field::new("cfr_cmcd_next_range_request", "cmcd-next-range-request", Kind::Str),
    Field::new("cfr_cmcd_object_type", "cmcd-object-type", Kind::Str),
    Field::new("cfr_cmcd_playback_rate", "cmcd-playback-rate", Kind::Str),
    Field::new("cfr_cmcd_requested_maximum_throughput", "cmcd-requested-maximum-throughput", Kind::Str),
    Field::new("cfr_cmcd_streaming_format", "cmcd-streaming-format", Kind::Str),
    Field::new("cfr_cmcd_session_id", "cmcd-session-id", Kind::Str),
    Field::new("cfr_cmcd_stream_type", "cmcd-stream-type", Kind::Str),
    Field::new("cfr_cmcd_startup", "cmcd-startup", Kind::Str),
    Field::new("cfr_cmcd_top_bitrate", "cmcd-top-bitrate", Kind::Str),
    Field::new("cfr_cmcd_version", "cmcd-version", Kind::Str),
    Field::new("cfr_r_host", "r-host", Kind::Str),
    Field::new("cfr_sr_reason", "sr-reason", Kind::Str),
    Field::new("cfr_x_edge_mqcs", "x-edge-mqcs", Kind::Str),
    Field::new("cfr_distribution_tenant_id", "distribution-tenant-id", Kind::Str),
    Field::new("cfr_connection_id", "connection-id", Kind::Str).link(Link::RequestId),
    Field::new("cfr_extra", "(undocumented)", Kind::Str),
];

const DOCUMENTED: usize = 69;
const EXTRA: usize = 69;
/// Fewer tokens say too little about the order to trust it.
const FEWEST_TOKENS: usize = 20;
const S_IP: usize = 2;

const CELLS: RequestCells = RequestCells {
    host: 8,
    viewer_host: 13,
    method: 6,
    uri: 9,
    status: 4,
    user_agent: 17,
    forwarded: 22,
    result: 25,
    detailed_result: 33,
    client_ip: 1,
};

impl LogFormat for CloudFrontRealtime {
    fn id(&self) -> &'static str {
        "cloudfront_realtime"
    }

    fn title(&self) -> &'static str {
        "CloudFront real-time access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventEnd, "as event_time: AWS logs the end of the response"),
            (Common::EventAction, "cs-method"),
            (Common::UrlPath, "cs-uri-stem, percent-decoded once"),
            (Common::Target, "x-host-header, else cs-host, and url_path"),
            (Common::UserAgent, "cs-user-agent, percent-decoded, twice where it is encoded twice"),
            (Common::HttpStatus, "sc-status unless 000: the viewer left before a response"),
            (Common::EventOutcome, "failure from sc-status 400 on and for 000, else success"),
            (Common::ErrorCode, "x-edge-detailed-result-type where x-edge-result-type is an error"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "HTTP Activity [4002]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let line = record.text.trim_end_matches(['\r', '\n']);
        misplaced(line).is_none().then_some(Claim { score: 88, reason: "CloudFront's real-time fields in their order" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

/// The first field, counted from 1, whose token cannot be its value: fields were left out before it.
fn misplaced(line: &str) -> Option<usize> {
    let mut count = 0;
    for (at, token) in line.split('\t').enumerate() {
        if !fits(at, token) {
            return Some(at + 1);
        }
        count += 1;
    }
    (count < FEWEST_TOKENS).then_some(count + 1)
}

/// Whether a token may stand in that field. Only fields with a shape of their own tell.
fn fits(field: usize, token: &str) -> bool {
    let number =
        || token.bytes().all(|b| b.is_ascii_digit() || b == b'.') && token.starts_with(|c: char| c.is_ascii_digit());
    let absent = token == "-" || token.is_empty();
    match field {
        0 => token.contains('.') && number() && Micros::parse_epoch(token).is_some(),
        1 => tokens::ip(token).is_some(),
        S_IP => absent || tokens::ip(token).is_some(),
        3 | 5 | 10 | 14 | 29 | 32 | 40 | 43 | 44 => absent || number(),
        4 => absent || (token.len() == 3 && number()),
        6 => absent || token.bytes().all(|b| b.is_ascii_uppercase() || b == b'-'),
        7 => matches!(token, "http" | "https" | "ws" | "wss" | "-" | "grpcs"),
        9 => absent || token.starts_with('/') || token == "*",
        15 => absent || token.starts_with("HTTP/"),
        16 => absent || token.starts_with("IPv"),
        34 => absent || (token.len() == 2 && token.bytes().all(|b| b.is_ascii_alphanumeric())),
        _ => true,
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let line = record.text.trim_end_matches(['\r', '\n']);
    if line.trim().is_empty() {
        return Outcome::Ignored("empty line");
    }
    if let Some(field) = misplaced(line) {
        let detail = format!("field {field} is missing or not what stands there when all fields are logged");
        return Outcome::Reject(Reject::malformed(detail));
    }
    Layout::documented(DOCUMENTED).fill(row, &FIELDS, line, EXTRA);
    derive::canonical_ip(row, S_IP);
    let time = row.native[0].clone();
    row.set(Common::EventTime, time);
    derive_request(row, &CELLS);
    Outcome::Event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Origin, Value};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(line: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text: line, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    fn claimed(line: &str) -> bool {
        let record = Record { text: line, envelope: None, origin: &ORIGIN };
        CloudFrontRealtime.claims(&record, &Options::default()).is_some()
    }

    /// The 46 fields up to asn.
    const LINE: &str = "1598895652.213\t2001:DB8::5\t203.0.113.80\t0.002\t503\t1045\tGET\thttps\td1.cloudfront.net\t/a%20b\t120\tFRA50-C1\tid==\twww.example.com\t0.003\tHTTP/2.0\tIPv6\tx%20y\t-\t-\tq=1\tLimitExceeded\t-\tTLSv1.3\tX\tLimitExceeded\t-\t-\ttext/html\t12\t-\t-\t40123\tLimitExceeded\tDE\tgzip\t*/*\t*\tHost:www.example.com%0A\tHost%0A\t1\tE1EXAMPLE\td1.cloudfront.net\t-\t-\t64496";

    #[test]
    fn the_fields_in_their_order() {
        let (outcome, row) = parse(LINE);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2020-08-31T17:40:52.213000Z");
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::5"));
        assert_eq!(row.common(Common::SourcePort), &Value::Int(40_123));
        assert_eq!(row.common(Common::DestinationIp), &Value::text("203.0.113.80"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("LimitExceeded"));
        assert_eq!(row.common(Common::Target), &Value::text("www.example.com/a b"));
        assert_eq!(row.common(Common::UserAgent), &Value::text("x y"));
        assert_eq!(row.native[45], Value::Int(64_496));
        assert!(claimed(LINE));
    }

    #[test]
    fn shorter_and_longer_lines_but_no_guesses() {
        let tokens: Vec<&str> = LINE.split('\t').collect();
        let twenty = tokens[..20].join("\t");
        assert_eq!(parse(&twenty).0, Outcome::Event);
        assert!(claimed(&twenty) && !claimed(&tokens[..19].join("\t")));
        let long = format!("{LINE}{}\tnew", "\t-".repeat(22) + "\tconn==");
        let (outcome, row) = parse(&long);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.native[EXTRA], Value::text("new"));
        assert_eq!(row.links(Link::RequestId), ["conn==", "id=="]);
        // Any one field left out shifts a field that has a shape.
        for gone in 0..30 {
            let line: Vec<&str> = tokens.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, t)| *t).collect();
            assert!(!claimed(&line.join("\t")), "without field {}", gone + 1);
        }
        assert!(matches!(parse("1598895652.213\té").0, Outcome::Reject(_)));
    }
}

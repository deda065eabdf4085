//! VPC Flow Logs: the default version 2 line, or any fields a header line names. Facts: AWS, "Flow
//! log records". A value that is missing is `-`; the fields of a line without header are known only
//! for the default format.

use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::borrow::Cow;

pub struct VpcFlow;

/// Versions 2 to 5; later fields go to `extra` under their own names.
#[rustfmt::skip]
static FIELDS: [Field; 29] = [
    Field::new("vpc_version", "version", Kind::Int),
    Field::new("vpc_account_id", "account-id", Kind::Str).feeds(Common::AccountId),
    Field::new("vpc_interface_id", "interface-id", Kind::Str).feeds(Common::Resource),
    Field::new("vpc_srcaddr", "srcaddr", Kind::Str).feeds(Common::SourceIp),
    Field::new("vpc_dstaddr", "dstaddr", Kind::Str).feeds(Common::DestinationIp),
    Field::new("vpc_srcport", "srcport", Kind::Int).feeds(Common::SourcePort),
    Field::new("vpc_dstport", "dstport", Kind::Int).feeds(Common::DestinationPort),
    Field::new("vpc_protocol", "protocol", Kind::Int),
    Field::new("vpc_packets", "packets", Kind::Int),
    Field::new("vpc_bytes", "bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("vpc_start", "start", Kind::Time).feeds(Common::EventTime),
    Field::new("vpc_end", "end", Kind::Time).feeds(Common::EventEnd),
    Field::new("vpc_action", "action", Kind::Str).feeds(Common::EventAction),
    Field::new("vpc_log_status", "log-status", Kind::Str),
    Field::new("vpc_vpc_id", "vpc-id", Kind::Str),
    Field::new("vpc_subnet_id", "subnet-id", Kind::Str),
    Field::new("vpc_instance_id", "instance-id", Kind::Str),
    Field::new("vpc_tcp_flags", "tcp-flags", Kind::Int),
    Field::new("vpc_type", "type", Kind::Str),
    Field::new("vpc_pkt_srcaddr", "pkt-srcaddr", Kind::Str).link(Link::Ip),
    Field::new("vpc_pkt_dstaddr", "pkt-dstaddr", Kind::Str).link(Link::Ip),
    Field::new("vpc_region", "region", Kind::Str).feeds(Common::Region),
    Field::new("vpc_az_id", "az-id", Kind::Str),
    Field::new("vpc_sublocation_type", "sublocation-type", Kind::Str),
    Field::new("vpc_sublocation_id", "sublocation-id", Kind::Str),
    Field::new("vpc_pkt_src_aws_service", "pkt-src-aws-service", Kind::Str),
    Field::new("vpc_pkt_dst_aws_service", "pkt-dst-aws-service", Kind::Str),
    Field::new("vpc_flow_direction", "flow-direction", Kind::Str),
    Field::new("vpc_traffic_path", "traffic-path", Kind::Int),
];

const SRCADDR: usize = 3;
const PKT_DSTADDR: usize = 20;
const DEFAULT_FIELDS: usize = 14;
const START: usize = 10;
const ACTION: usize = 12;
const LOG_STATUS: usize = 13;

/// A header shorter than this would let prose pass for one.
const FEWEST_HEADER_FIELDS: usize = 3;

impl LogFormat for VpcFlow {
    fn id(&self) -> &'static str {
        "vpcflow"
    }

    fn title(&self) -> &'static str {
        "VPC Flow Logs"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventOutcome, "success for ACCEPT, failure for REJECT"),
            (Common::EventAction, "log-status where there is no action (NODATA, SKIPDATA)"),
            (Common::Target, "dstaddr:dstport"),
        ]
    }

    fn has_headers(&self) -> bool {
        true
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        if is_header(record.text) {
            return Some(Claim { score: 95, reason: "a header line of flow log field names" });
        }
        is_default_line(record.text).then_some(Claim { score: 90, reason: "14 fields of the default version 2 format" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(FlowParser { layout: Layout::default_v2() })
    }
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').filter(|word| !word.is_empty())
}

fn field_index(native: &str) -> Option<usize> {
    FIELDS.iter().position(|f| f.native == native)
}

fn is_header(line: &str) -> bool {
    let mut known = 0;
    let mut total = 0;
    for word in words(line.trim_end()) {
        total += 1;
        known += usize::from(field_index(word).is_some());
        if !word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return false;
        }
    }
    total >= FEWEST_HEADER_FIELDS && known * 2 > total
}

fn is_default_line(line: &str) -> bool {
    let fields: Vec<&str> = words(line.trim_end()).collect();
    fields.len() == DEFAULT_FIELDS
        && fields[0] == "2"
        && (fields[2] == "-" || fields[2].starts_with("eni-"))
        && fields[START].parse::<i64>().is_ok()
        && matches!(fields[LOG_STATUS], "OK" | "NODATA" | "SKIPDATA")
}

/// Where each token of a line goes: a native cell, or `extra` under its own name.
#[derive(Clone)]
struct Layout {
    columns: Vec<Column>,
    /// First word of the header, which repeats where objects were concatenated.
    header_start: Option<String>,
}

#[derive(Clone)]
enum Column {
    Native(usize),
    Extra(String),
}

impl Layout {
    fn default_v2() -> Self {
        Self { columns: (0..DEFAULT_FIELDS).map(Column::Native).collect(), header_start: None }
    }

    fn from_header(line: &str) -> Self {
        let column = |name: &str| field_index(name).map_or_else(|| Column::Extra(name.to_owned()), Column::Native);
        Self { columns: words(line).map(column).collect(), header_start: words(line).next().map(str::to_owned) }
    }
}

struct FlowParser {
    layout: Layout,
}

impl Parser for FlowParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let line = record.text.trim_end();
        if line.is_empty() {
            return Outcome::Ignored("empty line");
        }
        let first = words(line).next().unwrap_or_default();
        let repeats = self.layout.header_start.as_deref() == Some(first);
        if (repeats || !first.starts_with(|c: char| c.is_ascii_digit())) && is_header(line) {
            self.layout = Layout::from_header(line);
            return Outcome::Ignored("header line");
        }
        let mut count = 0;
        for word in words(line) {
            match self.layout.columns.get(count) {
                Some(Column::Native(cell)) => row.native[*cell] = value(*cell, word),
                Some(Column::Extra(name)) => {
                    let json = serde_json::Value::from(word).to_string();
                    row.extra.push((Cow::Owned(name.clone()), Cow::Owned(json)));
                }
                None => {}
            }
            count += 1;
        }
        let expected = self.layout.columns.len();
        if count != expected {
            return Outcome::Reject(Reject::malformed(format!("{count} fields, {expected} expected")));
        }
        finish(row)
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(Self { layout: self.layout.clone() })
    }

    fn is_state(&self, record: &[u8]) -> bool {
        record.first().is_some_and(u8::is_ascii_lowercase) && std::str::from_utf8(record).is_ok_and(is_header)
    }
}

fn value(cell: usize, word: &str) -> Value<'_> {
    if word == "-" {
        return Value::Null;
    }
    match FIELDS[cell].kind {
        Kind::Int => Value::int(word),
        Kind::Time => Value::time(word.parse::<i64>().ok().and_then(Micros::from_epoch)),
        _ if matches!(cell, SRCADDR | 4 | 19 | PKT_DSTADDR) => {
            tokens::ip(word).map_or(Value::Str(Cow::Borrowed(word)), Value::Str)
        }
        _ => Value::Str(Cow::Borrowed(word)),
    }
}

fn finish(row: &mut Row<'_>) -> Outcome {
    let numbers_broken = row.native[0].is_null() && row.native[START].is_null() && row.native[SRCADDR].is_null();
    if numbers_broken {
        return Outcome::Reject(Reject::malformed("neither version, start nor srcaddr can be read"));
    }
    match row.native[ACTION].as_str() {
        Some("ACCEPT") => row.set(Common::EventOutcome, Value::text("success")),
        Some("REJECT") => row.set(Common::EventOutcome, Value::text("failure")),
        Some(_) | None => {
            let status = row.native[LOG_STATUS].clone();
            row.set_default(Common::EventAction, status);
        }
    }
    if let (Some(address), Value::Int(port)) = (row.native[4].as_str(), &row.native[6]) {
        let target = format!("{address}:{port}");
        row.set(Common::Target, Value::owned(target));
    }
    Outcome::Event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    fn parse_all(lines: &[&'static str]) -> Vec<(Outcome, Row<'static>)> {
        static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };
        let mut parser = VpcFlow.parser(&Options::default());
        lines
            .iter()
            .map(|&text| {
                let mut row = Row::new(FIELDS.len());
                let outcome = parser.parse(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
                row.feed(&FIELDS);
                (outcome, row)
            })
            .collect()
    }

    #[test]
    fn the_default_line_of_the_guide() {
        let all = parse_all(&[
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
        ]);
        let row = &all[0].1;
        assert_eq!(all[0].0, Outcome::Event);
        assert_eq!(row.common(Common::AccountId), &Value::text("123456789010"));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(4249));
        assert_eq!(row.time().unwrap().to_string(), "2014-12-14T04:06:50.000000Z");
        assert_eq!(row.common(Common::Target), &Value::text("172.31.16.21:22"));
        assert_eq!(row.links(Link::Ip), ["172.31.16.139", "172.31.16.21"]);
    }

    #[test]
    fn nodata_and_double_blanks() {
        let all = parse_all(&["2 123456789010 eni-1235b8ca123456789 - - - - - - -  1431280876 1431280934 - NODATA"]);
        assert_eq!(all[0].0, Outcome::Event);
        assert_eq!(all[0].1.common(Common::EventAction), &Value::text("NODATA"));
        assert!(all[0].1.common(Common::BytesOut).is_null());
    }

    #[test]
    fn a_header_orders_the_fields_and_may_repeat() {
        let all = parse_all(&[
            "srcaddr dstaddr bytes start encryption-status vpc-id",
            "2001:DB8::1 10.0.0.5 100 1418530010 3 vpc-1",
            "srcaddr dstaddr bytes start encryption-status vpc-id",
            "10.0.0.1 10.0.0.5 - 1418530011 - vpc-1",
            "10.0.0.1 10.0.0.5",
        ]);
        assert_eq!(all[0].0, Outcome::Ignored("header line"));
        assert_eq!(all[1].1.common(Common::SourceIp), &Value::text("2001:db8::1"));
        assert_eq!(all[1].1.extra_json().unwrap(), r#"{"encryption-status":"3"}"#);
        assert_eq!(all[2].0, Outcome::Ignored("header line"));
        assert!(all[3].1.common(Common::BytesOut).is_null());
        assert!(matches!(all[4].0, Outcome::Reject(_)));
    }
}

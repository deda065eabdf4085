//! VPC flow logs: the default version 2 line, or any fields of versions 2 to 11 that a header, a flag or a Parquet
//! schema names. Facts: AWS, "Flow log records". A value that is missing is `-`.

use super::shared::flow::{Dialect, FlowReader};
use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::model::{Common, Field, Kind, Link, Record, Row, Value};
use std::sync::LazyLock;

pub struct VpcFlow;

/// In AWS's order: the default formats are the first 14, 21, 25 and 29.
#[rustfmt::skip]
static FIELDS: [Field; 55] = [
    Field::new("vpc_version", "version", Kind::Int),
    Field::new("vpc_account_id", "account-id", Kind::Str),
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
    Field::new("vpc_ecs_cluster_arn", "ecs-cluster-arn", Kind::Str).link(Link::Arn),
    Field::new("vpc_ecs_cluster_name", "ecs-cluster-name", Kind::Str),
    Field::new("vpc_ecs_container_instance_arn", "ecs-container-instance-arn", Kind::Str).link(Link::Arn),
    Field::new("vpc_ecs_container_instance_id", "ecs-container-instance-id", Kind::Str),
    Field::new("vpc_ecs_container_id", "ecs-container-id", Kind::Str),
    Field::new("vpc_ecs_second_container_id", "ecs-second-container-id", Kind::Str),
    Field::new("vpc_ecs_service_name", "ecs-service-name", Kind::Str),
    Field::new("vpc_ecs_task_definition_arn", "ecs-task-definition-arn", Kind::Str).link(Link::Arn),
    Field::new("vpc_ecs_task_arn", "ecs-task-arn", Kind::Str).link(Link::Arn),
    Field::new("vpc_ecs_task_id", "ecs-task-id", Kind::Str),
    Field::new("vpc_reject_reason", "reject-reason", Kind::Str).feeds(Common::ErrorCode),
    Field::new("vpc_resource_id", "resource-id", Kind::Str).feeds(Common::Resource),
    Field::new("vpc_encryption_status", "encryption-status", Kind::Int),
    Field::new("vpc_instance_tag", "instance-tag", Kind::Str),
    Field::new("vpc_instance_tag_2", "instance-tag-2", Kind::Str),
    Field::new("vpc_interface_tag", "interface-tag", Kind::Str),
    Field::new("vpc_interface_tag_2", "interface-tag-2", Kind::Str),
    Field::new("vpc_asg_tag", "asg-tag", Kind::Str),
    Field::new("vpc_asg_tag_2", "asg-tag-2", Kind::Str),
    Field::new("vpc_interface_type", "interface-type", Kind::Str),
    Field::new("vpc_next_hop_interface_id", "next-hop-interface-id", Kind::Str),
    Field::new("vpc_next_hop_subnet_id", "next-hop-subnet-id", Kind::Str),
    Field::new("vpc_next_hop_az_id", "next-hop-az-id", Kind::Str),
    Field::new("vpc_next_hop_vpc_id", "next-hop-vpc-id", Kind::Str),
    Field::new("vpc_next_hop_interface_type", "next-hop-interface-type", Kind::Str),
    Field::new("vpc_extra", "(undocumented)", Kind::Str),
];

const ACCOUNT: usize = 1;
const INTERFACE: usize = 2;
const ACTION: usize = 12;
const LOG_STATUS: usize = 13;
const VPC: usize = 14;
const SUBNET: usize = 15;
const TYPE: usize = 18;

/// Fields up to a version, and that version.
const DEFAULTS: [(usize, i64); 4] = [(14, 2), (21, 3), (25, 4), (29, 5)];

static DIALECT: LazyLock<Dialect> = LazyLock::new(|| Dialect::new(&FIELDS, false, &DEFAULTS, is_sound));

/// Whether a line read as a default format holds what AWS writes in its text fields.
fn is_sound(row: &Row<'_>) -> bool {
    let holds = |cell: usize, test: fn(&str) -> bool| row.native[cell].as_str().is_none_or(test);
    holds(ACCOUNT, |id| id == "unknown" || (id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())))
        && holds(INTERFACE, |id| id.starts_with("eni-"))
        && holds(ACTION, |action| matches!(action, "ACCEPT" | "REJECT"))
        && row.native[LOG_STATUS].as_str().is_some_and(|status| matches!(status, "OK" | "NODATA" | "SKIPDATA"))
        && holds(VPC, |id| id.starts_with("vpc-"))
        && holds(SUBNET, |id| id.starts_with("subnet-"))
        && holds(TYPE, |kind| matches!(kind, "IPv4" | "IPv6" | "EFA"))
}

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
            (Common::EventTime, "end where there is no start"),
            (Common::AccountId, "account-id, unless unknown"),
            (Common::EventAction, "log-status where there is no action (NODATA, SKIPDATA)"),
            (Common::Target, "dstaddr:dstport"),
            (Common::EventOutcome, "success for ACCEPT, failure for REJECT"),
        ]
    }

    fn has_headers(&self) -> bool {
        true
    }

    fn ocsf(&self) -> &'static str {
        "Network Activity [4001]"
    }

    fn claims(&self, record: &Record<'_>, options: &Options) -> Option<Claim> {
        DIALECT.claims(record.text, options.vpc_flow_format.as_deref())
    }

    fn parser(&self, options: &Options) -> Box<dyn Parser> {
        Box::new(VpcParser(FlowReader::new(&DIALECT, options.vpc_flow_format.as_deref())))
    }
}

struct VpcParser(FlowReader);

impl Parser for VpcParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        if let Err(outcome) = self.0.read(record, row) {
            return outcome;
        }
        match row.native[ACTION].as_str() {
            Some("ACCEPT") => row.set(Common::EventOutcome, Value::text("success")),
            Some("REJECT") => row.set(Common::EventOutcome, Value::text("failure")),
            Some(_) => {}
            None => {
                let status = row.native[LOG_STATUS].clone();
                row.set(Common::EventAction, status);
            }
        }
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(Self(self.0.clone()))
    }

    fn is_state(&self, record: &[u8]) -> bool {
        self.0.is_state(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::{self, identify};
    use crate::model::{Envelope, Micros, Origin};
    use crate::source::framing::Framing;
    use crate::source::transport;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };
    /// The guide's line.
    const DEFAULT: &str = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

    fn given(format: &str) -> Options {
        Options { vpc_flow_format: Some(format.to_owned()), ..Options::default() }
    }

    fn parse_with<'r>(options: &Options, envelope: Option<&'r Envelope>, lines: &[&'r str]) -> Vec<(Outcome, Row<'r>)> {
        let mut parser = VpcFlow.parser(options);
        let mut one = |text: &&'r str| {
            let mut row = Row::new(FIELDS.len());
            let outcome = parser.parse(&Record { text, envelope, origin: &ORIGIN }, &mut row);
            row.feed(&FIELDS);
            (outcome, row)
        };
        lines.iter().map(&mut one).collect()
    }

    fn parse_all<'r>(lines: &[&'r str]) -> Vec<(Outcome, Row<'r>)> {
        parse_with(&Options::default(), None, lines)
    }

    fn cell<'x, 'r>(row: &'x Row<'r>, native: &str) -> &'x Value<'r> {
        &row.native[FIELDS.iter().position(|f| f.native == native).unwrap()]
    }

    fn claim(text: &str, options: &Options) -> Option<(&'static str, u8)> {
        let found = identify(&Record { text, envelope: None, origin: &ORIGIN }, options);
        let found = found.filter(|(format, _)| !format.takes_anything());
        found.map(|(format, claim)| (format.id(), claim.score))
    }

    /// A line of the first `n` fields, the version first.
    fn all_fields(version: &str, n: usize) -> String {
        let tail = "vpc-0abc123 subnet-0def456 - 3 IPv4 10.0.1.5 203.0.113.5 eu-central-1 euc1-az1 - - - S3 egress 8";
        let line = DEFAULT.replacen('2', version, 1) + " " + tail;
        line.split(' ').take(n).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_default_line_of_the_guide() {
        let all = parse_all(&[DEFAULT]);
        let row = &all[0].1;
        assert_eq!(all[0].0, Outcome::Event);
        assert_eq!(row.common(Common::AccountId), &Value::text("123456789010"));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(4249));
        assert_eq!(row.time().unwrap().to_string(), "2014-12-14T04:06:50.000000Z");
        assert_eq!(row.common(Common::Target), &Value::text("172.31.16.21:22"));
        assert_eq!(row.links(Link::Ip), ["172.31.16.139", "172.31.16.21"]);
    }

    #[test]
    fn nodata_unknown_accounts_and_double_blanks() {
        let all = parse_all(&["2 unknown eni-1235b8ca123456789 - - - - - - -  1431280876 1431280934 - NODATA"]);
        let row = &all[0].1;
        assert_eq!(all[0].0, Outcome::Event);
        assert_eq!(row.common(Common::EventAction), &Value::text("NODATA"));
        assert!(row.common(Common::BytesOut).is_null() && row.common(Common::EventOutcome).is_null());
        assert!(row.common(Common::AccountId).is_null());
        assert_eq!(cell(row, "account-id"), &Value::text("unknown"));
    }

    #[test]
    fn a_header_orders_the_fields_and_may_repeat() {
        let header = "srcaddr dstaddr bytes start encryption-status tcp-flags made-up";
        let all = parse_all(&[
            header,
            "2001:DB8::1 10.0.0.5 100 1418530010 3 3 x\"y",
            header,
            "10.0.0.1 10.0.0.5 - 1418530011 - 19 - surplus words",
            "10.0.0.1 10.0.0.5 5 1418530011",
            "10.0.0.1 10.0.0.5",
            "dstaddr end",
            "192.0.2.1 1418530070",
        ]);
        assert_eq!(all[0].0, Outcome::Ignored("header line"));
        assert_eq!(all[1].1.common(Common::SourceIp), &Value::text("2001:db8::1"));
        assert_eq!(cell(&all[1].1, "encryption-status"), &Value::Int(3));
        assert_eq!(all[1].1.extra_json().unwrap(), r#"{"made-up":"x\"y"}"#);
        assert_eq!(all[2].0, Outcome::Ignored("header line"));
        assert!(all[3].1.common(Common::BytesOut).is_null());
        assert_eq!(cell(&all[3].1, "tcp-flags"), &Value::Int(19));
        assert_eq!(cell(&all[3].1, "(undocumented)"), &Value::text("surplus words"));
        assert_eq!(all[4].0, Outcome::Event, "trailing fields may be missing");
        assert!(matches!(all[5].0, Outcome::Reject(_)), "a time may not");
        assert_eq!(all[7].1.time().unwrap().to_string(), "2014-12-14T04:07:50.000000Z");
    }

    #[test]
    fn longer_default_formats_show_themselves() {
        for (version, n) in [("2", 14), ("3", 21), ("4", 25), ("5", 29)] {
            let line = all_fields(version, n);
            assert_eq!(claim(&line, &Options::default()), Some(("vpcflow", 90)), "{line}");
            let all = parse_all(&[&line, DEFAULT, &line]);
            assert!(all.iter().all(|(outcome, _)| *outcome == Outcome::Event), "{line}");
            assert_eq!(cell(&all[2].1, "pkt-dstaddr").as_str(), (n > 14).then_some("203.0.113.5"));
            assert_eq!(cell(&all[2].1, "traffic-path").is_null(), n < 29);
        }
        let order = all_fields("5", 29).replace("ACCEPT OK", "OK ACCEPT");
        for line in [all_fields("3", 29), all_fields("2", 21), all_fields("2", 13), order, DEFAULT.replace("OK", "O,K")]
        {
            assert_eq!(claim(&line, &Options::default()), None, "{line}");
            let outcome = parse_all(&[&line]).remove(0).0;
            assert!(matches!(outcome, Outcome::Reject(r) if r.detail.contains("--vpc-flow-format")), "{line}");
        }
    }

    #[test]
    fn a_given_format_until_a_header_comes() {
        let line = "eni-1 10.0.1.5 10.0.0.220 - 203.0.113.5";
        let aws = "${interface-id} ${srcaddr} ${dstaddr} ${start} ${pkt-dstaddr}";
        for format in [aws, "interface-id,srcaddr, dstaddr\nstart pkt-dstaddr"] {
            assert_eq!(claim(line, &given(format)), Some(("vpcflow", 85)), "{format}");
            let timed = line.replace('-', "1418530010").replace("eni1418530010", "eni-");
            let all =
                parse_with(&given(format), None, &[&timed, DEFAULT, "bytes start end", "7 1418530010 1418530011", "x"]);
            assert_eq!(all[0].1.links(Link::Ip), ["203.0.113.5", "10.0.1.5", "10.0.0.220"]);
            assert_eq!(all[1].1.common(Common::BytesOut), &Value::Int(4249), "a default line is one all the same");
            assert_eq!(all[3].1.common(Common::BytesOut), &Value::Int(7));
            assert!(matches!(all[4].0, Outcome::Reject(_)));
        }
        for other in ["eni-1 10.0.1.5 10.0.0.220 - 203.0.113.5 x", "eni-1 10.0.1.5 ten - 203.0.113.5", "a b c d e"] {
            assert_eq!(claim(other, &given(aws)), None, "{other}");
        }
        // A format of a Transit Gateway is not this table's.
        assert_eq!(claim("tgw-1 10.0.0.5", &given("${tgw-id} ${srcaddr}")), Some(("tgwflow", 85)));
    }

    #[test]
    fn lines_without_a_time_take_the_transports() {
        let frame = b"2025-02-25T12:25:04.000Z 10.0.1.5 203.0.113.5";
        let export = transport::unwrap(Framing::ExportLines, frame);
        let text = std::str::from_utf8(&export.bytes).unwrap();
        let all = parse_with(&given("srcaddr dstaddr"), export.envelope.as_ref(), &[text]);
        assert_eq!(all[0].1.time(), Micros::parse_rfc3339("2025-02-25T12:25:04Z"));
        // An order without a time has events without one; a time that cannot be read is damage.
        let all = parse_with(&given("srcaddr dstaddr"), None, &[text]);
        assert_eq!((&all[0].0, all[0].1.time()), (&Outcome::Event, None));
        let all = parse_with(&given("srcaddr start"), None, &["10.0.1.5 soon", "10.0.1.5 99999999999999999999"]);
        assert!(all.iter().all(|(outcome, _)| matches!(outcome, Outcome::Reject(_))));
    }

    #[test]
    fn json_rows_and_wrapped_lines() {
        let parquet = r#"{"version":2,"account_id":"111122223333","srcaddr":"2001:DB8::7","dstaddr":"10.0.0.5","dstport":443,"protocol":6.0,"start":1418530010,"action":"REJECT","new_one":1,"bytes":"many"}"#;
        let wrapped = format!("{{\"message\":\"{DEFAULT}\\n\",\"stream\":\"s\"}}");
        let escaped = format!("{{\"message\":\"{}\"}}", DEFAULT.replace("OK", r"\u004fK"));
        let all = parse_all(&[parquet, &wrapped, &escaped, r#"{"a":1}"#, r#"{"message":"hello"}"#, "{"]);
        let row = &all[0].1;
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::7"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(cell(row, "protocol"), &Value::Int(6));
        assert_eq!(row.extra_json().unwrap(), r#"{"new_one":1,"bytes":"many"}"#);
        for (outcome, row) in &all[1..3] {
            assert_eq!(*outcome, Outcome::Event);
            assert_eq!(cell(row, "log-status"), &Value::text("OK"));
            assert_eq!(row.common(Common::Target), &Value::text("172.31.16.21:22"));
        }
        assert_eq!(all[1].1.extra_json().unwrap(), r#"{"stream":"s"}"#);
        assert!(all[3..].iter().all(|(outcome, _)| matches!(outcome, Outcome::Reject(_))));
        assert_eq!(claim(parquet, &Options::default()), Some(("vpcflow", 85)));
        assert_eq!(claim(&wrapped, &Options::default()), Some(("vpcflow", 90)));
    }

    #[test]
    fn other_logs_are_not_claimed() {
        let resolver = r#"{"version":"1.100000","account_id":"111122223333","region":"eu-central-1","vpc_id":"vpc-1","query_name":"example.com.","srcaddr":"10.0.0.5","srcport":"53"}"#;
        let prose = "start the action type of region bytes";
        let transit = "version resource-type account-id tgw-id srcaddr dstaddr start end";
        for line in [resolver, prose, transit, "start end", "", "2", r#"{"message":1}"#] {
            let record = Record { text: line, envelope: None, origin: &ORIGIN };
            assert_eq!(VpcFlow.claims(&record, &Options::default()), None, "{line}");
        }
    }

    #[test]
    fn forks_read_on_and_only_headers_are_state() {
        let mut parser = formats::by_id("vpcflow").unwrap().parser(&Options::default());
        for (record, state) in [
            ("srcaddr start", true),
            (" version account-id start\r", true),
            ("{\"message\": \"version account-id start\\n\"}", true),
            ("version resource-type tgw-id start", false),
            (DEFAULT, false),
            ("eni-1 vpc-1 i-1", false),
            ("{\"message\":\"2 1\"}", false),
        ] {
            assert_eq!(parser.is_state(record.as_bytes()), state, "{record}");
        }
        let record = |text| Record { text, envelope: None, origin: &ORIGIN };
        parser.parse(&record("srcaddr start"), &mut Row::new(FIELDS.len()));
        let mut row = Row::new(FIELDS.len());
        assert_eq!(parser.fork().parse(&record("192.0.2.1 1418530010"), &mut row), Outcome::Event);
        assert_eq!(cell(&row, "srcaddr"), &Value::text("192.0.2.1"));
    }
}

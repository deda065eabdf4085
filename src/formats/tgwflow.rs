//! Transit Gateway flow logs: the default line of 36 fields, or any of them that a header, a flag or a Parquet
//! schema names. Facts: AWS, "Transit Gateway Flow Log records". A value that is missing is `-`.

use super::shared::flow::{Dialect, FlowReader};
use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::model::{Common, Field, Kind, Record, Row, Value};
use std::sync::LazyLock;

pub struct TransitGatewayFlow;

/// In the order of the default format.
#[rustfmt::skip]
static FIELDS: [Field; 37] = [
    Field::new("tgw_version", "version", Kind::Int),
    Field::new("tgw_resource_type", "resource-type", Kind::Str),
    Field::new("tgw_account_id", "account-id", Kind::Str),
    Field::new("tgw_tgw_id", "tgw-id", Kind::Str).feeds(Common::Resource),
    Field::new("tgw_tgw_attachment_id", "tgw-attachment-id", Kind::Str).feeds(Common::Resource),
    Field::new("tgw_tgw_src_vpc_account_id", "tgw-src-vpc-account-id", Kind::Str),
    Field::new("tgw_tgw_dst_vpc_account_id", "tgw-dst-vpc-account-id", Kind::Str),
    Field::new("tgw_tgw_src_vpc_id", "tgw-src-vpc-id", Kind::Str),
    Field::new("tgw_tgw_dst_vpc_id", "tgw-dst-vpc-id", Kind::Str),
    Field::new("tgw_tgw_src_subnet_id", "tgw-src-subnet-id", Kind::Str),
    Field::new("tgw_tgw_dst_subnet_id", "tgw-dst-subnet-id", Kind::Str),
    Field::new("tgw_tgw_src_eni", "tgw-src-eni", Kind::Str),
    Field::new("tgw_tgw_dst_eni", "tgw-dst-eni", Kind::Str),
    Field::new("tgw_tgw_src_az_id", "tgw-src-az-id", Kind::Str),
    Field::new("tgw_tgw_dst_az_id", "tgw-dst-az-id", Kind::Str),
    Field::new("tgw_tgw_pair_attachment_id", "tgw-pair-attachment-id", Kind::Str),
    Field::new("tgw_srcaddr", "srcaddr", Kind::Str).feeds(Common::SourceIp),
    Field::new("tgw_dstaddr", "dstaddr", Kind::Str).feeds(Common::DestinationIp),
    Field::new("tgw_srcport", "srcport", Kind::Int).feeds(Common::SourcePort),
    Field::new("tgw_dstport", "dstport", Kind::Int).feeds(Common::DestinationPort),
    Field::new("tgw_protocol", "protocol", Kind::Int),
    Field::new("tgw_packets", "packets", Kind::Int),
    Field::new("tgw_bytes", "bytes", Kind::Int).feeds(Common::BytesOut),
    Field::new("tgw_start", "start", Kind::Time).feeds(Common::EventTime),
    Field::new("tgw_end", "end", Kind::Time).feeds(Common::EventEnd),
    Field::new("tgw_log_status", "log-status", Kind::Str).feeds(Common::EventAction),
    Field::new("tgw_type", "type", Kind::Str),
    Field::new("tgw_packets_lost_no_route", "packets-lost-no-route", Kind::Int),
    Field::new("tgw_packets_lost_blackhole", "packets-lost-blackhole", Kind::Int),
    Field::new("tgw_packets_lost_mtu_exceeded", "packets-lost-mtu-exceeded", Kind::Int),
    Field::new("tgw_packets_lost_ttl_expired", "packets-lost-ttl-expired", Kind::Int),
    Field::new("tgw_tcp_flags", "tcp-flags", Kind::Int),
    Field::new("tgw_region", "region", Kind::Str).feeds(Common::Region),
    Field::new("tgw_flow_direction", "flow-direction", Kind::Str),
    Field::new("tgw_pkt_src_aws_service", "pkt-src-aws-service", Kind::Str),
    Field::new("tgw_pkt_dst_aws_service", "pkt-dst-aws-service", Kind::Str),
    Field::new("tgw_extra", "(undocumented)", Kind::Str),
];

const RESOURCE_TYPE: usize = 1;
const LOG_STATUS: usize = 25;
/// The cells of packets-lost-*.
const LOST: std::ops::Range<usize> = 27..31;

/// Fields of the default format, and its version.
const DEFAULTS: [(usize, i64); 1] = [(36, 6)];

static DIALECT: LazyLock<Dialect> = LazyLock::new(|| Dialect::new(&FIELDS, true, &DEFAULTS, is_sound));

/// Whether a line read as the default format holds what AWS writes in its text fields.
fn is_sound(row: &Row<'_>) -> bool {
    let one_of = |cell: usize, test: fn(&str) -> bool| row.native[cell].as_str().is_some_and(test);
    one_of(RESOURCE_TYPE, |kind| kind.starts_with("TransitGateway"))
        && one_of(LOG_STATUS, |status| matches!(status, "OK" | "NODATA" | "SKIPDATA"))
}

impl LogFormat for TransitGatewayFlow {
    fn id(&self) -> &'static str {
        "tgwflow"
    }

    fn title(&self) -> &'static str {
        "Transit Gateway Flow Logs"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "end where there is no start"),
            (Common::AccountId, "account-id, unless unknown"),
            (Common::Target, "dstaddr:dstport"),
            (Common::EventOutcome, "failure where packets were lost, success where none were"),
            (Common::ErrorCode, "the first of packets-lost-* that is not 0"),
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
        Box::new(TransitParser(FlowReader::new(&DIALECT, options.vpc_flow_format.as_deref())))
    }
}

struct TransitParser(FlowReader);

impl Parser for TransitParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        if let Err(outcome) = self.0.read(record, row) {
            return outcome;
        }
        // There is no action: what the gateway could not pass on shows in these counts alone.
        let lost = LOST.into_iter().find(|&cell| matches!(row.native[cell], Value::Int(n) if n > 0));
        if let Some(cell) = lost {
            row.set(Common::EventOutcome, Value::text("failure"));
            row.set(Common::ErrorCode, Value::text(FIELDS[cell].native));
        } else if LOST.into_iter().any(|cell| !row.native[cell].is_null()) {
            row.set(Common::EventOutcome, Value::text("success"));
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
    use crate::formats::identify;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };
    const LINE: &str = "6 TransitGateway 111122223333 tgw-0a1b2c3d tgw-attach-0011 111122223333 123456789012 vpc-0a vpc-0b subnet-0a subnet-0b eni-0a eni-0b euc1-az1 euc1-az2 tgw-attach-0022 10.1.0.5 10.2.0.7 41000 443 6 12 3456 1418530010 1418530070 OK IPv4 0 2 0 1 19 eu-central-1 ingress - S3";

    fn parse_all<'r>(lines: &[&'r str]) -> Vec<(Outcome, Row<'r>)> {
        let mut parser = TransitGatewayFlow.parser(&Options::default());
        let mut one = |text: &&'r str| {
            let mut row = Row::new(FIELDS.len());
            let outcome = parser.parse(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
            row.feed(&FIELDS);
            (outcome, row)
        };
        lines.iter().map(&mut one).collect()
    }

    #[test]
    fn the_default_line_with_its_header_and_without() {
        let header = FIELDS[..36].iter().map(|f| f.native).collect::<Vec<_>>().join(" ");
        let all = parse_all(&[LINE, &header, LINE]);
        assert_eq!(all[1].0, Outcome::Ignored("header line"));
        for (outcome, row) in [&all[0], &all[2]] {
            assert_eq!(*outcome, Outcome::Event);
            assert_eq!(row.common(Common::Resource), &Value::text("tgw-0a1b2c3d"));
            assert_eq!(row.common(Common::Target), &Value::text("10.2.0.7:443"));
            assert_eq!(row.common(Common::ErrorCode), &Value::text("packets-lost-blackhole"));
            assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
            assert_eq!(row.native[35], Value::text("S3"));
        }
        for text in [LINE, &header] {
            let (format, _) = identify(&Record { text, envelope: None, origin: &ORIGIN }, &Options::default()).unwrap();
            assert_eq!(format.id(), "tgwflow");
        }
    }

    #[test]
    fn custom_headers_json_rows_and_lines_of_vpcs() {
        let all = parse_all(&[
            "tgw-attachment-id start log-status packets-lost-no-route new-field",
            "tgw-attach-0011 1418530010 NODATA - 7",
            "tgw-attach-0011 1418530010 OK 0 -",
            r#"{"tgw_id":"tgw-1","start":1418530010,"protocol":17,"packets_lost_mtu_exceeded":4}"#,
        ]);
        assert_eq!(all[1].1.common(Common::EventAction), &Value::text("NODATA"));
        assert_eq!(all[1].1.extra_json().unwrap(), r#"{"new-field":"7"}"#);
        assert!(all[1].1.common(Common::EventOutcome).is_null());
        assert_eq!(all[2].1.common(Common::EventOutcome), &Value::text("success"));
        assert_eq!(all[3].1.common(Common::ErrorCode), &Value::text("packets-lost-mtu-exceeded"));
        let vpc = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
        assert!(matches!(parse_all(&[vpc])[0].0, Outcome::Reject(_)));
        let record = Record { text: "version account-id srcaddr start", envelope: None, origin: &ORIGIN };
        assert_eq!(TransitGatewayFlow.claims(&record, &Options::default()), None);
    }
}

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

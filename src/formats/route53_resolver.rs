//! Route 53 Resolver query logs, with what DNS Firewall adds. Facts: AWS, "Values that appear in VPC
//! Resolver query logs". One JSON object a record.

use super::shared::derive;
use super::shared::json_row::JsonMap;
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

pub struct Route53Resolver;

#[rustfmt::skip]
static FIELDS: [Field; 19] = [
    Field::new("r53r_version", "version", Kind::Str),
    Field::new("r53r_account_id", "account_id", Kind::Str).feeds(Common::AccountId),
    Field::new("r53r_region", "region", Kind::Str).feeds(Common::Region),
    Field::new("r53r_vpc_id", "vpc_id", Kind::Str).feeds(Common::Resource),
    Field::new("r53r_query_timestamp", "query_timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("r53r_query_name", "query_name", Kind::Str).feeds(Common::Target),
    Field::new("r53r_query_type", "query_type", Kind::Str).feeds(Common::EventAction),
    Field::new("r53r_query_class", "query_class", Kind::Str),
    Field::new("r53r_rcode", "rcode", Kind::Str),
    Field::new("r53r_answers", "answers", Kind::Json),
    Field::new("r53r_srcaddr", "srcaddr", Kind::Str).feeds(Common::SourceIp),
    Field::new("r53r_srcport", "srcport", Kind::Int).feeds(Common::SourcePort),
    Field::new("r53r_transport", "transport", Kind::Str),
    Field::new("r53r_srcids_instance", "srcids.instance", Kind::Str),
    Field::new("r53r_srcids_resolver_endpoint", "srcids.resolver_endpoint", Kind::Str),
    Field::new("r53r_srcids_resolver_network_interface", "srcids.resolver_network_interface", Kind::Str),
    Field::new("r53r_firewall_rule_action", "firewall_rule_action", Kind::Str),
    Field::new("r53r_firewall_rule_group_id", "firewall_rule_group_id", Kind::Str),
    Field::new("r53r_firewall_domain_list_id", "firewall_domain_list_id", Kind::Str),
];

const TIME: usize = 4;
const NAME: usize = 5;
const RCODE: usize = 8;
const ANSWERS: usize = 9;
const SOURCE: usize = 10;
const FIREWALL_ACTION: usize = 16;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| JsonMap::new(&FIELDS));

impl LogFormat for Route53Resolver {
    fn id(&self) -> &'static str {
        "route53_resolver"
    }

    fn title(&self) -> &'static str {
        "Route 53 Resolver query log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventOutcome, "success for rcode NOERROR unless the firewall blocked it, else failure"),
            (Common::ErrorCode, "rcode unless NOERROR"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "DNS Activity [4003]"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let named = text.starts_with('{')
            && ["\"query_name\"", "\"query_timestamp\"", "\"query_type\""].iter().all(|name| text.contains(name))
            && ["\"vpc_id\"", "\"srcaddr\"", "\"rcode\""].iter().any(|name| text.contains(name));
        named.then_some(Claim { score: 92, reason: "a JSON object with query_name, query_type and query_timestamp" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if let Err(reject) = MAP.fill_record(row, &FIELDS, record.text) {
        return Outcome::Reject(reject);
    }
    if row.native[NAME].is_null() {
        return Outcome::Reject(Reject::malformed("query_name is missing"));
    }
    if let Err(reject) = derive::set_time(row, TIME, record.envelope, "query_timestamp is missing or no time") {
        return Outcome::Reject(reject);
    }
    derive::canonical_ip(row, SOURCE);
    link_answers(row);
    set_outcome(row);
    Outcome::Event
}

/// The addresses a name was answered with: what flow logs show as destination.
fn link_answers(row: &mut Row<'_>) {
    let answers = row.native[ANSWERS].clone();
    let Some(Json::Array(array)) = answers.as_str().and_then(|text| json::parse(text).ok()) else {
        return;
    };
    for answer in json::elements(array).map_while(Result::ok) {
        let data = answer.get("Rdata").and_then(|data| data.scalar());
        if let Some(address) = data.as_deref().and_then(tokens::ip) {
            row.add_link(Link::Ip, Cow::Owned(address.into_owned()));
        }
    }
}

fn set_outcome(row: &mut Row<'_>) {
    let rcode = row.native[RCODE].clone();
    let blocked = row.native[FIREWALL_ACTION].as_str() == Some("BLOCK");
    match rcode.as_str() {
        Some("NOERROR") => {
            row.set(Common::EventOutcome, Value::text(if blocked { "failure" } else { "success" }));
        }
        Some(_) => {
            row.set(Common::EventOutcome, Value::text("failure"));
            row.set(Common::ErrorCode, rcode);
        }
        None if blocked => row.set(Common::EventOutcome, Value::text("failure")),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn answers_link_their_addresses() {
        let text = r#"{"version":"1.100000","account_id":"111122223333","region":"us-east-1","vpc_id":"vpc-1","query_timestamp":"2021-02-04T17:51:55Z","query_name":"a.example.com.","query_type":"AAAA","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"b.example.com.","Type":"CNAME","Class":"IN"},{"Rdata":"2001:DB8::1","Type":"AAAA","Class":"IN"},{"Type":"A"},7],"srcaddr":"10.0.0.7","srcport":"56067","transport":"UDP","srcids":{"instance":"i-0abc","later":"x"},"firewall_threat":"none"}"#;
        let (outcome, row) = parse(text);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.links(Link::Ip), ["2001:db8::1", "10.0.0.7"]);
        assert_eq!(row.common(Common::SourcePort), &Value::Int(56_067));
        assert_eq!(row.common(Common::Target), &Value::text("a.example.com."));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        assert_eq!(row.native[13], Value::text("i-0abc"));
        assert_eq!(row.extra_json().unwrap(), r#"{"srcids.later":"x","firewall_threat":"none"}"#);
        let record = Record { text, envelope: None, origin: &ORIGIN };
        assert!(Route53Resolver.claims(&record, &Options::default()).is_some());
    }

    #[test]
    fn what_fails_and_what_is_refused() {
        let (_, row) =
            parse(r#"{"query_timestamp":"2021-02-04T17:51:55Z","query_name":"x.","rcode":"NXDOMAIN","answers":[]}"#);
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("NXDOMAIN"));
        let (_, row) = parse(
            r#"{"query_timestamp":"2021-02-04T17:51:55Z","query_name":"x.","rcode":"NOERROR","firewall_rule_action":"BLOCK"}"#,
        );
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert!(row.common(Common::ErrorCode).is_null());
        for text in [r#"{"query_name":"x."}"#, r#"{"query_timestamp":"2021-02-04T17:51:55Z"}"#, "[]", "{"] {
            assert!(matches!(parse(text).0, Outcome::Reject(_)), "{text}");
        }
    }
}

//! Route 53 query logs of public hosted zones: ten fields with blanks between them, only in CloudWatch
//! Logs. Facts: AWS, "Public DNS query logging".

use super::shared::{cell, derive};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::model::{Common, Field, Kind, Micros, Record, Reject, Row, Value};

pub struct Route53Public;

#[rustfmt::skip]
static FIELDS: [Field; 11] = [
    Field::new("r53p_version", "version", Kind::Str),
    Field::new("r53p_timestamp", "timestamp", Kind::Time).feeds(Common::EventTime),
    Field::new("r53p_zone_id", "zone-id", Kind::Str).feeds(Common::Resource),
    Field::new("r53p_name", "name", Kind::Str).feeds(Common::Target),
    Field::new("r53p_type", "type", Kind::Str).feeds(Common::EventAction),
    Field::new("r53p_rcode", "rcode", Kind::Str),
    Field::new("r53p_protocol", "protocol", Kind::Str),
    Field::new("r53p_edge", "edge", Kind::Str),
    Field::new("r53p_resolver_ip", "resolver-ip", Kind::Str).feeds(Common::SourceIp),
    Field::new("r53p_edns_client_subnet", "edns-client-subnet", Kind::Str),
    Field::new("r53p_extra", "(undocumented)", Kind::Str),
];

const TIMESTAMP: usize = 1;
const RCODE: usize = 5;
const RESOLVER: usize = 8;
const EXTRA: usize = 10;
/// The last field may be gone from a line, not the resolver.
const FEWEST_TOKENS: usize = 9;

impl LogFormat for Route53Public {
    fn id(&self) -> &'static str {
        "route53_public"
    }

    fn title(&self) -> &'static str {
        "Route 53 public hosted zone query log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventOutcome, "success for rcode NOERROR, else failure"),
            (Common::ErrorCode, "rcode unless NOERROR"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "DNS Activity [4003]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let mut words = record.text.trim_end().split(' ');
        let version = words.next()?.strip_prefix("1.")?;
        let time = words.next()?;
        let zone = words.next()?;
        let zone_id = zone.starts_with('Z') && zone.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let protocol = words.nth(3)?;
        let known = version.bytes().all(|b| b.is_ascii_digit())
            && zone_id
            && protocol.len() <= 5
            && protocol.bytes().all(|b| b.is_ascii_uppercase())
            && words.count() >= 2;
        Micros::parse_rfc3339(time)
            .filter(|_| known)
            .map(|_| Claim { score: 90, reason: "a version, a time and a hosted zone id" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let line = record.text.trim_end();
    let mut count = 0;
    for word in line.splitn(EXTRA + 1, ' ') {
        row.native[count] = cell::of_text(FIELDS[count].kind, word);
        count += 1;
    }
    if count < FEWEST_TOKENS {
        return Outcome::Reject(Reject::malformed(format!("{count} fields, at least {FEWEST_TOKENS} expected")));
    }
    if row.native[TIMESTAMP].is_null() {
        return Outcome::Reject(Reject::malformed("field 2 (timestamp) is not a time"));
    }
    derive::canonical_ip(row, RESOLVER);
    let rcode = row.native[RCODE].clone();
    match rcode.as_str() {
        Some("NOERROR") => row.set(Common::EventOutcome, Value::text("success")),
        Some(_) => {
            row.set(Common::EventOutcome, Value::text("failure"));
            row.set(Common::ErrorCode, rcode);
        }
        None => {}
    }
    Outcome::Event
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn record(text: &str) -> Record<'_> {
        Record { text, envelope: None, origin: &ORIGIN }
    }

    #[test]
    fn ten_fields_and_more_and_fewer() {
        let line = "1.0 2017-12-13T08:16:03.983Z Z123412341234 example.com ANY REFUSED UDP FRA6 2001:DB8::1234 2001:db8:abcd::/48 a b";
        let mut row = Row::new(FIELDS.len());
        assert_eq!(read(&record(line), &mut row), Outcome::Event);
        row.feed(&FIELDS);
        assert_eq!(row.time().unwrap().to_string(), "2017-12-13T08:16:03.983000Z");
        assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::1234"));
        assert_eq!(row.common(Common::ErrorCode), &Value::text("REFUSED"));
        assert_eq!(row.common(Common::Resource), &Value::text("Z123412341234"));
        assert_eq!(row.native[EXTRA], Value::text("a b"));
        assert!(Route53Public.claims(&record(line), &Options::default()).is_some());
        let nine = line.rsplitn(4, ' ').last().unwrap();
        assert_eq!(read(&record(nine), &mut Row::new(11)), Outcome::Event);
        for text in ["1.0 2017-12-13T08:16:03.983Z Z1 é", "1.0 today Z1 a A NOERROR UDP X 192.0.2.1 -"] {
            assert!(matches!(read(&record(text), &mut Row::new(11)), Outcome::Reject(_)), "{text}");
            assert!(Route53Public.claims(&record(text), &Options::default()).is_none(), "{text}");
        }
    }
}

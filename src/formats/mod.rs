//! Log formats: one record → one event. One file per format; no IO.
//!
//! To add one: write `formats/<id>.rs`, add its `mod` line and its entry in [`ALL`], and put
//! `samples/<id>/input.*` with `expected.jsonl` beside it. Everything else loops over [`ALL`].

mod alb;
mod alb_connection;
mod alb_health;
mod apigateway;
mod apigateway_execution;
mod clb;
mod cloudfront;
mod cloudfront_connection;
mod cloudfront_realtime;
mod cloudtrail;
mod cloudwatch;
mod config;
mod guardduty;
mod jsonl;
mod network_firewall;
mod nlb;
mod ocsf;
mod posture;
mod route53_public;
mod route53_resolver;
mod s3access;
pub mod shared;
mod text;
mod tgwflow;
mod vpcflow;
mod waf;
mod xray;

use crate::model::{Common, Field, Record, Reject, Row};

/// Every format, in the order ties are decided.
pub static ALL: [&dyn LogFormat; 26] = [
    &alb::Alb,
    &cloudtrail::CloudTrail,
    &apigateway::ApiGateway,
    &vpcflow::VpcFlow,
    &waf::Waf,
    &s3access::S3Access,
    &cloudfront::CloudFront,
    &cloudfront_realtime::CloudFrontRealtime,
    &cloudfront_connection::CloudFrontConnection,
    &route53_resolver::Route53Resolver,
    &route53_public::Route53Public,
    &network_firewall::NetworkFirewall,
    &tgwflow::TransitGatewayFlow,
    &alb_connection::AlbConnection,
    &alb_health::AlbHealth,
    &nlb::Nlb,
    &clb::Clb,
    &xray::XRay,
    &config::Config,
    &guardduty::GuardDuty,
    &posture::Posture,
    &ocsf::Ocsf,
    &apigateway_execution::ApiGatewayExecution,
    &cloudwatch::CloudWatch,
    &jsonl::JsonLines,
    &text::Text,
];

/// A log format: what its records look like, and which columns they fill.
pub trait LogFormat: Sync {
    /// Name of the source table and of `--format`.
    fn id(&self) -> &'static str;

    fn title(&self) -> &'static str;

    /// Native columns, in the order of [`Row::native`].
    fn fields(&self) -> &'static [Field];

    /// Common columns that are computed and not copied from one field, with how.
    fn computed(&self) -> &'static [(Common, &'static str)];

    /// OCSF class of its events, for those who map them on.
    fn ocsf(&self) -> &'static str {
        "Base Event [0]"
    }

    /// What `parse` prints at top level: the native cells, or the members of the record's own JSON.
    fn shape(&self) -> Shape {
        Shape::Columns
    }

    /// Members that hold the record itself, as an object or as its JSON text, where it came wrapped.
    fn wrapped_in(&self) -> &'static [&'static str] {
        &[]
    }

    /// The cell of a top-level member of that name, where it goes to one.
    fn cell_of(&self, name: &str) -> Option<usize> {
        self.fields().iter().position(|field| field.native == name)
    }

    /// Whether its objects have header lines that tell how to read what follows.
    fn has_headers(&self) -> bool {
        false
    }

    /// Whether it claims what no other does: each record of such an object is offered to the others first.
    fn takes_anything(&self) -> bool {
        false
    }

    /// Why this record looks like one of this format, or `None`.
    fn claims(&self, record: &Record<'_>, options: &Options) -> Option<Claim>;

    /// The identity AWS gives an event, unique within the table; `None` where it gives none.
    fn aws_id(&self, _row: &Row<'_>) -> Option<String> {
        None
    }

    /// Kind of an object that begins so and is to be kept as delivered, for it proves something of other objects;
    /// a name in lower case with `-`.
    fn evidence(&self, _head: &str) -> Option<&'static str> {
        None
    }

    /// A parser for one object or stream; it may keep state (a header line).
    fn parser(&self, options: &Options) -> Box<dyn Parser>;
}

/// What flags say about formats that cannot say it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The flow log's LogFormat, `${version} ${account-id} …`, or field names: for lines without a header.
    pub vpc_flow_format: Option<String>,
    /// The stage's access log format, with its `$context` variables.
    pub apigw_format: Option<String>,
}

/// How `parse` prints an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Each native cell under its field's name.
    Columns,
    /// Each member of the record's JSON object, nested values as they are.
    Members,
}

/// How sure a format is of a record, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// 1 to 100. CloudWatch's own catch-all claims 4, any other JSON object 3, any other line of text 2.
    pub score: u8,
    pub reason: &'static str,
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Event,
    /// Not an event and nothing lost: a header line, a control message. The reason is counted.
    Ignored(&'static str),
    Reject(Reject),
}

/// Turns the records of one object or stream into rows.
pub trait Parser: Send {
    /// Fills `row` (fresh, with as many native cells as the format has fields).
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome;

    /// A parser that goes on from here: blocks of one object are parsed side by side.
    fn fork(&self) -> Box<dyn Parser>;

    /// Whether this record may change how later ones are read: a header line. Asked of every record before
    /// it is parsed, so it must be cheap.
    fn is_state(&self, _record: &[u8]) -> bool {
        false
    }
}

/// Reads a record into a row, where no record says how to read the next: see [`Parser::parse`].
pub type Reader = for<'r> fn(&Record<'r>, &mut Row<'r>) -> Outcome;

impl Parser for Reader {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        self(record, row)
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(*self)
    }
}

/// The format of that id.
pub fn by_id(id: &str) -> Option<&'static dyn LogFormat> {
    ALL.into_iter().find(|format| format.id() == id)
}

/// What [`LogFormat::evidence`] any format takes an object for that begins so.
pub fn evidence(head: &str) -> Option<&'static str> {
    ALL.into_iter().find_map(|format| format.evidence(head))
}

/// The format that claims a record with the highest score; the first in [`ALL`] on a tie.
pub fn identify(record: &Record<'_>, options: &Options) -> Option<(&'static dyn LogFormat, Claim)> {
    if record.envelope.is_some() && cloudwatch::is_plain(record.text) {
        let reason = "a line that a Lambda runtime begins so";
        return Some((&cloudwatch::CloudWatch, Claim { score: 60, reason }));
    }
    let mut best: Option<(&'static dyn LogFormat, Claim)> = None;
    for format in ALL {
        if let Some(claim) = format.claims(record, options)
            && best.as_ref().is_none_or(|(_, b)| claim.score > b.score)
        {
            best = Some((format, claim));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Cells;
    use std::collections::HashSet;

    #[test]
    fn columns_of_a_format_share_one_prefix_and_no_name() {
        let mut prefixes = HashSet::new();
        for format in ALL {
            let prefix = format.fields()[0].column.split('_').next().unwrap();
            assert!(prefixes.insert(prefix), "{}: {prefix} is another format's prefix", format.id());
            assert!(format.fields().len() <= Cells::MOST, "{}: too many fields", format.id());
            let mut names = HashSet::new();
            for field in format.fields() {
                assert!(field.column.starts_with(&format!("{prefix}_")), "{}: {}", format.id(), field.column);
                assert!(names.insert(field.column), "{}: {} twice", format.id(), field.column);
            }
        }
    }
}

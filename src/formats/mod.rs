//! Log formats: one record → one event. One file per format; no IO.
//!
//! To add one: write `formats/<id>.rs`, add its `mod` line and its entry in [`ALL`], and put
//! `samples/<id>/input.*` with `expected.jsonl` beside it. Everything else loops over [`ALL`].

mod alb;
mod apigateway;
mod cloudtrail;
mod cloudwatch;
mod vpcflow;

use crate::model::{Common, Field, Record, Reject, Row};

/// Every format, in the order ties are decided.
pub static ALL: [&dyn LogFormat; 5] =
    [&alb::Alb, &cloudtrail::CloudTrail, &apigateway::ApiGateway, &vpcflow::VpcFlow, &cloudwatch::CloudWatch];

/// A log format: what its records look like, and which columns they fill.
pub trait LogFormat: Sync {
    /// Name of the source table and of `--format`.
    fn id(&self) -> &'static str;

    fn title(&self) -> &'static str;

    /// Native columns, in the order of [`Row::native`].
    fn fields(&self) -> &'static [Field];

    /// Common columns that are computed and not copied from one field, with how.
    fn computed(&self) -> &'static [(Common, &'static str)];

    /// Why this record looks like one of this format, or `None`.
    fn claims(&self, record: &Record<'_>) -> Option<Claim>;

    /// The identity AWS gives an event, unique within the table; `None` where it gives none.
    fn aws_id(&self, _row: &Row<'_>) -> Option<String> {
        None
    }

    /// A parser for one object or stream; it may keep state (a header line).
    fn parser(&self) -> Box<dyn Parser>;
}

/// How sure a format is of a record, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// 1 to 100. CloudWatch's own catch-all claims 1.
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
}

/// The format of that id.
pub fn by_id(id: &str) -> Option<&'static dyn LogFormat> {
    ALL.into_iter().find(|format| format.id() == id)
}

/// The format that claims a record with the highest score; the first in [`ALL`] on a tie.
pub fn identify(record: &Record<'_>) -> Option<(&'static dyn LogFormat, Claim)> {
    let mut best: Option<(&'static dyn LogFormat, Claim)> = None;
    for format in ALL {
        if let Some(claim) = format.claims(record)
            && best.as_ref().is_none_or(|(_, b)| claim.score > b.score)
        {
            best = Some((format, claim));
        }
    }
    best
}

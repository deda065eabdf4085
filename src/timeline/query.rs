//! What is asked for, as plain data, and its predicate. No IO.

use crate::frame;
use crate::lake::schema;
use crate::model::{Common, Link, Severity, TimeRange};
use polars::prelude::*;

/// A timeline question. Filters of different kinds must all hold; values of one kind are alternatives.
#[derive(Clone, Debug, Default)]
pub struct TimelineQuery {
    pub range: TimeRange,
    /// Tables to look at; empty means all.
    pub tables: Vec<String>,
    /// Addresses, canonical spelling, on either end.
    pub ips: Vec<String>,
    /// User name, role or user ARN (or a part of it), access key id, session name.
    pub actors: Vec<String>,
    /// Event id, request id, trace id or access key id.
    pub ids: Vec<String>,
    /// Text anywhere in the record.
    pub texts: Vec<String>,
    /// Entries below are left out; events are `info`, failed ones `low`.
    pub min_severity: Option<Severity>,
}

impl TimelineQuery {
    /// Whether only events can match: findings have no address, actor or text of their own.
    pub fn is_about_events(&self) -> bool {
        !self.ips.is_empty() || !self.actors.is_empty() || !self.texts.is_empty() || !self.tables.is_empty()
    }

    /// What list columns must hold for the predicate to be true.
    pub fn pivot(&self) -> frame::Pivot {
        let ips: Vec<_> = self.ips.iter().map(|ip| (Link::Ip, ip.clone())).collect();
        // An event's own id is in no list.
        let listed = self.ids.iter().all(|id| !id.bytes().all(|b| b.is_ascii_hexdigit()));
        let of = |id: &String| [(Link::RequestId, id.clone()), (Link::Key, id.clone())];
        let ids: Vec<_> = self.ids.iter().filter(|_| listed).flat_map(of).collect();
        [ips, ids].into_iter().filter(|group| !group.is_empty()).collect()
    }

    /// The predicate over the common columns; `None` when everything matches.
    pub fn predicate(&self) -> Option<Expr> {
        let any = |list: &[String], one: fn(&str) -> Expr| list.iter().map(|v| one(v)).reduce(Expr::or);
        let severity = self.min_severity.filter(|s| *s > Severity::Info).map(|least| {
            if least == Severity::Low { col(Common::EventOutcome.name()).eq(lit("failure")) } else { lit(false) }
        });
        [
            any(&self.ips, |ip| frame::has_link(Link::Ip, ip)),
            any(&self.actors, actor),
            any(&self.ids, id),
            any(&self.texts, |text| col(schema::RAW).str().contains_literal(lit(text.to_owned()))),
            severity,
        ]
        .into_iter()
        .flatten()
        .reduce(Expr::and)
    }
}

fn actor(value: &str) -> Expr {
    let is = |common: Common| col(common.name()).eq(lit(value.to_owned()));
    is(Common::UserName)
        .or(is(Common::SessionName))
        .or(is(Common::AccessKeyId))
        .or(col(Common::UserArn.name()).str().contains_literal(lit(value.to_owned())))
}

/// Listings show the beginning of an id; eight digits of it are enough.
fn event_id(value: &str) -> Expr {
    let hex = value.len() >= 8 && value.bytes().all(|b| b.is_ascii_hexdigit());
    let column = col(schema::EVENT_ID);
    if hex { column.str().starts_with(lit(value.to_owned())) } else { column.eq(lit(value.to_owned())) }
}

fn id(value: &str) -> Expr {
    frame::has_link(Link::RequestId, value).or(frame::has_link(Link::Key, value)).or(event_id(value))
}

//! What is asked for, as plain data, and its predicate. No IO.

use crate::frame::{self, FrameError};
use crate::lake::schema;
use crate::model::{Common, IpNetwork, Link, Severity, TimeRange};
use polars::prelude::*;

/// A timeline question. Filters of different kinds must all hold; values of one kind are alternatives.
#[derive(Clone, Debug, Default)]
pub struct TimelineQuery {
    pub range: TimeRange,
    /// Tables to look at; empty means all.
    pub tables: Vec<String>,
    /// Addresses and ranges of them, on either end.
    pub networks: Vec<IpNetwork>,
    /// User name, role or user ARN (or a part of it), access key id, session name.
    pub actors: Vec<String>,
    /// Log group, load balancer, service or interface (or a part of it).
    pub resources: Vec<String>,
    pub outcomes: Vec<Outcome>,
    /// Event id, request id, trace id or access key id.
    pub ids: Vec<String>,
    /// Text anywhere in the record.
    pub texts: Vec<String>,
    /// A condition in SQL over the common columns.
    pub sql: Option<String>,
    /// Entries below are left out; events are `info`, failed ones `low`.
    pub min_severity: Option<Severity>,
}

/// How something ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// HTTP status, both ends inside: 403 is (403, 403), 5xx is (500, 599).
    Status(i64, i64),
    /// `success`, `failure`, an error code, or the action of a flow such as REJECT.
    Word(String),
}

impl Outcome {
    /// `403`, `5xx`, `failure`, `AccessDenied`, `REJECT`.
    pub fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        match (text.parse::<i64>(), bytes) {
            (Ok(status), [_, _, _]) => Self::Status(status, status),
            (_, [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X']) => {
                let first = i64::from(class - b'0') * 100;
                Self::Status(first, first + 99)
            }
            _ => Self::Word(text.to_owned()),
        }
    }

    fn predicate(&self) -> Expr {
        match self {
            Self::Status(low, high) => {
                let status = || col(Common::HttpStatus.name());
                status().gt_eq(lit(*low)).and(status().lt_eq(lit(*high)))
            }
            Self::Word(word) => {
                let is = |common: Common, word: &str| col(common.name()).eq(lit(word.to_owned()));
                is(Common::EventOutcome, &word.to_ascii_lowercase())
                    .or(is(Common::ErrorCode, word))
                    .or(is(Common::EventAction, &word.to_ascii_uppercase()))
            }
        }
    }
}

impl TimelineQuery {
    /// Whether only events can match: findings have no address, actor or text of their own.
    pub fn is_about_events(&self) -> bool {
        let lists = [&self.actors, &self.resources, &self.texts, &self.tables];
        lists.iter().any(|list| !list.is_empty())
            || !self.networks.is_empty()
            || !self.outcomes.is_empty()
            || self.sql.is_some()
    }

    /// What list columns must hold for the predicate to be true.
    pub fn pivot(&self) -> frame::Pivot {
        // Whether a part holds an address of a range is not known beforehand.
        let hosts = self.networks.iter().all(IpNetwork::is_host);
        let ips: Vec<_> = self.networks.iter().filter(|_| hosts).map(|ip| (Link::Ip, ip.to_string())).collect();
        // An event's own id is in no list: 32 hex digits, or 24 and the number of the record, or their beginning.
        let own = |id: &str| id.bytes().take(24).all(|b| b.is_ascii_hexdigit());
        let listed = self.ids.iter().all(|id| !own(id));
        let of = |id: &String| [(Link::RequestId, id.clone()), (Link::Key, id.clone())];
        let ids: Vec<_> = self.ids.iter().filter(|_| listed).flat_map(of).collect();
        [ips, ids].into_iter().filter(|group| !group.is_empty()).collect()
    }

    /// The predicate over the common columns; `None` when everything matches.
    ///
    /// # Errors
    /// A condition that is no SQL.
    pub fn predicate(&self) -> Result<Option<Expr>, FrameError> {
        let any = |list: &[String], one: fn(&str) -> Expr| list.iter().map(|v| one(v)).reduce(Expr::or);
        let severity = self.min_severity.filter(|s| *s > Severity::Info).map(|least| {
            if least == Severity::Low { col(Common::EventOutcome.name()).eq(lit("failure")) } else { lit(false) }
        });
        let parts = [
            self.address(),
            any(&self.actors, actor),
            any(&self.resources, |text| contains(Common::Resource, text)),
            self.outcomes.iter().map(Outcome::predicate).reduce(Expr::or),
            any(&self.ids, id),
            any(&self.texts, |text| col(schema::RAW).str().contains_literal(lit(text.to_owned()))),
            self.sql.as_deref().map(frame::where_sql).transpose()?,
            severity,
        ];
        Ok(parts.into_iter().flatten().reduce(Expr::and))
    }

    fn address(&self) -> Option<Expr> {
        match self.networks.as_slice() {
            [] => None,
            [one] if one.is_host() => Some(frame::has_link(Link::Ip, &one.to_string())),
            all if all.iter().all(IpNetwork::is_host) => {
                Some(frame::has_any(Link::Ip, all.iter().map(ToString::to_string)))
            }
            all => Some(frame::in_networks(all)),
        }
    }
}

fn contains(common: Common, value: &str) -> Expr {
    col(common.name()).str().contains_literal(lit(value.to_owned()))
}

fn actor(value: &str) -> Expr {
    let is = |common: Common| col(common.name()).eq(lit(value.to_owned()));
    is(Common::UserName).or(is(Common::SessionName)).or(is(Common::AccessKeyId)).or(contains(Common::UserArn, value))
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

#[cfg(test)]
mod tests {
    use super::Outcome;

    #[test]
    fn outcomes_as_people_write_them() {
        assert_eq!(Outcome::parse("403"), Outcome::Status(403, 403));
        assert_eq!(Outcome::parse("5xx"), Outcome::Status(500, 599));
        assert_eq!(Outcome::parse("AccessDenied"), Outcome::Word("AccessDenied".into()));
        assert_eq!(Outcome::parse("6xx"), Outcome::Word("6xx".into()));
    }
}

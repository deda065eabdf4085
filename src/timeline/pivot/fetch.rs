//! The plans of a pivot.

use super::links::{self, By};
use super::{NotFollowed, PivotQuery};
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Common, Detail, Entry, Kind, Link, Micros, TimeRange};
use crate::timeline::entries::{EventRows, Wanted};
use crate::timeline::query::TimelineQuery;
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An event, and what it may be linked by.
#[derive(Clone)]
pub(super) struct Hit {
    pub entry: Entry,
    pub ips: Vec<String>,
    pub request_ids: Vec<String>,
    pub keys: Vec<String>,
    pub user_arn: Option<String>,
    /// Fingerprints of the credentials that stand in it.
    pub tokens: Vec<String>,
}

pub(super) struct Fetch<'a> {
    lake: &'a Lake,
    query: &'a TimelineQuery,
    asked: &'a PivotQuery<'a>,
    own: Option<Expr>,
    tokens: Tokens,
    skipped: BTreeSet<NotFollowed>,
}

/// Credentials by event and events by credential, of the last scan.
#[derive(Default)]
struct Tokens {
    of_event: HashMap<String, Vec<String>>,
    events: HashMap<String, Vec<String>>,
}

type Times = BTreeMap<String, Vec<Micros>>;

impl<'a> Fetch<'a> {
    pub fn new(lake: &'a Lake, query: &'a TimelineQuery, asked: &'a PivotQuery<'a>) -> Result<Self, FrameError> {
        let own = query.predicate()?;
        Ok(Self { lake, query, asked, own, tokens: Tokens::load(lake)?, skipped: BTreeSet::new() })
    }

    pub fn not_followed(self) -> Vec<NotFollowed> {
        self.skipped.into_iter().collect()
    }

    /// Events that a start names: by address, key, request id, ARN, user or session name, event id, or as the
    /// fingerprint (or its beginning) of a secret in them.
    pub fn named(&self, start: &str) -> Result<Vec<Hit>, FrameError> {
        let is = |column: &str| col(column).eq(lit(start.to_owned()));
        let predicate = match start.parse::<std::net::IpAddr>() {
            Ok(ip) => frame::has_link(Link::Ip, &ip.to_string()),
            Err(_) => frame::has_link(Link::RequestId, start)
                .or(frame::has_link(Link::Key, start))
                .or(frame::has_link(Link::Arn, start))
                .or(is(Common::UserName.name()))
                .or(is(Common::SessionName.name()))
                .or(is(Common::UserArn.name()))
                .or(is(Common::Target.name()))
                .or(is(schema::EVENT_ID))
                .or(frame::is_in(schema::EVENT_ID, self.tokens.events_of(start))),
        };
        let pruned = match start.parse::<std::net::IpAddr>() {
            Ok(ip) => vec![vec![(Link::Ip, ip.to_string())]],
            Err(_) => frame::Pivot::new(),
        };
        self.rows(predicate, self.query.range, &pruned)
    }

    /// Events that have one of the values, each with the first that it has.
    pub fn having(&mut self, by: By, values: &Times) -> Result<Vec<(Hit, String)>, FrameError> {
        if by == By::Token {
            return self.having_token(values);
        }
        let range = self.range(by, values);
        let values = self.few(by, values, range)?;
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let (predicate, pruned) = self.predicate(by, &values);
        let hits = self.rows(predicate, range, &pruned)?;
        let near = |hit: &Hit, value: &str| {
            !by.is_weak() || values[value].iter().any(|time| (time.0 - hit.entry.time.0).abs() <= self.asked.window)
        };
        let attributed = hits.into_iter().filter_map(|hit| {
            let value = has(by, &hit).into_iter().find(|v| values.contains_key(v.as_str()) && near(&hit, v))?;
            Some((hit, value))
        });
        Ok(attributed.collect())
    }

    fn having_token(&mut self, values: &Times) -> Result<Vec<(Hit, String)>, FrameError> {
        let by_token = By::Token.as_str();
        let mut wanted: BTreeMap<&str, &str> = BTreeMap::new();
        for value in values.keys() {
            let events = self.tokens.events.get(value).map(Vec::as_slice).unwrap_or_default();
            let count = events.len() as u64;
            if count > self.asked.most {
                self.skipped.insert(NotFollowed { by: by_token, value: value.clone(), events: count });
                continue;
            }
            wanted.extend(events.iter().map(|event| (event.as_str(), value.as_str())));
        }
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = wanted.keys().map(|id| (*id).to_owned()).collect();
        let predicate = frame::is_in(schema::EVENT_ID, ids);
        let hits = self.rows(predicate, self.query.range, &frame::Pivot::new())?;
        let of = |hit: Hit| {
            let value = (*wanted.get(hit.entry.reference.as_str())?).to_owned();
            Some((hit, value))
        };
        Ok(hits.into_iter().filter_map(of).collect())
    }

    fn skip(&mut self, by: By, value: &str, events: u64) {
        self.skipped.insert(NotFollowed { by: by.as_str(), value: value.to_owned(), events });
    }

    /// Where events of weak links are looked for.
    fn range(&self, by: By, values: &Times) -> TimeRange {
        let mut range = self.query.range;
        let times = || values.values().flatten();
        if let (true, Some(first), Some(last)) = (by.is_weak(), times().min(), times().max()) {
            let from = Micros(first.0.saturating_sub(self.asked.window));
            let to = Micros(last.0.saturating_add(self.asked.window).saturating_add(1));
            range.from = Some(range.from.map_or(from, |own| own.max(from)));
            range.to = Some(range.to.map_or(to, |own| own.min(to)));
        }
        range
    }

    /// The values that not too many events have; the others are noted.
    fn few(&mut self, by: By, values: &Times, range: TimeRange) -> Result<Times, FrameError> {
        let column = column(by);
        let (predicate, pruned) = self.predicate(by, values);
        let Some(plan) = self.plan(predicate, range, &pruned)? else {
            return Ok(Times::new());
        };
        let mut plan = plan.select([col(column)]);
        if link(by).is_some() {
            let options = ExplodeOptions { empty_as_null: false, keep_nulls: false };
            plan = plan.explode(by_name([column], true, false), options);
        }
        let plan = plan.filter(frame::is_in(column, values.keys()));
        let plan = plan.group_by([col(column)]).agg([len().alias("n")]);
        let cells = Cells::collect_streaming(plan)?;
        let mut few = Times::new();
        for row in 0..cells.rows() {
            let (Some(value), Some(n)) = (cells.text(column, row), cells.int("n", row)) else {
                continue;
            };
            if n.unsigned_abs() > self.asked.most {
                self.skip(by, &value, n.unsigned_abs());
            } else if let Some(times) = values.get(&value) {
                few.insert(value, times.clone());
            }
        }
        Ok(few)
    }

    fn predicate(&self, by: By, values: &Times) -> (Expr, frame::Pivot) {
        let listed = || values.keys().cloned();
        match link(by) {
            Some(link) => {
                let pruned = vec![listed().map(|value| (link, value)).collect()];
                (frame::has_any(link, listed()), pruned)
            }
            None => {
                let predicate = frame::is_in(column(by), listed());
                let trail = col(schema::SOURCE_TABLE).eq(lit("cloudtrail"));
                (if by == By::Target { predicate.and(trail) } else { predicate }, frame::Pivot::new())
            }
        }
    }

    fn plan(&self, predicate: Expr, range: TimeRange, pruned: &frame::Pivot) -> Result<Option<LazyFrame>, FrameError> {
        let tables = self.query.chosen(self.lake);
        let plan = frame::events_with(self.lake, &tables, range, pruned)?;
        let plan = plan.map(|plan| plan.filter(col(Common::EventTime.name()).is_not_null().and(predicate)));
        Ok(match &self.own {
            Some(own) => plan.map(|plan| plan.filter(own.clone())),
            None => plan,
        })
    }

    fn rows(&self, predicate: Expr, range: TimeRange, pruned: &frame::Pivot) -> Result<Vec<Hit>, FrameError> {
        let Some(plan) = self.plan(predicate, range, pruned)? else {
            return Ok(Vec::new());
        };
        let mut columns: BTreeSet<&str> = Wanted::Message.columns().into_iter().collect();
        columns.extend(Link::ALL.iter().map(|link| link.column()));
        columns.extend([Common::SourcePort, Common::DestinationIp, Common::DestinationPort].map(Common::name));
        columns.extend([schema::SOURCE_OBJECT, schema::SOURCE_RECORD]);
        let plan = plan.select(columns.into_iter().map(col).collect::<Vec<_>>());
        let cells = Cells::collect(plan.sort(crate::timeline::run::ORDER, SortMultipleOptions::default()))?;
        let rows = EventRows::new(&cells, Wanted::Message);
        Ok((0..cells.rows()).filter_map(|row| self.hit(&cells, &rows, row)).collect())
    }

    fn hit(&self, cells: &Cells, rows: &EventRows<'_>, row: usize) -> Option<Hit> {
        let mut entry = rows.entry(row)?;
        entry.details = links::ports(|common| match common.kind() {
            Kind::Int => cells.int(common.name(), row).map(Detail::Int),
            Kind::Str | Kind::Json | Kind::Float | Kind::Bool | Kind::Time => {
                cells.text(common.name(), row).map(Detail::Text)
            }
        });
        Some(Hit {
            tokens: self.tokens.of_event.get(&entry.reference).cloned().unwrap_or_default(),
            ips: cells.list(Link::Ip.column(), row),
            request_ids: cells.list(Link::RequestId.column(), row),
            keys: cells.list(Link::Key.column(), row),
            user_arn: cells.text(Common::UserArn.name(), row),
            entry,
        })
    }
}

fn link(by: By) -> Option<Link> {
    match by {
        By::Request => Some(Link::RequestId),
        By::Key => Some(Link::Key),
        By::Ip | By::Named => Some(Link::Ip),
        By::Session | By::Target | By::Token => None,
    }
}

fn column(by: By) -> &'static str {
    match (link(by), by) {
        (Some(link), _) => link.column(),
        (None, By::Session) => Common::UserArn.name(),
        (None, _) => Common::Target.name(),
    }
}

/// The values of a kind that an event has.
fn has(by: By, hit: &Hit) -> Vec<String> {
    match by {
        By::Request => hit.request_ids.clone(),
        By::Key => hit.keys.clone(),
        By::Token => hit.tokens.clone(),
        By::Session => hit.user_arn.iter().cloned().collect(),
        By::Ip | By::Named => hit.ips.clone(),
        By::Target => hit.entry.target.iter().cloned().collect(),
    }
}

impl Tokens {
    /// Credentials only: a name or an address in two events links nothing.
    fn load(lake: &Lake) -> Result<Self, FrameError> {
        let Some(table) = frame::table(lake, "occurrences", TimeRange::default())? else {
            return Ok(Self::default());
        };
        let table = table.filter(col("confidence").neq(lit("low")));
        let mut plan = table.clone().select([col("fingerprint"), col("event_id")]);
        // Scans of older versions did not say of what category a place is.
        if table.clone().collect_schema()?.contains("category") {
            let secrets = frame::is_in("category", ["credential", "token", "key"]);
            plan = table.filter(secrets).select([col("fingerprint"), col("event_id")]);
        }
        let cells = Cells::collect(plan)?;
        let (fingerprints, events) = (cells.texts("fingerprint"), cells.texts("event_id"));
        let mut tokens = Self::default();
        for row in 0..cells.rows() {
            if let (Some(fingerprint), Some(event)) = (fingerprints.get(row), events.get(row)) {
                tokens.of_event.entry(event.to_owned()).or_default().push(fingerprint.to_owned());
                tokens.events.entry(fingerprint.to_owned()).or_default().push(event.to_owned());
            }
        }
        Ok(tokens)
    }

    /// Events of the fingerprint, of which eight digits are enough.
    fn events_of(&self, start: &str) -> Vec<&str> {
        if start.len() < 8 || !start.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Vec::new();
        }
        let of = self.events.iter().filter(|(fingerprint, _)| fingerprint.starts_with(start));
        of.flat_map(|(_, events)| events.iter().map(String::as_str)).collect()
    }
}

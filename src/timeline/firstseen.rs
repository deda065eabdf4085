//! First and last sight of who and what acts.

use crate::frame::{self, Cells, Fold, FrameError, Groups, Numbers};
use crate::lake::Lake;
use crate::model::{Common, Micros, TimeRange};
use polars::prelude::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    Actor,
    Ip,
    UserAgent,
    Action,
    Path,
}

impl Seen {
    pub const ALL: [Self; 5] = [Self::Actor, Self::Ip, Self::UserAgent, Self::Action, Self::Path];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Ip => "ip",
            Self::UserAgent => "user_agent",
            Self::Action => "action",
            Self::Path => "path",
        }
    }

    fn value(self) -> Expr {
        let of = |common: Common| col(common.name());
        match self {
            Self::Actor => {
                when(of(Common::UserArn).is_null()).then(of(Common::UserName)).otherwise(of(Common::UserArn))
            }
            Self::Ip => of(Common::SourceIp),
            Self::UserAgent => of(Common::UserAgent),
            Self::Action => of(Common::EventAction),
            Self::Path => of(Common::UrlPath),
        }
    }
}

/// One value, over all tables.
#[derive(Clone, Debug, Serialize)]
pub struct FirstSeen {
    pub kind: Seen,
    pub value: String,
    pub first: Micros,
    pub last: Micros,
    pub events: u64,
    /// Events per table.
    pub tables: BTreeMap<String, u64>,
}

/// Values by first sight.
#[derive(Default)]
pub struct Sights {
    /// The first of them, at most as many as were asked for.
    pub first: Vec<FirstSeen>,
    /// How many there are.
    pub all: u64,
}

/// Values of these kinds, by first sight, the first `limit` of them. Whatever is `new_since` was never seen before in
/// this lake.
///
/// # Errors
/// Parts that cannot be read.
pub fn first_seen(
    lake: &Lake,
    kinds: &[Seen],
    tables: &[String],
    new_since: Option<Micros>,
    limit: Option<usize>,
) -> Result<Sights, FrameError> {
    let mut tables_of = lake.tables();
    tables_of.retain(|table| tables.is_empty() || tables.iter().any(|wanted| wanted == table));
    let mut sights = Sights::default();
    for kind in kinds {
        let groups = group(lake, *kind, &tables_of)?;
        let mut order: Vec<(i64, &str, &[i64])> =
            groups.texts().map(|(value, states)| (states[0], value, states)).collect();
        order.retain(|(first, ..)| new_since.is_none_or(|since| *first >= since.0));
        order.sort_unstable();
        sights.all += order.len() as u64;
        sights.first.extend(order.into_iter().take(limit.unwrap_or(usize::MAX)).map(|(first, value, states)| {
            FirstSeen {
                kind: *kind,
                value: value.to_owned(),
                first: Micros(first),
                last: Micros(states[1]),
                events: states[2].unsigned_abs(),
                tables: (tables_of.iter().zip(&states[3..]))
                    .filter(|(_, events)| **events > 0)
                    .map(|(table, events)| ((*table).to_owned(), events.unsigned_abs()))
                    .collect(),
            }
        }));
    }
    sights.first.sort_by(|a, b| (a.first, a.kind as u8, &a.value).cmp(&(b.first, b.kind as u8, &b.value)));
    sights.first.truncate(limit.unwrap_or(usize::MAX));
    Ok(sights)
}

/// First and last time of each value, its number of events, and that of each table.
fn group(lake: &Lake, kind: Seen, tables: &[&str]) -> Result<Groups, FrameError> {
    let time = Common::EventTime.name();
    let mut groups =
        Groups::new([Fold::Min, Fold::Max].into_iter().chain((0..=tables.len()).map(|_| Fold::Count)).collect());
    for (at, table) in tables.iter().enumerate() {
        for piece in frame::in_pieces(lake, table, TimeRange::default())? {
            let value = kind.value().alias("value");
            let plan = piece.select([value, col(time)]).filter(col("value").is_not_null().and(col(time).is_not_null()));
            let rows = Cells::collect_streaming(plan)?;
            let (value, times) = (rows.column("value")?, frame::numbers(rows.column(time)?)?);
            let mut numbers = vec![Numbers::Of(times.clone()), Numbers::Of(times), Numbers::Every];
            numbers.extend((0..tables.len()).map(|other| if other == at { Numbers::Every } else { Numbers::None }));
            groups.add(std::slice::from_ref(value), &numbers)?;
        }
    }
    Ok(groups)
}

//! First and last sight of who and what acts.

use crate::frame::{self, Cells, FrameError};
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

/// Values of these kinds, by first sight. Whatever is `new_since` was never seen before in this lake.
///
/// # Errors
/// Parts that cannot be read.
pub fn first_seen(
    lake: &Lake,
    kinds: &[Seen],
    tables: &[String],
    new_since: Option<Micros>,
) -> Result<Vec<FirstSeen>, FrameError> {
    let mut all: Vec<FirstSeen> = Vec::new();
    let time = Common::EventTime.name();
    for kind in kinds {
        let mut seen: BTreeMap<String, FirstSeen> = BTreeMap::new();
        for table in lake.tables().into_iter().filter(|t| tables.is_empty() || tables.iter().any(|w| w == t)) {
            let Some(plan) = frame::events(lake, &[table], TimeRange::default())? else {
                continue;
            };
            let plan = plan
                .with_column(kind.value().alias("value"))
                .filter(col("value").is_not_null().and(col(time).is_not_null()))
                .group_by([col("value")])
                .agg([col(time).min().alias("first"), col(time).max().alias("last"), len().alias("n")]);
            let cells = Cells::collect_streaming(plan)?;
            for row in 0..cells.rows() {
                let (Some(value), Some(first), Some(last)) =
                    (cells.text("value", row), cells.time("first", row), cells.time("last", row))
                else {
                    continue;
                };
                let count = cells.int("n", row).unwrap_or(0).unsigned_abs();
                let one = seen.entry(value.clone()).or_insert_with(|| FirstSeen {
                    kind: *kind,
                    value,
                    first,
                    last,
                    events: 0,
                    tables: BTreeMap::new(),
                });
                (one.first, one.last) = (one.first.min(first), one.last.max(last));
                one.events += count;
                one.tables.insert(table.to_owned(), count);
            }
        }
        all.extend(seen.into_values().filter(|one| new_since.is_none_or(|since| one.first >= since)));
    }
    all.sort_by(|a, b| (a.first, a.kind as u8, &a.value).cmp(&(b.first, b.kind as u8, &b.value)));
    Ok(all)
}

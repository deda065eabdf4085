//! Question → plan → entries in time order.

mod collapse;
mod counts;
mod entries;
mod exposure;
mod firstseen;
mod ioc;
mod pivot;
mod query;
mod run;
mod sessions;
mod skew;
mod story;
mod windows;

pub use collapse::Collapse;
pub use counts::{histogram, table_summaries};
pub use entries::{StorySources, Wanted};
pub use exposure::{Exposed, exposure};
pub use firstseen::{FirstSeen, Seen, first_seen};
pub use ioc::{Sighting, sweep};
pub use pivot::{NotFollowed, PivotQuery, Pivoted, pivot};
pub use query::{Outcome, TimelineQuery};
pub use run::{Sink, Told, explain, timeline};
pub use sessions::{Session, Sessions};
pub use skew::{Skew, skews};
pub use story::story;

#[cfg(test)]
mod tests {
    use crate::model::{Entry, EntryKind, Micros, Severity};

    /// An event at a time, in microseconds, of one actor.
    pub(super) fn event(time: i64, action: &str) -> Entry {
        Entry {
            time: Micros(time),
            kind: EntryKind::Event,
            source: "cloudtrail".to_owned(),
            severity: Severity::Info,
            actor: Some("ada".to_owned()),
            source_ip: Some("192.0.2.1".to_owned()),
            action: Some(action.to_owned()),
            target: None,
            outcome: Some("success".to_owned()),
            message: None,
            reference: format!("{time}"),
            count: 1,
            last: None,
            link: None,
            network: None,
            details: Vec::new(),
        }
    }
}

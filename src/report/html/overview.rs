//! The top of the page: what it is about, and the answer in a few numbers.

use super::cell::{Cell, When};
use super::offenders::PlaceRow;
use super::span;
use crate::model::Severity;
use crate::model::summary::Summary;
use crate::report::text::{counted, number};

/// Header and tiles.
pub struct Overview {
    pub title: Cell,
    pub lake: Cell,
    pub version: Cell,
    pub generated: When,
    /// First and last event.
    pub span: Option<(When, When)>,
    pub events: String,
    pub tables: String,
    pub secrets: Tally,
    /// Sum of all findings' occurrences.
    pub occurrences: String,
    pub detections: Tally,
    pub worst: Option<Worst>,
    /// Number of objects that were not read to the end; `None` when there is none.
    pub incomplete: Option<String>,
    /// Ids of the keys that made the fingerprints.
    pub keys: Vec<Cell>,
}

/// A number and how it falls into severities.
pub struct Tally {
    /// `1 secret`, `30 secrets`.
    pub counted: String,
    pub total: String,
    /// The most severe first; severities without any are left out.
    pub chips: Vec<(Severity, String)>,
}

/// The place to fix first.
pub struct Worst {
    pub place: Cell,
    pub secrets: String,
    pub occurrences: String,
}

impl Tally {
    fn new(noun: &str, severities: impl Iterator<Item = Severity> + Clone) -> Self {
        let total = severities.clone().count() as u64;
        let chips = Severity::ALL.into_iter().rev().filter_map(|severity| {
            let n = severities.clone().filter(|s| *s == severity).count() as u64;
            (n > 0).then(|| (severity, number(n)))
        });
        Self { counted: counted(total, noun), total: number(total), chips: chips.collect() }
    }
}

impl Overview {
    pub fn new(summary: &Summary, worst: Option<&PlaceRow>) -> Self {
        let sum = |counts: &mut dyn Iterator<Item = u64>| counts.fold(0u64, u64::saturating_add);
        let events = sum(&mut summary.tables.iter().map(|t| t.events));
        let occurrences = sum(&mut summary.findings.iter().map(|f| f.count));
        let keys: std::collections::BTreeSet<&str> = summary.findings.iter().map(|f| f.key_id.as_str()).collect();
        let incomplete = summary.incomplete.len() as u64;
        Self {
            title: Cell::new(&summary.title),
            lake: Cell::new(&summary.lake),
            version: Cell::new(&summary.tool_version),
            generated: When::new(summary.generated),
            span: span(summary).map(|(first, last)| (When::new(first), When::new(last))),
            events: number(events),
            tables: counted(summary.tables.len() as u64, "table"),
            secrets: Tally::new("distinct secret", summary.findings.iter().map(|f| f.severity)),
            occurrences: counted(occurrences, "occurrence"),
            detections: Tally::new("detection", summary.detections.iter().map(|d| d.severity)),
            worst: worst.map(|row| Worst {
                place: Cell::clipped(&row.place.text, 90),
                secrets: row.secrets.clone(),
                occurrences: row.occurrences.clone(),
            }),
            incomplete: (incomplete > 0).then(|| counted(incomplete, "object")),
            keys: keys.into_iter().take(5).map(|key| Cell::clipped(key, 40)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn the_tiles_add_up() {
        let summary = fixture::summary();
        let overview = Overview::new(&summary, None);
        assert_eq!(overview.secrets.total, summary.findings.len().to_string());
        let chips: u64 = overview.secrets.chips.iter().map(|(_, n)| n.parse::<u64>().unwrap()).sum();
        assert_eq!(chips, summary.findings.len() as u64);
        assert!(overview.secrets.chips.is_sorted_by(|a, b| a.0 > b.0));
        assert_eq!(overview.incomplete.as_deref(), Some("2 objects"));
    }

    #[test]
    fn an_empty_lake_has_no_span_and_no_worst_place() {
        let overview = Overview::new(&fixture::empty(), None);
        assert!(overview.span.is_none() && overview.worst.is_none() && overview.incomplete.is_none());
        assert_eq!((overview.events.as_str(), overview.secrets.counted.as_str()), ("0", "0 distinct secrets"));
    }
}

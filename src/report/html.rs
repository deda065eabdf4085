//! The report as one HTML page without scripts, links to elsewhere or requests.
//!
//! Values from logs are hostile. They reach the page only as [`Cell`]s (made visible, clipped) that
//! the template escapes, and never become a link, an id, a class or a style. Should one get through
//! all the same, the page's Content-Security-Policy lets nothing run or load: its one style sheet is
//! allowed by hash.

mod cell;
mod filter;
#[cfg(test)]
pub mod fixture;
mod offenders;
mod overview;
mod payloads;
mod rows;

use super::chart::{Mark, histogram_svg};
use super::text::number;
use crate::model::summary::Summary;
use crate::model::{EntryKind, Micros};
use askama::Template;
use cell::Cell;
use offenders::{PlaceRow, RuleRow};
use overview::Overview;
use payloads::PayloadRow;
use rows::{Day, DetectionRow, FindingRow, TableRow};
use sha2::{Digest, Sha256};

/// Rows a list shows; how many are left out is said below it.
pub const MOST_ROWS: usize = 2_000;

const STYLE: &str = include_str!("../../templates/report.css");

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    #[error("cannot fill in the report's template")]
    Template(#[source] askama::Error),
}

/// A list cut to [`MOST_ROWS`], or to another number its maker names.
struct Listing<T> {
    rows: Vec<T>,
    /// Not shown.
    left_out: u64,
}

impl<T> Listing<T> {
    fn new<S>(from: &[S], most: usize, row: impl FnMut(&S) -> T) -> Self {
        Self { rows: from.iter().take(most).map(row).collect(), left_out: from.len().saturating_sub(most) as u64 }
    }

    /// How many rows are left out, for people; nothing when all are shown.
    fn more(&self) -> Option<String> {
        (self.left_out > 0).then(|| number(self.left_out))
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    /// Trusted: the style sheet as it stands in the page, byte for byte.
    style: &'static str,
    policy: String,
    overview: Overview,
    places: Listing<PlaceRow>,
    rules: Listing<RuleRow>,
    payloads: Listing<PayloadRow>,
    /// Trusted: SVG, escaped by [`histogram_svg`].
    chart: String,
    story: Listing<Day>,
    story_filter: filter::Filter,
    detections: Listing<DetectionRow>,
    detection_filter: filter::Filter,
    findings: Listing<FindingRow>,
    finding_filter: filter::Filter,
    tables: Vec<TableRow>,
    incomplete: Listing<Cell>,
}

/// The whole page. The same summary gives the same bytes.
pub fn render(summary: &Summary) -> Result<String, HtmlError> {
    let detections = rows::by_severity(&summary.detections);
    let shown_findings = summary.findings.iter().take(MOST_ROWS).map(|f| f.severity);
    let shown_detections = detections.iter().take(MOST_ROWS).map(|d| d.severity);
    let shown_story = summary.story.iter().take(MOST_ROWS).map(|e| e.severity);
    let places = offenders::places(&summary.findings);
    let page = Page {
        style: STYLE,
        policy: policy(),
        overview: Overview::new(summary, places.rows.first()),
        rules: offenders::rules(&summary.findings),
        payloads: payloads::rows(&summary.payloads),
        places,
        chart: histogram_svg(&summary.histogram, &marks(summary)),
        story_filter: filter::Filter::new("story", shown_story),
        story: rows::story(&summary.story, &summary.findings),
        detection_filter: filter::Filter::new("detections", shown_detections),
        detections: Listing::new(&detections, MOST_ROWS, |d| DetectionRow::new(d)),
        finding_filter: filter::Filter::new("findings", shown_findings),
        findings: rows::findings(&summary.findings),
        tables: rows::tables(&summary.tables),
        incomplete: Listing::new(&summary.incomplete, MOST_ROWS, |text| Cell::long(text)),
    };
    page.render().map_err(HtmlError::Template)
}

fn policy() -> String {
    let hash = base64(&Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'")
}

/// Standard base64 with padding; CSP hashes are the only thing encoded here.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, &b| group << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let sextet = (group >> (18 - 6 * i) & 63) as usize;
            let c = ALPHABET.get(sextet).map_or('=', |&b| char::from(b));
            out.push(if i <= chunk.len() { c } else { '=' });
        }
    }
    out
}

fn marks(summary: &Summary) -> Vec<Mark> {
    let findings = summary.findings.iter().filter_map(|f| {
        let label = format!("{} {}", f.rule_name, f.mask);
        Some(Mark { time: f.first_seen?, kind: EntryKind::Finding, severity: f.severity, label })
    });
    let detections = summary.detections.iter().map(|d| Mark {
        time: d.first_seen,
        kind: EntryKind::Detection,
        severity: d.severity,
        label: d.title.clone(),
    });
    findings.chain(detections).collect()
}

/// First and last instant of the tables' events.
fn span(summary: &Summary) -> Option<(Micros, Micros)> {
    let first = summary.tables.iter().filter_map(|t| t.first).min()?;
    let last = summary.tables.iter().filter_map(|t| t.last).max()?;
    Some((first, last))
}

#[cfg(test)]
mod tests;

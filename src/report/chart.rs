//! Pictures as inline SVG: classes only, no colours, styles or scripts, so that a strict CSP and
//! the page's style sheet rule them. The same data gives the same bytes.

mod axis;

use super::text::{clip, counted, number, terminal, to_seconds};
use crate::model::summary::Histogram;
use crate::model::{EntryKind, Micros, Severity};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A moment to point out above the bars.
#[derive(Clone, Debug)]
pub struct Mark {
    pub time: Micros,
    pub kind: EntryKind,
    pub severity: Severity,
    /// Text of the tooltip, as it came: it is made safe here.
    pub label: String,
}

// All lengths are in units of the view box.
const WIDTH: f64 = 1200.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 1188.0;
/// Height of one severity's row of marks.
const ROW: f64 = 18.0;
const PLOT: f64 = 190.0;
const AXIS: f64 = 26.0;
const LEGEND_ROW: f64 = 20.0;
/// Bars narrower than about three units cannot be told apart; buckets are merged down to this.
const MOST_BARS: usize = 360;
/// Tables with a colour of their own; smaller ones are drawn together as "other tables".
const MOST_SERIES: usize = 8;
/// Marks of one severity and kind nearer than this are drawn as one.
const NEAR: f64 = 11.0;
/// Length of the smallest part of a bar.
const THINNEST: f64 = 2.0;
const LABELS_PER_MARK: usize = 6;

/// Events over time, stacked by table, with marks in one row per severity above them.
///
/// A bar's height goes with the square root of its events, and so do the shares of the tables
/// inside it: otherwise a rare table could not be seen beside a busy one. Exact counts are in the
/// tooltips. Marks outside the time of the bars are counted in a note, not drawn.
pub fn histogram_svg(h: &Histogram, marks: &[Mark]) -> String {
    let bars = Bars::new(h);
    if bars.totals.iter().all(|&total| total == 0) {
        return concat!(
            r#"<svg class="chart" viewBox="0 0 1200 60" role="img" aria-label="No events to draw">"#,
            r#"<text class="note" x="600" y="34" text-anchor="middle">No events with a time</text></svg>"#,
        )
        .to_owned();
    }
    let rows: Vec<Severity> =
        Severity::ALL.into_iter().rev().filter(|s| marks.iter().any(|m| m.severity == *s)).collect();
    let top = 6.0 + ROW * rows.len() as f64;
    let base = top + PLOT;
    let mut body = String::new();
    push_axes(&mut body, &bars, top, base);
    bars.push(&mut body, base);
    let outside = push_marks(&mut body, &bars, marks, &rows, base);
    let height = push_legend(&mut body, &bars, marks, outside, base + AXIS);
    let label = format!(
        "{} in {} between {} and {} UTC",
        counted(sum(&bars.totals), "event"),
        counted(h.series.len() as u64, "table"),
        to_seconds(axis::instant(bars.start)),
        to_seconds(axis::instant(bars.end())),
    );
    format!(
        r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{}">{body}</svg>"#,
        escape(&label)
    )
}

/// The histogram as it is drawn.
struct Bars {
    /// Microseconds since 1970.
    start: i128,
    /// Microseconds per bar.
    bucket: i128,
    /// Name, colour class and count per bar; the largest first, "other tables" last.
    series: Vec<(String, String, Vec<u64>)>,
    totals: Vec<u64>,
}

impl Bars {
    fn new(h: &Histogram) -> Self {
        let buckets = h.series.iter().map(|(_, counts)| counts.len()).max().unwrap_or(0);
        let merged = buckets.div_ceil(MOST_BARS).max(1);
        // A bucket of no width has no place on the axis: drawn as nothing.
        let length = if h.bucket > 0 { buckets.div_ceil(merged) } else { 0 };
        let mut tables: Vec<(&str, Vec<u64>)> = h
            .series
            .iter()
            .map(|(name, counts)| {
                let mut bars: Vec<u64> = counts.chunks(merged).map(sum).collect();
                bars.resize(length, 0);
                (name.as_str(), bars)
            })
            .collect();
        tables.sort_by_key(|(name, bars)| (std::cmp::Reverse(sum(bars)), *name));
        let rest = if tables.len() > MOST_SERIES { tables.split_off(MOST_SERIES - 1) } else { Vec::new() };
        let mut series: Vec<(String, String, Vec<u64>)> = tables
            .into_iter()
            .enumerate()
            .map(|(i, (name, bars))| (clip(&terminal(name), 28).into_owned(), format!("s{i}"), bars))
            .collect();
        if !rest.is_empty() {
            let bars = (0..length).map(|i| total_at(rest.iter().map(|(_, bars)| bars), i)).collect();
            series.push((format!("{} other tables", rest.len()), "s-other".to_owned(), bars));
        }
        let totals = (0..length).map(|i| total_at(series.iter().map(|(_, _, bars)| bars), i)).collect();
        Self { start: h.start.into(), bucket: i128::from(h.bucket) * merged as i128, series, totals }
    }

    fn end(&self) -> i128 {
        self.start + self.bucket * self.totals.len() as i128
    }

    /// Where an instant lies between left and right; `None` outside of the bars.
    fn x(&self, time: i128) -> Option<f64> {
        let inside = (self.start..self.end()).contains(&time);
        inside.then(|| LEFT + (RIGHT - LEFT) * ((time - self.start) as f64 / (self.end() - self.start) as f64))
    }

    fn most(&self) -> u64 {
        self.totals.iter().copied().max().unwrap_or(0)
    }

    /// Length of a bar of this many events.
    fn length(&self, events: u64) -> f64 {
        PLOT * (events as f64 / self.most().max(1) as f64).sqrt()
    }

    fn push(&self, out: &mut String, base: f64) {
        let step = (RIGHT - LEFT) / self.totals.len().max(1) as f64;
        let gap = (step * 0.15).min(2.0);
        for (i, &total) in self.totals.iter().enumerate().filter(|(_, total)| **total > 0) {
            let counts: Vec<(&str, &str, u64)> = self
                .series
                .iter()
                .map(|(name, class, bars)| (name.as_str(), class.as_str(), bars.get(i).copied().unwrap_or(0)))
                .filter(|(_, _, n)| *n > 0)
                .collect();
            let from = axis::instant(self.start + self.bucket * i as i128);
            let mut title = format!("{} UTC: {}", to_seconds(from), counted(total, "event"));
            for (name, _, n) in &counts {
                let _ = write!(title, "\n{name}: {}", number(*n));
            }
            let _ = write!(out, "<g><title>{}</title>", escape_lines(&title));
            let events: Vec<u64> = counts.iter().map(|(_, _, n)| *n).collect();
            let mut y = base;
            for ((_, class, _), part) in counts.iter().zip(parts(&events, self.length(total).max(1.5))) {
                y -= part;
                let (x, width) = (LEFT + step * i as f64, step - gap);
                let _ = write!(
                    out,
                    r#"<rect class="{class}" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{part:.1}"/>"#
                );
            }
            out.push_str("</g>");
        }
    }
}

/// Splits a bar by the square roots of its counts; together the parts are as long as the bar.
///
/// Every part gets [`THINNEST`] first, or an equal share where the bar is too short for that: the
/// root alone leaves nothing to see of ten events beside a hundred thousand.
fn parts(counts: &[u64], length: f64) -> Vec<f64> {
    let least = THINNEST.min(length / counts.len().max(1) as f64);
    let rest = length - least * counts.len() as f64;
    let roots: f64 = counts.iter().map(|n| (*n as f64).sqrt()).sum();
    counts.iter().map(|n| least + rest * (*n as f64).sqrt() / roots).collect()
}

fn sum(counts: &[u64]) -> u64 {
    counts.iter().fold(0, |a, &b| a.saturating_add(b))
}

fn total_at<'a>(series: impl Iterator<Item = &'a Vec<u64>>, bar: usize) -> u64 {
    series.filter_map(|bars| bars.get(bar)).fold(0, |a, &b| a.saturating_add(b))
}

// Writing to a String cannot fail, hence `let _ =` in what follows and above.

fn push_axes(out: &mut String, bars: &Bars, top: f64, base: f64) {
    for tick in axis::count_ticks(bars.most()) {
        let y = base - bars.length(tick);
        let _ = write!(
            out,
            r#"<line class="grid" x1="{LEFT}" y1="{y:.1}" x2="{RIGHT}" y2="{y:.1}"/><text class="tick" x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 6.0,
            y + 4.0,
            short(tick)
        );
    }
    let _ = write!(out, r#"<line class="axis" x1="{LEFT}" y1="{base}" x2="{RIGHT}" y2="{base}"/>"#);
    for (time, label) in axis::time_ticks(bars.start, bars.end()) {
        let Some(x) = bars.x(time) else { continue };
        let anchor = if x > RIGHT - 40.0 { "end" } else { "start" };
        let _ = write!(
            out,
            r#"<line class="grid" x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{:.1}"/><text class="tick" x="{x:.1}" y="{:.1}" text-anchor="{anchor}">{}</text>"#,
            base + 5.0,
            base + 18.0,
            escape(&label)
        );
    }
    let _ = write!(out, r#"<text class="note" x="4" y="{:.1}">UTC</text>"#, base + 18.0);
}

/// `5k`, `10M`: for round counts of the axis.
fn short(n: u64) -> String {
    match n {
        1_000_000_000_000.. => format!("{}T", number(n / 1_000_000_000_000)),
        1_000_000_000.. => format!("{}G", n / 1_000_000_000),
        1_000_000.. => format!("{}M", n / 1_000_000),
        1_000.. => format!("{}k", n / 1_000),
        _ => n.to_string(),
    }
}

/// Marks that fall together in the picture.
struct Cluster<'m> {
    x: f64,
    first: Micros,
    labels: Vec<&'m str>,
}

/// Draws marks row by row and returns how many lie outside of the bars' time.
fn push_marks(out: &mut String, bars: &Bars, marks: &[Mark], rows: &[Severity], base: f64) -> u64 {
    let mut sorted: Vec<&Mark> = marks.iter().collect();
    sorted.sort_by(|a, b| (a.time, &a.label).cmp(&(b.time, &b.label)));
    let mut outside = 0;
    let mut clusters: BTreeMap<(Severity, EntryKind), Vec<Cluster>> = BTreeMap::new();
    for mark in sorted {
        let Some(x) = bars.x(mark.time.0.into()) else {
            outside += 1;
            continue;
        };
        let row = clusters.entry((mark.severity, mark.kind)).or_default();
        match row.last_mut() {
            Some(last) if x - last.x < NEAR => last.labels.push(&mark.label),
            _ => row.push(Cluster { x, first: mark.time, labels: vec![&mark.label] }),
        }
    }
    // Lines first, so that none crosses a symbol.
    for ((severity, _), row) in &clusters {
        let y = row_y(rows, *severity);
        for Cluster { x, .. } in row {
            let _ =
                write!(out, r#"<line class="mark {severity}" x1="{x:.1}" y1="{y:.1}" x2="{x:.1}" y2="{base:.1}"/>"#);
        }
    }
    for severity in rows {
        let y = row_y(rows, *severity) + 4.0;
        let _ = write!(out, r#"<text class="tick" x="{}" y="{y:.1}" text-anchor="end">{severity}</text>"#, LEFT - 10.0);
    }
    for ((severity, kind), row) in &clusters {
        for cluster in row {
            let symbol = symbol(*kind, cluster.x, row_y(rows, *severity));
            let title = escape_lines(&cluster_title(cluster, *severity));
            let _ = write!(out, r#"<g class="symbol {severity}"><title>{title}</title>{symbol}</g>"#);
        }
    }
    outside
}

/// Middle of a severity's row.
fn row_y(rows: &[Severity], severity: Severity) -> f64 {
    let row = rows.iter().position(|s| *s == severity).unwrap_or(0);
    4.0 + ROW * (row as f64 + 0.5)
}

/// Each kind has a shape of its own, so that colour is not all that tells them apart.
fn symbol(kind: EntryKind, x: f64, y: f64) -> String {
    match kind {
        EntryKind::Detection => {
            let (left, right, up, down) = (x - 6.5, x + 6.5, y - 6.5, y + 6.5);
            format!(r#"<path d="M{x:.1} {up:.1}L{right:.1} {y:.1}L{x:.1} {down:.1}L{left:.1} {y:.1}Z"/>"#)
        }
        EntryKind::Finding => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="5"/>"#),
        EntryKind::Event => {
            format!(r#"<rect x="{:.1}" y="{:.1}" width="8" height="8"/>"#, x - 4.0, y - 4.0)
        }
    }
}

fn cluster_title(cluster: &Cluster, severity: Severity) -> String {
    let mut title = format!("{} UTC, {severity}", to_seconds(cluster.first));
    for label in cluster.labels.iter().take(LABELS_PER_MARK) {
        let _ = write!(title, "\n{}", clip(&terminal(label), 120));
    }
    let more = cluster.labels.len().saturating_sub(LABELS_PER_MARK);
    if more > 0 {
        let _ = write!(title, "\nand {} more", number(more as u64));
    }
    title
}

/// Draws the legend below `top` and returns the height of the whole picture.
fn push_legend(out: &mut String, bars: &Bars, marks: &[Mark], outside: u64, top: f64) -> f64 {
    let tables = bars.series.iter().map(|(name, class, _)| {
        (format!(r#"<rect class="{class}" x="-5" y="-5" width="10" height="10"/>"#), name.clone())
    });
    let kinds = [
        (EntryKind::Detection, "detection"),
        (EntryKind::Finding, "secret, first logged"),
        (EntryKind::Event, "event"),
    ];
    let symbols = kinds
        .into_iter()
        .filter(|(kind, _)| marks.iter().any(|mark| mark.kind == *kind))
        .map(|(kind, name)| (format!(r#"<g class="symbol">{}</g>"#, symbol(kind, 0.0, 0.0)), name.to_owned()));
    let (mut x, mut y) = (LEFT, top + LEGEND_ROW * 0.5);
    for (picture, name) in tables.chain(symbols) {
        // Text cannot be measured here: 7.5 units a column is on the safe side of a 13-unit font.
        let room = 30.0 + 7.5 * super::text::width(&name) as f64;
        if x > LEFT && x + room > RIGHT {
            (x, y) = (LEFT, y + LEGEND_ROW);
        }
        let _ = write!(
            out,
            r#"<g transform="translate({:.1} {y:.1})">{picture}<text class="key" x="11" y="4">{}</text></g>"#,
            x + 6.0,
            escape(&name)
        );
        x += room;
    }
    if outside > 0 {
        y += LEGEND_ROW;
        let note = format!("{} outside of this time not drawn", counted(outside, "mark"));
        let _ = write!(out, r#"<text class="note" x="{LEFT}" y="{:.1}">{note}</text>"#, y + 4.0);
    }
    y + LEGEND_ROW * 0.5
}

/// Text fit for SVG content and attribute values.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// As [`escape`], keeping our own line ends; text from logs in it must be free of them already.
fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;

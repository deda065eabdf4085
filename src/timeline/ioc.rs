//! Which of a list of indicators stand in the lake, and where.

use super::windows::Windows;
use crate::frame::{self, Cells, FrameError};
use crate::lake::{Lake, schema};
use crate::model::{Common, Indicator, IndicatorKind, IpNetwork, Link, Micros, TimeRange};
use aho_corasick::{AhoCorasick, MatchKind};
use polars::prelude::*;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// Where one indicator was seen.
#[derive(Clone, Debug, Serialize)]
pub struct Sighting {
    pub indicator: Indicator,
    pub events: u64,
    pub first: Micros,
    pub last: Micros,
    /// Events per table.
    pub tables: BTreeMap<String, u64>,
    /// Log groups, load balancers and the like; the first [`PLACES`] of them.
    pub resources: BTreeSet<String>,
    /// Event id of the first.
    pub reference: String,
}

const PLACES: usize = 16;
/// Rows of a window.
const ROWS: u64 = 4_000_000;
/// Tables whose text is addresses and numbers alone: their columns say all.
const NUMBERS: [&str; 2] = ["vpcflow", "tgwflow"];

/// Looks for indicators in lists of addresses and in text.
struct Sweep {
    indicators: Vec<Indicator>,
    /// Single addresses, and what they are in the list.
    ips: HashMap<String, usize>,
    networks: Vec<(IpNetwork, usize)>,
    texts: AhoCorasick,
    /// By number of the pattern.
    of_text: Vec<usize>,
}

/// Every indicator that was seen, the one in most events first.
///
/// # Errors
/// Parts that cannot be read; a list too large for the search.
pub fn sweep(lake: &Lake, indicators: &[Indicator], range: TimeRange) -> Result<Vec<Sighting>, FrameError> {
    let sweep = Arc::new(Sweep::new(indicators)?);
    let mut seen: BTreeMap<usize, Sighting> = BTreeMap::new();
    for table in lake.tables() {
        let mut windows = Windows::new(lake, &[table], range);
        while let Some(window) = windows.next(ROWS) {
            let Some(plan) = frame::events(lake, &[table], window)? else {
                continue;
            };
            let plan = plan.filter(col(Common::EventTime.name()).is_not_null().and(Sweep::predicate(&sweep, table)));
            let columns =
                [Common::EventTime.name(), Common::Resource.name(), Link::Ip.column(), schema::EVENT_ID, schema::RAW];
            let cells = Cells::collect(plan.select(columns.map(col)))?;
            (0..cells.rows()).for_each(|row| sweep.note(table, &cells, row, &mut seen));
        }
    }
    let mut sightings: Vec<Sighting> = seen.into_values().collect();
    sightings.sort_by(|a, b| (b.events, &a.indicator).cmp(&(a.events, &b.indicator)));
    Ok(sightings)
}

impl Sweep {
    fn new(indicators: &[Indicator]) -> Result<Self, FrameError> {
        let (mut ips, mut networks, mut patterns, mut of_text) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        for (at, indicator) in indicators.iter().enumerate() {
            match (indicator.kind, IpNetwork::parse(&indicator.value)) {
                (IndicatorKind::Cidr, Some(network)) => networks.push((network, at)),
                (kind, _) => {
                    if kind == IndicatorKind::Ip {
                        ips.insert(indicator.value.clone(), at);
                    }
                    for spelling in [Some(indicator.value.clone()), with_port(&indicator.value)].into_iter().flatten() {
                        patterns.push(spelling);
                        of_text.push(at);
                    }
                }
            }
        }
        let texts = AhoCorasick::builder().match_kind(MatchKind::Standard).ascii_case_insensitive(true).build(patterns);
        let texts = texts.map_err(|error| FrameError { message: format!("too many indicators: {error}") })?;
        Ok(Self { indicators: indicators.to_vec(), ips, networks, texts, of_text })
    }

    /// Rows that have any indicator.
    fn predicate(sweep: &Arc<Self>, table: &str) -> Expr {
        let networks: Vec<IpNetwork> = sweep.networks.iter().map(|(network, _)| *network).collect();
        let mut all = frame::has_any(Link::Ip, sweep.ips.keys().cloned());
        if !networks.is_empty() {
            all = all.or(frame::in_networks(&networks));
        }
        if !NUMBERS.contains(&table) && !sweep.of_text.is_empty() {
            let sweep = Arc::clone(sweep);
            all = all.or(frame::text_matches(schema::RAW, "an indicator", move |text| !sweep.in_text(text).is_empty()));
        }
        all
    }

    /// Indicators in a text, where no letter or digit goes on.
    fn in_text(&self, text: &str) -> BTreeSet<usize> {
        let bytes = text.as_bytes();
        let goes_on = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
        let found = self.texts.find_overlapping_iter(bytes).filter_map(|hit| {
            let at = *self.of_text.get(hit.pattern().as_usize())?;
            let (before, after) = (char_before(&bytes[..hit.start()]), bytes.get(hit.end()));
            let more = match self.indicators[at].kind {
                // A longer address or name, which is another one; a name inside the listed domain is not.
                IndicatorKind::Ip => {
                    matches!(before, Some(b'.')) || (after == Some(&b'.') && goes_on(bytes.get(hit.end() + 1)))
                }
                IndicatorKind::Domain => {
                    matches!(before, Some(b'-'))
                        || matches!(after, Some(b'-'))
                        || (after == Some(&b'.') && goes_on(bytes.get(hit.end() + 1)))
                }
                _ => false,
            };
            let whole = match self.indicators[at].kind {
                IndicatorKind::Text | IndicatorKind::Url | IndicatorKind::UserAgent => true,
                _ => !goes_on(before) && !goes_on(after),
            };
            (whole && !more).then_some(at)
        });
        found.collect()
    }

    fn note(&self, table: &str, cells: &Cells, row: usize, seen: &mut BTreeMap<usize, Sighting>) {
        let Some(time) = cells.time(Common::EventTime.name(), row) else {
            return;
        };
        let mut found = BTreeSet::new();
        for ip in cells.list(Link::Ip.column(), row) {
            found.extend(self.ips.get(&ip));
            if let Ok(address) = ip.parse::<IpAddr>() {
                found.extend(self.networks.iter().filter(|(network, _)| network.contains(address)).map(|(_, at)| at));
            }
        }
        if !NUMBERS.contains(&table) {
            found.extend(self.in_text(&cells.text(schema::RAW, row).unwrap_or_default()));
        }
        let reference = || cells.text(schema::EVENT_ID, row).unwrap_or_default();
        for at in found {
            let sighting = seen.entry(at).or_insert_with(|| Sighting {
                indicator: self.indicators[at].clone(),
                events: 0,
                first: time,
                last: time,
                tables: BTreeMap::new(),
                resources: BTreeSet::new(),
                reference: reference(),
            });
            sighting.events += 1;
            if time < sighting.first {
                (sighting.first, sighting.reference) = (time, reference());
            }
            sighting.last = sighting.last.max(time);
            *sighting.tables.entry(table.to_owned()).or_default() += 1;
            if let Some(resource) = cells.text(Common::Resource.name(), row)
                && sighting.resources.len() < PLACES
            {
                sighting.resources.insert(resource);
            }
        }
    }
}

/// The last byte before a hit; `None` where that is the end of a percent escape: `%2F` is a slash.
fn char_before(before: &[u8]) -> Option<&u8> {
    let escaped = matches!(before, [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    before.last().filter(|_| !escaped)
}

/// A URL with the port that it leaves out, as load balancers log it.
fn with_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let port = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let has_one = host.rsplit(']').next().is_some_and(|host| host.contains(':'));
    (!has_one).then(|| format!("{scheme}://{host}:{port}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_stand_alone_in_text() {
        let list: Vec<Indicator> = [
            "203.0.113.9",
            "evil.example",
            "python-requests/2",
            "d41d8cd98f00b204e9800998ecf8427e",
            "https://shop.test/a",
        ]
        .iter()
        .filter_map(|text| Indicator::of(text, None, None))
        .collect();
        let sweep = Sweep::new(&list).unwrap();
        let found = |text: &str| sweep.in_text(text).into_iter().collect::<Vec<_>>();
        assert_eq!(found("from 203.0.113.9:443 to http://cdn.EVIL.example/x"), [0, 1]);
        assert_eq!(found("?url=http%3A%2F%2F203.0.113.9%2Fu"), [0]);
        assert!(
            found("203.0.113.91 1203.0.113.9 203.0.113.9.4 notevil.example evil.example.org evil.examples").is_empty()
        );
        assert_eq!(found("GET https://shop.test:443/a?b HTTP/1.1"), [4]);
        assert_eq!(with_port("http://shop.test:8080/a"), None);
        assert_eq!(with_port("http://[2001:db8::7]/a").as_deref(), Some("http://[2001:db8::7]:80/a"));
        assert_eq!(found("\"python-requests/2.31.0\" D41D8CD98F00B204E9800998ECF8427E."), [2, 3]);
    }
}

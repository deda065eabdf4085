//! From an id to everything that hangs together with it, link by link.

mod fetch;
mod links;

use super::entries::{StorySources, beside};
use super::query::TimelineQuery;
use crate::frame::FrameError;
use crate::lake::Lake;
use crate::model::{Entry, EntryKind, EntryLink, Micros, NetworkContext};
use fetch::{Fetch, Hit};
use links::{By, Values};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// From where, and how far.
pub struct PivotQuery<'a> {
    /// Ids of any kind: addresses, access keys, request and trace ids, ARNs, users, event ids, fingerprints.
    pub starts: &'a [String],
    /// Steps at most; all of one request counts as one.
    pub depth: u32,
    /// How far apart in time, in microseconds, two events of one address, session or target may be.
    pub window: i64,
    /// Events of one value from which on it links nothing: load balancers' health checks, NAT gateways.
    pub most: u64,
    pub context: &'a NetworkContext,
}

/// A value that was not followed, because too much has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotFollowed {
    pub by: &'static str,
    pub value: String,
    pub events: u64,
}

/// What hangs together, in time order.
pub struct Pivoted {
    pub entries: Vec<Entry>,
    pub not_followed: Vec<NotFollowed>,
}

/// Rounds of following the requests of requests inside one step.
const ROUNDS: usize = 6;

/// Everything within `depth` steps of the starts that the question's other filters leave. Each entry says by which
/// link it came in, from which value, and after how many steps.
///
/// # Errors
/// Parts that cannot be read, and a condition that is no SQL.
pub fn pivot(
    lake: &Lake,
    query: &TimelineQuery,
    sources: &StorySources<'_>,
    asked: &PivotQuery<'_>,
) -> Result<Pivoted, FrameError> {
    let mut walk = Walk { fetch: Fetch::new(lake, query, asked)?, seen: HashMap::new(), followed: BTreeSet::new() };
    let mut fresh = walk.start(asked.starts)?;
    for hop in 0..=asked.depth {
        if hop > 0 {
            let values = walk.values_of(&fresh, asked.context, &By::ALL);
            fresh = walk.step(&values, hop)?;
        }
        let mut newest = fresh.clone();
        for _ in 0..ROUNDS {
            let values = walk.values_of(&newest, asked.context, &[By::Request]);
            newest = walk.step(&values, hop)?;
            if newest.is_empty() {
                break;
            }
            fresh.extend(newest.iter().cloned());
        }
        if fresh.is_empty() {
            break;
        }
    }
    let mut entries: Vec<Entry> = walk.seen.into_values().map(|hit| hit.entry).collect();
    entries.extend(about(query, sources, &entries, &walk.followed));
    let mut order: Vec<(Micros, EntryKind, usize)> =
        entries.iter().enumerate().map(|(i, entry)| (entry.time, entry.kind, i)).collect();
    order.sort_unstable_by(|a, b| (a.0, a.1, key(&entries[a.2])).cmp(&(b.0, b.1, key(&entries[b.2]))));
    let mut slots: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    let entries = order.into_iter().filter_map(|(_, _, i)| slots[i].take()).collect();
    Ok(Pivoted { entries, not_followed: walk.fetch.not_followed() })
}

/// Orders entries of one time.
fn key(entry: &Entry) -> (&str, &str) {
    (&entry.source, &entry.reference)
}

struct Walk<'a> {
    fetch: Fetch<'a>,
    /// By event id.
    seen: HashMap<String, Hit>,
    /// Values that were asked for already.
    followed: BTreeSet<(By, String)>,
}

impl Walk<'_> {
    /// The events that the starts name themselves.
    fn start(&mut self, starts: &[String]) -> Result<Vec<Hit>, FrameError> {
        let mut fresh = Vec::new();
        for start in starts {
            for mut hit in self.fetch.named(start)? {
                hit.entry.link = Some(EntryLink { by: "start", value: start.clone(), hop: 0 });
                self.note(hit, &mut fresh);
            }
            // Asked for whole, whatever the window and however many there are.
            let all = [By::Request, By::Key, By::Ip, By::Token];
            self.followed.extend(all.map(|by| (by, start.clone())));
        }
        Ok(fresh)
    }

    /// What these events have that was not asked for yet, with the times at which they have it.
    fn values_of(&self, hits: &[Hit], context: &NetworkContext, kinds: &[By]) -> Values {
        let mut values = Values::default();
        for hit in hits {
            links::collect(hit, context, kinds, &mut values);
        }
        values.retain(|by, value| !self.followed.contains(&(by, value.to_owned())));
        values
    }

    /// Events that have one of the values and were not seen before.
    fn step(&mut self, values: &Values, hop: u32) -> Result<Vec<Hit>, FrameError> {
        let mut fresh = Vec::new();
        for by in By::ALL {
            let of_kind = values.of(by);
            if of_kind.is_empty() {
                continue;
            }
            self.followed.extend(of_kind.keys().map(|value| (by, value.clone())));
            for (mut hit, value) in self.fetch.having(by, of_kind)? {
                let told = if by == By::Ip && links::is_flow(&hit, &value, &self.seen) { "flow" } else { by.as_str() };
                hit.entry.link = Some(EntryLink { by: told, value, hop });
                self.note(hit, &mut fresh);
            }
        }
        Ok(fresh)
    }

    fn note(&mut self, hit: Hit, fresh: &mut Vec<Hit>) {
        if !self.seen.contains_key(&hit.entry.reference) {
            self.seen.insert(hit.entry.reference.clone(), hit.clone());
            fresh.push(hit);
        }
    }
}

/// Findings of the keys and tokens that were followed, detections about the events and addresses that were seen.
fn about(
    query: &TimelineQuery,
    sources: &StorySources<'_>,
    events: &[Entry],
    followed: &BTreeSet<(By, String)>,
) -> Vec<Entry> {
    let hops: BTreeMap<&str, u32> =
        events.iter().map(|e| (e.reference.as_str(), e.link.as_ref().map_or(0, |link| link.hop))).collect();
    let all = TimelineQuery { range: query.range, min_severity: query.min_severity, ..TimelineQuery::default() };
    let has = |by: By, value: &str| followed.contains(&(by, value.to_owned()));
    let keys_of = |fingerprint: &str| {
        let finding = sources.findings.iter().find(|finding| finding.fingerprint == fingerprint);
        finding.into_iter().flat_map(|finding| finding.public_ids.iter().map(|(_, id)| id.clone())).collect::<Vec<_>>()
    };
    let link = |entry: &Entry| match entry.kind {
        EntryKind::Finding => {
            let key = keys_of(&entry.reference).into_iter().find(|id| has(By::Key, id));
            let token = || has(By::Token, &entry.reference).then(|| entry.reference.clone());
            key.map(|key| (By::Key, key)).or_else(|| token().map(|token| (By::Token, token)))
        }
        EntryKind::Detection | EntryKind::Event => {
            let event = hops.contains_key(entry.reference.as_str()).then(|| (By::Request, entry.reference.clone()));
            event.or_else(|| entry.source_ip.clone().filter(|ip| has(By::Ip, ip)).map(|ip| (By::Ip, ip)))
        }
    };
    let linked = |mut entry: Entry| {
        let (by, value) = link(&entry)?;
        let hop = hops.get(entry.reference.as_str()).copied().unwrap_or(1);
        entry.link = Some(EntryLink { by: by.as_str(), value, hop });
        Some(entry)
    };
    beside(&all, sources).into_iter().filter_map(linked).collect()
}

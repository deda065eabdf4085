//! Entries grouped by actor and idle gap.

use crate::model::{Entry, EntryKind, Micros};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What one actor did without a long pause.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    pub first: Micros,
    pub last: Micros,
    /// Who acted; an address where nobody is named.
    pub actor: String,
    pub events: u64,
    pub failures: u64,
    /// Addresses it came from, the first [`SHOWN`] of them in order of text.
    pub source_ips: BTreeSet<String>,
    pub sources: BTreeSet<String>,
    /// Actions and how often; the first [`KINDS`] different ones.
    pub actions: BTreeMap<String, u64>,
    /// Event id of the first.
    pub reference: String,
}

/// Addresses kept of a session.
const SHOWN: usize = 16;
/// Different actions kept of a session.
const KINDS: usize = 64;

impl Session {
    fn new(actor: &str, entry: &Entry) -> Self {
        Self {
            first: entry.time,
            last: entry.time,
            actor: actor.to_owned(),
            events: 0,
            failures: 0,
            source_ips: BTreeSet::new(),
            sources: BTreeSet::new(),
            actions: BTreeMap::new(),
            reference: entry.reference.clone(),
        }
    }

    fn add(&mut self, entry: &Entry) {
        self.last = entry.time;
        self.events += 1;
        self.failures += u64::from(entry.outcome.as_deref().is_some_and(|outcome| outcome.starts_with("failure")));
        if let Some(ip) = entry.source_ip.as_ref().filter(|_| self.source_ips.len() < SHOWN) {
            self.source_ips.insert(ip.clone());
        }
        if !self.sources.contains(&entry.source) {
            self.sources.insert(entry.source.clone());
        }
        if let Some(action) = &entry.action {
            let room = self.actions.len() < KINDS;
            match self.actions.get_mut(action) {
                Some(count) => *count += 1,
                None if room => drop(self.actions.insert(action.clone(), 1)),
                None => {}
            }
        }
    }
}

/// Takes entries in time order. Findings and detections belong to no session.
pub struct Sessions {
    /// Microseconds without an event that end a session.
    idle: i64,
    open: HashMap<String, Session>,
    closed: Vec<Session>,
}

impl Sessions {
    pub fn new(idle: i64) -> Self {
        Self { idle, open: HashMap::new(), closed: Vec::new() }
    }

    pub fn push(&mut self, entry: &Entry) {
        let actor = entry.actor.as_deref().or(entry.source_ip.as_deref());
        let (EntryKind::Event, Some(actor)) = (entry.kind, actor) else {
            return;
        };
        if let Some(session) = self.open.get_mut(actor) {
            if entry.time.0 - session.last.0 > self.idle {
                self.closed.push(std::mem::replace(session, Session::new(actor, entry)));
            }
            session.add(entry);
            return;
        }
        let mut session = Session::new(actor, entry);
        session.add(entry);
        self.open.insert(actor.to_owned(), session);
    }

    /// All sessions by their first time, then actor.
    pub fn finish(mut self) -> Vec<Session> {
        self.closed.extend(self.open.into_values());
        self.closed.sort_by(|a, b| (a.first, &a.actor).cmp(&(b.first, &b.actor)));
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::tests::event;

    #[test]
    fn a_pause_begins_a_new_session() {
        let mut sessions = Sessions::new(100);
        for (time, action) in [(0, "a"), (100, "b"), (201, "a")] {
            sessions.push(&event(time, action));
        }
        let all = sessions.finish();
        let told: Vec<_> = all.iter().map(|s| (s.first.0, s.last.0, s.events)).collect();
        assert_eq!(told, [(0, 100, 2), (201, 201, 1)]);
        assert_eq!(all[0].actions, BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 1)]));
    }
}

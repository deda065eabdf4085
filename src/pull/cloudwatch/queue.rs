//! What waits to be fetched, and who works.

use super::get::Chain;
use super::{Method, Slice};
use std::collections::VecDeque;

/// What workers ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    FilterLogEvents,
    GetLogEvents,
    Insights,
}

/// Workers of one API.
#[derive(Default)]
pub(super) struct Workers {
    pub working: usize,
    pub idle: usize,
}

impl Workers {
    /// How many more chains are wanted where so many keep the pace: more would only wait for their turn, and every cut
    /// costs calls that bring little.
    pub fn wanted(&self, keep_pace: usize, waiting: usize) -> usize {
        keep_pace.saturating_sub(self.working).min(self.idle).saturating_sub(waiting)
    }
}

/// What waits, and how many are in work.
#[derive(Default)]
pub(super) struct Queue {
    pub slices: VecDeque<Slice>,
    pub chains: VecDeque<Chain>,
    pub filters: Workers,
    pub gets: Workers,
    pub queries: Workers,
    /// The streams of a slice are being listed.
    pub listing: bool,
    /// ARNs of groups that are given up.
    pub failed: Vec<String>,
}

pub(super) enum Job {
    Filter(Slice),
    /// A slice whose streams are not known yet.
    Streams(Slice),
    Chain(Chain),
    Query(Slice),
}

impl Queue {
    pub fn hands(&mut self, api: Api) -> &mut Workers {
        match api {
            Api::FilterLogEvents => &mut self.filters,
            Api::GetLogEvents => &mut self.gets,
            Api::Insights => &mut self.queries,
        }
    }

    /// Whether nothing can come for workers of that API any more, once nothing waits. Filters may give halves of their
    /// slices to gets; otherwise each gives to its like only.
    pub fn is_over(&self, api: Api) -> bool {
        match api {
            Api::FilterLogEvents => self.filters.working == 0,
            Api::GetLogEvents => self.filters.working == 0 && self.gets.working == 0,
            Api::Insights => self.queries.working == 0,
        }
    }

    /// The next job; `keep_pace`: so many chains keep the pace of that API.
    pub fn take(&mut self, api: Api, keep_pace: usize) -> Option<Job> {
        if self.hands(api).working >= keep_pace {
            return None;
        }
        match api {
            Api::FilterLogEvents => {
                let fits = |slice: &Slice| matches!(slice.method, Method::FilterLogEvents | Method::Both);
                // Of slices that GetLogEvents could take too, few are begun at a time, and pieces of those come first:
                // else at the end all were begun, each too small for GetLogEvents, whose quota went unused.
                let enough = self.filters.working * 2 >= keep_pace.max(2);
                let whole = |slice: &Slice| fits(slice) && !(enough && slice.method == Method::Both);
                let mut slices = self.slices.iter();
                let at = slices.position(|slice| fits(slice) && slice.shared);
                let at = at.or_else(|| self.slices.iter().position(whole))?;
                self.slices.remove(at).map(Job::Filter)
            }
            Api::Insights => {
                let at = self.slices.iter().position(|slice| slice.method == Method::Insights)?;
                self.slices.remove(at).map(Job::Query)
            }
            Api::GetLogEvents => {
                if let Some(chain) = self.chains.pop_front() {
                    return Some(Job::Chain(chain));
                }
                // From the other end than the filters; one at a time, or the first moment would take all there are.
                if self.listing {
                    return None;
                }
                let fits = |slice: &Slice| matches!(slice.method, Method::GetLogEvents | Method::Both) && !slice.shared;
                let at = self.slices.iter().rposition(fits)?;
                let slice = self.slices.remove(at)?;
                self.listing = true;
                Some(Job::Streams(slice))
            }
        }
    }
}

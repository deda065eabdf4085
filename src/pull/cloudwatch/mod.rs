//! Log groups → spools: workers that take slices of time, by FilterLogEvents and by GetLogEvents, each with a quota of
//! its own. Facts: AWS, "CloudWatch Logs service quotas".

mod filter;
mod get;
mod insights;
mod queue;

use super::Given;
use super::call::{Caller, Fault};
use super::groups::LogGroup;
use super::pace::Pace;
use super::spool::{Ended, Spool};
use aws_sdk_cloudwatchlogs::Client;
use queue::{Api, Job, Queue};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A spool is ended when it holds so many bytes of messages: what a killed run costs at most, per worker.
const SPOOL_BYTES: u64 = 16 * 1024 * 1024;
/// No page is asked for while so much waits to be taken over.
const SPOOLED_BYTES: u64 = 128 * 1024 * 1024;
/// Seconds that a page takes at most, mostly: so many workers keep the pace.
const LATENCY: f64 = 3.0;
const MOST_WORKERS: usize = 48;
/// Queries at a time: a fifth of what AWS allows, for dashboards need some.
const QUERIES: usize = 20;
/// Milliseconds of the slices of a range at least, before anything is known of it.
const SHORTEST: i64 = 1000;
/// Pages that such a slice should have, about.
const FIRST_PAGES: u64 = 16;
/// Shares that are given away at a time: four halves of halves find a second that is as full as the hour around it.
const SHARES: usize = 4;
/// Slices of a range that GetLogEvents takes part in.
pub const SLICES: u64 = 16;
/// Places of a range that a sample is taken from.
const SAMPLES: u64 = 8;
/// Restarts of one slice because its token was refused.
const RESTARTS: u32 = 5;

/// What to fetch of each group.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    pub stream_prefix: Option<String>,
    pub filter_pattern: Option<String>,
    /// Ask for what a data protection policy hides.
    pub unmask: bool,
    /// Ask a monitoring account for groups of the accounts that are linked to it.
    pub linked: bool,
}

impl Ask {
    fn name_of(&self, group: &LogGroup) -> Option<String> {
        (!self.linked).then(|| group.name.clone())
    }

    fn identifier_of(&self, group: &LogGroup) -> Option<String> {
        self.linked.then(|| group.arn.clone())
    }

    /// Whether what comes of the group lacks what its data protection policy hides. Insights has no unmask.
    pub fn is_masked(&self, group: &LogGroup) -> bool {
        group.is_masked() && (!self.unmask || group.is_infrequent())
    }

    /// The group and what is asked of it: ranges fetched by one such ask are no part of another's.
    pub fn source(&self, group: &LogGroup) -> String {
        let mut source = group.arn.clone();
        let mut separator = '?';
        let mut add = |name: &str, value: &str| {
            source.push(separator);
            source.push_str(name);
            source.push('=');
            source.push_str(value);
            separator = '&';
        };
        if let Some(prefix) = &self.stream_prefix {
            add("logStreamNamePrefix", prefix);
        }
        if let Some(pattern) = &self.filter_pattern {
            add("filterPattern", pattern);
        }
        if self.unmask {
            add("unmask", "true");
        }
        source
    }
}

/// Which API gives the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    FilterLogEvents,
    GetLogEvents,
    /// Slices go to whoever is free.
    Both,
    /// Queries of Logs Insights, for classes that have nothing else.
    Insights,
}

/// A group's time, milliseconds since 1970, half-open.
#[derive(Clone, Debug)]
pub struct Slice {
    pub group: Arc<LogGroup>,
    pub from: i64,
    pub to: i64,
    pub method: Method,
    /// Cut off from another slice: too small for GetLogEvents, which costs calls for each stream.
    pub(super) shared: bool,
    /// Bytes of messages after which the rest is left out.
    pub(super) budget: Option<u64>,
    /// Pages that it has, about.
    pages: u64,
}

impl Slice {
    /// `pages`: how many it has, about.
    pub const fn new(group: Arc<LogGroup>, (from, to): (i64, i64), method: Method, pages: u64) -> Self {
        Self { group, from, to, method, shared: false, budget: None, pages }
    }

    /// To be left at so many bytes of messages.
    pub fn left_at(self, budget: Option<u64>) -> Self {
        Self { budget, ..self }
    }
}

/// Fetches slices.
pub(super) struct Fetcher {
    pub client: Client,
    pub ask: Ask,
    pub caller: Caller,
    pub filter: Arc<Pace>,
    pub get: Arc<Pace>,
    pub describe_streams: Arc<Pace>,
    pub start_query: Arc<Pace>,
    pub query_results: Arc<Pace>,
    /// Where spools are made.
    pub folder: PathBuf,
}

struct Run {
    fetcher: Fetcher,
    queue: Mutex<Queue>,
    /// Streams by the group's ARN.
    names: Mutex<HashMap<String, Arc<Vec<String>>>>,
    give: Sender<Given>,
}

impl Fetcher {
    /// Fetches every slice; ends early when stopped or when nobody listens.
    pub async fn run(self, slices: Vec<Slice>, give: Sender<Given>) {
        let workers = |pace: &Pace| ((pace.rate() * LATENCY).ceil() as usize).clamp(2, MOST_WORKERS);
        let any = |methods: &[Method], most: usize| {
            if slices.iter().any(|slice| methods.contains(&slice.method)) { most } else { 0 }
        };
        let filters = any(&[Method::FilterLogEvents, Method::Both], workers(&self.filter));
        let gets = any(&[Method::GetLogEvents, Method::Both], workers(&self.get));
        let queries = any(&[Method::Insights], QUERIES);
        let cut = |slice| first_cut(slice, filters.max(gets).max(queries) as u64);
        let queue = Queue { slices: slices.iter().flat_map(cut).collect(), ..Queue::default() };
        let run = Arc::new(Run { fetcher: self, queue: Mutex::new(queue), names: Mutex::default(), give });
        let hands = [(Api::FilterLogEvents, filters), (Api::GetLogEvents, gets), (Api::Insights, queries)];
        let hands = hands.into_iter().flat_map(|(api, count)| std::iter::repeat_n(api, count));
        let tasks: Vec<_> = hands.map(|api| tokio::spawn(Run::work(Arc::clone(&run), api))).collect();
        for task in tasks {
            // A worker that panicked leaves its slice undone, and the lake knows that.
            let _ = task.await;
        }
    }
}

/// Two slices at least, of a few pages each as far as one knows, and no more than there are workers.
fn first_cut(slice: &Slice, workers: u64) -> Vec<Slice> {
    let pieces = match slice.method {
        // What the planner reckoned with.
        Method::Both => SLICES,
        _ if slice.budget.is_some() => SAMPLES,
        _ => (slice.pages / FIRST_PAGES).clamp(2, workers.max(2)),
    };
    let step = ((slice.to - slice.from) / pieces.cast_signed()).max(SHORTEST);
    let mut cut = Vec::new();
    let mut from = slice.from;
    while from < slice.to {
        let to = if slice.to - from < step * 2 { slice.to } else { from + step };
        cut.push(Slice { from, to, ..slice.clone() });
        from = to;
    }
    let pieces = cut.len() as u64;
    cut.iter_mut().for_each(|slice| slice.budget = slice.budget.map(|bytes| bytes / pieces));
    cut
}

/// Cuts `[from, to)` for so many idle workers: the end of what is kept, and what is given away. Each cut gives away the
/// later half, for nobody knows where the events lie.
fn shares(from: i64, to: i64, idle: usize) -> (i64, Vec<(i64, i64)>) {
    let (mut kept, mut given) = (to, Vec::new());
    while given.len() < idle.min(SHARES) && kept - from >= 2 {
        let middle = from + (kept - from) / 2;
        given.push((middle, kept));
        kept = middle;
    }
    (kept, given)
}

fn disk(error: std::io::Error) -> Fault {
    Fault::Failed(format!("the lake's folder cannot be written: {error}"))
}

/// Whether a request was refused for its token.
fn is_token(why: &str) -> bool {
    why.to_ascii_lowercase().contains("token")
}

/// Names of the group's streams, those that are asked for; ends when there are more than `most`.
pub(super) async fn streams(fetcher: &Fetcher, group: &LogGroup, most: usize) -> Result<Vec<String>, Fault> {
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let request = fetcher
            .client
            .describe_log_streams()
            .set_log_group_name(fetcher.ask.name_of(group))
            .set_log_group_identifier(fetcher.ask.identifier_of(group))
            .set_log_stream_name_prefix(fetcher.ask.stream_prefix.clone())
            .set_next_token(token);
        let page = fetcher.caller.call(&fetcher.describe_streams, || request.clone().send()).await?;
        names.extend(page.log_streams().iter().filter_map(|stream| stream.log_stream_name()).map(str::to_owned));
        token = page.next_token().map(str::to_owned);
        if token.is_none() || names.len() > most {
            return Ok(names);
        }
    }
}

impl Run {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when no other can come.
    async fn next(&self, api: Api) -> Option<Job> {
        let mut idle = false;
        loop {
            {
                let keep_pace = match api {
                    Api::FilterLogEvents => self.fetcher.filter.calls_at_once(),
                    Api::GetLogEvents => self.fetcher.get.calls_at_once(),
                    Api::Insights => QUERIES,
                };
                let mut queue = self.queue();
                let stopped = self.fetcher.caller.stats.is_stopped();
                let next = if stopped { None } else { queue.take(api, keep_pace) };
                let over = queue.is_over(api);
                let hands = queue.hands(api);
                if next.is_some() || stopped || over {
                    hands.working += usize::from(next.is_some());
                    hands.idle -= usize::from(idle);
                    return next;
                }
                hands.idle += usize::from(!idle);
                idle = true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn work(self: Arc<Self>, api: Api) {
        while let Some(job) = self.next(api).await {
            let (group, result) = match job {
                Job::Filter(slice) => (Arc::clone(&slice.group), self.filter(slice).await),
                Job::Streams(slice) => {
                    let group = Arc::clone(&slice.group);
                    let chains = self.streams(slice).await;
                    let mut queue = self.queue();
                    queue.listing = false;
                    (group, chains.map(|chains| queue.chains.extend(chains)))
                }
                Job::Query(slice) => (Arc::clone(&slice.group), self.query(slice).await),
                Job::Chain(chain) => (chain.group(), self.follow(chain).await),
            };
            self.queue().hands(api).working -= 1;
            if let Err(fault) = result {
                self.failed(group, fault);
            }
        }
    }

    /// Gives up the group, or everything.
    fn failed(&self, group: Arc<LogGroup>, fault: Fault) {
        let mut queue = self.queue();
        if matches!(fault, Fault::Stopped | Fault::Credentials(_)) {
            self.fetcher.caller.stats.stop.store(true, Ordering::Relaxed);
        } else {
            queue.slices.retain(|slice| slice.group.arn != group.arn);
            queue.chains.retain(|chain| chain.group().arn != group.arn);
        }
        let first = !queue.failed.contains(&group.arn);
        queue.failed.push(group.arn.clone());
        drop(queue);
        let _ = match fault {
            Fault::Credentials(why) => self.give.send(Given::Credentials(why)),
            Fault::Stopped => Ok(()),
            _ if first => self.give.send(Given::Failed { what: group.name.clone(), why: fault.text().to_owned() }),
            _ => Ok(()),
        };
    }

    /// Waits until the lake has taken over enough of what came.
    async fn wait_for_room(&self) {
        let stats = &self.fetcher.caller.stats;
        while stats.spooled.load(Ordering::Relaxed) > SPOOLED_BYTES && !stats.is_stopped() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Counts a page; gives its bytes.
    fn count<'a>(&self, messages: impl Iterator<Item = &'a str>) -> u64 {
        let (events, bytes) = messages.fold((0, 0), |(n, bytes), message| (n + 1, bytes + message.len() as u64));
        let stats = &self.fetcher.caller.stats;
        stats.empty_pages.fetch_add(u64::from(events == 0), Ordering::Relaxed);
        stats.events.fetch_add(events, Ordering::Relaxed);
        stats.bytes.fetch_add(bytes, Ordering::Relaxed);
        bytes
    }

    /// An empty file for events of the group.
    fn spool(&self, group: &LogGroup) -> Result<Spool, Fault> {
        Spool::new(&self.fetcher.folder, self.fetcher.ask.is_masked(group)).map_err(disk)
    }

    fn give(&self, slice: Slice, ended: Ended) {
        let Ended { path, events, bytes, masked } = ended;
        let stats = &self.fetcher.caller.stats;
        stats.spooled.fetch_add(bytes, Ordering::Relaxed);
        if self.give.send(Given::Slice { slice, path, events, bytes, masked }).is_err() {
            stats.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_given_away_until_nobody_is_idle() {
        assert_eq!(shares(0, 1000, 0), (1000, Vec::new()));
        assert_eq!(shares(0, 1000, 1), (500, vec![(500, 1000)]));
        let (kept, given) = shares(8, 3_600_008, 70);
        assert_eq!((kept, given.len()), (225_008, SHARES));
        // Without a hole or an overlap, down to single milliseconds.
        assert_eq!(given.iter().rev().fold(kept, |at, (from, to)| if at == *from { *to } else { -1 }), 3_600_008);
        assert_eq!(shares(5, 7, 70), (6, vec![(6, 7)]));
        assert_eq!(shares(5, 6, 70), (6, Vec::new()));
        assert_eq!(shares(7, 6, 70), (6, Vec::new()));
    }

    #[test]
    fn a_small_group_costs_few_calls() {
        let slice = |pages| Slice::new(Arc::default(), (0, 86_400_000), Method::FilterLogEvents, pages);
        let cut = |pages: u64| first_cut(&slice(pages), 75);
        assert_eq!((cut(0).len(), cut(100).len(), cut(100_000).len()), (2, 6, 75));
        assert_eq!(cut(100).iter().fold(0, |at, slice| if at == slice.from { slice.to } else { -1 }), 86_400_000);
    }
}

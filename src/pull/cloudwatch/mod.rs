//! Log groups → spools: workers that take slices of time, by FilterLogEvents and by GetLogEvents, each with a quota of
//! its own. Facts: AWS, "CloudWatch Logs service quotas".

mod filter;
mod get;

use super::Given;
use super::call::{Caller, Fault};
use super::groups::LogGroup;
use super::pace::Pace;
use super::spool::Ended;
use aws_sdk_cloudwatchlogs::Client;
use get::Chain;
use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A spool is ended when it holds so many bytes of messages: what a killed run costs at most, per worker.
const SPOOL_BYTES: u64 = 16 * 1024 * 1024;
/// No page is asked for while so much waits to be taken over.
const SPOOLED_BYTES: u64 = 512 * 1024 * 1024;
/// Seconds that a page takes at most, mostly: so many workers keep the pace.
const LATENCY: f64 = 3.0;
const MOST_WORKERS: usize = 96;
/// Slices of a range before anything is known of it.
const FIRST_SLICES: i64 = 8;
/// Milliseconds that are not worth two chains.
const SHORTEST: i64 = 1000;
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
}

impl Slice {
    pub const fn new(group: Arc<LogGroup>, (from, to): (i64, i64), method: Method, budget: Option<u64>) -> Self {
        Self { group, from, to, method, shared: false, budget }
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
    /// Where spools are made.
    pub folder: PathBuf,
}

/// Workers of one API.
#[derive(Default)]
struct Hands {
    working: usize,
    idle: usize,
}

/// What waits, and how many are in work.
#[derive(Default)]
struct Queue {
    slices: VecDeque<Slice>,
    chains: VecDeque<Chain>,
    filters: Hands,
    gets: Hands,
    /// ARNs of groups that are given up.
    failed: Vec<String>,
}

enum Job {
    Filter(Slice),
    /// A slice whose streams are not known yet.
    Streams(Slice),
    Chain(Chain),
}

impl Queue {
    fn hands(&mut self, get: bool) -> &mut Hands {
        if get { &mut self.gets } else { &mut self.filters }
    }

    fn take(&mut self, get: bool) -> Option<Job> {
        if !get {
            let at = self.slices.iter().position(|slice| slice.method != Method::GetLogEvents)?;
            return self.slices.remove(at).map(Job::Filter);
        }
        if let Some(chain) = self.chains.pop_front() {
            return Some(Job::Chain(chain));
        }
        // From the other end than the filters.
        let fits = |slice: &Slice| slice.method != Method::FilterLogEvents && !slice.shared;
        let at = self.slices.iter().rposition(fits)?;
        self.slices.remove(at).map(Job::Streams)
    }
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
        let with = |method: Method| slices.iter().any(|slice| slice.method != method);
        let filters = if with(Method::GetLogEvents) { workers(&self.filter) } else { 0 };
        let gets = if with(Method::FilterLogEvents) { workers(&self.get) } else { 0 };
        let queue = Queue { slices: slices.iter().flat_map(first_cut).collect(), ..Queue::default() };
        let run = Arc::new(Run { fetcher: self, queue: Mutex::new(queue), names: Mutex::default(), give });
        let work = |get: bool| tokio::spawn(Run::work(Arc::clone(&run), get));
        let tasks: Vec<_> = (0..filters).map(|_| work(false)).chain((0..gets).map(|_| work(true))).collect();
        for task in tasks {
            // A worker that panicked leaves its slice undone, and the lake knows that.
            let _ = task.await;
        }
    }
}

fn first_cut(slice: &Slice) -> Vec<Slice> {
    let pieces = if slice.method == Method::Both { FIRST_SLICES * 2 } else { FIRST_SLICES };
    let step = ((slice.to - slice.from) / pieces).max(SHORTEST);
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
    async fn next(&self, get: bool) -> Option<Job> {
        let mut idle = false;
        loop {
            {
                let mut queue = self.queue();
                let stopped = self.fetcher.caller.stats.stopped();
                let next = if stopped { None } else { queue.take(get) };
                let hands = queue.hands(get);
                if next.is_some() || stopped || hands.working == 0 {
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

    async fn work(self: Arc<Self>, get: bool) {
        while let Some(job) = self.next(get).await {
            let (group, result) = match job {
                Job::Filter(slice) => (Arc::clone(&slice.group), self.filter(slice).await),
                Job::Streams(slice) => {
                    let group = Arc::clone(&slice.group);
                    let chains = self.streams(slice).await;
                    (group, chains.map(|chains| self.queue().chains.extend(chains)))
                }
                Job::Chain(chain) => (chain.group(), self.follow(chain).await),
            };
            self.queue().hands(get).working -= 1;
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
        while stats.spooled.load(Ordering::Relaxed) > SPOOLED_BYTES && !stats.stopped() {
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

    fn give(&self, slice: Slice, ended: Ended) {
        let Ended { path, events, bytes } = ended;
        let stats = &self.fetcher.caller.stats;
        stats.spooled.fetch_add(bytes, Ordering::Relaxed);
        if self.give.send(Given::Slice { slice, path, events, bytes }).is_err() {
            stats.stop.store(true, Ordering::Relaxed);
        }
    }
}

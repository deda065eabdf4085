//! Log groups → spools, by FilterLogEvents: one chain of pages is serial, so a range of time is cut into slices
//! that are fetched side by side, and a slice that takes long is cut again by whoever is idle. Facts: AWS,
//! "FilterLogEvents", "CloudWatch Logs service quotas".

use super::call::{Fault, Stats, call};
use super::groups::LogGroup;
use super::pace::Pace;
use super::spool::{Ended, LogEvent, Spool};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::filter_log_events::FilterLogEventsOutput;
use std::collections::VecDeque;
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
}

impl Ask {
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

/// A group's time, milliseconds since 1970, half-open.
#[derive(Clone, Debug)]
pub struct Slice {
    pub group: Arc<LogGroup>,
    pub from: i64,
    pub to: i64,
}

/// What a run gives, in any order.
pub enum Given {
    /// Every event of the slice there was.
    Slice { slice: Slice, path: tempfile::TempPath, events: u64, bytes: u64 },
    /// A group that is given up, and why.
    Failed { group: Arc<LogGroup>, why: String },
    /// Nothing more can be fetched with these credentials.
    Credentials(String),
}

/// Fetches slices.
pub struct Fetcher {
    pub client: Client,
    pub ask: Ask,
    pub stats: Arc<Stats>,
    pub pace: Arc<Pace>,
    /// Where spools are made.
    pub folder: PathBuf,
}

/// Slices that wait, and how many are in work.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Slice>,
    working: usize,
    /// ARNs of groups that are given up.
    failed: Vec<String>,
    idle: usize,
}

struct Run {
    fetcher: Fetcher,
    queue: Mutex<Queue>,
    give: Sender<Given>,
}

impl Fetcher {
    /// Fetches every slice; ends early when stopped or when nobody listens.
    pub async fn run(self, slices: Vec<Slice>, give: Sender<Given>) {
        let waiting = slices.iter().flat_map(first_cut).collect();
        let workers = ((self.pace.rate() * LATENCY).ceil() as usize).clamp(2, MOST_WORKERS);
        let run = Arc::new(Run { fetcher: self, queue: Mutex::new(Queue { waiting, ..Queue::default() }), give });
        let tasks: Vec<_> = (0..workers).map(|_| tokio::spawn(Run::work(Arc::clone(&run)))).collect();
        for task in tasks {
            // A worker that panicked leaves its slice undone, and the lake knows that.
            let _ = task.await;
        }
    }
}

fn first_cut(slice: &Slice) -> Vec<Slice> {
    let step = ((slice.to - slice.from) / FIRST_SLICES).max(SHORTEST);
    let mut cut = Vec::new();
    let mut from = slice.from;
    while from < slice.to {
        let to = if slice.to - from < step * 2 { slice.to } else { from + step };
        cut.push(Slice { group: Arc::clone(&slice.group), from, to });
        from = to;
    }
    cut
}

impl Run {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next slice; `None` when no other can come.
    async fn next(&self) -> Option<Slice> {
        let mut idle = false;
        loop {
            {
                let mut queue = self.queue();
                let stopped = self.fetcher.stats.stopped();
                let next = if stopped { None } else { queue.waiting.pop_front() };
                if next.is_some() || stopped || queue.working == 0 {
                    queue.working += usize::from(next.is_some());
                    queue.idle -= usize::from(idle);
                    return next;
                }
                queue.idle += usize::from(!idle);
                idle = true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn work(self: Arc<Self>) {
        while let Some(slice) = self.next().await {
            let group = Arc::clone(&slice.group);
            let result = self.slice(slice).await;
            let mut queue = self.queue();
            queue.working -= 1;
            let Err(fault) = result else { continue };
            if matches!(fault, Fault::Stopped | Fault::Credentials(_)) {
                self.fetcher.stats.stop.store(true, Ordering::Relaxed);
            } else {
                queue.waiting.retain(|slice| slice.group.arn != group.arn);
            }
            let first = !queue.failed.contains(&group.arn);
            queue.failed.push(group.arn.clone());
            drop(queue);
            let _ = match fault {
                Fault::Credentials(why) => self.give.send(Given::Credentials(why)),
                Fault::Stopped => Ok(()),
                Fault::Denied(why) | Fault::NotFound(why) | Fault::Invalid(why) | Fault::Failed(why) if first => {
                    self.give.send(Given::Failed { group, why })
                }
                _ => Ok(()),
            };
        }
    }

    /// Takes half of what is left of a slice for whoever is idle; gives the new end of the slice.
    fn share(&self, group: &Arc<LogGroup>, from: i64, to: i64) -> i64 {
        let mut queue = self.queue();
        if queue.idle <= queue.waiting.len() || to - from < SHORTEST * 2 {
            return to;
        }
        let middle = from + (to - from) / 2;
        queue.waiting.push_back(Slice { group: Arc::clone(group), from: middle, to });
        middle
    }

    async fn slice(&self, slice: Slice) -> Result<(), Fault> {
        let mut restarts = 0;
        let mut at = slice;
        loop {
            match self.chain(&mut at).await {
                // A token that is refused was too old: what is done is done, the rest begins anew.
                Err(Fault::Invalid(why)) if why.to_ascii_lowercase().contains("token") && restarts < RESTARTS => {
                    restarts += 1;
                    self.fetcher.stats.retries.fetch_add(1, Ordering::Relaxed);
                }
                result => return result,
            }
        }
    }

    /// One chain of pages over a slice, whose beginning moves as spools are given.
    async fn chain(&self, slice: &mut Slice) -> Result<(), Fault> {
        let stats = &self.fetcher.stats;
        let failed = |error: std::io::Error| Fault::Failed(format!("the lake's folder cannot be written: {error}"));
        let mut spool = Spool::new(&self.fetcher.folder).map_err(failed)?;
        // AWS's own end stays the same along a chain; ours moves when others take a share.
        let asked = (slice.from, slice.to);
        let mut token: Option<String> = None;
        loop {
            while stats.spooled.load(Ordering::Relaxed) > SPOOLED_BYTES && !stats.stopped() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let page = self.page(slice, asked, token.as_deref()).await?;
            let mut beyond = false;
            stats.empty_pages.fetch_add(u64::from(page.events().is_empty()), Ordering::Relaxed);
            token = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
            for event in page.events.unwrap_or_default() {
                let timestamp = event.timestamp.unwrap_or(slice.from);
                beyond |= timestamp >= slice.to;
                if timestamp < slice.to {
                    let (message, event_id) = (event.message.unwrap_or_default(), event.event_id);
                    stats.events.fetch_add(1, Ordering::Relaxed);
                    stats.bytes.fetch_add(message.len() as u64, Ordering::Relaxed);
                    let log_stream_name = event.log_stream_name.unwrap_or_default();
                    let ingestion_time = event.ingestion_time;
                    let event = LogEvent { log_stream_name, timestamp, message, ingestion_time, event_id };
                    spool.push(event).map_err(failed)?;
                }
            }
            let sorted_up_to = spool.sorted_up_to();
            if token.is_none() || (beyond && sorted_up_to.is_some()) {
                break;
            }
            if let Some(last) = sorted_up_to {
                if spool.bytes > SPOOL_BYTES && last > slice.from {
                    let ended = spool.roll().map_err(failed)?;
                    self.give(Slice { group: Arc::clone(&slice.group), from: slice.from, to: last }, ended);
                    slice.from = last;
                }
                slice.to = self.share(&slice.group, last + 1, slice.to);
            }
        }
        self.give(slice.clone(), spool.end().map_err(failed)?);
        Ok(())
    }

    async fn page(
        &self,
        slice: &Slice,
        (from, to): (i64, i64),
        token: Option<&str>,
    ) -> Result<FilterLogEventsOutput, Fault> {
        let fetcher = &self.fetcher;
        let request = fetcher
            .client
            .filter_log_events()
            .log_group_name(&slice.group.name)
            .start_time(from)
            // Inclusive.
            .end_time(to - 1)
            .set_log_stream_name_prefix(fetcher.ask.stream_prefix.clone())
            .set_filter_pattern(fetcher.ask.filter_pattern.clone())
            .set_unmask(fetcher.ask.unmask.then_some(true))
            .set_next_token(token.map(str::to_owned));
        call(&fetcher.stats, &fetcher.pace, || request.clone().send()).await
    }

    fn give(&self, slice: Slice, ended: Ended) {
        let Ended { path, events, bytes } = ended;
        self.fetcher.stats.spooled.fetch_add(bytes, Ordering::Relaxed);
        if self.give.send(Given::Slice { slice, path, events, bytes }).is_err() {
            self.fetcher.stats.stop.store(true, Ordering::Relaxed);
        }
    }
}

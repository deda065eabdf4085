//! CloudWatch Logs in one account and region.

use super::call::{Caller, Stats};
use super::cloudwatch::{self, Ask, Fetcher, Slice};
use super::groups::{self, LogGroup, Wanted};
use super::pace::Pace;
use super::{Given, PullError, Session, quotas};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::timeout::TimeoutConfig;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A connection that does not come, and a call whose answer does not come.
const CONNECT: Duration = Duration::from_secs(10);
const ATTEMPT: Duration = Duration::from_secs(120);

/// See the module.
pub struct CloudWatchLogs {
    pub(super) runtime: Arc<Runtime>,
    pub(super) client: Client,
    pub(super) caller: Caller,
    pub(super) describe: Pace,
    pub(super) describe_streams: Arc<Pace>,
    filter: Arc<Pace>,
    get: Arc<Pace>,
    start_query: Arc<Pace>,
    query_results: Arc<Pace>,
    /// Region, and account where it is not the caller's own.
    pub name: String,
    pub region: String,
    /// Calls a second at most.
    pub rates: Rates,
}

/// Calls a second at most, by operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    pub filter_log_events: f64,
    pub get_log_events: f64,
}

impl Rates {
    /// The usual share of AWS's quotas in a region, where no number is given.
    pub fn new(region: &str, filter: Option<f64>, get: Option<f64>) -> Self {
        Self {
            filter_log_events: filter.unwrap_or_else(|| quotas::filter_log_events(region) * quotas::SHARE),
            get_log_events: get.unwrap_or_else(|| quotas::get_log_events(region) * quotas::SHARE),
        }
    }
}

impl CloudWatchLogs {
    /// `patience`: how long to wait for new credentials.
    pub fn connect(session: &Session, rates: Rates, patience: Duration, stats: &Arc<Stats>) -> Self {
        // Repetitions are ours: each takes its turn like any other call.
        let api = aws_sdk_cloudwatchlogs::config::Builder::from(&session.sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build(),
            )
            .build();
        Self {
            runtime: Arc::clone(&session.runtime),
            client: Client::from_conf(api),
            describe: Pace::new(quotas::DESCRIBE_LOG_GROUPS * quotas::SHARE),
            describe_streams: Arc::new(Pace::new(quotas::DESCRIBE_LOG_STREAMS * quotas::SHARE)),
            filter: Arc::new(Pace::new(rates.filter_log_events)),
            get: Arc::new(Pace::new(rates.get_log_events)),
            start_query: Arc::new(Pace::new(quotas::START_QUERY * quotas::SHARE)),
            query_results: Arc::new(Pace::new(quotas::GET_QUERY_RESULTS * quotas::SHARE)),
            name: session.name(),
            region: session.region.clone(),
            caller: session.caller(stats, patience),
            rates,
        }
    }

    /// The groups that one of these means, each once; and which of these mean one. `linked`: of linked accounts too.
    pub fn find(&self, wanted: &[Wanted], linked: bool) -> Result<(Vec<LogGroup>, Vec<bool>), PullError> {
        let asker = self.caller.impatient();
        let find = groups::find(&self.client, &asker, &self.describe, wanted, linked);
        self.runtime.block_on(find).map_err(|fault| PullError::of("DescribeLogGroups", fault))
    }

    /// How many streams the group has; more than `most` are not counted to the end.
    pub fn streams(&self, ask: &Ask, group: &LogGroup, most: usize) -> Result<usize, PullError> {
        let fetcher = Fetcher { caller: self.caller.impatient(), ..self.fetcher(ask.clone(), Path::new("")) };
        let names = self.runtime.block_on(cloudwatch::streams(&fetcher, group, most));
        names.map(|names| names.len()).map_err(|fault| PullError::of("DescribeLogStreams", fault))
    }

    fn fetcher(&self, ask: Ask, folder: &Path) -> Fetcher {
        Fetcher {
            client: self.client.clone(),
            ask,
            caller: self.caller.clone(),
            filter: Arc::clone(&self.filter),
            get: Arc::clone(&self.get),
            start_query: Arc::clone(&self.start_query),
            query_results: Arc::clone(&self.query_results),
            describe_streams: Arc::clone(&self.describe_streams),
            folder: folder.to_path_buf(),
        }
    }

    /// Begins to fetch the slices into files in `folder`. The senders are dropped when all is done.
    pub fn fetch(&self, ask: Ask, folder: &Path, slices: Vec<Slice>, give: Sender<Given>) {
        self.runtime.spawn(self.fetcher(ask, folder).run(slices, give));
    }

    /// Calls a second at present.
    pub fn pace(&self) -> Rates {
        Rates { filter_log_events: self.filter.rate(), get_log_events: self.get.rate() }
    }
}

//! CloudWatch Logs in one account and region.

use super::call::{Stats, told};
use super::cloudwatch::{Ask, Fetcher, Given, Slice};
use super::groups::{self, LogGroup, Wanted};
use super::pace::Pace;
use super::{ClientConfig, PullError, quotas};
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::config::ProvideCredentials as _;
use aws_sdk_cloudwatchlogs::config::retry::RetryConfig;
use aws_sdk_cloudwatchlogs::config::timeout::TimeoutConfig;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tokio::runtime::Runtime;

/// A connection that does not come, and a call whose answer does not come.
const CONNECT: Duration = Duration::from_secs(10);
const ATTEMPT: Duration = Duration::from_secs(120);

/// See the module.
pub struct CloudWatchLogs {
    runtime: Runtime,
    client: Client,
    describe: Pace,
    filter: Arc<Pace>,
    pub region: String,
    pub stats: Arc<Stats>,
    /// Calls of FilterLogEvents a second.
    pub rate: f64,
}

pub(super) fn runtime() -> Result<Runtime, PullError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| PullError::Runtime { source })
}

impl CloudWatchLogs {
    /// `rate`: calls of FilterLogEvents a second; a share of AWS's quota where it is none.
    pub fn connect(config: &ClientConfig, rate: Option<f64>) -> Result<Self, PullError> {
        let runtime = runtime()?;
        let sdk = runtime.block_on(config.load());
        if let (Some(name), Some(provider)) = (&config.profile, sdk.credentials_provider()) {
            let error = |error| PullError::Profile { name: name.clone(), message: told(&error) };
            runtime.block_on(provider.provide_credentials()).map_err(error)?;
        }
        let region = sdk.region().ok_or(PullError::NoRegion)?.to_string();
        // Repetitions are ours: each takes its turn like any other call.
        let api = aws_sdk_cloudwatchlogs::config::Builder::from(&sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build(),
            )
            .build();
        let rate = rate.unwrap_or_else(|| quotas::filter_log_events(&region) * quotas::SHARE);
        Ok(Self {
            runtime,
            client: Client::from_conf(api),
            describe: Pace::new(quotas::DESCRIBE_LOG_GROUPS * quotas::SHARE),
            filter: Arc::new(Pace::new(rate)),
            region,
            stats: Arc::new(Stats::default()),
            rate,
        })
    }

    /// Every log group whose name begins so.
    pub fn groups(&self, prefix: Option<&str>) -> Result<Vec<LogGroup>, PullError> {
        let list = groups::list(&self.client, &self.stats, &self.describe, prefix);
        self.runtime.block_on(list).map_err(|fault| PullError::of("DescribeLogGroups", fault))
    }

    /// The groups that one of these means, each once, and those that mean none.
    pub fn find<'w>(&self, wanted: &'w [Wanted]) -> Result<(Vec<LogGroup>, Vec<&'w Wanted>), PullError> {
        let find = groups::find(&self.client, &self.stats, &self.describe, wanted);
        self.runtime.block_on(find).map_err(|fault| PullError::of("DescribeLogGroups", fault))
    }

    /// Begins to fetch the slices into files in `folder`. The channel is closed when all is done.
    pub fn fetch(&self, ask: Ask, folder: &Path, slices: Vec<Slice>) -> Receiver<Given> {
        let (give, given) = std::sync::mpsc::channel();
        let fetcher = Fetcher {
            client: self.client.clone(),
            ask,
            stats: Arc::clone(&self.stats),
            pace: Arc::clone(&self.filter),
            folder: folder.to_path_buf(),
        };
        self.runtime.spawn(fetcher.run(slices, give));
        given
    }

    /// Calls of FilterLogEvents a second at present.
    pub fn pace(&self) -> f64 {
        self.filter.rate()
    }
}

//! One identity in one region: the runtime of all calls, and credentials that may be renewed while a run goes on.

use super::PullError;
use super::call::{Caller, Stats, told};
use super::client::ClientConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_cloudwatchlogs::config::IdentityCache;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

/// Credentials are asked for anew so long before they expire.
const BEFORE_EXPIRY: Duration = Duration::from_secs(300);

/// See the module. Clones share everything.
#[derive(Clone)]
pub struct Session {
    pub(super) runtime: Arc<Runtime>,
    pub(super) sdk: SdkConfig,
    login: Login,
    pub(super) config: ClientConfig,
    pub region: String,
}

impl Session {
    /// Reads the standard configuration. Credentials are looked for now, so that what is wrong with them is told first.
    pub fn begin(config: &ClientConfig) -> Result<Self, PullError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|source| PullError::Runtime { source })?;
        Self::with(Arc::new(runtime), config)
    }

    /// Another identity or region, on the same threads.
    pub fn and(&self, config: &ClientConfig) -> Result<Self, PullError> {
        Self::with(Arc::clone(&self.runtime), config)
    }

    fn with(runtime: Arc<Runtime>, config: &ClientConfig) -> Result<Self, PullError> {
        let config = &runtime.block_on(config.clone().with_profile_role());
        let base = runtime.block_on(config.load());
        let region = base.region().ok_or(PullError::NoRegion)?.to_string();
        let login = Login(Arc::new(Source { config: config.clone(), known: Mutex::new(None) }));
        if let Err(error) = runtime.block_on(login.give()) {
            let message = told(&error);
            return Err(match &config.profile {
                Some(name) => PullError::Profile { name: name.clone(), message },
                None => PullError::NoCredentials { message },
            });
        }
        let sdk = base
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(login.clone()))
            .identity_cache(IdentityCache::no_cache())
            .build();
        Ok(Self { runtime, sdk, login, config: config.clone(), region })
    }

    /// The same identity in another region.
    pub fn in_region(&self, region: &str) -> Self {
        let sdk = self.sdk.clone().into_builder().region(Region::new(region.to_owned())).build();
        Self { sdk, region: region.to_owned(), ..self.clone() }
    }

    /// Makes calls as this identity; `patience`: how long to wait for new credentials.
    pub(super) fn caller(&self, stats: &Arc<Stats>, patience: Duration) -> Caller {
        Caller { stats: Arc::clone(stats), login: self.login.clone(), patience }
    }

    /// Region, and account where it is not the caller's own.
    pub(super) fn name(&self) -> String {
        // arn:aws:iam::ACCOUNT:role/NAME
        match self.config.role.as_ref().and_then(|role| role.arn.split(':').nth(4)) {
            Some(account) => format!("{account} {}", self.region),
            None => self.region.clone(),
        }
    }

    /// Endpoints of test servers have no host name per bucket.
    pub(super) const fn has_endpoint(&self) -> bool {
        self.config.endpoint_url.is_some()
    }
}

/// Gives credentials from where the standard configuration has them, and reads it anew when told to.
#[derive(Clone, Debug)]
pub(super) struct Login(Arc<Source>);

#[derive(Debug)]
struct Source {
    config: ClientConfig,
    known: Mutex<Option<Credentials>>,
}

impl Login {
    /// Next time the files of the profile, SSO, roles are asked again.
    pub async fn forget(&self) {
        *self.0.known.lock().await = None;
    }

    async fn give(&self) -> aws_credential_types::provider::Result {
        let mut known = self.0.known.lock().await;
        let soon = SystemTime::now() + BEFORE_EXPIRY;
        if let Some(credentials) = known.as_ref().filter(|known| known.expiry().is_none_or(|end| end > soon)) {
            return Ok(credentials.clone());
        }
        let fresh = self.0.config.credentials().await?;
        *known = Some(fresh.clone());
        Ok(fresh)
    }
}

impl ProvideCredentials for Login {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.give())
    }
}

//! The standard AWS configuration: profiles, SSO, environment, IMDS, web identity, roles, proxies.

use super::call::told;
use aws_config::profile::{self, ProfileFileCredentialsProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, Result};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_types::os_shim_internal::{Env, Fs};
use std::borrow::Cow;
use std::time::{Duration, SystemTime};

/// Name of the session in the other account's CloudTrail.
const SESSION_NAME: &str = "logsift";

/// Where and as whom to ask.
#[derive(Clone, Debug, Default)]
pub struct ClientConfig {
    pub profile: Option<String>,
    pub region: Option<String>,
    /// Another endpoint than AWS's own.
    pub endpoint_url: Option<String>,
    /// To be assumed with the credentials there are.
    pub role: Option<Role>,
    /// Asks for the code of a second factor, where the profile's own role needs one.
    pub ask: Option<AskCode>,
}

/// Asks the user for the code that the device of that number shows.
pub type AskCode = fn(&str) -> Option<String>;

/// A role to assume.
#[derive(Clone, Debug)]
pub struct Role {
    pub arn: String,
    pub external_id: Option<String>,
    pub mfa: Option<Mfa>,
}

/// A second factor that the role asks for.
#[derive(Clone, Debug)]
pub struct Mfa {
    pub serial_number: String,
    pub ask: AskCode,
}

impl ClientConfig {
    /// With the role of its profile, where that has an `mfa_serial`: the SDK refuses such profiles, for it cannot ask.
    pub(super) async fn with_profile_role(self) -> Self {
        let (None, Some(ask)) = (&self.role, self.ask) else { return self };
        let (files, name) = (Default::default(), self.profile.clone().map(Cow::Owned));
        // What is wrong with the files is told by whoever needs them next.
        let Ok(profiles) = profile::load(&Fs::real(), &Env::real(), &files, name).await else { return self };
        let get = |name: &str| profiles.get(name).map(str::to_owned);
        let (Some(arn), Some(serial_number)) = (get("role_arn"), get("mfa_serial")) else { return self };
        let role = Role { arn, external_id: get("external_id"), mfa: Some(Mfa { serial_number, ask }) };
        // Without a source profile the credentials are those of the environment.
        Self { profile: get("source_profile"), region: self.region.or_else(|| get("region")), role: Some(role), ..self }
    }

    /// Region, endpoint and the way to the network; credentials are those without a role.
    pub(super) async fn load(&self) -> SdkConfig {
        let http = Builder::new().build_with_connector_fn(|settings, components| {
            let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
            connector.set_connector_settings(settings.cloned());
            if let Some(components) = components {
                connector.set_sleep_impl(components.sleep_impl());
            }
            connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
        });
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        let region = self.region.clone().map(Region::new);
        if let Some(profile) = &self.profile {
            // Who names a profile means it, whatever the environment says.
            let place = ProviderConfig::without_region().with_http_client(http).with_region(region.clone());
            let named = ProfileFileCredentialsProvider::builder().configure(&place).profile_name(profile).build();
            loader = loader.profile_name(profile).credentials_provider(named);
        }
        if let Some(region) = region {
            loader = loader.region(region);
        }
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        loader.load().await
    }

    /// Credentials as they are now, those of the role where there is one.
    pub(super) async fn credentials(&self) -> Result {
        let sdk = self.load().await;
        let none = || CredentialsError::not_loaded("no way to credentials is configured");
        let own = sdk.credentials_provider().ok_or_else(none)?;
        match &self.role {
            None => own.provide_credentials().await,
            Some(role @ Role { mfa: Some(mfa), .. }) => with_mfa(&sdk, role, mfa).await,
            Some(role) => {
                let mut provider = AssumeRoleProvider::builder(&role.arn).session_name(SESSION_NAME).configure(&sdk);
                if let Some(id) = &role.external_id {
                    provider = provider.external_id(id);
                }
                provider.build_from_provider(own).await.provide_credentials().await
            }
        }
    }
}

/// AssumeRole with a code: aws-config knows no second factor.
async fn with_mfa(sdk: &SdkConfig, role: &Role, mfa: &Mfa) -> Result {
    let code = (mfa.ask)(&mfa.serial_number)
        .ok_or_else(|| CredentialsError::not_loaded("no code of the second factor was given"))?;
    let request = aws_sdk_sts::Client::new(sdk)
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(SESSION_NAME)
        .serial_number(&mfa.serial_number)
        .token_code(code.trim())
        .set_external_id(role.external_id.clone());
    let answer = request.send().await.map_err(|error| CredentialsError::not_loaded(told(&error)))?;
    let given = answer.credentials.ok_or_else(|| CredentialsError::not_loaded("AssumeRole gave no credentials"))?;
    let end = Duration::from_secs(u64::try_from(given.expiration.secs()).unwrap_or(0));
    let token = Some(given.session_token);
    Ok(Credentials::new(given.access_key_id, given.secret_access_key, token, Some(SystemTime::UNIX_EPOCH + end), "mfa"))
}

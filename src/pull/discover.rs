//! What can be pulled: the log prefixes of a bucket. Read calls only.

use super::call::told;
use super::service::runtime;
use super::{CREDENTIALS, ClientConfig, PullError};

/// The folders under `AWSLogs/` of a bucket: one per account or organisation that delivers there.
pub fn log_prefixes(config: &ClientConfig, bucket: &str) -> Result<Vec<String>, PullError> {
    runtime()?.block_on(async {
        let sdk = config.load().await;
        // Endpoints of test servers have no host name per bucket.
        let path_style = config.endpoint_url.is_some();
        let s3 = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(path_style).build();
        let client = aws_sdk_s3::Client::from_conf(s3);
        let mut pages =
            client.list_objects_v2().bucket(bucket).prefix("AWSLogs/").delimiter("/").into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| {
                let message = told(&error);
                let unsure = message.contains("credentials") || message.contains("dispatch failure");
                PullError::Api { operation: "ListObjectsV2", message, hint: if unsure { CREDENTIALS } else { "" } }
            })?;
            all.extend(page.common_prefixes().iter().filter_map(|p| p.prefix()).map(str::to_owned));
        }
        Ok(all)
    })
}

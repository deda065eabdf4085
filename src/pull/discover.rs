//! What can be pulled from buckets.

use super::call::told;
use super::{CREDENTIALS, PullError, Session, s3};

/// The folders under `AWSLogs/` of a bucket: one per account or organisation that delivers there.
pub fn log_prefixes(session: &Session, bucket: &str) -> Result<Vec<String>, PullError> {
    session.runtime.block_on(async {
        let client = s3::client(session);
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

//! What can be pulled: log groups, and the log prefixes of a bucket. Read calls only.

use super::{ClientConfig, PullError};

/// A log group as DescribeLogGroups has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogGroup {
    pub name: String,
    pub class: String,
    /// Days; none means for ever.
    pub retention_days: Option<i32>,
    /// AWS's delayed estimate.
    pub stored_bytes: i64,
    pub kms_key: Option<String>,
    pub data_protection: Option<String>,
}

fn runtime() -> Result<tokio::runtime::Runtime, PullError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| PullError::Runtime { source })
}

fn api<E: std::error::Error>(operation: &'static str) -> impl Fn(E) -> PullError {
    move |error| {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            message.push_str(": ");
            message.push_str(&inner.to_string());
            cause = inner.source();
        }
        let hint = if message.contains("credentials") || message.contains("dispatch failure") {
            " (are credentials, region and endpoint right? `aws sts get-caller-identity` tells)"
        } else {
            ""
        };
        PullError::Api { operation, message, hint }
    }
}

/// Every log group whose name begins with `prefix`, in AWS's order.
pub fn log_groups(config: &ClientConfig, prefix: Option<&str>) -> Result<Vec<LogGroup>, PullError> {
    runtime()?.block_on(async {
        let client = aws_sdk_cloudwatchlogs::Client::new(&config.load().await);
        let mut pages =
            client.describe_log_groups().set_log_group_name_prefix(prefix.map(str::to_owned)).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(api("DescribeLogGroups"))?;
            for group in page.log_groups() {
                all.push(LogGroup {
                    name: group.log_group_name().unwrap_or_default().to_owned(),
                    class: group.log_group_class().map_or("STANDARD", |c| c.as_str()).to_owned(),
                    retention_days: group.retention_in_days(),
                    stored_bytes: group.stored_bytes().unwrap_or(0),
                    kms_key: group.kms_key_id().map(str::to_owned),
                    data_protection: group.data_protection_status().map(|s| s.as_str().to_owned()),
                });
            }
        }
        Ok(all)
    })
}

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
            let page = page.map_err(api("ListObjectsV2"))?;
            all.extend(page.common_prefixes().iter().filter_map(|p| p.prefix()).map(str::to_owned));
        }
        Ok(all)
    })
}

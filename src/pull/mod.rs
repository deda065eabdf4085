//! AWS → records. With the exception of this module nothing opens a socket.

mod call;
mod client;
pub mod cloudwatch;
mod credentials;
mod discover;
pub mod export;
mod groups;
pub mod operations;
mod organization;
mod pace;
mod posture;
mod quotas;
pub mod s3;
mod service;
mod session;
mod spool;

pub use call::Stats;
pub use client::{ClientConfig, Mfa, Role};
pub use credentials::credentials;
pub use discover::log_prefixes;
pub use groups::{LogGroup, Wanted};
pub use organization::accounts;
pub use posture::{Fact, GroupFact, LoginFact};
pub use service::{CloudWatchLogs, Rates};
pub use session::Session;

/// What a run gives, in any order.
pub enum Given {
    /// Every event of the slice there was; of `masked` of them something was hidden.
    Slice { slice: cloudwatch::Slice, path: tempfile::TempPath, events: u64, bytes: u64, masked: u64 },
    /// A whole object.
    Object { object: s3::S3Object, path: tempfile::TempPath },
    /// A log group or an object that is given up, and why.
    Failed { what: String, why: String },
    /// Nothing more can be fetched with these credentials.
    Credentials(String),
}

/// Why AWS gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("the asynchronous runtime cannot start")]
    Runtime { source: std::io::Error },
    #[error("no region is set; name one with --region, or in the profile")]
    NoRegion,
    #[error("there are no credentials: {message}; set them up as for the AWS command line, or name a --profile")]
    NoCredentials { message: String },
    #[error("there is no bucket {name}")]
    NoBucket { name: String },
    #[error("profile {name} gives no credentials: {message}; `aws configure list-profiles` shows those there are")]
    Profile { name: String, message: String },
    #[error("{operation} failed{hint}: {message}")]
    Api { operation: &'static str, message: String, hint: &'static str },
}

const CREDENTIALS: &str = " (are credentials, region and endpoint right? `aws sts get-caller-identity` tells)";

impl PullError {
    fn of(operation: &'static str, fault: call::Fault) -> Self {
        let unsure = matches!(fault, call::Fault::Credentials(_)) || fault.text().contains("dispatch failure");
        let hint = if unsure { CREDENTIALS } else { "" };
        Self::Api { operation, message: fault.text().to_owned(), hint }
    }
}

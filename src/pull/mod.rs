//! AWS → records. With the exception of this module nothing opens a socket.

mod call;
mod client;
pub mod cloudwatch;
mod discover;
mod groups;
mod pace;
mod quotas;
mod service;
mod spool;

pub use call::Stats;
pub use client::ClientConfig;
pub use discover::log_prefixes;
pub use groups::{LogGroup, Wanted};
pub use service::CloudWatchLogs;

/// Why AWS gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("the asynchronous runtime cannot start")]
    Runtime { source: std::io::Error },
    #[error("no region is set; name one with --region, or in the profile")]
    NoRegion,
    #[error("profile {name} gives no credentials: {message}; `aws configure list-profiles` shows those there are")]
    Profile { name: String, message: String },
    #[error("{operation} failed{hint}: {message}")]
    Api { operation: &'static str, message: String, hint: &'static str },
}

const CREDENTIALS: &str = " (are credentials, region and endpoint right? `aws sts get-caller-identity` tells)";

impl PullError {
    fn of(operation: &'static str, fault: call::Fault) -> Self {
        use call::Fault::{Credentials, Denied, Failed, Invalid, NotFound, Stopped};
        let (message, hint) = match fault {
            Stopped => ("stopped".to_owned(), ""),
            Credentials(message) => (message, CREDENTIALS),
            Denied(message) | NotFound(message) | Invalid(message) | Failed(message) => (message, ""),
        };
        Self::Api { operation, message, hint }
    }
}

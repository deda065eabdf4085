//! AWS → records. With the exception of this module nothing opens a socket.

mod client;
mod discover;

pub use client::ClientConfig;
pub use discover::{LogGroup, log_groups, log_prefixes};

/// Why AWS gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    #[error("the asynchronous runtime cannot start")]
    Runtime { source: std::io::Error },
    #[error("{operation} failed{hint}: {message}")]
    Api { operation: &'static str, message: String, hint: &'static str },
}

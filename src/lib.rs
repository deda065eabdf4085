//! logsift: offline log forensics and secrets/PII scanner for AWS.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod codec;
pub mod formats;
pub mod lake;
pub mod model;
pub mod patterns;
pub mod source;

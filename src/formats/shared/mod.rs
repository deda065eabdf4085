//! What the formats share: filling rows from JSON members and from tokens, spelling names, and what Lambda and
//! other services write to CloudWatch Logs.

pub mod cell;
mod databases;
pub mod json_row;
pub mod lambda;
pub mod names;
pub mod runtimes;
pub mod services;

//! What the formats share: filling rows from JSON members and from tokens, links found in text, and spelling
//! names.

pub mod cell;
pub mod derive;
pub mod flow;
mod flow_tokens;
pub mod elb;
pub mod json_row;
pub mod links;
pub mod names;
pub mod w3c;
pub mod otel;
//! What the formats share: filling rows from JSON members and from tokens, spelling names, and what Lambda and
//! other services write to CloudWatch Logs.
mod databases;
pub mod lambda;
pub mod runtimes;
pub mod services;

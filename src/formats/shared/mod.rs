//! What the formats share: filling rows from JSON members and from tokens, spelling names, and what Lambda and
//! other services write to CloudWatch Logs.

pub mod apigw;
pub mod cell;
mod databases;
pub mod derive;
pub mod elb;
pub mod flow;
mod flow_tokens;
pub mod json_row;
pub mod lambda;
pub mod links;
pub mod members;
pub mod names;
pub mod otel;
pub mod runtimes;
pub mod services;
pub mod w3c;

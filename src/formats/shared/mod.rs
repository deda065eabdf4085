//! What the formats share: filling rows from JSON members and from tokens, and spelling names.

pub mod cell;
pub mod derive;
pub mod flow;
mod flow_tokens;
pub mod elb;
pub mod json_row;
pub mod names;
pub mod w3c;

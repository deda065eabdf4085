//! What the formats share: filling rows from JSON members and from tokens, links found in text, and spelling
//! names.

pub mod cell;
pub mod json_row;
pub mod links;
pub mod names;
pub mod otel;

//! What the formats share: filling rows from JSON members and from tokens, and spelling names.

pub mod apigw;
pub mod cell;
pub mod json_row;
pub mod names;

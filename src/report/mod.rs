//! Plain data to bytes: terminal text, tables, CSV, JSON Lines, SARIF, ASFF and the HTML page.
//!
//! Text in that data comes from logs and is hostile: each writer here makes it harmless for the
//! program that will show it (terminal, spreadsheet, JSON viewer, browser). Secrets are masked
//! before they get here; this module knows none and imports nothing but [`crate::model`].

pub mod asff;
pub mod chart;
pub mod csv;
pub mod ecs;
mod event_json;
pub mod html;
pub mod jsonl;
pub mod ocsf;
pub mod sarif;
pub mod table;
pub mod text;
pub mod timesketch;

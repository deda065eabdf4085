//! The program as a user meets it: commands, files, exit codes. One binary, for each more would link
//! Polars and the SDK again.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod archives;
mod bad_input;
mod cli;
mod docs;
mod env;
mod evidence;
#[cfg(feature = "query")]
mod exposures;
mod foreign_rules;
mod hardening;
mod identity;
#[cfg(feature = "query")]
mod incident;
mod lake;
mod lake_commands;
#[cfg(feature = "query")]
mod many_places;
#[cfg(feature = "query")]
mod masking;
#[cfg(feature = "pull")]
mod moto;
mod old_lake;
mod parts;
#[cfg(feature = "query")]
mod payloads;
#[cfg(feature = "pull")]
mod pull;
mod rule_cost;
#[cfg(feature = "query")]
mod samples;
mod scan_again;
mod scan_output;
#[cfg(feature = "pull")]
mod simulator;
mod stitched;
#[cfg(feature = "query")]
mod sweeps;
#[cfg(feature = "query")]
mod timelines;

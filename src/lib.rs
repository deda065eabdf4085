//! logsift: offline log forensics and secrets/PII scanner for AWS.
//!
//! Bytes flow one way: [`source`] finds and frames them, [`formats`] understands one record at a time,
//! [`lake`] keeps the events as Parquet, [`scan`] looks for secrets in their raw text by the rules of
//! [`patterns`], `timeline`, `frame` and `detect` ask the lake, [`report`] turns plain data into pages and
//! lines. [`pipeline`] joins the stages with threads, [`cli`] is the only part that knows flags and the
//! terminal. `docs/architecture.md` has the table of which module may import which;
//! `tests/layering.rs` holds it.

pub mod cli;
pub mod codec;
#[cfg(feature = "query")]
pub mod detect;
pub mod formats;
#[cfg(feature = "query")]
pub mod frame;
pub mod lake;
pub mod model;
pub mod patterns;
pub mod pipeline;
#[cfg(feature = "pull")]
pub mod pull;
pub mod report;
pub mod scan;
pub mod source;
pub mod stitch;
#[cfg(feature = "query")]
pub mod timeline;

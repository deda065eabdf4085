//! The stages joined: threads live here.

mod block;
pub mod build_parts;
pub mod bundle;
mod context;
mod event_json;
mod identity;
pub mod import;
pub mod input;
mod known;
mod lake_sink;
mod left;
mod object_job;
pub mod parse;
pub mod progress;
pub mod scan;
pub mod scan_files;
pub mod scan_lake;
pub mod sightings;
mod stitched;

use crate::lake::LakeError;
use crate::scan::ScanError;

pub use progress::{Progress, Silent};
pub use stitched::{rebuild as stitch, stale_days};

/// Why a whole run stopped. Trouble with one object is a value in the run's report instead.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Scan(#[from] ScanError),
    #[error("interrupted; what was committed before is kept, run the same command again to go on")]
    Interrupted,
    #[error(transparent)]
    Places(std::io::Error),
    #[error("a worker thread panicked; this is a bug in logsift")]
    Worker,
}

/// Threads to use: all cores.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

#[cfg(test)]
mod properties;

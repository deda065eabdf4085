//! Bytes → confirmed matches → findings; and the Masker's engine. Knows no lake.

mod bits;
mod chunk;
mod decode;
mod engine;
mod escape;
mod finding;
mod hits;
mod hyperscan;
mod lanes;
mod long_runs;
mod lower;
mod masker;
mod overlap;
mod quick;
mod runs;

pub use chunk::{CHUNK, Chunk};
pub use decode::INFLATED;
pub use engine::{Engine, Found, Scanner};
pub use finding::{DIFFERENT, FindingSet, KeyedHash, note_different};
pub use masker::ScanMasker;

/// Why the engine cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("rule `{rule}` cannot be compiled for the first stage: {message}")]
    Compile { rule: String, message: String },
    #[error("the pattern engine failed: {message}")]
    Engine { message: String },
}

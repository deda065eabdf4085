//! Bytes → confirmed matches → findings; and the Masker's engine. Knows no lake.

mod decode;
mod engine;
mod escape;
mod finding;
mod hyperscan;
mod lower;
mod masker;
mod overlap;
mod runs;

pub use decode::INFLATED;
pub use engine::{CHUNK, Chunk, Engine, Found, Scanner};
pub use finding::{FindingSet, KeyedHash};
pub use masker::ScanMasker;

/// Why the engine cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("rule `{rule}` cannot be compiled for the first stage: {message}")]
    Compile { rule: String, message: String },
    #[error("the pattern engine failed: {message}")]
    Engine { message: String },
}

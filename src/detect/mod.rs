//! Detectors: what a responder looks for first, as Polars plans over the lake. One file each.

mod egress_volume;
mod iam_persistence;
mod leaked_key_use;
mod metadata_ssrf;
mod payload_logging;
mod trail_tampering;

pub use payload_logging::payload_logging;

use crate::frame::FrameError;
use crate::lake::Lake;
use crate::model::{Detection, Finding, TimeRange};

/// Changes with the detectors' source.
pub const REVISION: &str = env!("LOGSIFT_DETECTORS");

/// What a detector looks at.
pub struct Case<'a> {
    pub lake: &'a Lake,
    pub range: TimeRange,
    /// Of the last scan.
    pub findings: &'a [Finding],
}

/// One thing to look for.
pub trait Detector: Sync {
    /// Kebab-case.
    fn id(&self) -> &'static str;

    fn run(&self, case: &Case<'_>) -> Result<Vec<Detection>, FrameError>;
}

static ALL: [&dyn Detector; 5] = [
    &metadata_ssrf::MetadataSsrf,
    &leaked_key_use::LeakedKeyUse,
    &iam_persistence::IamPersistence,
    &egress_volume::EgressVolume,
    &trail_tampering::TrailTampering,
];

/// Runs every detector; detections in order of time, then detector.
pub fn run_all(case: &Case<'_>) -> Result<Vec<Detection>, FrameError> {
    let mut all = Vec::new();
    for detector in ALL {
        all.extend(detector.run(case)?);
    }
    all.sort_by(|a, b| (a.first_seen, &a.detector, &a.target).cmp(&(b.first_seen, &b.detector, &b.target)));
    Ok(all)
}

//! What a run tells while it works, and how it is asked to stop.

/// Implemented by the terminal; called from many threads.
pub trait Progress: Sync {
    /// Bytes of work ahead, as stored.
    fn total(&self, bytes: u64);

    /// Bytes done, as stored.
    fn advance(&self, bytes: u64);

    /// Records done.
    fn records(&self, n: u64);

    /// Whether the user asked to stop.
    fn cancelled(&self) -> bool;
}

/// Tells nothing and never stops.
pub struct Silent;

impl Progress for Silent {
    fn total(&self, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn records(&self, _n: u64) {}
    fn cancelled(&self) -> bool {
        false
    }
}

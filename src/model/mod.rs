//! The types that flow between the stages. No IO, no clap, no Parquet.

pub mod detection;
pub mod entry;
pub mod event;
pub mod exposure;
pub mod field;
pub mod finding;
pub mod masker;
pub mod network;
pub mod occurrence;
pub mod payload;
pub mod ranges;
pub mod record;
pub mod secret;
pub mod severity;
pub mod summary;
pub mod tally;
pub mod time;
pub mod time_range;

pub use detection::Detection;
pub use entry::{Detail, Entry, EntryKind, EntryLink};
pub use event::{Cells, CommonCell, Row, Value};
pub use exposure::{Exposure, ExposureCoverage, LeakPlace, LogReader, NewUse, Uses, Verdict};
pub use field::{Common, Field, Kind, Link};
pub use finding::Finding;
pub use masker::Masker;
pub use network::{IpNetwork, NetworkContext, Standing};
pub use occurrence::Place;
pub use payload::{PayloadField, PayloadLog};
pub use ranges::Ranges;
pub use record::{Envelope, Origin, Record};
pub use secret::Secret;
pub use severity::{Confidence, Severity};
pub use tally::{Reject, RejectReason, Tally};
pub use time::Micros;
pub use time_range::TimeRange;

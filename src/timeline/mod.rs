//! Question → plan → entries in time order.

mod build;
mod query;

pub use build::{Story, StorySources, histogram, story, table_summaries, timeline};
pub use query::TimelineQuery;

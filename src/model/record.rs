//! What a framer yields: one record, not yet understood.

use super::time::Micros;
use std::sync::Arc;

/// What the transport says about a record, where it is wrapped: CloudWatch's own metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// CloudWatch `timestamp`, milliseconds on the wire.
    pub time: Option<Micros>,
    pub ingestion_time: Option<Micros>,
    /// `eventId` of FilterLogEvents; GetLogEvents and exports have none, so it is no identity.
    pub event_id: Option<String>,
    pub log_group: Option<Arc<str>>,
    pub log_stream: Option<Arc<str>>,
    /// `owner` of a subscription document, the account in `@log` of an Insights row.
    pub account_id: Option<Arc<str>>,
    /// What else stood around the message, as name and JSON text: for [`Row::extra`](super::Row::extra).
    pub extra: Vec<(String, String)>,
}

/// Where a whole object's records come from, as far as flags or its path tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub account_id: Option<Arc<str>>,
    pub region: Option<Arc<str>>,
    pub log_group: Option<Arc<str>>,
    pub log_stream: Option<Arc<str>>,
}

impl Origin {
    /// This one, and where it says nothing what `other` says.
    pub fn or(&self, other: &Self) -> Self {
        Self {
            account_id: self.account_id.clone().or_else(|| other.account_id.clone()),
            region: self.region.clone().or_else(|| other.region.clone()),
            log_group: self.log_group.clone().or_else(|| other.log_group.clone()),
            log_stream: self.log_stream.clone().or_else(|| other.log_stream.clone()),
        }
    }
}

/// One record as a format sees it.
#[derive(Clone, Copy, Debug)]
pub struct Record<'r> {
    /// The record's text; bytes that are not UTF-8 are replaced, the exact ones are kept beside it.
    pub text: &'r str,
    pub envelope: Option<&'r Envelope>,
    pub origin: &'r Origin,
}

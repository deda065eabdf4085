//! An access key id that was found in logs is used afterwards from an address that had not used it before
//! (ATT&CK T1078.004): the leak joined to its use.

use super::{Case, Detector};
use crate::frame::{self, Cells, FrameError};
use crate::model::{Common, Detection, Micros, Severity};
use polars::prelude::*;
use std::collections::BTreeMap;

pub(super) struct LeakedKeyUse;

impl Detector for LeakedKeyUse {
    fn id(&self) -> &'static str {
        "leaked-key-use"
    }

    fn run(&self, case: &Case<'_>) -> Result<Vec<Detection>, FrameError> {
        let mut all = Vec::new();
        for (key, leaked) in leaked_keys(case) {
            // Uses before the leak count as known whatever window is asked about.
            let Some(events) = frame::table(case.lake, "cloudtrail", Default::default())? else {
                continue;
            };
            let time = Common::EventTime.name();
            let plan = events
                .filter(col(Common::AccessKeyId.name()).eq(lit(key.clone())))
                .sort([time], SortMultipleOptions::default())
                .group_by([col(Common::SourceIp.name())])
                .agg([
                    col(time).min().alias("first"),
                    col(time).max().alias("last"),
                    len().alias("n"),
                    col(Common::EventOutcome.name()).eq(lit("failure")).sum().alias("denied"),
                    col(Common::UserArn.name()).first().alias("actor"),
                    col("event_id").first().alias("event"),
                ]);
            let cells = Cells::collect(plan)?;
            for row in 0..cells.rows() {
                let (Some(first), Some(last)) = (cells.time("first", row), cells.time("last", row)) else {
                    continue;
                };
                let source_ip = cells.text(Common::SourceIp.name(), row);
                if first < leaked || source_ip.is_none() || !case.range.touches(first, last) {
                    continue;
                }
                let calls = cells.int("n", row).unwrap_or(0).unsigned_abs();
                let denied = cells.int("denied", row).unwrap_or(0);
                all.push(Detection {
                    detector: self.id().into(),
                    title: format!(
                        "Access key {key}, in the logs since {leaked}, is used from a new address ({calls} calls, {denied} denied)"
                    ),
                    severity: Severity::Critical,
                    technique: "T1078.004".into(),
                    first_seen: first,
                    last_seen: last,
                    events: calls,
                    source_table: "cloudtrail".to_owned(),
                    actor: cells.text("actor", row),
                    follow_ips: source_ip.clone().into_iter().collect(),
                    source_ip,
                    target: Some(key.clone()),
                    outcome: Some(if denied.unsigned_abs() == calls { "failure" } else { "success" }.to_owned()),
                    event_id: cells.text("event", row),
                    follow_keys: vec![key.clone()],
                });
            }
        }
        Ok(all)
    }
}

/// Access key ids that findings carry, with when each was first written to a log.
fn leaked_keys(case: &Case<'_>) -> BTreeMap<String, Micros> {
    let mut keys = BTreeMap::new();
    for finding in case.findings {
        // A key id that only CloudTrail has was logged by AWS, not leaked.
        let leaked = finding.places.keys().any(|place| place != "cloudtrail" && !place.ends_with(".amazonaws.com"));
        let ids = finding.public_ids.iter().filter(|(name, _)| name == "access_key_id");
        if let (true, Some(first)) = (leaked, finding.first_seen) {
            keys.extend(ids.map(|(_, key)| (key.clone(), first)));
        }
    }
    keys
}

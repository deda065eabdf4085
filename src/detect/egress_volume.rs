//! Much data from a private address to one public address within an hour (ATT&CK T1048).

use super::{Case, Detector};
use crate::frame::{self, Cells, FrameError};
use crate::model::{Common, Detection, Micros, Severity, is_private};
use polars::prelude::*;

pub(super) struct EgressVolume;

/// Bytes an hour between one pair of addresses; a common starting point of published rules.
const THRESHOLD: i64 = 1_000_000_000;
const HOUR: i64 = 3_600_000_000;

impl Detector for EgressVolume {
    fn id(&self) -> &'static str {
        "egress-volume"
    }

    fn run(&self, case: &Case<'_>) -> Result<Vec<Detection>, FrameError> {
        let Some(flows) = frame::table(case.lake, "vpcflow", case.range)? else {
            return Ok(Vec::new());
        };
        let time = Common::EventTime.name();
        let (source, destination, bytes) =
            (Common::SourceIp.name(), Common::DestinationIp.name(), Common::BytesOut.name());
        let leaves = frame::text_matches(source, "is private", is_private);
        let sent = flows
            .filter(col(Common::EventAction.name()).eq(lit("ACCEPT")).and(col(bytes).is_not_null()).and(leaves))
            .with_column((col(time).dt().timestamp(TimeUnit::Microseconds).floor_div(lit(HOUR))).alias("hour"));
        // Pairs of addresses are many, addresses are few: no pair sends more than its sender does.
        let senders = sent
            .clone()
            .group_by([col(source), col("hour")])
            .agg([col(bytes).sum().alias("total")])
            .filter(col("total").gt_eq(lit(THRESHOLD)));
        let senders = Cells::collect_streaming(senders)?;
        let suspects: Vec<String> = senders.distinct(source).into_iter().collect();
        if suspects.is_empty() {
            return Ok(Vec::new());
        }
        let plan = sent
            .filter(frame::is_in(source, suspects))
            .group_by([col(source), col(destination), col("hour")])
            .agg([
                col(bytes).sum().alias("total"),
                col(time).min().alias("first"),
                col(time).max().alias("last"),
                len().alias("n"),
                col(Common::Resource.name()).first().alias("interface"),
                col("event_id").first().alias("event"),
            ])
            .filter(col("total").gt_eq(lit(THRESHOLD)));
        let cells = Cells::collect_streaming(plan)?;
        let mut all = Vec::new();
        for row in 0..cells.rows() {
            let (from, to) = (cells.text(source, row), cells.text(destination, row));
            let (Some(first), Some(last)) = (cells.time("first", row), cells.time("last", row)) else {
                continue;
            };
            if !to.as_deref().is_some_and(is_private) {
                all.push(detection(&cells, row, (from, to), (first, last)));
            }
        }
        Ok(all)
    }
}

fn detection(
    cells: &Cells,
    row: usize,
    (from, to): (Option<String>, Option<String>),
    (first_seen, last_seen): (Micros, Micros),
) -> Detection {
    let total = cells.int("total", row).unwrap_or(0);
    let gigabytes = total as f64 / 1e9;
    Detection {
        detector: EgressVolume.id().into(),
        title: format!("{gigabytes:.2} GB ({total} bytes) sent to one outside address within an hour"),
        severity: Severity::High,
        technique: "T1048".into(),
        first_seen,
        last_seen,
        events: cells.int("n", row).unwrap_or(0).unsigned_abs(),
        source_table: "vpcflow".to_owned(),
        actor: cells.text("interface", row),
        source_ip: from,
        follow_ips: to.iter().cloned().collect(),
        target: to,
        outcome: Some("success".to_owned()),
        event_id: cells.text("event", row),
        follow_keys: Vec::new(),
    }
}

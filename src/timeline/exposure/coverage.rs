//! What the lake does not cover: an absence of uses is worth as much as the logs that would show them.

use super::leaks::REQUESTS;
use crate::frame::{self, Cells, FrameError};
use crate::lake::Lake;
use crate::model::{Common, ExposureCoverage, Micros, TimeRange};
use crate::timeline::table_summaries;
use polars::prelude::*;
use std::collections::BTreeMap;

/// Calls after which a trail writes less. Facts: AWS, CloudTrail API reference.
const SILENCING: [&str; 2] = ["StopLogging", "DeleteTrail"];

pub(super) fn of(lake: &Lake) -> Result<ExposureCoverage, FrameError> {
    let mut coverage = ExposureCoverage::default();
    for table in table_summaries(lake) {
        if table.name == "cloudtrail" || REQUESTS.contains(&table.name.as_str()) {
            coverage.tables.push((table.name, table.first, table.last));
        }
    }
    if !coverage.tables.iter().any(|(name, ..)| name == "cloudtrail") {
        coverage.gaps.push("no CloudTrail in this lake: uses of AWS keys cannot be seen".to_owned());
    }
    coverage.gaps.extend(stops(lake)?);
    coverage.gaps.extend(lake.manifest.gaps());
    coverage.gaps.extend(lake.manifest.objects.values().filter_map(|object| object.incomplete.clone()));
    Ok(coverage)
}

/// From when to when each trail was stopped, and by whom.
fn stops(lake: &Lake) -> Result<Vec<String>, FrameError> {
    let Some(calls) = frame::table(lake, "cloudtrail", TimeRange::default())? else {
        return Ok(Vec::new());
    };
    let action = Common::EventAction.name();
    let time = Common::EventTime.name();
    let wanted = [SILENCING[0], SILENCING[1], "StartLogging"];
    let plan = calls
        .filter(frame::is_in(action, wanted).and(col(Common::EventOutcome.name()).neq(lit("failure"))))
        .select([time, action, Common::Target.name(), Common::UserArn.name()].map(col))
        .sort([time], SortMultipleOptions::default());
    let cells = Cells::collect(plan)?;
    let mut open: BTreeMap<String, (Micros, String)> = BTreeMap::new();
    let mut told = Vec::new();
    let say = |trail: &str, (from, by): &(Micros, String), to: Option<Micros>| {
        let until = to.map_or("the end of these logs".to_owned(), |to| to.to_string());
        format!("trail {trail} was stopped by {by} from {from} to {until}")
    };
    for row in 0..cells.rows() {
        let (Some(at), Some(trail)) = (cells.time(time, row), cells.text(Common::Target.name(), row)) else {
            continue;
        };
        if cells.text(action, row).as_deref() == Some("StartLogging") {
            told.extend(open.remove(&trail).map(|stop| say(&trail, &stop, Some(at))));
        } else {
            let by = cells.text(Common::UserArn.name(), row).unwrap_or_else(|| "an unknown principal".to_owned());
            open.entry(trail).or_insert((at, by));
        }
    }
    told.extend(open.iter().map(|(trail, stop)| say(trail, stop, None)));
    Ok(told)
}

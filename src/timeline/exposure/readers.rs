//! Who could read what was written, and who did.

use super::leaks::Leak;
use crate::frame::{self, Cells, FrameError};
use crate::lake::Lake;
use crate::model::{Common, LeakPlace, LogReader, Micros, TimeRange};
use polars::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// Calls that give log events or objects to the caller. Facts: AWS, CloudWatch Logs and S3 API references.
const READS: [&str; 9] = [
    "GetLogEvents",
    "FilterLogEvents",
    "StartQuery",
    "GetLogRecord",
    "StartLiveTail",
    "CreateExportTask",
    "PutSubscriptionFilter",
    "GetObject",
    "SelectObjectContent",
];

struct Read {
    time: Micros,
    actor: String,
    source_ip: Option<String>,
    action: String,
    target: String,
    parameters: String,
}

/// Reads of logs in CloudTrail.
pub(super) struct Reads(Vec<Read>);

impl Reads {
    /// Those from a time on; none where nothing was leaked.
    pub fn load(lake: &Lake, since: Option<Micros>) -> Result<Self, FrameError> {
        let range = TimeRange { from: since, to: None };
        let Some(calls) = since.map(|_| frame::table(lake, "cloudtrail", range)).transpose()?.flatten() else {
            return Ok(Self(Vec::new()));
        };
        let parameters = "ct_request_parameters";
        let columns = [
            Common::EventTime,
            Common::UserArn,
            Common::UserName,
            Common::SourceIp,
            Common::EventAction,
            Common::Target,
        ];
        let mut selected: Vec<Expr> = columns.iter().map(|common| col(common.name())).collect();
        selected.push(col(parameters));
        let succeeded = col(Common::EventOutcome.name()).neq(lit("failure"));
        let plan = calls.filter(frame::is_in(Common::EventAction.name(), READS).and(succeeded)).select(selected);
        let cells = Cells::collect(plan)?;
        let text = |common: Common, row: usize| cells.text(common.name(), row);
        let read = |row: usize| {
            Some(Read {
                time: cells.time(Common::EventTime.name(), row)?,
                actor: text(Common::UserArn, row).or_else(|| text(Common::UserName, row))?,
                source_ip: text(Common::SourceIp, row),
                action: text(Common::EventAction, row)?,
                target: text(Common::Target, row).unwrap_or_default(),
                parameters: cells.text(parameters, row).unwrap_or_default(),
            })
        };
        Ok(Self((0..cells.rows()).filter_map(read).collect()))
    }

    /// Who read a place of the leak after it was written there; the first reader first.
    pub fn of(&self, leak: &Leak) -> Vec<LogReader> {
        let mut readers: BTreeMap<(&str, Option<&str>, &str, String), LogReader> = BTreeMap::new();
        for read in self.0.iter().filter(|read| read.time >= leak.first_written) {
            let Some(place) = place_of(read, leak) else {
                continue;
            };
            let key = (read.actor.as_str(), read.source_ip.as_deref(), read.action.as_str(), place.clone());
            let reader = readers.entry(key).or_insert_with(|| LogReader {
                actor: read.actor.clone(),
                source_ip: read.source_ip.clone(),
                action: read.action.clone(),
                place,
                count: 0,
                first: read.time,
                last: read.time,
            });
            reader.count += 1;
            (reader.first, reader.last) = (reader.first.min(read.time), reader.last.max(read.time));
        }
        let mut readers: Vec<LogReader> = readers.into_values().collect();
        readers.sort_by(|a, b| (a.first, &a.actor).cmp(&(b.first, &b.actor)));
        readers
    }
}

/// The place of the leak that a call read: a log group it names, or an object that held it.
fn place_of(read: &Read, leak: &Leak) -> Option<String> {
    if matches!(read.action.as_str(), "GetObject" | "SelectObjectContent") {
        let parameters: serde_json::Value = serde_json::from_str(&read.parameters).ok()?;
        let object = format!("s3://{}/{}", parameters["bucketName"].as_str()?, parameters["key"].as_str()?);
        return leak.source_objects.contains(&object).then_some(object);
    }
    // Names of several groups, and ARNs of them, stand among the parameters.
    let quoted = |place: &str| {
        read.parameters.match_indices(place).any(|(at, _)| {
            let rest = &read.parameters[at + place.len()..];
            rest.starts_with('"') || rest.starts_with(":*")
        })
    };
    leak.places.keys().find(|place| read.target == **place || quoted(place)).cloned()
}

/// What `pull discover` and `pull credentials` saw last of each thing.
#[derive(Default)]
pub(super) struct Posture {
    groups: HashMap<String, Vec<String>>,
    keys: HashMap<String, String>,
}

impl Posture {
    pub fn load(lake: &Lake) -> Result<Self, FrameError> {
        let mut posture = Self::default();
        let Some(table) = frame::table(lake, "posture", TimeRange::default())? else {
            return Ok(posture);
        };
        let time = Common::EventTime.name();
        let cells = Cells::collect(table.sort([time], SortMultipleOptions::default()))?;
        for row in 0..cells.rows() {
            let text = |column: &str| cells.text(column, row);
            let seen = cells.time(time, row).map(|time| time.to_string()).unwrap_or_default();
            match text("posture_kind").as_deref() {
                Some("log_group") => {
                    let kept = cells.int("posture_retention_days", row);
                    let mut told = vec![kept.map_or("never expires".to_owned(), |days| format!("kept {days} days"))];
                    told.push(if text("posture_kms_key_id").is_some() { "KMS key" } else { "no KMS key" }.to_owned());
                    posture.groups.insert(text("posture_resource").unwrap_or_default(), told);
                }
                Some("access_key") => {
                    let last = text("posture_last_used").map(|t| format!(", last used {t}")).unwrap_or_default();
                    let state = format!("{}{last} (as of {seen})", text("posture_status").unwrap_or_default());
                    posture.keys.insert(text("posture_access_key_id").unwrap_or_default(), state);
                }
                _ => {}
            }
        }
        Ok(posture)
    }

    pub fn place(&self, place: &str, count: u64) -> LeakPlace {
        let readable = self.groups.get(place).cloned().unwrap_or_default();
        LeakPlace { place: place.to_owned(), count, readable }
    }

    /// State of an access key.
    pub fn key(&self, id: &str) -> Option<String> {
        self.keys.get(id).cloned()
    }
}

//! What is written down of an imported object.

use super::{Finished, ImportReport};
use crate::lake::Lake;
use crate::lake::manifest::SourceObject;
use crate::model::{Micros, Tally};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

/// The custody record of an object whose blocks are all parsed, and what is to be said about it.
pub(super) fn settle(object: Finished, now: Micros, report: &mut ImportReport) -> SourceObject {
    let job = &object.job;
    let tally = std::mem::take(&mut *job.tally.lock().unwrap_or_else(PoisonError::into_inner));
    if !tally.is_balanced() {
        let name = &job.name;
        report.notes.push(format!("{name}: the counts do not add up; this is a bug in logsift, please report it"));
    }
    if object.members.is_none() {
        report.notes.extend(note(&job.name, object.size, object.binary, &tally));
    }
    if job.ungrouped.load(Ordering::Relaxed) {
        report.notes.push(format!(
            "{}: CloudWatch events whose log group or stream is not known; name them with --log-group \
             (and --log-stream), or the same events from another file will be taken for others",
            job.name
        ));
    }
    report.tally.add(&tally);
    report.objects += u64::from(object.members.is_none());
    SourceObject {
        name: job.name.clone(),
        size: object.size,
        sha256: job.sha256.clone(),
        etag: object.etag,
        imported: now.to_string(),
        tool: concat!("logsift ", env!("CARGO_PKG_VERSION")).to_owned(),
        tally,
        incomplete: object.incomplete,
        archive: object.archive,
        members: object.members,
        evidence: object.evidence,
        also: Vec::new(),
    }
}

/// One custody record for both: it is named by the bytes.
pub(super) fn add_twin(objects: &mut Vec<SourceObject>, twin: SourceObject, lake: &Lake) {
    let at = objects.iter().position(|object| object.sha256 == twin.sha256).unwrap_or_else(|| {
        objects.extend(lake.manifest.objects.get(&twin.sha256).cloned());
        objects.len() - 1
    });
    if let Some(object) = objects.get_mut(at) {
        object.tally.add(&twin.tally);
        object.also.push(twin.name);
    }
}

/// What a person should know about an object that gave nothing, or nothing but rejects.
fn note(name: &str, size: u64, binary: bool, tally: &Tally) -> Option<String> {
    if size == 0 || tally.records_in == 0 {
        return Some(format!("{name}: is empty"));
    }
    let unknown = tally.rejects.get("unknown_format").copied().unwrap_or(0);
    if unknown == 0 {
        return None;
    }
    let kind = if binary { "looks binary, not like a log" } else { "no known log format" };
    Some(format!(
        "{name}: {kind}; kept as rejects ({unknown}) and scanned all the same. \
         Name the format with --format, see `logsift formats list`"
    ))
}

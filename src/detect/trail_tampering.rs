//! Logs switched off, cut or deleted, and switched on again (ATT&CK T1562.008).

use super::{Case, Detector};
use crate::frame::{self, Cells, FrameError};
use crate::model::{Common, Detection, Severity};

pub(super) struct TrailTampering;

const OFF: [&str; 16] = [
    "StopLogging",
    "DeleteTrail",
    "UpdateTrail",
    "PutEventSelectors",
    "PutInsightSelectors",
    "DeleteEventDataStore",
    "StopEventDataStoreIngestion",
    "DeleteLogGroup",
    "DeleteLogStream",
    "PutRetentionPolicy",
    "DeleteFlowLogs",
    "StopConfigurationRecorder",
    "DeleteDeliveryChannel",
    "DeleteDetector",
    "DisableSecurityHub",
    "DeleteResolverQueryLogConfig",
];
const ON: [&str; 2] = ["StartLogging", "StartConfigurationRecorder"];

impl Detector for TrailTampering {
    fn id(&self) -> &'static str {
        "trail-tampering"
    }

    fn run(&self, case: &Case<'_>) -> Result<Vec<Detection>, FrameError> {
        let Some(events) = frame::table(case.lake, "cloudtrail", case.range)? else {
            return Ok(Vec::new());
        };
        let action = Common::EventAction.name();
        let plan = events.filter(frame::is_in(action, OFF).or(frame::is_in(action, ON)));
        let cells = Cells::collect(plan)?;
        let mut all = Vec::new();
        for row in 0..cells.rows() {
            let text = |common: Common| cells.text(common.name(), row);
            let Some(time) = cells.time(Common::EventTime.name(), row) else {
                continue;
            };
            let action = text(Common::EventAction).unwrap_or_default();
            let failed = text(Common::EventOutcome).as_deref() == Some("failure");
            let severity = match (ON.contains(&action.as_str()), failed) {
                (true, _) => Severity::Info,
                (false, true) => Severity::Medium,
                (false, false) => Severity::High,
            };
            let attempt = if failed { " (attempt, refused)" } else { "" };
            all.push(Detection {
                detector: self.id().into(),
                title: format!("{action}{attempt}"),
                severity,
                technique: "T1562.008".into(),
                first_seen: time,
                last_seen: time,
                events: 1,
                source_table: "cloudtrail".to_owned(),
                actor: text(Common::UserArn),
                source_ip: text(Common::SourceIp),
                target: text(Common::Target),
                outcome: text(Common::EventOutcome),
                event_id: cells.text("event_id", row),
                follow_ips: Vec::new(),
                follow_keys: Vec::new(),
            });
        }
        Ok(all)
    }
}

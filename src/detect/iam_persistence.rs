//! New users, keys and rights: how an intruder stays (ATT&CK T1098, T1136.003).

use super::{Case, Detector};
use crate::frame::{self, Cells, FrameError};
use crate::model::{Common, Detection, Severity};

pub(super) struct IamPersistence;

const ACTIONS: [&str; 14] = [
    "CreateUser",
    "CreateAccessKey",
    "CreateLoginProfile",
    "UpdateLoginProfile",
    "AttachUserPolicy",
    "AttachRolePolicy",
    "AttachGroupPolicy",
    "PutUserPolicy",
    "PutRolePolicy",
    "PutGroupPolicy",
    "AddUserToGroup",
    "UpdateAssumeRolePolicy",
    "CreatePolicyVersion",
    "SetDefaultPolicyVersion",
];

impl Detector for IamPersistence {
    fn id(&self) -> &'static str {
        "iam-persistence"
    }

    fn run(&self, case: &Case<'_>) -> Result<Vec<Detection>, FrameError> {
        let Some(events) = frame::table(case.lake, "cloudtrail", case.range)? else {
            return Ok(Vec::new());
        };
        let plan = events.filter(frame::is_in(Common::EventAction.name(), ACTIONS));
        let cells = Cells::collect(plan)?;
        let mut all = Vec::new();
        for row in 0..cells.rows() {
            let text = |common: Common| cells.text(common.name(), row);
            let Some(time) = cells.time(Common::EventTime.name(), row) else {
                continue;
            };
            let action = text(Common::EventAction).unwrap_or_default();
            let failed = text(Common::EventOutcome).as_deref() == Some("failure");
            let admin = cells.text("ct_request_parameters", row).is_some_and(|p| p.contains("AdministratorAccess"));
            let own = text(Common::AccessKeyId);
            let issued = cells.list("keys", row).into_iter().filter(|key| Some(key) != own.as_ref());
            let severity = match (failed, admin) {
                (true, _) => Severity::Low,
                (false, true) => Severity::High,
                (false, false) => Severity::Medium,
            };
            all.push(Detection {
                detector: self.id().into(),
                title: if admin { format!("{action} with AdministratorAccess") } else { action.clone() },
                severity,
                technique: if action == "CreateUser" { "T1136.003" } else { "T1098" }.into(),
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
                follow_keys: issued.collect(),
            });
        }
        Ok(all)
    }
}

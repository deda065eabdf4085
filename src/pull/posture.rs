//! What an account looks like to an investigator: log groups, stages and keys, and what is missing about them.

use super::call::{Caller, Fault};
use super::groups::{LogGroup, list};
use super::pace::Pace;
use super::service::CloudWatchLogs;
use super::{PullError, Session, quotas};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// One thing, as it was seen; the shape of table `posture`.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// `log_group`, `api_stage`, `s3_prefix`, `user`, `access_key`.
    pub posture: &'static str,
    /// RFC 3339.
    pub time: String,
    pub account_id: Option<String>,
    pub region: Option<String>,
    pub resource: String,
    pub arn: Option<String>,
    #[serde(flatten)]
    pub group: Option<GroupFact>,
    #[serde(flatten)]
    pub login: Option<LoginFact>,
    /// What an investigator would miss, or somebody should look at.
    pub gaps: Vec<String>,
}

/// What DescribeLogGroups and DescribeLogStreams tell.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupFact {
    pub log_group_class: String,
    pub retention_in_days: Option<i32>,
    pub stored_bytes: i64,
    pub kms_key_id: Option<String>,
    pub data_protection_status: Option<String>,
    /// RFC 3339; AWS is late with it by an hour or more.
    pub last_event_timestamp: Option<String>,
    /// RFC 3339.
    pub created: Option<String>,
}

/// What IAM tells of users and keys.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginFact {
    pub user_name: String,
    pub access_key_id: Option<String>,
    /// `Active` or `Inactive`.
    pub status: Option<String>,
    /// RFC 3339.
    pub created: Option<String>,
    pub last_used: Option<String>,
    pub last_used_service: Option<String>,
    pub last_used_region: Option<String>,
    pub password_enabled: Option<bool>,
    pub mfa_active: Option<bool>,
}

/// RFC 3339 of milliseconds since 1970.
pub(super) fn rfc3339(millis: i64) -> String {
    crate::model::Micros(millis.saturating_mul(1000)).to_string()
}

/// Groups that are asked about at a time.
const AT_ONCE: usize = 16;
/// REST APIs log executions into groups of this name: `<api id>/<stage>`.
const EXECUTION_LOGS: &str = "API-Gateway-Execution-Logs_";

impl CloudWatchLogs {
    /// The groups whose names begin so, and the API stages that log their executions; `now` is RFC 3339.
    pub fn posture(&self, session: &Session, prefix: Option<&str>, now: &str) -> Result<Vec<Fact>, PullError> {
        let (client, caller) = (self.client.clone(), self.caller.clone());
        let facts = async {
            let groups = list(&client, &caller, &self.describe, prefix, false).await?;
            let permits = Arc::new(Semaphore::new(AT_ONCE));
            let mut tasks = JoinSet::new();
            for (n, group) in groups.iter().enumerate() {
                let (group, client, caller, pace, permits) = (
                    group.clone(),
                    client.clone(),
                    caller.clone(),
                    Arc::clone(&self.describe_streams),
                    Arc::clone(&permits),
                );
                tasks.spawn(async move {
                    let _permit = permits.acquire_owned().await;
                    (n, last_event(&client, &caller, &pace, &group).await)
                });
            }
            let mut last = vec![None; groups.len()];
            while let Some(done) = tasks.join_next().await {
                if let Ok((n, event)) = done {
                    last[n] = Some(event?);
                }
            }
            let mut facts: Vec<Fact> =
                groups.iter().zip(last).map(|(group, last)| of_group(group, last.flatten(), now)).collect();
            for fact in stages(session, &caller, &groups, now).await? {
                facts.push(fact);
            }
            Ok(facts)
        };
        self.runtime.block_on(facts).map_err(|fault| PullError::of("looking at log groups", fault))
    }
}

/// When the group's newest event is from, as far as AWS knows; none where it has none.
async fn last_event(
    client: &aws_sdk_cloudwatchlogs::Client,
    caller: &Caller,
    pace: &Pace,
    group: &LogGroup,
) -> Result<Option<i64>, Fault> {
    let request = client
        .describe_log_streams()
        .log_group_name(&group.name)
        .order_by(aws_sdk_cloudwatchlogs::types::OrderBy::LastEventTime)
        .descending(true)
        .limit(1);
    match caller.call(pace, || request.clone().send()).await {
        Ok(page) => Ok(page.log_streams().first().and_then(|stream| stream.last_event_timestamp())),
        // Deleted since it was listed, or not ours to read: the group itself was seen.
        Err(Fault::NotFound(_) | Fault::Denied(_) | Fault::Invalid(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

fn of_group(group: &LogGroup, last: Option<i64>, now: &str) -> Fact {
    let mut gaps = Vec::new();
    let mut gap = |is: bool, what: &str| {
        if is {
            gaps.push(what.to_owned());
        }
    };
    gap(group.retention_days.is_none(), "never expires");
    gap(group.kms_key.is_none(), "no KMS key");
    gap(!group.is_masked(), "no data protection policy");
    gap(last.is_none() && group.stored_bytes == 0, "holds no events");
    gap(
        group.class == "INFREQUENT_ACCESS",
        "no FilterLogEvents, GetLogEvents or subscription: class INFREQUENT_ACCESS",
    );
    gap(group.class == "DELIVERY", "events stay two days: class DELIVERY");
    Fact {
        posture: "log_group",
        time: now.to_owned(),
        account_id: group.account().map(str::to_owned),
        region: group.region().map(str::to_owned),
        resource: group.name.clone(),
        arn: Some(group.arn.clone()),
        group: Some(GroupFact {
            log_group_class: group.class.clone(),
            retention_in_days: group.retention_days,
            stored_bytes: group.stored_bytes,
            kms_key_id: group.kms_key.clone(),
            data_protection_status: group.data_protection.clone(),
            last_event_timestamp: last.map(rfc3339),
            created: group.created.map(rfc3339),
        }),
        login: None,
        gaps,
    }
}

/// Stages of REST APIs whose execution logs there are: whether they have access logs too.
async fn stages(session: &Session, caller: &Caller, groups: &[LogGroup], now: &str) -> Result<Vec<Fact>, Fault> {
    let named =
        |group: &LogGroup| group.name.strip_prefix(EXECUTION_LOGS)?.split_once('/').map(|(api, _)| api.to_owned());
    let mut apis: Vec<String> = groups.iter().filter_map(named).collect();
    apis.sort();
    apis.dedup();
    let client = aws_sdk_apigateway::Client::new(&session.sdk);
    let pace = Pace::new(quotas::API_GATEWAY);
    let mut facts = Vec::new();
    for api in apis {
        let request = client.get_stages().rest_api_id(&api);
        let stages = match caller.call(&pace, || request.clone().send()).await {
            Ok(answer) => answer.item.unwrap_or_default(),
            // The API is gone, its logs are not; or the caller may not ask.
            Err(Fault::NotFound(_) | Fault::Denied(_)) => continue,
            Err(fault) => return Err(fault),
        };
        for stage in stages {
            let name = stage.stage_name().unwrap_or_default();
            let logs = stage.access_log_settings().and_then(|settings| settings.destination_arn());
            facts.push(Fact {
                posture: "api_stage",
                time: now.to_owned(),
                account_id: groups.first().and_then(LogGroup::account).map(str::to_owned),
                region: Some(session.region.clone()),
                resource: format!("{api}/{name}"),
                arn: Some(format!("arn:aws:apigateway:{}::/restapis/{api}/stages/{name}", session.region)),
                gaps: if logs.is_none() { vec!["no access logs".to_owned()] } else { Vec::new() },
                ..Fact::default()
            });
        }
    }
    Ok(facts)
}

//! Users and access keys of an account: which of them live, and when they were last used.

use super::call::{Caller, Fault};
use super::pace::Pace;
use super::posture::{Fact, LoginFact, rfc3339};
use super::{PullError, Session, quotas};
use aws_sdk_iam::Client;
use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::ReportStateType;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks whether the report is made.
const REPORT_EVERY: Duration = Duration::from_secs(1);
const REPORT_TRIES: u32 = 60;
/// Keys that are older should have been replaced. Fact: CIS AWS Foundations Benchmark, 1.14.
const OLD: i64 = 90 * 86_400_000;

struct Iam {
    client: Client,
    caller: Caller,
    pace: Pace,
    /// RFC 3339, and milliseconds since 1970.
    now: (String, i64),
}

/// Every user and access key of the account; `now`: milliseconds since 1970.
pub fn credentials(session: &Session, now: i64, patience: Duration) -> Result<Vec<Fact>, PullError> {
    let iam = Iam {
        client: Client::new(&session.sdk),
        caller: session.caller(&Arc::default(), patience),
        pace: Pace::new(quotas::IAM),
        now: (rfc3339(now), now),
    };
    session.runtime.block_on(iam.facts()).map_err(|fault| PullError::of("looking at IAM", fault))
}

fn millis(time: &DateTime) -> Option<i64> {
    time.to_millis().ok()
}

/// `arn:aws:iam::111122223333:user/x` → its account.
fn account(arn: &str) -> Option<String> {
    arn.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}

impl Iam {
    fn fact(&self, posture: &'static str, arn: &str, login: LoginFact, gaps: Vec<String>) -> Fact {
        Fact {
            posture,
            time: self.now.0.clone(),
            account_id: account(arn),
            region: Some("aws-global".to_owned()),
            resource: login.user_name.clone(),
            arn: Some(arn.to_owned()),
            group: None,
            login: Some(login),
            gaps,
        }
    }

    async fn facts(&self) -> Result<Vec<Fact>, Fault> {
        let mut facts = self.report().await?;
        let mut marker: Option<String> = None;
        loop {
            let request = self.client.list_users().set_marker(marker);
            let page = self.caller.call(&self.pace, || request.clone().send()).await?;
            for user in page.users() {
                facts.extend(self.keys(user.user_name(), user.arn()).await?);
            }
            marker = page.marker().filter(|_| page.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(facts);
            }
        }
    }

    async fn keys(&self, user: &str, arn: &str) -> Result<Vec<Fact>, Fault> {
        let request = self.client.list_access_keys().user_name(user);
        // A user has two keys at most: one page.
        let page = match self.caller.call(&self.pace, || request.clone().send()).await {
            Err(Fault::NotFound(_)) => return Ok(Vec::new()),
            page => page?,
        };
        let mut facts = Vec::new();
        for key in page.access_key_metadata() {
            let Some(id) = key.access_key_id() else { continue };
            let request = self.client.get_access_key_last_used().access_key_id(id);
            let used = self.caller.call(&self.pace, || request.clone().send()).await?.access_key_last_used;
            let created = key.create_date().and_then(millis);
            let last = used.as_ref().and_then(|used| used.last_used_date()).and_then(millis);
            // AWS writes N/A where there is nothing to say.
            let said = |text: Option<&str>| text.filter(|text| *text != "N/A").map(str::to_owned);
            let active = key.status().is_some_and(|status| status.as_str() == "Active");
            let mut gaps = Vec::new();
            if active && created.is_some_and(|created| self.now.1 - created > OLD) {
                gaps.push("older than 90 days".to_owned());
            }
            if active && last.is_none() {
                gaps.push("never used".to_owned());
            }
            let login = LoginFact {
                user_name: user.to_owned(),
                access_key_id: Some(id.to_owned()),
                status: key.status().map(|status| status.as_str().to_owned()),
                created: created.map(rfc3339),
                last_used: last.map(rfc3339),
                last_used_service: said(used.as_ref().map(|used| used.service_name())),
                last_used_region: said(used.as_ref().map(|used| used.region())),
                ..LoginFact::default()
            };
            facts.push(self.fact("access_key", arn, login, gaps));
        }
        Ok(facts)
    }

    /// The credential report: passwords and second factors of all users and root.
    async fn report(&self) -> Result<Vec<Fact>, Fault> {
        let mut tries = 0;
        loop {
            let request = self.client.generate_credential_report();
            let made = self.caller.call(&self.pace, || request.clone().send()).await?;
            if made.state() == Some(&ReportStateType::Complete) {
                break;
            }
            tries += 1;
            if tries == REPORT_TRIES {
                return Err(Fault::Failed(format!("the credential report was not made within {REPORT_TRIES} s")));
            }
            tokio::time::sleep(REPORT_EVERY).await;
        }
        let request = self.client.get_credential_report();
        let report = self.caller.call(&self.pace, || request.clone().send()).await?;
        let text = report.content.map(aws_sdk_iam::primitives::Blob::into_inner).unwrap_or_default();
        Ok(self.users(&String::from_utf8_lossy(&text)))
    }

    /// The report is CSV without quotes. Fact: AWS, "Getting credential reports".
    fn users(&self, report: &str) -> Vec<Fact> {
        let mut lines = report.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let user = |line: &str| {
            let cells: HashMap<&str, &str> = names.iter().copied().zip(line.split(',')).collect();
            let cell = |name: &str| cells.get(name).copied();
            let is = |name: &str| cell(name).map(|text| text.eq_ignore_ascii_case("true"));
            let time = |name: &str| cell(name).filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
            let root = cell("user")? == "<root_account>";
            let (password, mfa) = (is("password_enabled").unwrap_or(root), is("mfa_active").unwrap_or(false));
            let mut gaps = Vec::new();
            if password && !mfa {
                gaps.push("a password without a second factor".to_owned());
            }
            let keys = ["access_key_1_active", "access_key_2_active"];
            if root && keys.iter().any(|key| is(key) == Some(true)) {
                gaps.push("root has an access key".to_owned());
            }
            let login = LoginFact {
                user_name: cell("user")?.to_owned(),
                created: time("user_creation_time").map(str::to_owned),
                last_used: time("password_last_used").map(str::to_owned),
                password_enabled: Some(password),
                mfa_active: Some(mfa),
                ..LoginFact::default()
            };
            Some(self.fact("user", cell("arn")?, login, gaps))
        };
        lines.filter_map(user).collect()
    }
}

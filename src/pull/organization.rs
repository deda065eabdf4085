//! The accounts of an organisation.

use super::pace::Pace;
use super::{PullError, Session, quotas};
use std::sync::Arc;
use std::time::Duration;

/// Ids of the organisation's accounts that are not closed; asked as its management account, or a delegated one.
pub fn accounts(session: &Session) -> Result<Vec<String>, PullError> {
    let caller = session.caller(&Arc::default(), Duration::ZERO);
    let client = aws_sdk_organizations::Client::new(&session.sdk);
    let pace = Pace::new(quotas::ORGANIZATIONS);
    let list = async {
        let (mut accounts, mut token) = (Vec::new(), None);
        loop {
            let request = client.list_accounts().set_next_token(token);
            let page = caller.call(&pace, || request.clone().send()).await?;
            for account in page.accounts() {
                if account.status().is_none_or(|status| status.as_str() == "ACTIVE") {
                    accounts.extend(account.id().map(str::to_owned));
                }
            }
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok(accounts);
            }
        }
    };
    session.runtime.block_on(list).map_err(|fault| PullError::of("ListAccounts", fault))
}

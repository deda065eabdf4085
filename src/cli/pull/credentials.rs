//! `logsift pull credentials`.

use super::{Aws, facts};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::pull::credentials;
use crate::report::jsonl;
use crate::report::table::Table;
use clap::Args;
use std::io::Write as _;

/// Look which users and access keys live, and when they were last used.
///
/// Saved into the lake's table `posture`, so that a leaked key can be told from one that is dead. Needs IAM's
/// credential report, ListUsers, ListAccessKeys and GetAccessKeyLastUsed; nothing is changed, only the report is made.
#[derive(Debug, Args)]
pub struct CredentialsArgs {
    /// Print only, and save nothing
    #[arg(long)]
    dry_run: bool,
    /// Print a table or JSON lines
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
}

pub(super) fn run(args: &CredentialsArgs, aws: &Aws<'_>, context: &Context) -> anyhow::Result<Exit> {
    let session = aws.session()?;
    let now = context.now();
    let seen = credentials(&session, super::plan::millis(now), aws.patience())?;
    let mut out = terminal::output(None)?;
    let mut table = Table::new(&["kind", "user", "access_key_id", "status", "last_used", "service", "gaps"]);
    for fact in &seen {
        if args.format == "json" {
            jsonl::write_line(&mut out, fact)?;
        }
        let login = fact.login.clone().unwrap_or_default();
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        table.push(vec![
            fact.posture.to_owned(),
            login.user_name,
            or_none(login.access_key_id),
            or_none(login.status),
            or_none(login.last_used),
            or_none(login.last_used_service),
            fact.gaps.join(", "),
        ]);
    }
    if args.format == "table" {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    if !args.dry_run {
        let account = seen.iter().find_map(|fact| fact.account_id.clone()).unwrap_or_default();
        facts::save(&seen, &format!("arn:aws:iam::{account}:credentials?time={now}"), context)?;
    }
    Ok(Exit::Clean)
}

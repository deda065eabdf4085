//! `logsift pull discover`.

use super::{Aws, facts};
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::pull::{CloudWatchLogs, Fact, Rates, log_prefixes};
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::number;
use clap::Args;
use std::io::Write as _;
use std::sync::Arc;

/// Show what there is to pull, and what an investigator would miss.
///
/// Log groups with class, size, retention, key, protection and last event; API stages; with --bucket the logs that lie
/// in buckets. Saved into the lake's table `posture`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// Only groups whose names begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Also the logs that are delivered to this bucket
    #[arg(long, value_name = "NAME")]
    bucket: Vec<String>,
    /// Print only, and save nothing
    #[arg(long)]
    dry_run: bool,
    /// Print a table or JSON lines
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
}

pub(super) fn run(args: &DiscoverArgs, aws: &Aws<'_>, context: &Context) -> anyhow::Result<Exit> {
    let now = context.now().to_string();
    let mut all = Vec::new();
    let mut exit = Exit::Clean;
    let sessions = aws.sessions(|text| {
        context.terminal.warn(&text);
        exit = Exit::Failure;
    })?;
    anyhow::ensure!(!sessions.is_empty(), "no account could be looked at");
    for session in &sessions {
        let rates = Rates::new(&session.region, None, None);
        let place = CloudWatchLogs::connect(session, rates, aws.patience(), &Arc::default());
        all.extend(place.posture(session, args.prefix.as_deref(), &now)?);
    }
    for name in &args.bucket {
        for prefix in log_prefixes(&sessions[0], name)? {
            let resource = format!("s3://{name}/{prefix}");
            all.push(Fact { posture: "s3_prefix", time: now.clone(), resource, ..Fact::default() });
        }
    }
    tell(&all, args, context)?;
    if !args.dry_run {
        let (account, region) = all
            .iter()
            .find_map(|fact| Some((fact.account_id.clone()?, fact.region.clone()?)))
            .unwrap_or_else(|| (String::new(), sessions[0].region.clone()));
        facts::save(&all, &format!("arn:aws:logs:{region}:{account}:posture?time={now}"), context)?;
    }
    Ok(exit)
}

fn tell(all: &[Fact], args: &DiscoverArgs, context: &Context) -> anyhow::Result<()> {
    let mut out = terminal::output(None)?;
    let names = ["kind", "resource", "region", "class", "retention", "stored_bytes", "last_event", "gaps"];
    let mut table = Table::new(&names).right_aligned(&["stored_bytes"]);
    for fact in all {
        if args.format == "json" {
            jsonl::write_line(&mut out, fact)?;
        }
        let group = fact.group.as_ref();
        let of = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        table.push(vec![
            fact.posture.to_owned(),
            fact.resource.clone(),
            of(fact.region.clone()),
            of(group.map(|group| group.log_group_class.clone())),
            of(group.and_then(|group| group.retention_in_days).map(|days| format!("{days} days"))),
            of(group.map(|group| number(group.stored_bytes.unsigned_abs()))),
            of(group.and_then(|group| group.last_event_timestamp.clone())),
            fact.gaps.join(", "),
        ]);
    }
    if args.format == "table" {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    Ok(())
}

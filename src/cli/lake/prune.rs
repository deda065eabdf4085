//! `logsift lake prune`.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use super::super::time_flags::time_or_ago;
use crate::report::table::Table;
use crate::report::text::{counted, number};
use clap::Args;
use std::io::Write as _;

/// Take events before a time out of the lake.
///
/// Whole parts go; the part that straddles the border is written again. How many events of which table went, and when,
/// stays in the lake's record for good. Source objects stay known by their hash: importing them again brings nothing
/// back. Events without a time stay. The files themselves go with the next command that writes to the lake.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PruneArgs {
    /// A time or date, or an age: 2026-03-01, 2026-03-01T12:00Z, 90d. The time itself stays
    #[arg(long, value_name = "TIME|DATE|AGE")]
    before: String,
    /// Of this table only
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Only tell what would go
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  logsift lake prune --before 90d --dry-run
  logsift lake prune --before 2026-03-01 --table vpcflow";

pub(super) fn run(args: &PruneArgs, context: &Context) -> anyhow::Result<Exit> {
    let now = context.now();
    let before = time_or_ago(&args.before, now, &context.tz)?;
    let mut lake = context.lake()?;
    super::check_table(&lake, args.table.as_deref())?;
    let _lock = if args.dry_run { None } else { Some(super::begin_writing(&mut lake, context)?) };
    let result = lake.prune(before, args.table.as_deref(), now, args.dry_run);
    let report = if args.dry_run { result? } else { super::clear_after(result, &lake)? };
    let headers = ["table", "events", "parts", "parts_rewritten"];
    let mut table = Table::new(&headers).right_aligned(&headers[1..]);
    let (mut rows, mut untimed) = (0, 0);
    for (name, count) in &report {
        untimed += count.untimed;
        rows += count.rows;
        if count.rows > 0 {
            table.push(vec![name.clone(), number(count.rows), number(count.parts), number(count.rewritten)]);
        }
    }
    if !table.is_empty() {
        let mut out = terminal::output(None)?;
        write!(out, "{}", table.render(context.terminal.width()))?;
        out.flush()?;
    }
    let border = context.show_time(before);
    let say = |text: String| context.terminal.say(&text);
    match (rows, args.dry_run) {
        (0, _) => say(format!("no event before {border}")),
        (n, true) => say(format!("{} before {border} would go; nothing was changed", counted(n, "event"))),
        (n, false) => say(format!(
            "{} before {border} taken out; the files go with the next import, scan or `logsift lake compact`",
            counted(n, "event")
        )),
    }
    if untimed > 0 {
        say(format!("{} without a time stay", counted(untimed, "event")));
    }
    Ok(Exit::Clean)
}

//! `logsift firstseen`.

use super::args::OutputArgs;
use super::context::Context;
use super::context_file::ContextArgs;
use super::exit::Exit;
use super::listing::Listing;
use super::time_flags::time_or_ago;
use super::timeline;
use crate::report::text::number;
use crate::timeline::{FirstSeen, Seen, first_seen};
use clap::{Args, ValueEnum};
use serde::Serialize;

/// First and last seen: who and what is new?
///
/// Actors, addresses, user agents, actions and paths with the first and last time and the number of events of each,
/// over the whole lake. With --new-since only those that were never seen before that time: an address, a client or an
/// action that turns up for the first time is where many incidents begin.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FirstSeenArgs {
    /// What to look at; all where none is given
    #[arg(value_name = "KIND", value_enum)]
    kinds: Vec<Kind>,
    /// Only what was never seen before this time, or so long ago
    #[arg(long, value_name = "AGO|TIME")]
    new_since: Option<String>,
    /// Table to look at, see `logsift lake info`
    #[arg(long, value_name = "NAME")]
    table: Vec<String>,
    /// Stop after so many rows
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    known: ContextArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Actor,
    Ip,
    UserAgent,
    Action,
    Path,
}

/// A row: what was seen, and whose address it is.
#[derive(Serialize)]
struct Named<'a> {
    #[serde(flatten)]
    one: &'a FirstSeen,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'a str>,
}

const EXAMPLES: &str = "\
Examples:
  logsift firstseen actor action --table cloudtrail --new-since 2026-03-06
  logsift firstseen ip --new-since 24h --format csv";

pub(super) fn run(args: &FirstSeenArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    timeline::check_tables(&lake, &args.table)?;
    let masker = context.masker(args.output.reveal)?;
    let networks = args.known.load(context)?;
    let since = args.new_since.as_deref().map(|text| time_or_ago(text, context.now(), &context.tz)).transpose()?;
    let mut kinds: Vec<Seen> = args.kinds.iter().map(|kind| seen(*kind)).collect();
    if kinds.is_empty() {
        kinds = Seen::ALL.to_vec();
    }
    let seen = first_seen(&lake, &kinds, &args.table, since, args.limit)?;
    let (mut all, left) = (seen.first, seen.all);
    if all.is_empty() {
        context.terminal.say("nothing new; ask from an earlier time on");
    }
    let left = left.saturating_sub(all.len() as u64);
    masker.mask_all(&mut all.iter_mut().map(|one| &mut one.value).collect::<Vec<_>>());
    let rows: Vec<Named<'_>> = all
        .iter()
        .map(|one| {
            let network = networks.name_of(&one.value, one.first).filter(|_| one.kind == Seen::Ip);
            Named { one, network }
        })
        .collect();
    let cells = |Named { one, network }: &Named<'_>| -> [String; 7] {
        [
            context.show_time(one.first),
            context.show_time(one.last),
            one.kind.as_str().to_owned(),
            one.value.clone(),
            network.unwrap_or_default().to_owned(),
            one.events.to_string(),
            one.tables.keys().cloned().collect::<Vec<_>>().join(", "),
        ]
    };
    let headers = &["first", "last", "kind", "value", "network", "events", "tables"];
    let listing = Listing { headers, numbers: &["events"], clipped: &[(3, 80)] };
    listing.write(&rows, cells, (args.output.format, args.output.output.as_deref()), context)?;
    if left > 0 {
        context.terminal.say(&format!("{} more left out by --limit", number(left)));
    }
    Ok(Exit::Clean)
}

fn seen(kind: Kind) -> Seen {
    match kind {
        Kind::Actor => Seen::Actor,
        Kind::Ip => Seen::Ip,
        Kind::UserAgent => Seen::UserAgent,
        Kind::Action => Seen::Action,
        Kind::Path => Seen::Path,
    }
}

//! `logsift lake merge`.

use super::super::context::Context;
use super::super::exit::Exit;
use crate::lake::Lake;
use crate::pipeline;
use crate::pipeline::Progress as _;
use crate::report::text::{counted, number};
use anyhow::bail;
use clap::Args;
use std::path::PathBuf;

/// Take over the events and source objects of other lakes into this one.
///
/// The lake of --lake is written (and made where there is none), the others are only read. Events that are in both are
/// kept once. Every part is checked against its manifest first. Findings and occurrences are not taken over: they are
/// made with each lake's own key; run `logsift scan` afterwards.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logsift --lake case-7 lake merge ./from-anna ./from-ben")]
pub struct MergeArgs {
    /// Lakes to take over from
    #[arg(required = true, value_name = "LAKE")]
    from: Vec<PathBuf>,
}

pub(super) fn run(args: &MergeArgs, context: &Context) -> anyhow::Result<Exit> {
    let root = &context.settings.lake.value;
    let mut others = Vec::new();
    for path in &args.from {
        if path.canonicalize().is_ok_and(|from| root.canonicalize().is_ok_and(|into| from == into)) {
            bail!("{}: is the lake to merge into; name other lakes", path.display());
        }
        others.push(Lake::open(path)?);
    }
    let mut lake = Lake::create(root)?;
    let _lock = super::begin_writing(&mut lake, context)?;
    let bar = context.terminal.bar("merge");
    bar.total(others.iter().flat_map(Lake::all_parts).map(|part| part.bytes).sum());
    let result = lake.merge(&others, &pipeline::stale_days, &|bytes| bar.advance(bytes));
    let report = super::clear_after(result, &lake)?;
    pipeline::stitch(&mut lake, &bar)?;
    bar.finish();
    context.terminal.say(&format!(
        "{} taken over, {} were here already; {} new, {} known",
        counted(report.rows, "event"),
        number(report.known_rows),
        counted(report.objects, "source object"),
        number(report.known_objects),
    ));
    if report.rows > 0 {
        context.terminal.say("findings are not taken over; run `logsift scan`");
    }
    Ok(Exit::Clean)
}

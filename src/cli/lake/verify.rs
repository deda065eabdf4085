//! `logsift lake verify`.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use crate::lake::verify::{Problem, VerifyReport};
use crate::pipeline::Progress as _;
use crate::report::jsonl;
use crate::report::text::{counted, number, terminal as one_line};
use crate::source::archive;
use crate::source::whole::Spool;
use clap::Args;
use std::io::Write as _;
use std::path::Path;

/// Check the lake against its manifests, and source objects against what was imported.
///
/// Hashes every part again, compares rows and times with what its footer says, walks the chain of manifests from the
/// first on, and hashes every source object that still lies where it was imported from (relative names from the
/// working directory), members of archives too. The first byte that differs is named where it can be told.
///
/// Exit codes: 0 when everything that is there is right, 2 when something differs. Source objects that are no longer
/// there are told, and change nothing.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Decode every row too: order, days, identities, and the link indexes
    #[arg(long)]
    deep: bool,
    /// Print a summary, or JSON with everything
    #[arg(long, value_name = "FORMAT", value_parser = ["text", "json"], default_value = "text")]
    format: String,
}

/// Names listed in the text summary at most.
const LISTED: usize = 20;

pub(super) fn run(args: &VerifyArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let bar = context.terminal.bar("verify");
    bar.total(lake.verify_size());
    let members = |path: &Path| archive::hashes(path, &Spool::temporary()).map_err(|error| error.to_string());
    let result = lake.verify(args.deep, &members, &|bytes| bar.advance(bytes));
    bar.finish();
    let report = result?;
    let mut out = terminal::output(None)?;
    if args.format == "json" {
        jsonl::write_line(&mut *out, &report)?;
    } else {
        write!(out, "{}", summary(&report, args.deep))?;
    }
    out.flush()?;
    tell(&report, context);
    Ok(if report.problems.is_empty() { Exit::Clean } else { Exit::Failure })
}

fn summary(report: &VerifyReport, deep: bool) -> String {
    let head = report.head.as_deref().map(|hash| format!(", newest {hash}")).unwrap_or_default();
    let how = if deep { "hashed and decoded" } else { "hashed" };
    let mut objects = vec![format!("{} as imported", number(report.objects))];
    let rest = [
        (&report.missing, "no longer there"),
        (&report.grown, "grown since"),
        (&report.replaced, "replaced by a later one that was imported too"),
        (&report.not_local, "not local"),
    ];
    objects.extend(rest.iter().filter(|(l, _)| !l.is_empty()).map(|(l, t)| format!("{} {t}", number(l.len() as u64))));
    let mut text = format!(
        "manifest  {}{head}\nparts     {} {how}: {}, {} bytes\nobjects   {}\n",
        counted(report.changes, "change"),
        number(report.parts),
        counted(report.rows, "row"),
        number(report.bytes),
        objects.join(", "),
    );
    if report.evidence > 0 {
        text.push_str(&format!("evidence  {} as delivered\n", number(report.evidence)));
    }
    if report.orphans > 0 {
        let files = counted(report.orphans, "file");
        text.push_str(&format!(
            "beside    {files} that were replaced or never committed; the next import deletes them\n"
        ));
    }
    let found = match report.problems.len() as u64 {
        0 => "no difference".to_owned(),
        n => counted(n, "difference"),
    };
    text.push_str(&format!("result    {found}\n"));
    text
}

fn tell(report: &VerifyReport, context: &Context) {
    let terminal = &context.terminal;
    let lists = [(&report.missing, "is no longer there"), (&report.grown, "has grown since it was imported")];
    for (names, what) in lists {
        names.iter().take(LISTED).for_each(|name| terminal.say(&one_line(&format!("{name}: {what}"))));
        if names.len() > LISTED {
            terminal.say(&format!("… and {} more; --format json has all", names.len() - LISTED));
        }
    }
    report.problems.iter().take(LISTED).for_each(|problem| terminal.warn(&one_line(&line(problem))));
    if report.problems.len() > LISTED {
        terminal.warn(&format!("… and {} more; --format json has all", report.problems.len() - LISTED));
    }
}

fn line(problem: &Problem) -> String {
    let place = problem.offset.map(|at| format!(" (byte {at})")).unwrap_or_default();
    format!("{}{place}: {}", problem.file, problem.what)
}

//! `logsift payloads`.

use super::args::{OutputArgs, TableFormat};
use super::context::Context;
use super::exit::Exit;
use super::terminal;
use super::time_flags::TimeArgs;
use crate::detect::payload_logging;
use crate::model::{Masker, PayloadLog};
use crate::report::table::Table;
use crate::report::text::{clip, counted, number, terminal as one_line};
use crate::report::{csv, jsonl};
use clap::Args;
use std::borrow::Cow;
use std::io::Write;

/// Which log groups log whole requests, responses or events: the cause of most leaks.
///
/// Told by structure, not by findings: the envelopes of API Gateway, load balancers, SQS, SNS, S3, DynamoDB, Kinesis,
/// EventBridge, Cognito, AppSync and Step Functions, API Gateway's data trace, and bodies in fields of structured logs,
/// as JSON or as Python, JavaScript and Java print them. Each with its share of the group's events and bytes, its worst
/// fields by the last scan's findings, the shape of an example without values, and what to change.
///
/// Exit code: 1 where there is any, 0 where there is none.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  logsift payloads --from 2026-03-01 --format jsonl | jq -r '[.resource,.kind,.events] | @tsv'"
)]
pub struct PayloadsArgs {
    #[command(flatten)]
    time: TimeArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

pub(super) fn run(args: &PayloadsArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let masker = context.masker(args.output.reveal)?;
    let range = args.time.range(context.now(), &context.tz)?;
    if lake.manifest.last_scan <= lake.manifest.last_import {
        context.terminal.say("not scanned since the last import: run `logsift scan` to see what is in the fields");
    }
    let mut told = payload_logging(&lake, range)?;
    told.iter_mut().for_each(|one| mask(one, &*masker));
    print(args, context, &told)?;
    context.terminal.say(&match told.len() {
        0 => "no whole payloads in the logs of this lake".to_owned(),
        n => format!("{} of payloads", counted(n as u64, "log")),
    });
    Ok(if told.is_empty() { Exit::Clean } else { Exit::Findings })
}

/// Every text that came from a log.
pub(super) fn mask(payload: &mut PayloadLog, masker: &dyn Masker) {
    let fields = payload.fields.iter_mut().map(|field| &mut field.path);
    for text in [&mut payload.resource, &mut payload.shape].into_iter().chain(fields) {
        if let Cow::Owned(masked) = masker.mask(text) {
            *text = masked;
        }
    }
}

fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.001 { "<0.1 %".to_owned() } else { format!("{:.1} %", share * 100.0) }
}

fn print(args: &PayloadsArgs, context: &Context, told: &[PayloadLog]) -> anyhow::Result<()> {
    let mut out = terminal::output(args.output.output.as_deref())?;
    match args.output.format {
        TableFormat::Jsonl => {
            for one in told {
                jsonl::write_line(&mut *out, one)?;
            }
        }
        TableFormat::Csv => {
            csv::write_row(&mut *out, &HEADERS.map(Cow::Borrowed))?;
            for one in told {
                csv::write_row(&mut *out, &cells(one, context).map(Cow::Owned))?;
            }
        }
        TableFormat::Table => {
            let mut table =
                Table::new(&HEADERS).right_aligned(&["events", "of_events", "bytes", "of_bytes", "with_body"]);
            told.iter().for_each(|one| table.push(cells(one, context).to_vec()));
            let width = if args.output.output.is_none() { context.terminal.width() } else { None };
            if !table.is_empty() {
                write!(out, "{}", context.terminal.paint(table.render(width), args.output.output.is_none()))?;
            }
            told.iter().try_for_each(|one| explain(&mut *out, one))?;
        }
    }
    out.flush()?;
    Ok(())
}

const HEADERS: [&str; 10] = [
    "severity",
    "resource",
    "kind",
    "events",
    "of_events",
    "bytes",
    "of_bytes",
    "with_body",
    "first_seen",
    "last_seen",
];

fn cells(one: &PayloadLog, context: &Context) -> [String; 10] {
    let time = |time: Option<crate::model::Micros>| time.map(|time| context.show_time(time)).unwrap_or_default();
    [
        one.severity().to_string(),
        one.resource.clone(),
        one.kind.to_owned(),
        number(one.events),
        percent(one.share_of_events()),
        number(one.bytes),
        percent(one.share_of_bytes()),
        number(one.with_body),
        time(one.first_seen),
        time(one.last_seen),
    ]
}

/// Characters of an example's shape in the listing.
const SHAPE: usize = 600;

fn explain(out: &mut dyn Write, one: &PayloadLog) -> std::io::Result<()> {
    writeln!(out, "\n{}: {}", one_line(&one.resource), one.title)?;
    for field in &one.fields {
        let found: Vec<String> = field.found.iter().map(|(rule, n)| format!("{n} {rule}")).collect();
        let what = if found.is_empty() { "nothing found".to_owned() } else { found.join(", ") };
        writeln!(out, "  {}: {what}", one_line(&clip(&field.path, 120)))?;
    }
    writeln!(out, "  example {}: {}", one_line(&one.event_id), one_line(&clip(&one.shape, SHAPE)))?;
    writeln!(out, "  cause: {}\n  change: {}", one.cause, one.remedy)
}

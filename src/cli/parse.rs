//! `logsift parse`.

use super::args::TableFormat;
use super::context::Context;
use super::exit::Exit;
use super::read_args::{ReadArgs, format_of};
use super::terminal;
use crate::formats;
use crate::model::{Common, Tally};
use crate::pipeline::parse::{ParseConfig, ParseReport, column_names, parse, parse_stream};
use crate::report::csv;
use crate::report::table::Table;
use crate::report::text::{clip, counted, number, terminal as one_line};
use anyhow::Context as _;
use clap::Args;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Print the events of log files, without a lake.
///
/// One JSON object per event, in the order of the records: AWS's own fields at top level, named in snake_case
/// (`account_id` for `account-id`, `client_ip` and `client_port` for `client:port`; nested objects as AWS
/// spells them), numbers as numbers, `-` as null, times in RFC 3339 with microseconds; and under `common` the
/// columns that every table of the lake has. Lines that no format can read are counted on stderr; `import`
/// keeps them.
///
/// Events are printed as they are: secrets in them are NOT masked.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ParseArgs {
    /// Files, directories and archives, or - for standard input
    #[arg(required = true, value_name = "FILE")]
    paths: Vec<PathBuf>,
    /// Print events of this table only, see `logsift formats list`
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// How to print: jsonl, csv or table
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "jsonl")]
    format: TableFormat,
    /// Read everything as this log format instead of telling it from the content
    #[arg(long, value_name = "ID")]
    log_format: Option<String>,
    #[command(flatten)]
    read: ReadArgs,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Exit with 2 when any record was rejected
    #[arg(long)]
    strict: bool,
}

const EXAMPLES: &str = "\
Examples:
  logsift parse access.log.gz | jq -r 'select(.elb_status_code >= 500) | .request'
  logsift parse --table cloudtrail AWSLogs | jq -r '[.event_time, .event_name, .common.source_ip] | @tsv'
  aws logs tail /aws/lambda/orders --since 1h --format detailed | logsift parse --format table -";

pub(super) fn run(args: &ParseArgs, context: &Context) -> anyhow::Result<Exit> {
    if let Some(table) = &args.table {
        format_of(table).with_context(|| format!("--table {table}"))?;
    }
    let config = ParseConfig {
        paths: args.paths.iter().filter(|path| *path != Path::new("-")).cloned().collect(),
        format: args.log_format.as_deref().map(format_of).transpose()?,
        options: args.read.options(),
        origin: args.read.origin(context),
        table: args.table.clone(),
    };
    let mut out = terminal::output(args.output.as_deref())?;
    let bar = context.terminal.bar("parse");
    let mut printer = Printer::new(args, &mut *out);
    let mut report = parse(&config, &bar, &mut printer)?;
    if config.paths.len() < args.paths.len() {
        let more = parse_stream(&config, Box::new(io::stdin()), &bar, &mut printer)?;
        report.tally.add(&more.tally);
        report.errors.extend(more.errors);
        report.notes.extend(more.notes);
    }
    bar.finish();
    printer.finish(context)?;
    out.flush()?;
    Ok(tell(&report, args, context))
}

fn tell(report: &ParseReport, args: &ParseArgs, context: &Context) -> Exit {
    report.notes.iter().for_each(|note| context.terminal.say(&one_line(note)));
    for error in &report.errors {
        let cause = std::error::Error::source(error).map(|c| format!(" ({c})")).unwrap_or_default();
        context.terminal.warn(&one_line(&format!("{error}{cause}")));
    }
    let tally = &report.tally;
    let (events, rejects) = (Tally::total(&tally.events), Tally::total(&tally.rejects));
    let ignored = Tally::total(&tally.ignored);
    let list = |map: &std::collections::BTreeMap<String, u64>| {
        let items: Vec<String> = map.iter().map(|(name, n)| format!("{name} {}", number(*n))).collect();
        if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) }
    };
    context.terminal.say(&format!(
        "{} read: {}{}, {} rejected{}, {} ignored{}",
        counted(tally.records_in, "record"),
        counted(events, "event"),
        list(&tally.events),
        number(rejects),
        list(&tally.rejects),
        number(ignored),
        list(&tally.ignored)
    ));
    if !report.errors.is_empty() || (args.strict && rejects > 0) { Exit::Failure } else { Exit::Clean }
}

/// Takes lines of JSON and prints them as asked.
struct Printer<'o> {
    out: &'o mut dyn Write,
    format: TableFormat,
    /// Of CSV and tables: path in the object, as `name` or `common.name`.
    columns: Vec<String>,
    line: Vec<u8>,
    table: Table,
    started: bool,
}

impl<'o> Printer<'o> {
    fn new(args: &ParseArgs, out: &'o mut dyn Write) -> Self {
        let common = Common::ALL.iter().map(|column| format!("common.{}", column.name()));
        let own = args.table.as_deref().and_then(formats::by_id).map(column_names);
        let columns: Vec<String> = match (own, args.format) {
            (Some(own), TableFormat::Csv) => own.into_iter().chain(common).collect(),
            (Some(own), _) => own,
            (None, TableFormat::Csv) => std::iter::once("common.source_table".to_owned()).chain(common).collect(),
            (None, _) => ["source_table", "event_time", "source_ip", "event_action", "target", "event_outcome"]
                .map(|name| format!("common.{name}"))
                .to_vec(),
        };
        let heads: Vec<&str> = columns.iter().map(|c| c.trim_start_matches("common.")).collect();
        let table = Table::new(&heads);
        Self { out, format: args.format, columns, line: Vec::new(), table, started: false }
    }

    fn row(&mut self) -> io::Result<()> {
        let object: serde_json::Value = serde_json::from_slice(&self.line)?;
        let cell = |path: &String| {
            let value = path.split('.').try_fold(&object, |at, name| at.get(name));
            match value {
                None | Some(serde_json::Value::Null) => String::new(),
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            }
        };
        let cells: Vec<String> = self.columns.iter().map(cell).collect();
        if self.format == TableFormat::Table {
            self.table.push(cells.iter().map(|text| clip(text, 80).into_owned()).collect());
            return Ok(());
        }
        if !self.started {
            let heads: Vec<Cow<'_, str>> = self.columns.iter().map(|c| Cow::Borrowed(c.as_str())).collect();
            csv::write_row(self.out, &heads)?;
            self.started = true;
        }
        csv::write_row(self.out, &cells.into_iter().map(Cow::Owned).collect::<Vec<_>>())
    }

    fn finish(&mut self, context: &Context) -> io::Result<()> {
        if self.format == TableFormat::Table && !self.table.is_empty() {
            write!(self.out, "{}", self.table.render(context.terminal.width()))?;
        }
        Ok(())
    }
}

impl Write for Printer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.format == TableFormat::Jsonl {
            return self.out.write(bytes);
        }
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.row()?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

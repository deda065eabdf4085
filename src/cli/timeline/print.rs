//! Entries in every format there is.

use super::texts_of;
use crate::cli::context::Context;
use crate::cli::terminal;
use crate::frame::EntryWriter;
use crate::model::{Entry, Masker, Micros, NetworkContext};
use crate::report::table::Table;
use crate::report::text::{clip, number};
use crate::report::{csv, ecs, jsonl, ocsf, timesketch};
use crate::timeline::Wanted;
use clap::{Args, ValueEnum};
use std::borrow::Cow;
use std::io::Write;
use std::path::PathBuf;

/// How a timeline is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimelineFormat {
    /// For reading: aligned columns, cut to the terminal's width
    #[value(alias = "text")]
    Table,
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
    /// For spreadsheets: RFC 4180, formulas defused
    Csv,
    /// A Parquet file
    Parquet,
    /// JSON Lines that Timesketch imports
    Timesketch,
    /// Documents of the Elastic Common Schema, one a line
    Ecs,
    /// OCSF events, one a line; the class by source
    Ocsf,
}

/// Where and how a timeline goes.
#[derive(Debug, Args)]
pub struct TimelineOutput {
    /// How to print
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: TimelineFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show secrets in plain text. Without it every output masks them
    #[arg(long)]
    pub reveal: bool,
}

impl TimelineOutput {
    /// The columns that the format has a place for.
    pub(super) fn wanted(&self) -> Wanted {
        match self.format {
            TimelineFormat::Table | TimelineFormat::Jsonl | TimelineFormat::Csv | TimelineFormat::Parquet => {
                Wanted::Message
            }
            TimelineFormat::Timesketch | TimelineFormat::Ecs | TimelineFormat::Ocsf => Wanted::Details,
        }
    }
}

const HEADERS: [&str; 12] = [
    "time",
    "delta",
    "severity",
    "source",
    "actor",
    "source_ip",
    "action",
    "target",
    "outcome",
    "count",
    "message",
    "ref",
];

enum Form {
    /// Rows are held until the widths of the columns are known.
    Table(Vec<Entry>),
    Jsonl,
    Csv(Option<Micros>),
    Parquet(Option<Box<EntryWriter<Box<dyn Write + Send>>>>),
    /// A line for each entry, by another program's schema.
    Lines(fn(&mut dyn Write, &Entry) -> std::io::Result<()>),
}

/// Tagged with what it is and how bad, by which Timesketch filters.
fn timesketch_line(out: &mut dyn Write, entry: &Entry) -> std::io::Result<()> {
    timesketch::write(out, entry, &[entry.kind.as_str(), entry.severity.as_str()])
}

/// Writes entries as they come; masks them first.
pub(super) struct Printer<'a> {
    out: Box<dyn Write + Send>,
    form: Form,
    to_stdout: bool,
    context: &'a Context,
    masker: &'a dyn Masker,
    networks: &'a NetworkContext,
}

impl<'a> Printer<'a> {
    pub fn new(
        output: &TimelineOutput,
        context: &'a Context,
        masker: &'a dyn Masker,
        networks: &'a NetworkContext,
    ) -> anyhow::Result<Self> {
        let mut out = terminal::output(output.output.as_deref())?;
        let form = match output.format {
            TimelineFormat::Table => Form::Table(Vec::new()),
            TimelineFormat::Jsonl => Form::Jsonl,
            TimelineFormat::Timesketch => Form::Lines(timesketch_line),
            TimelineFormat::Ecs => Form::Lines(ecs::write),
            TimelineFormat::Ocsf => Form::Lines(ocsf::write),
            TimelineFormat::Csv => {
                csv::write_row(&mut *out, &HEADERS.map(Cow::Borrowed))?;
                Form::Csv(None)
            }
            TimelineFormat::Parquet => {
                anyhow::ensure!(
                    output.output.is_some() || context.terminal.width().is_none(),
                    "Parquet is no text: give -o FILE, or a pipe"
                );
                Form::Parquet(Some(Box::new(EntryWriter::new(std::mem::replace(&mut out, Box::new(std::io::sink())))?)))
            }
        };
        Ok(Self { out, form, to_stdout: output.output.is_none(), context, masker, networks })
    }

    pub fn push(&mut self, mut entries: Vec<Entry>) -> anyhow::Result<()> {
        self.masker.mask_all(&mut entries.iter_mut().flat_map(texts_of).collect::<Vec<_>>());
        for entry in &mut entries {
            let name = entry.source_ip.as_deref().and_then(|ip| self.networks.name_of(ip, entry.time));
            entry.network = name.map(str::to_owned);
        }
        match &mut self.form {
            Form::Table(held) => held.append(&mut entries),
            Form::Jsonl => {
                for entry in &entries {
                    jsonl::write_line(&mut *self.out, entry)?;
                }
            }
            Form::Lines(write) => {
                for entry in &entries {
                    write(&mut *self.out, entry)?;
                }
            }
            Form::Csv(before) => {
                for entry in &entries {
                    csv::write_row(&mut *self.out, &cells(entry, before, self.context).map(Cow::Owned))?;
                }
            }
            Form::Parquet(Some(writer)) => writer.push(&entries)?,
            Form::Parquet(None) => {}
        }
        Ok(())
    }

    pub fn finish(mut self) -> anyhow::Result<()> {
        match &mut self.form {
            Form::Table(held) => {
                let held = std::mem::take(held);
                self.table(&held)?;
            }
            Form::Parquet(writer) => writer.take().map(|writer| writer.finish()).transpose().map(drop)?,
            Form::Jsonl | Form::Csv(_) | Form::Lines(_) => {}
        }
        self.out.flush()?;
        Ok(())
    }

    fn table(&mut self, entries: &[Entry]) -> anyhow::Result<()> {
        if entries.is_empty() {
            return Ok(());
        }
        let folded = entries.iter().any(|entry| entry.count > 1);
        let linked = entries.iter().any(|entry| entry.link.is_some());
        let mut headers: Vec<&str> = HEADERS.to_vec();
        headers.retain(|header| *header != "count" || folded);
        if linked {
            headers.push("link");
        }
        let mut table = Table::new(&headers).right_aligned(&["delta", "count"]);
        let mut before = None;
        for entry in entries {
            let mut row = cells(entry, &mut before, self.context).to_vec();
            // A made-up or private range says nothing that its addresses do not say.
            if let Some(network) = entry.network.as_deref().filter(|n| !matches!(*n, "private" | "documentation")) {
                row[5] = format!("{} ({network})", row[5]);
            }
            for (cell, most) in [(4, 40), (7, 48), (10, 120)] {
                row[cell] = clip(&row[cell], most).into_owned();
            }
            row[11] = row[11].chars().take(12).collect();
            if linked {
                let told = |l: &crate::model::EntryLink| format!("{} {} {}", l.hop, l.by, clip(&l.value, 40));
                row.push(entry.link.as_ref().map(told).unwrap_or_default());
            }
            if !folded {
                row.remove(9);
            }
            table.push(row);
        }
        let width = if self.to_stdout { self.context.terminal.width() } else { None };
        write!(self.out, "{}", self.context.terminal.paint(table.render(width), self.to_stdout))?;
        Ok(())
    }
}

fn cells(entry: &Entry, before: &mut Option<Micros>, context: &Context) -> [String; 12] {
    let delta = before.replace(entry.time).map(|before| delta(before, entry.time)).unwrap_or_default();
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let count = match entry.last {
        Some(last) => format!("{} until {}", number(entry.count), context.show_time(last)),
        None => String::new(),
    };
    [
        context.show_time(entry.time),
        delta,
        entry.severity.to_string(),
        entry.source.clone(),
        text(&entry.actor),
        text(&entry.source_ip),
        text(&entry.action),
        text(&entry.target),
        text(&entry.outcome),
        count,
        text(&entry.message),
        entry.reference.clone(),
    ]
}

/// The time since the row before, in the unit a person would use.
pub(super) fn delta(before: Micros, now: Micros) -> String {
    let micros = now.0.saturating_sub(before.0);
    match micros {
        ..1_000 => format!("+{micros}µs"),
        1_000..1_000_000 => format!("+{}ms", micros / 1_000),
        1_000_000..60_000_000 => format!("+{:.1}s", micros as f64 / 1e6),
        60_000_000..3_600_000_000 => format!("+{}m{:02}s", micros / 60_000_000, micros / 1_000_000 % 60),
        _ => format!("+{}h{:02}m", micros / 3_600_000_000, micros / 60_000_000 % 60),
    }
}

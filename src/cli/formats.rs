//! `logsift formats`.

use super::context::Context;
use super::exit::Exit;
use super::read_args::TemplateArgs;
use super::terminal;
use crate::formats::{self, LogFormat, Options};
use crate::model::{Common, Origin, Record};
use crate::pipeline::input::Input;
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::terminal as one_line;
use crate::source::archive::{Found, unpack};
use crate::source::framing::Framing;
use crate::source::object::Object;
use crate::source::walk::walk;
use crate::source::whole::Spool;
use crate::source::{SourceError, s3_key, transport};
use bstr::ByteSlice as _;
use clap::{Args, Subcommand};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// The log formats logsift reads.
#[derive(Debug, Args)]
pub struct FormatsArgs {
    #[command(subcommand)]
    command: FormatsCommand,
}

#[derive(Debug, Subcommand)]
enum FormatsCommand {
    /// List the formats
    List {
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
    /// Which native field feeds which column, as Markdown (docs/formats.md is made of it)
    Fields,
    /// Tell what files are, and why
    Identify {
        /// Files, directories and archives
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
        #[command(flatten)]
        templates: TemplateArgs,
    },
}

pub(super) fn run(args: &FormatsArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut out = terminal::output(None)?;
    let mut exit = Exit::Clean;
    match &args.command {
        FormatsCommand::List { format } => {
            let mut table = Table::new(&["id", "title", "fields"]).right_aligned(&["fields"]);
            for f in formats::ALL {
                if format == "json" {
                    let value = serde_json::json!({"id": f.id(), "title": f.title(), "fields": f.fields().len()});
                    jsonl::write_line(&mut out, &value)?;
                }
                table.push(vec![f.id().to_owned(), f.title().to_owned(), f.fields().len().to_string()]);
            }
            if format == "table" {
                write!(out, "{}", table.render(context.terminal.width()))?;
            }
        }
        FormatsCommand::Fields => write!(out, "{}", fields_markdown())?,
        FormatsCommand::Identify { paths, format, templates } => {
            let options = templates.options();
            let (files, errors) = walk(paths, &context.settings.lake.value);
            for error in &errors {
                context.terminal.warn(&one_line(&error.to_string()));
                exit = Exit::Failure;
            }
            for file in &files {
                unpack(Object::of_file(file, None), &Spool::temporary(), &mut |found| {
                    let (name, line) = match found {
                        Found::Object(object, content) => match Input::new(&object.name, content) {
                            Ok(input) => (object.name, identify(input, &s3_key::origin_of(&object.path), &options)),
                            Err(error) => (object.name, Identified::failed(&error)),
                        },
                        Found::Left { name, what } => (name, Identified::none(what)),
                        Found::Error(error) => (file.path.display().to_string(), Identified::failed(&error)),
                    };
                    if line.format == "?" {
                        exit = Exit::Failure;
                    }
                    print(&mut *out, &name, &line, format)
                })?;
            }
        }
    }
    out.flush()?;
    Ok(exit)
}

fn print(out: &mut dyn Write, name: &str, line: &Identified, format: &str) -> anyhow::Result<()> {
    if format == "json" {
        let value =
            serde_json::json!({"path": name, "format": line.format, "framing": line.framing, "reason": line.reason});
        return Ok(jsonl::write_line(out, &value)?);
    }
    let text = format!("{name}: {} ({}; {})", line.format, line.framing, line.reason);
    Ok(writeln!(out, "{}", one_line(&text))?)
}

struct Identified {
    format: String,
    framing: String,
    reason: String,
}

impl Identified {
    /// Of what could not be read.
    fn failed(error: &SourceError) -> Self {
        Self { format: "?".to_owned(), reason: error.to_string(), framing: String::new() }
    }

    /// Of what has no bytes.
    fn none(what: &str) -> Self {
        Self { format: "none".to_owned(), reason: format!("{what} in an archive"), framing: String::new() }
    }
}

/// How many records are looked at.
const SAMPLE: usize = 20;

fn identify(mut input: Input, origin: &Origin, options: &Options) -> Identified {
    let (framing, rows) = (input.framing(), input.is_rows());
    let binary = input.is_binary();
    let mut claims: BTreeMap<&str, (u64, &str)> = BTreeMap::new();
    let mut seen = 0;
    while seen < SAMPLE
        && let Some(frame) = input.next_frame()
    {
        let unwrapped = transport::unwrap_with(frame.framing, frame.context.map(AsRef::as_ref), frame.bytes);
        let text = unwrapped.text.as_deref().map_or_else(|| unwrapped.bytes.to_str_lossy(), Into::into);
        if text.trim().is_empty() || unwrapped.ignored.is_some() {
            continue;
        }
        seen += 1;
        let record = Record { text: &text, envelope: unwrapped.envelope.as_ref(), origin };
        if let Some((format, claim)) = formats::identify(&record, options) {
            claims.entry(format.id()).or_insert((0, claim.reason)).0 += 1;
        }
    }
    let framing = match framing {
        _ if rows => "rows of a Parquet file".to_owned(),
        Framing::Lines => "lines".to_owned(),
        Framing::ExportLines => "CloudWatch export lines".to_owned(),
        Framing::TailLines | Framing::TailShort => "CloudWatch tail lines".to_owned(),
        Framing::Csv => "CSV rows".to_owned(),
        Framing::JsonArray("") => "a JSON array".to_owned(),
        Framing::JsonArray(name) => format!("the JSON array `{name}`"),
        Framing::JsonValues => "JSON values".to_owned(),
    };
    let best = claims.iter().max_by_key(|(_, (n, _))| *n);
    let (format, reason) = match best {
        Some((id, (n, reason))) => ((*id).to_owned(), format!("{n} of {seen} records: {reason}")),
        None if seen == 0 => ("empty".to_owned(), "no records".to_owned()),
        None if binary => ("unknown".to_owned(), "looks binary, not like a log".to_owned()),
        None => ("unknown".to_owned(), format!("none of {seen} records is claimed by a format")),
    };
    Identified { format, framing, reason }
}

/// The generated part of `docs/formats.md`.
pub(crate) fn fields_markdown() -> String {
    let mut text = String::new();
    for format in formats::ALL {
        text.push_str(&format_markdown(format));
    }
    text.push_str("## Common columns\n\n| column | type | ECS |\n|---|---|---|\n");
    for common in Common::ALL {
        text.push_str(&format!("| `{}` | {} | `{}` |\n", common.name(), common.kind().as_str(), common.ecs()));
    }
    text
}

fn format_markdown(format: &dyn LogFormat) -> String {
    let mut text = format!(
        "## `{}`: {}\n\nOCSF class: {}.\n\n| AWS field | column | type | feeds |\n|---|---|---|---|\n",
        format.id(),
        format.title(),
        format.ocsf()
    );
    for field in format.fields() {
        let feeds = field.feeds.map(|c| format!("`{}`", c.name())).unwrap_or_default();
        text.push_str(&format!("| `{}` | `{}` | {} | {feeds} |\n", field.native, field.column, field.kind.as_str()));
    }
    text.push_str("\nComputed:\n\n");
    for (common, how) in format.computed() {
        text.push_str(&format!("- `{}`: {how}\n", common.name()));
    }
    text.push('\n');
    text
}

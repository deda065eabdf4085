//! `logsift lake objects`.

use super::super::context::Context;
use super::super::exit::Exit;
use super::super::terminal;
use crate::lake::manifest::SourceObject;
use crate::model::Tally;
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::{counted, number};
use clap::Args;
use std::io::Write;

/// What was imported: path, size, SHA-256, when, by what, counts. The custody record.
#[derive(Debug, Args)]
pub struct ObjectsArgs {
    /// Lines that `sha256sum -c` checks, from the folder the import was run in
    #[arg(long)]
    sha256sum: bool,
    /// Print a table or JSON lines
    #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
    format: String,
}

pub(super) fn run(args: &ObjectsArgs, context: &Context) -> anyhow::Result<Exit> {
    let lake = context.lake()?;
    let mut out = terminal::output(None)?;
    let mut all: Vec<_> = lake.manifest.objects.values().collect();
    all.sort_by(|a, b| (&a.name, &a.imported).cmp(&(&b.name, &b.imported)));
    if args.sha256sum {
        sums(&all, context, &mut *out)?;
    } else if args.format == "json" {
        for object in all {
            jsonl::write_line(&mut *out, object)?;
        }
    } else {
        let numbers = ["bytes", "records", "events", "rejects"];
        let headers =
            ["object", "bytes", "records", "events", "rejects", "state", "imported", "tool", "etag", "sha256"];
        let mut table = Table::new(&headers).right_aligned(&numbers);
        for object in all {
            table.push(vec![
                object.name.clone(),
                number(object.size),
                number(object.tally.records_in),
                number(Tally::total(&object.tally.events)),
                number(Tally::total(&object.tally.rejects)),
                state(object),
                object.imported.clone(),
                object.tool.clone(),
                object.etag.clone().unwrap_or_default(),
                object.sha256.clone(),
            ]);
        }
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn state(object: &SourceObject) -> String {
    let read = if object.incomplete.is_some() { "incomplete" } else { "whole" };
    if object.evidence.is_some() { format!("{read}, kept") } else { read.to_owned() }
}

fn sums(objects: &[&SourceObject], context: &Context, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut left_out = 0;
    for object in objects {
        if object.name == "-" || object.name.contains("://") || object.archive.is_some() {
            left_out += 1;
            continue;
        }
        writeln!(out, "{}", sum_line(&object.sha256, &object.name))?;
    }
    if left_out > 0 {
        let what = counted(left_out, "object");
        context.terminal.say(&format!(
            "{what} left out: standard input, URIs and members of archives are no files that sha256sum can read"
        ));
    }
    Ok(())
}

/// A line of GNU sha256sum: a name with a backslash or a line end is escaped, and a backslash before the hash
/// says so.
fn sum_line(sha256: &str, name: &str) -> String {
    if !name.contains(['\\', '\n', '\r']) {
        return format!("{sha256}  {name}");
    }
    let name = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    format!("\\{sha256}  {name}")
}

#[cfg(test)]
mod tests {
    use super::sum_line;

    #[test]
    fn names_are_escaped_as_gnu_does() {
        assert_eq!(sum_line("ab", "a b.log"), "ab  a b.log");
        assert_eq!(sum_line("ab", "a\\n\nb\r"), "\\ab  a\\\\n\\nb\\r");
    }
}

//! `logsift patterns`.

mod cost;

use super::context::Context;
use super::exit::Exit;
use super::rules::RuleArgs;
use super::terminal;
use crate::patterns::{FirstStage, Foreign, ForeignNote, PatternSet, Rule, RuleSources, convert, self_test};
use crate::report::jsonl;
use crate::report::table::Table;
use anyhow::Context as _;
use clap::{Args, Subcommand};
use std::io::Write as _;
use std::path::PathBuf;

/// The rules that find secrets and personal data.
#[derive(Debug, Args)]
pub struct PatternsArgs {
    #[command(subcommand)]
    command: PatternsCommand,
    #[command(flatten)]
    rules: RuleArgs,
}

#[derive(Debug, Subcommand)]
enum PatternsCommand {
    /// List the rules
    List {
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
    /// Show one rule whole
    Show {
        /// Rule id
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Check rule files: syntax, patterns, validators, and that every example does what it must
    #[command(alias = "test")]
    Check,
    /// Write rules of Gitleaks, Betterleaks, Nosey Parker or Kingfisher as a rule file of logsift
    Convert {
        /// Rule files (*.toml, *.yml, *.yaml), or folders of them
        #[arg(value_name = "FILE", required = true)]
        paths: Vec<PathBuf>,
        /// Write to this file [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show what each rule costs on a sample of logs
    Cost {
        /// Files, plain or compressed
        #[arg(value_name = "FILE", required = true)]
        paths: Vec<PathBuf>,
        /// Print a table or JSON lines
        #[arg(long, value_name = "FORMAT", value_parser = ["table", "json"], default_value = "table")]
        format: String,
    },
}

pub(super) fn run(args: &PatternsArgs, context: &Context) -> anyhow::Result<Exit> {
    if let PatternsCommand::Convert { paths, output } = &args.command {
        return convert_rules(paths, output.as_deref(), context);
    }
    let sources = args.rules.sources(&context.settings)?;
    let set = PatternSet::load(&RuleSources { examples: true, ..sources })?;
    let mut out = terminal::output(None)?;
    let exit = match &args.command {
        PatternsCommand::List { format } => {
            let mut table = Table::new(&["id", "category", "provider", "severity", "confidence", "name"]);
            for rule in &set.rules {
                if format == "json" {
                    jsonl::write_line(&mut out, &as_json(rule))?;
                }
                table.push(vec![
                    rule.id.clone(),
                    rule.category.as_str().to_owned(),
                    rule.provider.clone(),
                    rule.severity.to_string(),
                    rule.confidence.to_string(),
                    rule.name.clone(),
                ]);
            }
            if format == "table" {
                write!(out, "{}", table.render(context.terminal.width()))?;
            }
            context.terminal.say(&format!("{} rules", set.rules.len()));
            Exit::Clean
        }
        PatternsCommand::Show { id } => {
            let rule = set.rules.iter().find(|rule| rule.id == *id);
            let rule = rule.with_context(|| format!("no rule `{id}`; see `logsift patterns list`"))?;
            writeln!(out, "{}", serde_json::to_string_pretty(&as_json(rule))?)?;
            Exit::Clean
        }
        PatternsCommand::Cost { paths, format } => {
            cost::run(set, paths, format, context)?;
            Exit::Clean
        }
        PatternsCommand::Convert { .. } => Exit::Clean,
        PatternsCommand::Check => {
            tell(&set.notes, context);
            let failures = self_test(&set);
            for failure in &failures {
                context
                    .terminal
                    .warn(&format!("rule `{}`, example {}: {}", failure.rule, failure.example, failure.what));
            }
            // Compiling tells what the first stage cannot take.
            crate::scan::Engine::new(set, None)?;
            context.terminal.say(if failures.is_empty() {
                "all rules are sound"
            } else {
                "some rules fail their examples"
            });
            if failures.is_empty() { Exit::Clean } else { Exit::Failure }
        }
    };
    out.flush()?;
    Ok(exit)
}

fn convert_rules(paths: &[PathBuf], output: Option<&std::path::Path>, context: &Context) -> anyhow::Result<Exit> {
    let (text, notes) = convert(paths)?;
    let mut out = terminal::output(output)?;
    out.write_all(text.as_bytes())?;
    out.flush()?;
    tell(&notes, context);
    context.terminal.say(&super::rules::summary(&notes));
    Ok(Exit::Clean)
}

/// One line for each rule of another scanner that was not carried whole.
fn tell(notes: &[ForeignNote], context: &Context) {
    for note in notes {
        let what = match &note.what {
            Foreign::Without(lost) => format!("taken without {}", lost.join(", ")),
            Foreign::Left(why) => format!("not taken: {why}"),
        };
        context.terminal.warn(&format!("{}: rule `{}`: {what}", note.file, note.rule));
    }
}

fn as_json(rule: &Rule) -> serde_json::Value {
    serde_json::json!({
        "id": rule.id,
        "name": rule.name,
        "category": rule.category.as_str(),
        "provider": rule.provider,
        "pattern": rule.pattern,
        "first_stage": match &rule.first_stage {
            FirstStage::Expression(text) => text.clone(),
            FirstStage::Scan(scan) => format!("{scan:?}"),
        },
        "secret_group": rule.secret_group,
        "keywords": rule.keywords,
        "keyword_distance": rule.keyword_distance,
        "entropy": rule.entropy,
        "validators": rule.validators.iter().map(|v| v.name()).collect::<Vec<_>>(),
        "expected_in": rule.expected_in,
        "expected_outside": rule.expected_outside,
        "public": rule.public,
        "counted": rule.counted,
        "severity": rule.severity,
        "confidence": rule.confidence,
        "remediation": rule.remediation,
        "references": rule.references,
        "file": rule.file,
    })
}

//! The words of the command line.

use super::settings::ColorChoice;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::{Path, PathBuf};

/// Offline log forensics and secrets/PII scanner for AWS.
///
/// Import exported logs into a local lake of Parquet files, scan them for secrets and personal data, and
/// rebuild what happened. Only `pull` touches the network: every other command runs in a sandbox that refuses
/// internet sockets and writes nowhere but to the lake, its caches and its output.
///
/// Exit codes: 0 clean, 1 findings at or above --fail-on, 2 failure or incomplete coverage, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "logsift", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  logsift import ./AWSLogs                     read exported logs into ./logsift-lake
  logsift scan                                 find secrets and personal data in the lake
  logsift scan app.log                         …or in any file, without a lake
  logsift timeline --story                     what happened, in order
  logsift report -o report.html                one page to read and hand on
  logsift query \"SELECT source_ip, count(*) AS n FROM events GROUP BY source_ip ORDER BY n DESC LIMIT 10\"";

/// Flags of every command.
#[derive(Debug, Args)]
pub struct GlobalArgs {
    /// Directory of the lake [default: ./logsift-lake] [env: LOGSIFT_LAKE]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub lake: Option<PathBuf>,
    /// Settings file [default: ./logsift.toml if there is one] [env: LOGSIFT_CONFIG]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// Time zone to show times in, always labelled [default: UTC] [env: LOGSIFT_TZ]
    #[arg(long, global = true, value_name = "ZONE", help_heading = "Global options")]
    pub tz: Option<String>,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more on stderr
    #[arg(short, long, global = true, conflicts_with = "quiet", help_heading = "Global options")]
    pub verbose: bool,
    /// No progress bars
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_progress: bool,
    /// Colours: auto (when stdout is a terminal and NO_COLOR is not set), always, never [env: LOGSIFT_COLOR]
    #[arg(long, global = true, value_name = "WHEN", help_heading = "Global options")]
    pub color: Option<ColorChoice>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Import(super::import::ImportArgs),
    Parse(super::parse::ParseArgs),
    Scan(super::scan::ScanArgs),
    Find(super::find::FindArgs),
    #[cfg(feature = "query")]
    Timeline(Box<super::timeline::TimelineArgs>),
    #[cfg(feature = "query")]
    Exposure(super::exposure::ExposureArgs),
    #[cfg(feature = "query")]
    Ioc(super::ioc::IocArgs),
    #[cfg(feature = "query")]
    Bundle(super::bundle::BundleArgs),
    #[cfg(feature = "query")]
    Firstseen(super::firstseen::FirstSeenArgs),
    #[cfg(feature = "query")]
    Payloads(super::payloads::PayloadsArgs),
    #[cfg(feature = "query")]
    Query(super::query::QueryArgs),
    #[cfg(feature = "query")]
    Report(super::report::ReportArgs),
    #[cfg(feature = "pull")]
    Pull(Box<super::pull::PullArgs>),
    Lake(super::lake::LakeArgs),
    Formats(super::formats::FormatsArgs),
    Patterns(super::patterns::PatternsArgs),
    Config(super::config::ConfigArgs),
    Doctor(super::doctor::DoctorArgs),
}

impl Command {
    /// Whether it makes the lake where there is none.
    pub fn makes_lake(&self) -> bool {
        matches!(self, Self::Import(_)) || matches!(self, Self::Lake(args) if args.makes_lake())
    }

    /// The file this command writes beside the lake.
    pub fn output(&self) -> Option<&Path> {
        match self {
            Self::Parse(args) => args.output.as_deref(),
            Self::Scan(args) => args.output.output.as_deref(),
            Self::Find(args) => args.output.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Timeline(args) => args.output.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Exposure(args) => args.output.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Ioc(args) => args.output.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Bundle(args) => Some(args.output()),
            #[cfg(feature = "query")]
            Self::Firstseen(args) => args.output.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Payloads(args) => args.output.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Query(args) => args.output.as_deref(),
            #[cfg(feature = "query")]
            Self::Report(args) => Some(args.output()),
            #[cfg(feature = "pull")]
            Self::Pull(_) => None,
            Self::Lake(args) => args.output(),
            Self::Import(_) | Self::Formats(_) | Self::Patterns(_) | Self::Config(_) | Self::Doctor(_) => None,
        }
    }
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For reading: aligned columns, cut to the terminal's width
    #[value(alias = "text")]
    Table,
    /// One JSON object a line
    #[value(alias = "json")]
    Jsonl,
    /// For spreadsheets: RFC 4180, formulas defused
    Csv,
}

/// Where and how output goes.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// How to print: table, jsonl or csv
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "table")]
    pub format: TableFormat,
    /// Write to this file instead of stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Show secrets in plain text. Without it every output masks them
    #[arg(long)]
    pub reveal: bool,
}

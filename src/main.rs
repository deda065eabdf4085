//! Parse, sandbox, run.

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = logsift::cli::Cli::parse();
    logsift::cli::run(cli)
}

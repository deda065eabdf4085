//! Parse, sandbox, run.

use clap::Parser as _;
use std::process::ExitCode;

/// Parts grow in memory and go all at once: the system's allocator hands their pages back, and clears them anew.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = logsift::cli::Cli::parse();
    logsift::cli::run(cli)
}

//! The command line: flags become each stage's own small config, here and nowhere else.

mod args;
#[cfg(feature = "query")]
mod bundle;
mod config;
mod context;
#[cfg(feature = "query")]
mod context_file;
mod doctor;
mod exit;
#[cfg(feature = "query")]
mod exposure;
mod find;
#[cfg(feature = "query")]
mod firstseen;
mod formats;
mod import;
#[cfg(feature = "query")]
mod ioc;
mod lake;
#[cfg(feature = "query")]
mod listing;
mod parse;
mod patterns;
#[cfg(feature = "query")]
mod payloads;
#[cfg(feature = "pull")]
mod pull;
#[cfg(feature = "query")]
mod query;
mod read_args;
#[cfg(feature = "query")]
mod report;
mod rules;
mod sandbox;
mod scan;
mod settings;
mod terminal;
mod time_flags;
#[cfg(feature = "query")]
mod timeline;

pub use args::Cli;
use args::Command;
use context::Context;
use exit::Exit;
use std::process::ExitCode;

/// Runs the program: settings, sandbox, command. Every error ends here, as text and exit code.
pub fn run(cli: Cli) -> ExitCode {
    let color = cli.global.color;
    let outcome = Context::new(&cli.global).and_then(|context| {
        sandbox_for(&cli.command, &context);
        terminal::catch_interrupts();
        dispatch(cli.command, &context)
    });
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => exit::report(&error, color),
    }
}

/// Everything but `pull` runs without sockets, and writes only where its job is.
fn sandbox_for(command: &Command, context: &Context) {
    #[cfg(feature = "pull")]
    if matches!(command, Command::Pull(_)) {
        return;
    }
    let lake = &context.settings.lake.value;
    let mut folders = vec![context.cache_dir(), context.key_dir()];
    if command.makes_lake() {
        folders.push(lake.clone());
    }
    // Made beforehand, so that only they need to be writable; what cannot be made is told by its user.
    folders.iter().for_each(|folder| drop(context::make_private(folder)));
    let mut writable = vec![lake.clone(), context.cache_dir(), context.key_dir()];
    writable.extend(command.output().filter(|file| *file != std::path::Path::new("-")).map(sandbox::place_of));
    let state = sandbox::enter(&writable);
    context.terminal.verbose(&format!("sandbox: {state}"));
    if cfg!(target_os = "linux") && !state.no_sockets {
        context
            .terminal
            .warn("the kernel does not let logsift refuse internet sockets; it opens none, but nothing enforces it");
    }
}

fn dispatch(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Import(args) => import::run(&args, context),
        Command::Scan(args) => scan::run(&args, context),
        Command::Find(args) => find::run(&args, context),
        #[cfg(feature = "query")]
        Command::Timeline(args) => timeline::run(&args, context),
        #[cfg(feature = "query")]
        Command::Exposure(args) => exposure::run(&args, context),
        #[cfg(feature = "query")]
        Command::Ioc(args) => ioc::run(&args, context),
        #[cfg(feature = "query")]
        Command::Bundle(args) => bundle::run(&args, context),
        #[cfg(feature = "query")]
        Command::Firstseen(args) => firstseen::run(&args, context),
        #[cfg(feature = "query")]
        Command::Payloads(args) => payloads::run(&args, context),
        #[cfg(feature = "query")]
        Command::Query(args) => query::run(&args, context),
        #[cfg(feature = "query")]
        Command::Report(args) => report::run(&args, context),
        #[cfg(feature = "pull")]
        Command::Pull(args) => pull::run(&args, context),
        Command::Parse(args) => parse::run(&args, context),
        Command::Lake(args) => lake::run(&args, context),
        Command::Formats(args) => formats::run(&args, context),
        Command::Patterns(args) => patterns::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
    }
}

//! `logsift lake`.

mod compact;
mod ddl;
mod info;
mod ls;
mod merge;
mod objects;
mod prune;
mod rejects;
mod verify;

use super::context::Context;
use super::exit::Exit;
use crate::lake::Lake;
use crate::lake::store::WriterLock;
use clap::{Args, Subcommand};
use std::path::Path;

/// Look into the lake, check it, and tend it.
#[derive(Debug, Args)]
pub struct LakeArgs {
    #[command(subcommand)]
    command: LakeCommand,
}

#[derive(Debug, Subcommand)]
enum LakeCommand {
    Info(info::InfoArgs),
    Ls(ls::LsArgs),
    Objects(objects::ObjectsArgs),
    Rejects(rejects::RejectsArgs),
    Verify(verify::VerifyArgs),
    Compact(compact::CompactArgs),
    Prune(prune::PruneArgs),
    Merge(merge::MergeArgs),
    Ddl(ddl::DdlArgs),
}

impl LakeArgs {
    /// The file it writes beside the lake.
    pub fn output(&self) -> Option<&Path> {
        match &self.command {
            LakeCommand::Rejects(args) => args.output(),
            _ => None,
        }
    }

    /// Whether it makes the lake where there is none.
    pub const fn makes_lake(&self) -> bool {
        matches!(self.command, LakeCommand::Merge(_))
    }
}

pub(super) fn run(args: &LakeArgs, context: &Context) -> anyhow::Result<Exit> {
    match &args.command {
        LakeCommand::Info(args) => info::run(args, context),
        LakeCommand::Ls(args) => ls::run(args, context),
        LakeCommand::Objects(args) => objects::run(args, context),
        LakeCommand::Rejects(args) => rejects::run(args, context),
        LakeCommand::Verify(args) => verify::run(args, context),
        LakeCommand::Compact(args) => compact::run(args, context),
        LakeCommand::Prune(args) => prune::run(args, context),
        LakeCommand::Merge(args) => merge::run(args, context),
        LakeCommand::Ddl(args) => ddl::run(args, context),
    }
}

/// Takes the writer lock, reads the newest manifest, and clears away what earlier commands replaced: never what
/// this one will replace, for somebody may be reading it.
fn begin_writing(lake: &mut Lake, context: &Context) -> anyhow::Result<WriterLock> {
    let lock = context.lock(lake)?;
    lake.reload()?;
    lake.remove_orphans()?;
    Ok(lock)
}

/// What a failed command staged only takes up space; the error matters more than this.
fn clear_after<T, E>(result: Result<T, E>, lake: &Lake) -> Result<T, E> {
    if result.is_err() {
        let _ = lake.remove_orphans();
    }
    result
}

/// The table must be one of the lake's.
fn check_table(lake: &Lake, name: Option<&str>) -> anyhow::Result<()> {
    let tables = lake.tables();
    match name {
        Some(name) if !tables.contains(&name) => {
            let list = if tables.is_empty() { "none yet".to_owned() } else { tables.join(", ") };
            anyhow::bail!("no table `{name}` of log events in this lake; there are: {list}")
        }
        _ => Ok(()),
    }
}

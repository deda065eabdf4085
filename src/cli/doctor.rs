//! `logsift doctor`.

use super::context::Context;
use super::exit::Exit;
use super::rules::RuleArgs;
use super::{sandbox, terminal};
use crate::lake::LakeError;
use crate::report::text::number;
use clap::Args;
use std::io::Write as _;

/// Check that logsift can do its job here: rules, engine, cache, sandbox, lake, disk.
#[derive(Debug, Args)]
pub struct DoctorArgs {}

pub(super) fn run(_args: &DoctorArgs, context: &Context) -> anyhow::Result<Exit> {
    let mut out = terminal::output(None)?;
    let mut bad = 0;
    let mut line = |good: bool, what: &str, text: String| {
        bad += usize::from(!good);
        writeln!(out, "{} {what}: {text}", if good { "ok " } else { "BAD" })
    };
    line(true, "version", format!("logsift {}, {} threads", env!("CARGO_PKG_VERSION"), crate::pipeline::threads()))?;
    match context.engine(&RuleArgs::default()) {
        Ok(engine) => {
            let failures = crate::patterns::self_test(engine.set());
            let text = format!("{} compiled, {} fail their own examples", engine.set().rules.len(), failures.len());
            line(failures.is_empty(), "rules", text)?;
        }
        Err(error) => line(false, "rules", error.to_string())?,
    }
    let cache = context.cache_dir();
    line(true, "cache", cache.display().to_string())?;
    let state = sandbox::enter(&[]);
    // Having no sandbox weakens a guarantee without breaking the program.
    line(true, "sandbox", state.to_string())?;
    let path = &context.settings.lake.value;
    match context.lake() {
        Ok(lake) => {
            let free = lake.store.free_bytes().map(|n| format!(", {} bytes free", number(n))).unwrap_or_default();
            let parts = lake.all_parts().count();
            line(true, "lake", format!("{}, version {}, {parts} parts{free}", path.display(), lake.manifest.version))?;
        }
        Err(error) => {
            let none = matches!(error.downcast_ref(), Some(LakeError::Missing { .. }));
            line(none, "lake", error.to_string())?;
        }
    }
    out.flush()?;
    Ok(if bad == 0 { Exit::Clean } else { Exit::Failure })
}

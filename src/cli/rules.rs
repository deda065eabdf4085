//! Which rules: flags that `scan` and `patterns` share.

use super::settings::Settings;
use crate::patterns::{Foreign, ForeignNote, Pack, RuleSources};
use clap::Args;
use std::path::PathBuf;

/// Flags that choose rules.
#[derive(Clone, Debug, Default, Args)]
pub struct RuleArgs {
    /// Rule packs to use: secrets, pii, phi, financial, all; may be given more than once [default: all]
    #[arg(long, global = true, value_name = "PACK", value_delimiter = ',')]
    pub pack: Vec<String>,
    /// Your own rules: a file or a folder of *.toml; a rule with a shipped rule's id replaces it. Rules of Gitleaks and
    /// Betterleaks (*.toml), Nosey Parker and Kingfisher (*.yml) are read too
    #[arg(long, global = true, value_name = "PATH")]
    pub rules: Vec<PathBuf>,
    /// Rule to leave out, by id
    #[arg(long, global = true, value_name = "ID", value_delimiter = ',')]
    pub disable: Vec<String>,
}

impl RuleArgs {
    pub fn sources(&self, settings: &Settings) -> anyhow::Result<RuleSources> {
        let packs = if self.pack.is_empty() { &settings.pack.value } else { &self.pack };
        let packs = packs.iter().map(|name| Pack::parse(name)).collect::<Result<_, _>>()?;
        let dirs = if self.rules.is_empty() { settings.rules.value.clone() } else { self.rules.clone() };
        let mut disable = settings.disable.value.clone();
        disable.extend(self.disable.iter().cloned());
        Ok(RuleSources { dirs, packs, disable, examples: false })
    }
}

/// What became of rules of other scanners, in a sentence.
pub(super) fn summary(notes: &[ForeignNote]) -> String {
    let left = notes.iter().filter(|note| matches!(note.what, Foreign::Left(_))).count();
    format!("of the rules of other scanners {left} were not taken, {} not whole", notes.len() - left)
}

//! Settings and where each came from: file < environment < flags.

use super::args::GlobalArgs;
use crate::model::Severity;
use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    Default,
    File(PathBuf),
    Env(&'static str),
    Flag,
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// A value and its origin.
#[derive(Clone, Debug)]
pub(super) struct Setting<T> {
    pub value: T,
    pub from: From,
}

/// `logsift.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    lake: Option<PathBuf>,
    tz: Option<String>,
    color: Option<ColorChoice>,
    progress: Option<bool>,
    key_file: Option<PathBuf>,
    account: Option<String>,
    region: Option<String>,
    #[serde(default)]
    scan: ScanSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScanSection {
    pack: Option<Vec<String>>,
    rules: Option<Vec<PathBuf>>,
    disable: Option<Vec<String>>,
    fail_on: Option<String>,
}

/// Everything that can be set once for all commands.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub lake: Setting<PathBuf>,
    pub tz: Setting<String>,
    pub color: Setting<ColorChoice>,
    pub progress: Setting<bool>,
    pub key_file: Setting<Option<PathBuf>>,
    pub account: Setting<Option<String>>,
    pub region: Setting<Option<String>>,
    pub pack: Setting<Vec<String>>,
    pub rules: Setting<Vec<PathBuf>>,
    pub disable: Setting<Vec<String>>,
    pub fail_on: Setting<Severity>,
}

fn env(name: &'static str) -> Option<(String, From)> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some((value, From::Env(name)))
}

fn pick<T>(candidates: impl IntoIterator<Item = Option<(T, From)>>, default: T) -> Setting<T> {
    let (value, from) = candidates.into_iter().flatten().next().unwrap_or((default, From::Default));
    Setting { value, from }
}

impl Settings {
    pub fn load(flags: &GlobalArgs) -> anyhow::Result<Self> {
        let (file, path) = read_file(flags)?;
        let from_file = || From::File(path.clone());
        let path_env = |name| env(name).map(|(value, from)| (PathBuf::from(value), from));
        let fail_on = match &file.scan.fail_on {
            Some(text) => {
                Some((severity(text).with_context(|| format!("{}: scan.fail_on", path.display()))?, from_file()))
            }
            None => None,
        };
        let fail_on_env = env("LOGSIFT_FAIL_ON").map(|(text, from)| severity(&text).map(|s| (s, from))).transpose()?;
        let optional = |value: Option<String>| value.map(|v| (Some(v), from_file()));
        Ok(Self {
            lake: pick(
                [
                    flags.lake.clone().map(|v| (v, From::Flag)),
                    path_env("LOGSIFT_LAKE"),
                    file.lake.map(|v| (v, from_file())),
                ],
                PathBuf::from("./logsift-lake"),
            ),
            tz: pick(
                [flags.tz.clone().map(|v| (v, From::Flag)), env("LOGSIFT_TZ"), file.tz.map(|v| (v, from_file()))],
                "UTC".to_owned(),
            ),
            color: pick(
                [flags.color.map(|v| (v, From::Flag)), color_env()?, file.color.map(|v| (v, from_file()))],
                ColorChoice::Auto,
            ),
            progress: pick(
                [flags.no_progress.then_some((false, From::Flag)), file.progress.map(|v| (v, from_file()))],
                true,
            ),
            key_file: pick(
                [
                    path_env("LOGSIFT_KEY_FILE").map(|(v, f)| (Some(v), f)),
                    file.key_file.map(|v| (Some(v), from_file())),
                ],
                None,
            ),
            account: pick([env("LOGSIFT_ACCOUNT").map(|(v, f)| (Some(v), f)), optional(file.account)], None),
            region: pick([env("LOGSIFT_REGION").map(|(v, f)| (Some(v), f)), optional(file.region)], None),
            pack: pick([file.scan.pack.map(|v| (v, from_file()))], Vec::new()),
            rules: pick([file.scan.rules.map(|v| (v, from_file()))], Vec::new()),
            disable: pick([file.scan.disable.map(|v| (v, from_file()))], Vec::new()),
            fail_on: pick([fail_on_env, fail_on], Severity::Medium),
        })
    }
}

/// The severity of that name.
pub(super) fn severity(text: &str) -> anyhow::Result<Severity> {
    Severity::parse(text)
        .with_context(|| format!("unknown severity `{text}`; known are: info, low, medium, high, critical"))
}

fn color_env() -> anyhow::Result<Option<(ColorChoice, From)>> {
    let Some((text, from)) = env("LOGSIFT_COLOR") else {
        return Ok(None);
    };
    match ColorChoice::from_str(&text, true) {
        Ok(choice) => Ok(Some((choice, from))),
        Err(_) => bail!("LOGSIFT_COLOR: `{text}` is none of auto, always, never"),
    }
}

/// The settings file: the one named, or `logsift.toml` here if there is one.
fn read_file(flags: &GlobalArgs) -> anyhow::Result<(File, PathBuf)> {
    let named = flags.config.clone().or_else(|| env("LOGSIFT_CONFIG").map(|(value, _)| PathBuf::from(value)));
    let path = named.clone().unwrap_or_else(|| Path::new("logsift.toml").to_path_buf());
    if named.is_none() && !path.exists() {
        return Ok((File::default(), path));
    }
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{}: cannot be read; name the settings file with --config", path.display()))?;
    let file = toml::from_str(&text)
        .map_err(|error| anyhow::anyhow!("{}: {}", path.display(), error.to_string().trim_end()))?;
    Ok((file, path))
}

//! What every command has at hand.

use super::args::GlobalArgs;
use super::rules::{self, RuleArgs};
use super::settings::{ColorChoice, Settings};
use super::terminal::Terminal;
use crate::lake::Lake;
use crate::lake::key::FingerprintKey;
use crate::lake::store::WriterLock;
use crate::model::{Masker, Micros};
use crate::patterns::PatternSet;
use crate::scan::{Engine, KeyedHash, ScanMasker};
use anyhow::Context as _;
use jiff::tz::TimeZone;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// Settings, terminal and the ways to lake, key and engine.
pub(super) struct Context {
    pub settings: Settings,
    pub terminal: Terminal,
    pub tz: TimeZone,
}

impl Context {
    pub fn new(flags: &GlobalArgs) -> anyhow::Result<Self> {
        let settings = Settings::load(flags)?;
        let auto = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let color = match settings.color.value {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => auto,
        };
        let terminal =
            Terminal { quiet: flags.quiet, verbose: flags.verbose, progress: settings.progress.value, color };
        let name = &settings.tz.value;
        let tz = TimeZone::get(name)
            .with_context(|| format!("unknown time zone `{name}`; use a name such as Europe/Berlin"))?;
        Ok(Self { settings, terminal, tz })
    }

    pub fn now(&self) -> Micros {
        Micros(jiff::Timestamp::now().as_microsecond())
    }

    pub fn lake(&self) -> anyhow::Result<Lake> {
        Ok(Lake::open(&self.settings.lake.value)?)
    }

    /// Folder of compiled rule databases.
    pub fn cache_dir(&self) -> PathBuf {
        user_dir("XDG_CACHE_HOME", ".cache")
    }

    /// Folder of the user's own fingerprint key.
    pub fn key_dir(&self) -> PathBuf {
        user_dir("XDG_DATA_HOME", ".local/share")
    }

    /// The key named by flag or setting, else the lake's, else the user's.
    pub fn key(&self, flag: Option<&Path>, lake: Option<&Lake>) -> anyhow::Result<Key> {
        let named = flag.or(self.settings.key_file.value.as_deref());
        let key = match (named, lake) {
            (Some(path), _) => FingerprintKey::from_file(path)?,
            (None, Some(lake)) => FingerprintKey::of_lake(&lake.store, lake.root())?,
            (None, None) => FingerprintKey::of_user(&self.key_dir().join("fingerprint.key"))?,
        };
        Ok(Key(key))
    }

    pub fn engine(&self, args: &RuleArgs) -> anyhow::Result<Engine> {
        let set = PatternSet::load(&args.sources(&self.settings)?)?;
        if !set.notes.is_empty() {
            let told = rules::summary(&set.notes);
            self.terminal.say(&format!("{told}; `logsift patterns check --rules …` names them"));
        }
        Ok(Engine::new(set, Some(&self.cache_dir()))?)
    }

    /// Hides secrets, by every rule there is; shows everything with `--reveal`.
    pub fn masker(&self, reveal: bool) -> anyhow::Result<Box<dyn Masker>> {
        if reveal {
            return Ok(Box::new(crate::model::masker::Plain));
        }
        Ok(Box::new(ScanMasker::new(&self.whole_engine()?)?))
    }

    /// Every rule there is, whatever packs the settings choose.
    pub fn whole_engine(&self) -> anyhow::Result<Engine> {
        let mut sources = RuleArgs::default().sources(&self.settings)?;
        sources.packs.clear();
        sources.disable.clear();
        Ok(Engine::new(PatternSet::load(&sources)?, Some(&self.cache_dir()))?)
    }

    /// The lake's writer lock; says so when another logsift must be waited for.
    pub fn lock(&self, lake: &Lake) -> anyhow::Result<WriterLock> {
        Ok(lake.store.lock_or(|| self.terminal.say("waiting for another logsift that writes to this lake"))?)
    }

    /// The instant in the display zone, with its offset or `Z`.
    pub fn show_time(&self, time: Micros) -> String {
        let text = time.to_string();
        if self.settings.tz.value == "UTC" {
            return text;
        }
        match jiff::Timestamp::from_microsecond(time.0) {
            Ok(stamp) => stamp.to_zoned(self.tz.clone()).strftime("%Y-%m-%dT%H:%M:%S.%6f%:z").to_string(),
            Err(_) => text,
        }
    }
}

/// Makes a folder and its parents, 0700, if it is not there.
pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn user_dir(variable: &str, fallback: &str) -> PathBuf {
    let named = std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = named.unwrap_or_else(|| {
        let home = std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from);
        home.join(fallback)
    });
    base.join("logsift")
}

/// The fingerprint key as the scan stage knows it.
pub(super) struct Key(FingerprintKey);

impl KeyedHash for Key {
    fn fingerprint(&self, secret: &[u8]) -> String {
        self.0.fingerprint(secret)
    }

    fn key_id(&self) -> String {
        self.0.id()
    }
}

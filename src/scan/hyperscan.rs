//! The only file that knows Hyperscan: compile, cache, scan.

use super::ScanError;
use super::lower;
use crate::patterns::PatternSet;
use hyperscan::prelude::*;
use hyperscan::{BlockMode, PatternFlags, SerializedDatabase as _};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// A compiled database; shared by all threads, each with a scratch of its own.
pub(super) struct Database(BlockDatabase);

/// Working memory of one thread.
pub(super) struct Scratch(hyperscan::Scratch);

const MAGIC: &[u8; 8] = b"lsifthsN";

impl Database {
    /// The set's database, from the cache where there is a good one for this library and CPU.
    /// Trouble with the cache costs time, never the scan.
    pub fn load(set: &PatternSet, cache: Option<&Path>) -> Result<Self, ScanError> {
        let name = cache_name(set);
        let file = cache.map(|dir| dir.join(format!("{name}.hsdb")));
        if let Some(database) = file.as_deref().and_then(read_cache) {
            return Ok(database);
        }
        let database = compile(set, &expressions(set)?)?;
        if let Some(file) = file {
            write_cache(&file, &database);
        }
        Ok(database)
    }

    pub fn scratch(&self) -> Result<Scratch, ScanError> {
        self.0.alloc_scratch().map(Scratch).map_err(|e| ScanError::Engine { message: e.to_string() })
    }

    /// Calls `hit(rule, end)` for each match in `data`; `end` is the position after its last byte.
    pub fn scan(&self, data: &[u8], scratch: &Scratch, mut hit: impl FnMut(usize, usize)) -> Result<(), ScanError> {
        let handler = |id: u32, _from: u64, to: u64, _flags: u32| {
            hit(id as usize, to as usize);
            Matching::Continue
        };
        self.0.scan(data, &scratch.0, handler).map_err(|e| ScanError::Engine { message: e.to_string() })
    }
}

fn expressions(set: &PatternSet) -> Result<Vec<String>, ScanError> {
    let lowered = |rule: &crate::patterns::Rule| {
        lower::lower(&rule.first_stage).map_err(|message| ScanError::Compile { rule: rule.id.clone(), message })
    };
    set.rules.iter().map(lowered).collect()
}

fn pattern(expression: &str, id: usize, flags: PatternFlags) -> Result<Pattern, ScanError> {
    let mut pattern =
        Pattern::with_flags(expression, flags).map_err(|e| ScanError::Engine { message: e.to_string() })?;
    pattern.id = Some(id);
    Ok(pattern)
}

fn compile(set: &PatternSet, expressions: &[String]) -> Result<Database, ScanError> {
    let build = |flags: &[PatternFlags]| -> Result<Result<BlockDatabase, String>, ScanError> {
        let mut patterns = Vec::with_capacity(expressions.len());
        for (id, expression) in expressions.iter().enumerate() {
            patterns.push(pattern(expression, id, flags[id])?);
        }
        Ok(Patterns(patterns).build().map_err(|e| e.to_string()))
    };
    let plain = PatternFlags::DOTALL;
    let mut flags = vec![plain; expressions.len()];
    if let Ok(database) = build(&flags)? {
        return Ok(Database(database));
    }
    // Some rule is too large or unsupported: it goes through as a prefilter, and is confirmed as all are.
    for (id, expression) in expressions.iter().enumerate() {
        let alone = pattern(expression, id, plain)?.build();
        let alone: Result<BlockDatabase, _> = alone;
        if alone.is_err() {
            flags[id] = plain | PatternFlags::PREFILTER;
            let filtered: Result<BlockDatabase, _> = pattern(expression, id, flags[id])?.build();
            if let Err(error) = filtered {
                return Err(ScanError::Compile { rule: set.rules[id].id.clone(), message: error.to_string() });
            }
        }
    }
    build(&flags)?.map(Database).map_err(|message| ScanError::Engine { message })
}

/// Keyed by patterns, how they are lowered, the library's version and CPU: a database only runs where it was
/// made for.
fn cache_name(set: &PatternSet) -> String {
    let mut hasher = Sha256::new();
    hasher.update(hyperscan::version_str().to_bytes());
    hasher.update(cpu().as_bytes());
    hasher.update(lower::REVISION.to_le_bytes());
    for rule in &set.rules {
        hasher.update(rule.first_stage.as_bytes());
        hasher.update([0]);
    }
    crate::codec::hex::encode(&hasher.finalize()[..12])
}

fn cpu() -> String {
    #[cfg(target_arch = "x86_64")]
    {
        let has = |name: &str, yes: bool| if yes { format!("{name},") } else { String::new() };
        has("avx2", is_x86_feature_detected!("avx2"))
            + &has("avx512bw", is_x86_feature_detected!("avx512bw"))
            + &has("avx512vbmi", is_x86_feature_detected!("avx512vbmi"))
            + &has("bmi2", is_x86_feature_detected!("bmi2"))
    }
    #[cfg(not(target_arch = "x86_64"))]
    std::env::consts::ARCH.to_owned()
}

/// Magic, SHA-256 of the rest, database. A damaged or foreign file is as good as none.
fn read_cache(file: &Path) -> Option<Database> {
    // A pipe in its place would block for ever.
    let data = std::fs::metadata(file).is_ok_and(|meta| meta.is_file()).then(|| std::fs::read(file).ok())??;
    let rest = data.strip_prefix(MAGIC)?;
    let (sum, bytes) = rest.split_at_checked(32)?;
    if Sha256::digest(bytes).as_slice() != sum {
        return None;
    }
    bytes.deserialize::<BlockMode>().ok().map(Database)
}

fn write_cache(file: &Path, database: &Database) {
    let Ok(bytes) = database.0.serialize() else {
        return;
    };
    let data = [MAGIC.as_slice(), Sha256::digest(&*bytes).as_slice(), &bytes].concat();
    let staged = file.with_extension(format!("tmp{}", std::process::id()));
    let write = || {
        use std::io::Write as _;
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&staged)?.write_all(&data)?;
        std::fs::rename(&staged, file)
    };
    let done: std::io::Result<()> = write();
    if done.is_err() {
        let _ = std::fs::remove_file(&staged);
    }
}

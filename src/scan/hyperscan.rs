//! The only file that knows Hyperscan: compile, cache, scan.

use super::ScanError;
use super::lower;
use crate::patterns::{FirstStage, PatternSet};
use hyperscan::prelude::*;
use hyperscan::{BlockMode, PatternFlags, SerializedDatabase as _};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// A compiled database; shared by all threads, each with a scratch of its own.
pub(super) struct Database {
    /// None where no rule is for Hyperscan.
    block: Option<BlockDatabase>,
    /// Rules that are too large or unsupported: they hit wherever they may match, and elsewhere.
    prefilters: Vec<usize>,
}

/// Working memory of one thread.
pub(super) struct Scratch(Option<hyperscan::Scratch>);

const MAGIC: &[u8; 8] = b"lsifthsO";

impl Database {
    /// The set's database, from the cache where there is a good one for this library and CPU.
    /// Trouble with the cache costs time, never the scan.
    pub fn load(set: &PatternSet, cache: Option<&Path>) -> Result<Self, ScanError> {
        let name = cache_name(set);
        let file = cache.map(|dir| dir.join(format!("{name}.hsdb")));
        if let Some(database) = file.as_deref().and_then(read_cache) {
            return Ok(database);
        }
        let expressions = expressions(set)?;
        if expressions.is_empty() {
            return Ok(Self { block: None, prefilters: Vec::new() });
        }
        let database = compile(set, &expressions)?;
        if let Some(file) = file {
            write_cache(&file, &database);
        }
        Ok(database)
    }

    /// One rule's database.
    pub fn of_rule(set: &PatternSet, rule: usize) -> Result<Self, ScanError> {
        let mut expressions = expressions(set)?;
        expressions.retain(|(of, _)| *of == rule);
        compile(set, &expressions)
    }

    pub fn scratch(&self) -> Result<Scratch, ScanError> {
        let scratch = self.block.as_ref().map(|block| block.alloc_scratch()).transpose();
        scratch.map(Scratch).map_err(|e| ScanError::Engine { message: e.to_string() })
    }

    /// Whether the ends of the rule's hits say nothing.
    pub fn is_prefilter(&self, rule: usize) -> bool {
        self.prefilters.contains(&rule)
    }

    /// Calls `hit(rule, end)` for each match in `data`; `end` is the position after its last byte.
    pub fn scan(&self, data: &[u8], scratch: &Scratch, mut hit: impl FnMut(usize, usize)) -> Result<(), ScanError> {
        let handler = |id: u32, _from: u64, to: u64, _flags: u32| {
            hit(id as usize, to as usize);
            Matching::Continue
        };
        match (&self.block, &scratch.0) {
            (Some(block), Some(scratch)) => {
                block.scan(data, scratch, handler).map_err(|e| ScanError::Engine { message: e.to_string() })
            }
            _ => Ok(()),
        }
    }
}

/// Rules that Hyperscan is for, with what it looks for.
fn expressions(set: &PatternSet) -> Result<Vec<(usize, String)>, ScanError> {
    let mut all = Vec::new();
    for (n, rule) in set.rules.iter().enumerate() {
        if let FirstStage::Expression(text) = &rule.first_stage {
            let wrong = |message| ScanError::Compile { rule: rule.id.clone(), message };
            all.push((n, lower::lower(text).map_err(wrong)?));
        }
    }
    Ok(all)
}

fn pattern(expression: &str, id: usize, flags: PatternFlags) -> Result<Pattern, ScanError> {
    let mut pattern =
        Pattern::with_flags(expression, flags).map_err(|e| ScanError::Engine { message: e.to_string() })?;
    pattern.id = Some(id);
    Ok(pattern)
}

fn compile(set: &PatternSet, expressions: &[(usize, String)]) -> Result<Database, ScanError> {
    let build = |flags: &[PatternFlags]| -> Result<Result<BlockDatabase, String>, ScanError> {
        let mut patterns = Vec::with_capacity(expressions.len());
        for ((rule, expression), flags) in expressions.iter().zip(flags) {
            patterns.push(pattern(expression, *rule, *flags)?);
        }
        Ok(Patterns(patterns).build().map_err(|e| e.to_string()))
    };
    let plain = PatternFlags::DOTALL;
    let mut flags = vec![plain; expressions.len()];
    if let Ok(block) = build(&flags)? {
        return Ok(Database { block: Some(block), prefilters: Vec::new() });
    }
    // Some rule is too large or unsupported: it goes through as a prefilter, and is confirmed as all are.
    let mut prefilters = Vec::new();
    for ((rule, expression), flags) in expressions.iter().zip(&mut flags) {
        let alone = pattern(expression, *rule, plain)?.build();
        let alone: Result<BlockDatabase, _> = alone;
        if alone.is_err() {
            *flags = plain | PatternFlags::PREFILTER;
            prefilters.push(*rule);
            let filtered: Result<BlockDatabase, _> = pattern(expression, *rule, *flags)?.build();
            if let Err(error) = filtered {
                return Err(ScanError::Compile { rule: set.rules[*rule].id.clone(), message: error.to_string() });
            }
        }
    }
    let block = build(&flags)?.map_err(|message| ScanError::Engine { message })?;
    Ok(Database { block: Some(block), prefilters })
}

/// Keyed by patterns, how they are lowered, the library's version and CPU: a database only runs where it was
/// made for.
fn cache_name(set: &PatternSet) -> String {
    let mut hasher = Sha256::new();
    hasher.update(hyperscan::version_str().to_bytes());
    hasher.update(cpu().as_bytes());
    hasher.update(lower::REVISION.to_le_bytes());
    for rule in &set.rules {
        if let FirstStage::Expression(text) = &rule.first_stage {
            hasher.update(text.as_bytes());
        }
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

/// Magic, SHA-256 of the rest, count of prefilters and their rules as little-endian u32, database. A damaged or foreign file is as good as none.
fn read_cache(file: &Path) -> Option<Database> {
    // A pipe in its place would block for ever.
    let data = std::fs::metadata(file).is_ok_and(|meta| meta.is_file()).then(|| std::fs::read(file).ok())??;
    let rest = data.strip_prefix(MAGIC)?;
    let (sum, bytes) = rest.split_at_checked(32)?;
    if Sha256::digest(bytes).as_slice() != sum {
        return None;
    }
    let (count, mut bytes) = number(bytes)?;
    let mut prefilters = Vec::new();
    for _ in 0..count {
        let (rule, rest) = number(bytes)?;
        prefilters.push(rule);
        bytes = rest;
    }
    let block = bytes.deserialize::<BlockMode>().ok()?;
    Some(Database { block: Some(block), prefilters })
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*head) as usize, rest))
}

fn write_cache(file: &Path, database: &Database) {
    let Some(Ok(block)) = database.block.as_ref().map(|block| block.serialize()) else {
        return;
    };
    let rules = [database.prefilters.len()].into_iter().chain(database.prefilters.iter().copied());
    let mut bytes: Vec<u8> = rules.flat_map(|number| (number as u32).to_le_bytes()).collect();
    bytes.extend_from_slice(&block);
    let data = [MAGIC.as_slice(), Sha256::digest(&bytes).as_slice(), &bytes].concat();
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
    match (done, file.parent()) {
        (Ok(()), Some(folder)) => forget_old(folder),
        _ => {
            let _ = std::fs::remove_file(&staged);
        }
    }
}

/// Databases that are kept: one for each choice of rules somebody uses.
const KEPT: usize = 32;

/// Removes all but the newest databases of a cache: each rule that changes makes another one.
fn forget_old(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut all: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "hsdb"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    all.sort_unstable();
    let old = all.len().saturating_sub(KEPT);
    for (_, file) in &all[..old] {
        let _ = std::fs::remove_file(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_keeps_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let at = |n: u64| std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n);
        for n in 0..KEPT as u64 + 3 {
            let file = std::fs::File::create(folder.path().join(format!("{n:02}.hsdb"))).unwrap();
            file.set_modified(at(1_000_000 - n)).unwrap();
        }
        std::fs::write(folder.path().join("other"), "").unwrap();
        forget_old(folder.path());
        let left = |name: &str| folder.path().join(name).exists();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), KEPT + 1);
        assert!(left("00.hsdb") && left("31.hsdb") && !left("32.hsdb") && left("other"));
    }
}

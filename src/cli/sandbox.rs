//! No sockets, and writing only where the job is. Set before any thread starts: landlock and seccomp bind
//! the calling thread and those it makes.

use std::fmt;
use std::path::{Path, PathBuf};

/// What the kernel enforces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Internet sockets are refused.
    pub no_sockets: bool,
    /// Files outside the writable places are read-only.
    pub read_only: bool,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |on: bool| if on { "yes" } else { "not on this system" };
        write!(f, "internet sockets refused: {}; writes confined: {}", say(self.no_sockets), say(self.read_only))
    }
}

/// Confines this process; what the kernel cannot enforce is left open and told.
pub(super) fn enter(writable: &[PathBuf]) -> State {
    let existing: Vec<PathBuf> = writable.iter().filter(|path| path.exists()).cloned().collect();
    State { no_sockets: seccomp(), read_only: landlock(&existing) }
}

/// The place a new file of that name needs: the file where it exists, else its folder.
pub(super) fn place_of(file: &Path) -> PathBuf {
    if file.exists() {
        return file.to_path_buf();
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_path_buf()
}

#[cfg(target_os = "linux")]
fn landlock(writable: &[PathBuf]) -> bool {
    use landlock::{
        ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
        RulesetStatus, path_beneath_rules,
    };
    let abi = ABI::V5;
    let mut places = writable.to_vec();
    places.extend([std::env::temp_dir(), PathBuf::from("/dev/null"), PathBuf::from("/dev/tty")]);
    let apply = || -> Result<bool, landlock::RulesetError> {
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(["/"], AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules(&places, AccessFs::from_all(abi)))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    };
    apply().unwrap_or(false)
}

#[cfg(target_os = "linux")]
fn seccomp() -> bool {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    /// `AF_INET` and `AF_INET6` of Linux.
    const INTERNET: [u64; 2] = [2, 10];
    /// `EACCES`.
    const REFUSED: u32 = 13;
    /// `socket` and `io_uring_setup`, by architecture.
    #[cfg(target_arch = "x86_64")]
    const CALLS: (i64, i64) = (41, 425);
    #[cfg(not(target_arch = "x86_64"))]
    const CALLS: (i64, i64) = (198, 425);

    let apply = || -> Result<(), Box<dyn std::error::Error>> {
        let mut rules = Vec::new();
        for family in INTERNET {
            let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, family)?;
            rules.push(SeccompRule::new(vec![condition])?);
        }
        let filter = SeccompFilter::new(
            [(CALLS.0, rules), (CALLS.1, Vec::new())].into_iter().collect(),
            SeccompAction::Allow,
            SeccompAction::Errno(REFUSED),
            std::env::consts::ARCH.try_into()?,
        )?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)?;
        Ok(())
    };
    apply().is_ok()
}

#[cfg(not(target_os = "linux"))]
fn landlock(_writable: &[PathBuf]) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn seccomp() -> bool {
    false
}

//! Storage behind one small trait: a local folder today.
//!
//! Useful for: whole immutable objects, put once. Not useful for: appending, or changing in place.

use super::LakeError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Folder for everything that is no part; Hive readers skip names that begin with `_`.
pub const INTERNAL: &str = "_logsift";

/// Paths are relative to the lake's root, with `/`.
pub trait Store {
    /// The whole object, or `None` where there is none.
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, LakeError>;

    /// Bytes `[start, start + len)`, fewer at the end of the object.
    fn get_range(&self, path: &str, start: u64, len: usize) -> Result<Vec<u8>, LakeError>;

    /// Writes an object that does not exist yet, whole or not at all. `false` when it exists.
    fn put_if_absent(&self, path: &str, data: &[u8]) -> Result<bool, LakeError>;

    /// Paths under a folder, sorted; empty where there is none.
    fn list(&self, folder: &str) -> Result<Vec<String>, LakeError>;

    /// Removes an object; none is no error.
    fn delete(&self, path: &str) -> Result<(), LakeError>;
}

/// A folder, 0700, files 0600.
pub struct LocalStore {
    root: PathBuf,
}

impl LocalStore {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn init(&self) -> Result<(), LakeError> {
        make_private_dir(&self.root)?;
        make_private_dir(&self.root.join(INTERNAL))?;
        // Another import may be at it already, and clears away what it takes for leftovers.
        let _lock = self.lock()?;
        self.put_if_absent(".gitignore", b"*\n")?;
        Ok(())
    }

    /// Takes the lake's writer lock, waiting for another writer; it is held until the file is dropped.
    pub fn lock(&self) -> Result<WriterLock, LakeError> {
        self.lock_or(|| {})
    }

    /// As [`LocalStore::lock`]; calls `waiting` when another writer has it.
    pub fn lock_or(&self, waiting: impl FnOnce()) -> Result<WriterLock, LakeError> {
        let path = self.root.join(INTERNAL).join("writer.lock");
        let file = private_options().truncate(false).open(&path).map_err(|e| LakeError::io(&path, e))?;
        if file.try_lock().is_err() {
            waiting();
            file.lock().map_err(|e| LakeError::io(&path, e))?;
        }
        Ok(WriterLock(file))
    }

    /// Deletes files that a writer staged and never put: names that begin with `.tmp-`.
    pub(super) fn remove_staged(&self) -> Result<(), LakeError> {
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(|e| LakeError::io(&folder, e))?.flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push(path);
                } else if is_leftover(&entry) {
                    fs::remove_file(&path).map_err(|e| LakeError::io(&path, e))?;
                }
            }
        }
        Ok(())
    }

    /// Gives a file of the same disk another name, in the lake; nothing happens where that exists. What it is called
    /// is not safe from a power loss before [`LocalStore::sync`].
    pub(super) fn link_if_absent(&self, path: &str, file: &Path) -> Result<(), LakeError> {
        let full = self.root.join(path);
        make_private_dir(full.parent().unwrap_or(&self.root))?;
        match fs::hard_link(file, &full) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(LakeError::io(&full, error)),
            _ => Ok(()),
        }
    }

    /// Everything written to the lake's disk is there to stay: one call for any number of files.
    pub(super) fn sync(&self) -> Result<(), LakeError> {
        #[cfg(target_os = "linux")]
        {
            let folder = File::open(&self.root).map_err(|e| LakeError::io(&self.root, e))?;
            rustix::fs::syncfs(folder).map_err(|e| LakeError::io(&self.root, e.into()))
        }
        #[cfg(not(target_os = "linux"))]
        {
            rustix::fs::sync();
            Ok(())
        }
    }

    /// Bytes free for this user on the lake's disk; `None` where the system does not say.
    pub fn free_bytes(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Staged files; and kept standard inputs that nobody can be reading any more.
fn is_leftover(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    let day = std::time::Duration::from_secs(86_400);
    let old = || entry.metadata().and_then(|m| m.modified()).is_ok_and(|t| t.elapsed().is_ok_and(|age| age > day));
    name.starts_with(".tmp-") || (name.starts_with(SPOOL) && old())
}

/// Name of a kept standard input begins so.
pub const SPOOL: &str = "stdin-";

/// Held while one process writes.
pub struct WriterLock(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn make_private_dir(path: &Path) -> Result<(), LakeError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path).map_err(|e| LakeError::io(path, e))
}

impl Store for LocalStore {
    fn get(&self, path: &str) -> Result<Option<Vec<u8>>, LakeError> {
        let full = self.root.join(path);
        match fs::read(&full) {
            Ok(data) => Ok(Some(data)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LakeError::io(&full, error)),
        }
    }

    fn get_range(&self, path: &str, start: u64, len: usize) -> Result<Vec<u8>, LakeError> {
        let full = self.root.join(path);
        let read = || {
            let mut file = File::open(&full)?;
            file.seek(SeekFrom::Start(start))?;
            let mut data = Vec::new();
            file.take(len as u64).read_to_end(&mut data)?;
            Ok(data)
        };
        read().map_err(|e| LakeError::io(&full, e))
    }

    fn put_if_absent(&self, path: &str, data: &[u8]) -> Result<bool, LakeError> {
        let full = self.root.join(path);
        let folder = full.parent().unwrap_or(&self.root);
        make_private_dir(folder)?;
        // In the same folder: a sandbox of an older kernel refuses links from one to another.
        let name = full.file_name().unwrap_or_default().to_string_lossy();
        let staged = folder.join(format!(".tmp-{}-{name}", std::process::id()));
        let write = || {
            let mut file = private_options().truncate(true).open(&staged)?;
            file.write_all(data)?;
            file.sync_all()?;
            // A hard link fails where the name exists: the one atomic put-if-absent a POSIX disk has.
            let linked = fs::hard_link(&staged, &full);
            fs::remove_file(&staged)?;
            // Without this a power loss may keep the manifest and lose the part's name.
            File::open(folder)?.sync_all()?;
            match linked {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(error),
            }
        };
        write().map_err(|error| {
            // A half-written file would only take up the space that is missing.
            let _ = fs::remove_file(&staged);
            LakeError::io(&full, error)
        })
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let full = self.root.join(folder);
        let entries = match fs::read_dir(&full) {
            Ok(entries) => entries,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(LakeError::io(&full, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| LakeError::io(&full, e))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Left by a writer that was cut off; never part of the lake.
            if !name.starts_with(".tmp-") {
                names.push(format!("{folder}/{name}"));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn delete(&self, path: &str) -> Result<(), LakeError> {
        let full = self.root.join(path);
        match fs::remove_file(&full) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LakeError::io(&full, error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_put_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let store = LocalStore::new(&dir.path().join("lake"));
        store.init().unwrap();
        assert!(store.put_if_absent("t/a", b"one").unwrap());
        assert!(!store.put_if_absent("t/a", b"two").unwrap());
        assert_eq!(store.get("t/a").unwrap().unwrap(), b"one");
        assert_eq!(store.get_range("t/a", 1, 9).unwrap(), b"ne");
        assert_eq!(store.get("t/b").unwrap(), None);
        assert_eq!(store.list("t").unwrap(), ["t/a"]);
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |p: &str| fs::metadata(store.root().join(p)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("t"), mode("t/a")), (0o700, 0o700, 0o600));
        store.delete("t/a").unwrap();
        store.delete("t/a").unwrap();
        assert_eq!(store.list("t").unwrap(), [""; 0]);
    }
}

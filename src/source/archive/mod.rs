//! Archives: their members are objects of their own. Nothing is ever written under a member's name.

mod tar;
mod zip;

use super::SourceError;
use super::object::{Body, Content, Object, Opened, Opener};
use super::walk::SourceFile;
use super::whole::{Spool, Whole};
use std::io::BufRead;
use std::path::{Path, PathBuf};

pub use tar::is_tar;
pub use zip::is_zip;

/// Stands between an archive's name and a member's.
pub const INSIDE: &str = "!/";

/// Members of an archive that are refused one by one; a hostile one has millions.
const NAMED: u64 = 1000;

/// A zip or tar file whose members have not been read yet.
pub struct Archive {
    name: String,
    depth: u8,
    kind: Kind,
}

enum Kind {
    Zip(Whole),
    Tar(tar::Source),
}

/// What stands in an archive.
pub enum Entry {
    Object(Object),
    /// It has no bytes that could be read: a folder, a link, a device.
    Left {
        name: String,
        what: &'static str,
    },
}

impl Archive {
    pub(super) fn zip(object: &Object, whole: Whole) -> Self {
        Self::new(object, Kind::Zip(whole))
    }

    pub(super) fn tar(object: &Object, whole: Whole) -> Self {
        Self::new(object, Kind::Tar(tar::Source::at(whole)))
    }

    pub(super) fn tar_stream(object: &Object, stream: Box<dyn BufRead + Send>) -> Self {
        Self::new(object, Kind::Tar(tar::Source::stream(stream)))
    }

    fn new(object: &Object, kind: Kind) -> Self {
        Self { name: object.name.clone(), depth: object.depth, kind }
    }

    /// Every member, in the order of the archive; a member must be read before the next one comes. Errors are of
    /// single members, or the last item. Stops when `each` fails.
    pub fn each<E>(self, each: &mut dyn FnMut(Result<Entry, SourceError>) -> Result<(), E>) -> Result<(), E> {
        let names = Names { archive: self.name, depth: self.depth };
        let mut refused = 0u64;
        let mut counting = |entry: Result<Entry, SourceError>| {
            let member = matches!(entry, Err(SourceError::Member { .. }));
            refused += u64::from(member);
            if member && refused > NAMED { Ok(()) } else { each(entry) }
        };
        match self.kind {
            Kind::Zip(whole) => zip::each(&names, &whole, &mut counting),
            Kind::Tar(source) => tar::each(&names, source, &mut counting),
        }?;
        match refused.saturating_sub(NAMED) {
            0 => Ok(()),
            more => each(Err(Names::refused(names.archive, format!("{more} more of its members cannot be read")))),
        }
    }
}

/// Makes members of one archive.
struct Names {
    archive: String,
    depth: u8,
}

impl Names {
    /// Bytes that are not UTF-8 are replaced, as in names of files; everything else stays as it is.
    fn of(&self, member: &[u8]) -> String {
        format!("{}{INSIDE}{}", self.archive, String::from_utf8_lossy(member))
    }

    fn object(&self, name: String, size: u64, body: Body) -> Entry {
        Entry::Object(Object { path: PathBuf::from(&name), name, size, depth: self.depth + 1, body })
    }

    fn again(&self, name: String, size: u64, opener: Opener) -> Entry {
        self.object(name, size, Body::Again(opener))
    }

    fn refused(name: String, why: impl Into<String>) -> SourceError {
        SourceError::Member { object: name, why: why.into() }
    }

    fn damaged(&self, why: impl ToString) -> SourceError {
        SourceError::Archive { object: self.archive.clone(), why: why.to_string() }
    }
}

/// What [`unpack`] comes upon.
pub enum Found {
    Object(Object, Content),
    Left { name: String, what: &'static str },
    Error(SourceError),
}

/// The object itself, or every object in the archive that it is, and in those that lie in it.
pub fn unpack<E>(object: Object, spool: &Spool, each: &mut dyn FnMut(Found) -> Result<(), E>) -> Result<(), E> {
    match object.open(spool) {
        Ok(Opened::Content(content)) => each(Found::Object(object, content)),
        Ok(Opened::Archive(archive)) => archive.each(&mut |entry| match entry {
            Ok(Entry::Object(member)) => unpack(member, spool, each),
            Ok(Entry::Left { name, what }) => each(Found::Left { name, what }),
            Err(error) => each(Found::Error(error)),
        }),
        Err(error) => each(Found::Error(error)),
    }
}

/// Name and SHA-256 of everything that lies in the archive at `path`, as far as it can be read.
pub fn hashes(path: &Path, spool: &Spool) -> Result<Vec<(String, String)>, SourceError> {
    let size = std::fs::metadata(path).map_err(|e| SourceError::open(path, e))?.len();
    let object = Object::of_file(&SourceFile { path: path.to_path_buf(), size }, None);
    let mut all = Vec::new();
    inner_hashes(&object, spool, &mut all)?;
    Ok(all)
}

fn inner_hashes(object: &Object, spool: &Spool, all: &mut Vec<(String, String)>) -> Result<(), SourceError> {
    let Opened::Archive(archive) = object.open(spool)? else {
        return Ok(());
    };
    archive.each(&mut |entry| {
        // What cannot be read has no hash; whoever looks for it does not find it.
        let Ok(Entry::Object(member)) = entry else {
            return Ok(());
        };
        let (member, sha256) = member.kept(spool)?;
        all.push((member.name.clone(), sha256));
        let _ = inner_hashes(&member, spool, all);
        Ok(())
    })
}

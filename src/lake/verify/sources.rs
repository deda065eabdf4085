//! Source objects against what was imported.

use super::{Problem, VerifyReport};
use crate::codec::hex;
use crate::lake::manifest::SourceObject;
use crate::lake::{Lake, LakeError};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Gives name and SHA-256 of everything that lies in the archive file at a path, archives in archives included;
/// else why it cannot be read.
pub type Members<'a> = dyn Fn(&Path) -> Result<Vec<(String, String)>, String> + 'a;

/// An object of a bucket, or what a log group gave.
fn is_remote(name: &str) -> bool {
    name.contains("://") || name.starts_with("arn:")
}

impl Lake {
    pub(super) fn verify_evidence(&self, report: &mut VerifyReport, progress: &dyn Fn(u64)) -> Result<(), LakeError> {
        for object in self.manifest.objects.values() {
            let Some(path) = &object.evidence else {
                continue;
            };
            match self.check_evidence(object, path)? {
                Ok(()) => report.evidence += 1,
                Err(what) => report.problems.push(Problem::new(path, None, what)),
            }
            progress(object.size);
        }
        Ok(())
    }

    pub(super) fn verify_sources(&self, members: &Members<'_>, report: &mut VerifyReport, progress: &dyn Fn(u64)) {
        let mut archives: BTreeMap<&str, Vec<&SourceObject>> = BTreeMap::new();
        for object in self.manifest.objects.values() {
            let name = &object.name;
            let archive = object.archive.as_deref().and_then(|sha256| self.archive_path(sha256, name));
            match archive {
                Some(path) if path != "-" && !is_remote(path) => {
                    archives.entry(path).or_default().push(object);
                    continue;
                }
                None if object.archive.is_some() => report.missing.push(name.clone()),
                Some(_) => report.not_local.push(name.clone()),
                None if name == "-" || is_remote(name) => report.not_local.push(name.clone()),
                None => self.verify_object(object, report),
            }
            progress(object.size);
        }
        for (path, objects) in archives {
            self.verify_members(path, &objects, members, report);
            progress(objects.iter().map(|object| object.size).sum());
        }
    }

    /// The part of a member's name that is its archive file's: as that was imported, or else one that is there,
    /// for the same archive may have been imported under two names.
    fn archive_path<'n>(&self, sha256: &str, name: &'n str) -> Option<&'n str> {
        let recorded = self.manifest.objects.get(sha256).map(|archive| archive.name.as_str());
        let mut starts = name.match_indices("!/").map(|(at, _)| &name[..at]);
        if let Some(recorded) = recorded
            && starts.clone().any(|start| start == recorded)
        {
            return name.get(..recorded.len());
        }
        starts.find(|start| Path::new(start).is_file())
    }

    fn verify_members(&self, path: &str, objects: &[&SourceObject], members: &Members<'_>, report: &mut VerifyReport) {
        if !Path::new(path).exists() {
            report.missing.extend(objects.iter().map(|object| object.name.clone()));
            return;
        }
        let found = match members(Path::new(path)) {
            Ok(found) => found,
            Err(why) => {
                report.problems.push(Problem::new(path, None, format!("its members cannot be read: {why}")));
                return;
            }
        };
        let mut by_name: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, sha256) in &found {
            by_name.entry(name).or_default().push(sha256);
        }
        for object in objects {
            let name = &object.name;
            let lies = by_name.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let later = |sha256: &&str| self.manifest.objects.get(*sha256).is_some_and(|other| other.name == *name);
            if lies.contains(&object.sha256.as_str()) {
                report.objects += 1;
            } else if lies.iter().any(later) {
                report.replaced.push(name.clone());
            } else if lies.is_empty() {
                report.problems.push(Problem::new(name, None, "is no longer in its archive"));
            } else {
                report.problems.push(Problem::new(name, None, "is not what was imported: another SHA-256"));
            }
        }
    }

    fn verify_object(&self, object: &SourceObject, report: &mut VerifyReport) {
        let name = &object.name;
        let hashed = match hash_file(Path::new(name), object.size) {
            Ok(hashed) => hashed,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                report.missing.push(name.clone());
                return;
            }
            Err(error) => {
                report.problems.push(Problem::new(name, None, format!("cannot be read: {error}")));
                return;
            }
        };
        if hashed.whole == object.sha256 {
            report.objects += 1;
        } else if hashed.head.as_ref() == Some(&object.sha256) {
            report.grown.push(name.clone());
        } else if self.manifest.objects.get(&hashed.whole).is_some_and(|other| other.name == *name) {
            report.replaced.push(name.clone());
        } else if hashed.size == object.size {
            report.problems.push(Problem::new(name, None, "is not what was imported: another SHA-256"));
        } else {
            let what = format!("is not what was imported: {} bytes instead of {}", hashed.size, object.size);
            // The beginning may be altered too: only a shorter file has a difference that is sure.
            let offset = (hashed.size < object.size).then_some(hashed.size);
            report.problems.push(Problem::new(name, offset, what));
        }
    }
}

pub(in crate::lake) struct Hashed {
    pub size: u64,
    pub whole: String,
    /// Of the first bytes, as many as asked for, where there are more.
    head: Option<String>,
}

pub(in crate::lake) fn hash_file(path: &Path, head: u64) -> io::Result<Hashed> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1024 * 1024];
    let mut size = 0;
    let mut at_head = None;
    loop {
        // The blocks end at the border, so that the hash of the head is there.
        let room = if size < head { (head - size).min(block.len() as u64) as usize } else { block.len() };
        match file.read(&mut block[..room]) {
            Ok(0) => break,
            Ok(n) => {
                if size == head {
                    at_head.get_or_insert_with(|| hex::encode(&hasher.clone().finalize()));
                }
                hasher.update(&block[..n]);
                size += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Hashed { size, whole: hex::encode(&hasher.finalize()), head: at_head })
}

//! Hides secrets in text that is shown: the scan engine on one text at a time.

use super::ScanError;
use super::engine::{Chunk, Engine, Found, Scanner};
use crate::model::{Masker, Secret};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

/// Masks every match of any confidence, but not of public values (access key ids): hiding too much is
/// cheap here, showing a secret is not. What cannot be scanned is not shown.
pub struct ScanMasker {
    scanner: Mutex<(Scanner, Chunk, Vec<Found>)>,
}

const UNREADABLE: &str = "…(hidden: the masking engine failed)…";

impl ScanMasker {
    pub fn new(engine: &Engine) -> Result<Self, ScanError> {
        Ok(Self { scanner: Mutex::new((engine.scanner()?, Chunk::default(), Vec::new())) })
    }
}

impl Masker for ScanMasker {
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() < 6 {
            return Cow::Borrowed(text);
        }
        let mut guard = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
        let (scanner, chunk, found) = &mut *guard;
        chunk.clear();
        chunk.push(text.as_bytes());
        found.clear();
        if scanner.scan(chunk, None, found).is_err() {
            return Cow::Borrowed(UNREADABLE);
        }
        found.retain(|f| !scanner.set().rules[f.matched.rule].public);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let bytes = text.as_bytes();
        let mut out = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for f in found.iter() {
            let (start, end) = f.matched.span;
            out.extend_from_slice(&bytes[at..start]);
            out.extend_from_slice(Secret::new(&bytes[start..end]).mask().as_bytes());
            at = end;
        }
        out.extend_from_slice(&bytes[at..]);
        Cow::Owned(String::from_utf8_lossy(&out).into_owned())
    }
}

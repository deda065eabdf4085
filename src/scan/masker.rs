//! Hides secrets in text that is shown: the scan engine on one text at a time.

use super::ScanError;
use super::chunk::{CHUNK, Chunk};
use super::engine::{Engine, Found, Scanner};
use crate::model::{Masker, Secret};
use aho_corasick::{AhoCorasick, MatchKind};
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
        if scanner.scan(chunk, None, found).is_err() {
            return Cow::Borrowed(UNREADABLE);
        }
        found.retain(|f| !scanner.set().rules[f.matched.rule].public);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let spans: Vec<(usize, usize)> = found.iter().map(|f| f.matched.span).collect();
        Cow::Owned(hide(text, spans))
    }

    fn mask_all(&self, texts: &mut [&mut String]) {
        let mut rest = texts;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fitting = rest.iter().take_while(|text| {
                bytes += text.len();
                bytes <= CHUNK
            });
            let count = fitting.count().max(1);
            let (now, later) = std::mem::take(&mut rest).split_at_mut(count);
            self.mask_chunk(now);
            rest = later;
        }
    }
}

impl ScanMasker {
    /// Texts as the records of one chunk: the engine is entered once for all of them, and those with a hit are
    /// masked one by one.
    fn mask_chunk(&self, texts: &mut [&mut String]) {
        let mut hit = Vec::new();
        {
            let mut guard = self.scanner.lock().unwrap_or_else(PoisonError::into_inner);
            let (scanner, chunk, found) = &mut *guard;
            chunk.clear();
            let mut starts = Vec::with_capacity(texts.len());
            for text in texts.iter() {
                starts.push(chunk.len());
                chunk.push(text.as_bytes());
            }
            if scanner.scan(chunk, None, found).is_err() {
                texts.iter_mut().for_each(|text| UNREADABLE.clone_into(text));
                return;
            }
            let seen = found.iter().filter(|f| !scanner.set().rules[f.matched.rule].public);
            hit.extend(seen.map(|f| starts.partition_point(|start| *start <= f.record.0).saturating_sub(1)));
        }
        hit.sort_unstable();
        hit.dedup();
        for at in hit {
            if let Some(text) = texts.get_mut(at)
                && let Cow::Owned(masked) = self.mask(text)
            {
                **text = masked;
            }
        }
    }
}

/// Shorter values occur by chance; longer ones are hidden wherever else they stand in the text.
const REPEATED_FROM: usize = 6;

/// The text with these spans masked, and every other place where the same values stand.
fn hide(text: &str, mut spans: Vec<(usize, usize)>) -> String {
    let bytes = text.as_bytes();
    let mut values: Vec<&[u8]> = spans.iter().map(|(start, end)| &bytes[*start..*end]).collect();
    values.sort_unstable();
    values.dedup();
    values.retain(|value| value.len() >= REPEATED_FROM);
    // One pass for all values: a hostile text may hold a hundred thousand of them.
    if let Ok(all) = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(values) {
        spans.extend(all.find_iter(bytes).map(|found| (found.start(), found.end())));
    }
    // Of two that begin together the longer first: the rest of it is hidden with it.
    spans.sort_unstable_by_key(|(start, end)| (*start, std::cmp::Reverse(*end)));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (start, end) in spans.into_iter().filter(|(start, end)| start < end) {
        if end <= at {
            continue;
        }
        out.extend_from_slice(&bytes[at..start.max(at)]);
        out.extend_from_slice(Secret::new(&bytes[start.max(at)..end]).mask().as_bytes());
        at = end;
    }
    out.extend_from_slice(&bytes[at..]);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::hide;

    #[test]
    fn a_value_is_hidden_wherever_it_stands() {
        let text = "password=hunter2horse and hunter2horse, x=hunter2horsey";
        let hidden = hide(text, vec![(9, 21), (9, 15)]);
        assert!(!hidden.contains("hunter2"), "{hidden}");
        assert_eq!(hidden, "password=…(12)… and …(12)…, x=…(12)…y");
    }

    #[test]
    fn overlapping_spans_leave_nothing_between() {
        assert_eq!(hide("aaabbbccc", vec![(0, 6), (3, 9)]), "…(6)……(3)…");
    }
}

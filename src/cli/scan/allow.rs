//! `--allow`: findings that somebody answers for, until a day.

use crate::model::{Finding, Micros};
use anyhow::{Context as _, bail};
use serde::Deserialize;
use std::path::Path;

/// An `[[allow]]` table. Log content cannot allow anything: it is written by others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// One secret.
    fingerprint: Option<String>,
    /// All that a rule finds.
    rule: Option<String>,
    /// Only in log groups, resources or files of this name; `*` stands for any text.
    place: Option<String>,
    reason: String,
    owner: String,
    /// The last day, as 2027-01-31, UTC.
    expires: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    allow: Vec<Entry>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct AllowList {
    entries: Vec<Entry>,
    /// Entries that hold no more, a line each.
    pub expired: Vec<String>,
}

impl AllowList {
    /// Adds the entries of a file; those that expired before `now` are told and hold no more.
    pub fn read(&mut self, path: &Path, now: Micros) -> anyhow::Result<()> {
        let name = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{name}: cannot be read"))?;
        let file: File = toml::from_str(&text).with_context(|| format!("{name}: no allow list"))?;
        for (n, entry) in file.allow.into_iter().enumerate() {
            let number = n + 1;
            if entry.fingerprint.is_none() && entry.rule.is_none() {
                bail!("{name}: entry {number}: names neither a fingerprint nor a rule");
            }
            if entry.reason.trim().is_empty() || entry.owner.trim().is_empty() {
                bail!("{name}: entry {number}: reason and owner must say something");
            }
            let end = Micros::parse_rfc3339(&format!("{}T23:59:59Z", entry.expires));
            let end = end.with_context(|| format!("{name}: entry {number}: expires is no day like 2027-01-31"))?;
            if end < now {
                let what = entry.fingerprint.as_ref().or(entry.rule.as_ref()).map_or("", String::as_str);
                self.expired.push(format!(
                    "{name}: entry {number} ({what}, {}) expired on {}: what it allowed is told again",
                    entry.owner, entry.expires
                ));
            } else {
                self.entries.push(entry);
            }
        }
        Ok(())
    }

    /// Whether all places of the finding are allowed.
    pub fn holds(&self, finding: &Finding) -> bool {
        let of = |entry: &&Entry| {
            entry.fingerprint.as_ref().is_none_or(|print| print.eq_ignore_ascii_case(&finding.fingerprint))
                && entry.rule.as_ref().is_none_or(|rule| *rule == finding.rule)
        };
        let entries: Vec<&Entry> = self.entries.iter().filter(of).collect();
        let allowed = |place: &String| {
            entries.iter().any(|entry| entry.place.as_ref().is_none_or(|pattern| fits(pattern, place)))
        };
        !entries.is_empty() && finding.places.keys().all(allowed)
    }
}

/// Whether the text is of the pattern, in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once('*').map_or((None, rest), |(middle, tail)| (Some(middle), tail));
    for piece in middle.into_iter().flat_map(|middle| middle.split('*')) {
        match text.find(piece) {
            Some(at) => text = &text[at + piece.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, is) in [
            ("/aws/lambda/*", "/aws/lambda/orders", true),
            ("*orders", "/aws/lambda/orders", true),
            ("/aws/*/orders", "/aws/lambda/orders", true),
            ("*lambda*ord*", "/aws/lambda/orders", true),
            ("*lambda*lambda*", "/aws/lambda/orders", false),
            ("ab*ba", "aba", false),
            ("orders", "orders", true),
            ("orders", "orders-2", false),
        ] {
            assert_eq!(fits(pattern, text), is, "{pattern} {text}");
        }
    }
}

//! Rules that were written for other scanners: Gitleaks and Betterleaks (TOML), Nosey Parker and Kingfisher (YAML).
//! What they say and our rules cannot is told, rule by rule, never dropped in silence.

mod gitleaks;
mod kingfisher;

use super::PatternError;
use super::rule::RuleText;
use crate::model::{Confidence, Severity};

/// What became of a rule of another scanner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignNote {
    pub file: String,
    /// Its id there.
    pub rule: String,
    pub what: Foreign,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Taken, but without these.
    Without(Vec<String>),
    /// Not taken, and why.
    Left(String),
}

/// Rules as ours, with what was lost on the way.
#[derive(Debug, Default)]
pub(super) struct Foreigners {
    pub rules: Vec<RuleText>,
    pub notes: Vec<ForeignNote>,
}

/// Reads a file that is not ours; none where it is.
pub(super) fn read(file: &str, text: &str) -> Result<Option<Foreigners>, PatternError> {
    let wrong = |message: String| PatternError::Toml { file: file.to_owned(), message };
    let yaml = [".yml", ".yaml"].iter().any(|ending| file.ends_with(ending));
    let mut all = if yaml {
        kingfisher::read(text).map_err(wrong)?
    } else if text.lines().any(|line| line.trim_start().starts_with("[[rules]]")) {
        gitleaks::read(text).map_err(wrong)?
    } else {
        return Ok(None);
    };
    for note in &mut all.notes {
        note.file = file.to_owned();
    }
    Ok(Some(all))
}

/// What the rule formats have in common.
struct Common {
    id: String,
    name: String,
    pattern: String,
    group: Option<usize>,
    entropy: Option<f64>,
    /// `low`, `medium` or `high`, where it says so.
    confidence: Option<String>,
    /// A part of another rule's check, not reported there.
    hidden: bool,
    /// What our rules have no word for.
    lost: Vec<String>,
}

impl Foreigners {
    fn add(&mut self, common: Common) -> &mut RuleText {
        if !common.lost.is_empty() {
            self.notes.push(note(&common.id, Foreign::Without(common.lost)));
        }
        let mut rule = RuleText::of_pattern(id(&common.id), common.name, common.pattern);
        rule.secret_group = common.group;
        rule.entropy = common.entropy.filter(|floor| *floor > 0.0);
        rule.confidence = match common.confidence.as_deref() {
            Some("low") => Confidence::Low,
            Some("high") => Confidence::High,
            _ => Confidence::Medium,
        };
        if common.hidden {
            (rule.confidence, rule.severity, rule.public) = (Confidence::Low, Severity::Info, true);
        }
        self.rules.push(rule);
        let last = self.rules.len() - 1;
        &mut self.rules[last]
    }

    fn leave(&mut self, id: &str, why: &str) {
        self.notes.push(note(id, Foreign::Left(why.to_owned())));
    }
}

fn note(rule: &str, what: Foreign) -> ForeignNote {
    ForeignNote { file: String::new(), rule: rule.to_owned(), what }
}

/// Their ids hold dots, slashes and underscores.
pub(super) fn id(theirs: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    theirs.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_files_are_not_foreign() {
        assert!(read("own.toml", "[[rule]]\nid = \"x\"\n").unwrap().is_none());
    }

    #[test]
    fn a_broken_file_is_named() {
        let error = read("their.yml", "rules: [").unwrap_err().to_string();
        assert!(error.starts_with("their.yml: "), "{error}");
        assert!(read("their.toml", "[[rules]]\nid = ").is_err());
    }
}

//! Values that look like secrets and are none: documentation keys, placeholders, templates.

use super::PatternError;
use super::rule;
use regex::bytes::Regex;
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::OnceLock;

/// An `[[allow]]` table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AllowText {
    id: String,
    reason: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    patterns: Vec<String>,
}

/// Every allow entry together.
#[derive(Debug, Default)]
pub(super) struct AllowList {
    values: HashSet<Vec<u8>>,
    /// As one expression.
    patterns: String,
    regex: OnceLock<Option<Regex>>,
}

/// One thread's regex of a list; none as long as it was not needed.
#[derive(Debug, Default)]
pub(super) struct Compiled(Option<Option<Regex>>);

impl AllowList {
    /// Shipped lists are compiled by the tests, so not here again.
    pub fn add(&mut self, text: AllowText, file: &str, shipped: bool) -> Result<(), PatternError> {
        if text.reason.is_empty() {
            return Err(PatternError::Pattern {
                file: file.to_owned(),
                rule: text.id,
                field: "reason",
                message: "is empty; say why these values are no secrets".to_owned(),
            });
        }
        self.values.extend(text.values.iter().map(|v| v.replace("⟨⟩", "").into_bytes()));
        for pattern in &text.patterns {
            if !shipped {
                rule::compile(pattern).map_err(|error| PatternError::Pattern {
                    file: file.to_owned(),
                    rule: text.id.clone(),
                    field: "patterns",
                    message: error.to_string(),
                })?;
            }
            let or = if self.patterns.is_empty() { "" } else { "|" };
            self.patterns.push_str(&format!("{or}(?:{pattern})"));
        }
        Ok(())
    }

    pub fn holds(&self, secret: &[u8], compiled: &mut Compiled) -> bool {
        let regex = compiled.0.get_or_insert_with(|| self.regex().cloned());
        self.values.contains(secret) || regex.as_ref().is_some_and(|regex| regex.is_match(secret))
    }

    /// None where there is no pattern; each compiles by itself, so all do.
    pub(super) fn regex(&self) -> Option<&Regex> {
        let compile = || rule::compile_any_size(&self.patterns).ok();
        if self.patterns.is_empty() { None } else { self.regex.get_or_init(compile).as_ref() }
    }
}

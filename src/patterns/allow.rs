//! Values that look like secrets and are none: documentation keys, placeholders, templates.

use super::PatternError;
use super::rule;
use regex::bytes::Regex;
use serde::Deserialize;
use std::collections::HashSet;

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
    patterns: Vec<Regex>,
}

impl AllowList {
    pub fn add(&mut self, text: AllowText, file: &str) -> Result<(), PatternError> {
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
            let regex = rule::compile(pattern).map_err(|error| PatternError::Pattern {
                file: file.to_owned(),
                rule: text.id.clone(),
                field: "patterns",
                message: error.to_string(),
            })?;
            self.patterns.push(regex);
        }
        Ok(())
    }

    pub fn holds(&self, secret: &[u8]) -> bool {
        self.values.contains(secret) || self.patterns.iter().any(|p| p.is_match(secret))
    }
}

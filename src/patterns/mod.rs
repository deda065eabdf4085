//! Rule files → a checked [`PatternSet`]; validators. Knows no engine and no lake.

mod allow;
mod check;
mod confirm;
mod convert;
pub mod embedded;
mod foreign;
mod known_value;
mod named;
mod rule;
mod set;
pub mod validators;

pub use check::{SelfTestFailure, self_test};
pub use confirm::{Exact, RuleMatch, Window};
pub use convert::convert;
pub use foreign::{Foreign, ForeignNote};
pub use rule::{Category, FirstStage, Pack, Rule, Scan};
pub use set::{PatternSet, RuleSources};

/// Why a rule file cannot be used: names file, rule and position.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    #[error("{file}: cannot be read; check the path and its permissions")]
    Read { file: String, source: std::io::Error },
    #[error("{file}: not a rule file: {message}")]
    Toml { file: String, message: String },
    #[error("{file}: rule `{rule}`: {field}: {message}")]
    Pattern { file: String, rule: String, field: &'static str, message: String },
    #[error("{file}: rule `{rule}`: unknown validator `{name}`; known are: {known}")]
    Validator { file: String, rule: String, name: String, known: String },
    #[error("{file}: rule `{rule}` stands in {other} already; give it another id")]
    Duplicate { file: String, rule: String, other: String },
    #[error("unknown pack `{name}`; known are: secrets, pii, phi, financial, all")]
    Pack { name: String },
}

impl PatternError {
    /// What is wrong with a rule, for those who have named file and rule already.
    fn of_rule(&self) -> String {
        match self {
            Self::Pattern { field, message, .. } => format!("{field}: {message}"),
            other => other.to_string(),
        }
    }
}

//! One rule as its TOML file says it, checked.

use super::PatternError;
use super::validators::{self, Validator};
use crate::model::{Confidence, Severity};
use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use std::sync::OnceLock;

/// Removed from examples when they are loaded, so that no forge takes them for live credentials.
const BREAK_MARK: &str = "⟨⟩";
/// Compiled size of one rule's regex at most.
const REGEX_LIMIT: usize = 4 * 1024 * 1024;

/// Which rules a scan uses; combinable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pack {
    Secrets,
    Pii,
    Phi,
    Financial,
    All,
}

impl Pack {
    pub fn parse(name: &str) -> Result<Self, PatternError> {
        match name {
            "secrets" => Ok(Self::Secrets),
            "pii" => Ok(Self::Pii),
            "phi" => Ok(Self::Phi),
            "financial" => Ok(Self::Financial),
            "all" => Ok(Self::All),
            _ => Err(PatternError::Pack { name: name.to_owned() }),
        }
    }

    pub fn holds(self, category: Category) -> bool {
        match self {
            Self::All => true,
            Self::Secrets => matches!(category, Category::Credential | Category::Token | Category::Key),
            Self::Pii => matches!(category, Category::Pii | Category::Device | Category::Payload),
            Self::Phi => category == Category::Phi,
            Self::Financial => category == Category::Financial,
        }
    }
}

/// What kind of thing a rule finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    Credential,
    Token,
    Key,
    Pii,
    Phi,
    Financial,
    Device,
    Payload,
}

impl Category {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Token => "token",
            Self::Key => "key",
            Self::Pii => "pii",
            Self::Phi => "phi",
            Self::Financial => "financial",
            Self::Device => "device",
            Self::Payload => "payload",
        }
    }
}

/// A `[[rule]]` table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub id: String,
    name: String,
    category: Category,
    provider: String,
    pattern: String,
    anchor: Option<String>,
    scanner: Option<Scan>,
    secret_group: Option<usize>,
    #[serde(default)]
    keywords: Vec<String>,
    keyword_distance: Option<usize>,
    entropy: Option<f64>,
    #[serde(default)]
    validators: Vec<String>,
    #[serde(default)]
    expected_in: Vec<String>,
    #[serde(default)]
    public: bool,
    severity: Severity,
    confidence: Confidence,
    remediation: String,
    #[serde(default)]
    references: Vec<String>,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    negative_examples: Vec<String>,
}

/// A first stage of its own kind, for what has no rare character that Hyperscan could look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scan {
    /// `@`.
    AtSign,
    /// 13 to 19 digits, in groups as on cards or in none.
    CardDigits,
    /// Two upper-case letters, two digits, and eleven more of either, in groups of four or in none.
    Iban,
}

/// What the first stage looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FirstStage {
    /// By Hyperscan: the anchor where there is one, else the pattern.
    Expression(String),
    Scan(Scan),
}

/// A checked rule.
#[derive(Debug)]
pub struct Rule {
    pub id: String,
    pub name: String,
    pub category: Category,
    pub provider: String,
    pub first_stage: FirstStage,
    /// The exact pattern as written; bytes, Unicode off.
    pub pattern: String,
    /// Compiled at its first hit: most rules never hit, and compiling all of them takes longer than
    /// scanning a small file.
    exact: OnceLock<Option<Regex>>,
    pub secret_group: usize,
    /// Lower case.
    pub keywords: Vec<String>,
    pub keyword_distance: usize,
    /// Shannon bits per byte at least.
    pub entropy: Option<f64>,
    pub validators: Vec<&'static dyn Validator>,
    /// Source tables in which AWS itself always logs such a value: confidence is low there.
    pub expected_in: Vec<String>,
    /// The value is a name, not a secret: it may be shown and joined.
    pub public: bool,
    pub severity: Severity,
    pub confidence: Confidence,
    pub remediation: String,
    pub references: Vec<String>,
    pub examples: Vec<String>,
    pub negative_examples: Vec<String>,
    /// File it came from.
    pub file: String,
}

/// A pattern as bytes, Unicode off, `.` matching newlines: the meaning both engines share.
pub(super) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    builder(pattern).size_limit(REGEX_LIMIT).build()
}

/// Like [`compile`], for what is put together of expressions that are small enough each.
pub(super) fn compile_any_size(pattern: &str) -> Result<Regex, regex::Error> {
    builder(pattern).size_limit(usize::MAX).build()
}

fn builder(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(false).dot_matches_new_line(true);
    builder
}

impl Rule {
    /// The exact regex; `None` only for a shipped rule that does not compile, which a test refuses.
    pub fn regex(&self) -> Option<&Regex> {
        self.exact.get_or_init(|| compile(&self.pattern).ok()).as_ref()
    }

    /// Checks a rule as written. Shipped rules are compiled by the tests, so not here again.
    pub(super) fn check(text: RuleText, file: &str, shipped: bool) -> Result<Self, PatternError> {
        let wrong = |field: &'static str, message: String| PatternError::Pattern {
            file: file.to_owned(),
            rule: text.id.clone(),
            field,
            message,
        };
        if text.id.is_empty() || !text.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            return Err(wrong("id", "lower-case letters, digits and `-` only".to_owned()));
        }
        let groups = groups(&text.pattern).map_err(|e| wrong("pattern", position(&text.pattern, &e)))?;
        if !shipped {
            compile(&text.pattern).map_err(|e| wrong("pattern", position(&text.pattern, &e)))?;
            if let Some(anchor) = &text.anchor {
                compile(anchor).map_err(|e| wrong("anchor", position(anchor, &e)))?;
            }
        }
        if text.anchor.is_some() && text.scanner.is_some() {
            return Err(wrong("scanner", "stands in place of an anchor; leave one of them out".to_owned()));
        }
        let secret_group = text.secret_group.unwrap_or(usize::from(groups > 0));
        if secret_group > groups {
            return Err(wrong("secret_group", format!("{secret_group}, but the pattern has {groups} groups")));
        }
        let mut found = Vec::with_capacity(text.validators.len());
        for name in &text.validators {
            let validator = validators::by_name(name).ok_or_else(|| PatternError::Validator {
                file: file.to_owned(),
                rule: text.id.clone(),
                name: name.clone(),
                known: validators::names().collect::<Vec<_>>().join(", "),
            })?;
            found.push(validator);
        }
        let unmark = |list: Vec<String>| list.into_iter().map(|e| e.replace(BREAK_MARK, "")).collect();
        Ok(Self {
            first_stage: match text.scanner {
                Some(scan) => FirstStage::Scan(scan),
                None => FirstStage::Expression(text.anchor.unwrap_or_else(|| text.pattern.clone())),
            },
            pattern: text.pattern,
            exact: OnceLock::new(),
            id: text.id,
            name: text.name,
            category: text.category,
            provider: text.provider,
            secret_group,
            keywords: text.keywords.iter().map(|k| k.to_ascii_lowercase()).collect(),
            keyword_distance: text.keyword_distance.unwrap_or(64),
            entropy: text.entropy,
            validators: found,
            expected_in: text.expected_in,
            public: text.public,
            severity: text.severity,
            confidence: text.confidence,
            remediation: text.remediation,
            references: text.references,
            examples: unmark(text.examples),
            negative_examples: unmark(text.negative_examples),
            file: file.to_owned(),
        })
    }
}

/// Number of capture groups.
fn groups(pattern: &str) -> Result<usize, regex::Error> {
    // Every group opens with `(`; without one there is nothing to parse.
    if !pattern.contains('(') {
        return Ok(0);
    }
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
    match parsed {
        Ok(hir) => Ok(hir.properties().explicit_captures_len()),
        Err(_) => compile(pattern).map(|regex| regex.captures_len() - 1),
    }
}

/// What is wrong with a pattern, and at which byte of it.
fn position(pattern: &str, error: &regex::Error) -> String {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern);
    match parsed {
        Err(regex_syntax::Error::Parse(e)) => format!("{} at byte {} of `{pattern}`", e.kind(), e.span().start.offset),
        Err(regex_syntax::Error::Translate(e)) => {
            format!("{} at byte {} of `{pattern}`", e.kind(), e.span().start.offset)
        }
        _ => error.to_string(),
    }
}

//! One rule as its TOML file says it, checked.

use super::PatternError;
use super::named;
use super::validators::{self, Validator};
use crate::model::{Confidence, Severity};
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    pub id: String,
    pub name: String,
    pub category: Category,
    pub provider: String,
    pub pattern: Option<String>,
    #[serde(default)]
    pub names: Vec<String>,
    pub value: Option<String>,
    pub anchor: Option<String>,
    pub scanner: Option<Scan>,
    pub secret_group: Option<usize>,
    #[serde(default)]
    pub keywords: Vec<String>,
    pub keyword_distance: Option<usize>,
    pub entropy: Option<f64>,
    #[serde(default)]
    pub validators: Vec<String>,
    #[serde(default)]
    pub expected_in: Vec<String>,
    #[serde(default)]
    pub expected_outside: Vec<String>,
    #[serde(default)]
    pub public: bool,
    #[serde(default)]
    pub counted: bool,
    pub severity: Severity,
    pub confidence: Confidence,
    pub remediation: String,
    #[serde(default)]
    pub references: Vec<String>,
    #[serde(default)]
    pub examples: Vec<String>,
    #[serde(default)]
    pub negative_examples: Vec<String>,
}

impl RuleText {
    /// A rule that has a pattern, and of the rest what can be said of any secret.
    pub fn of_pattern(id: String, name: String, pattern: String) -> Self {
        Self {
            id,
            name,
            category: Category::Token,
            provider: "imported".to_owned(),
            pattern: Some(pattern),
            names: Vec::new(),
            value: None,
            anchor: None,
            scanner: None,
            secret_group: None,
            keywords: Vec::new(),
            keyword_distance: None,
            entropy: None,
            validators: Vec::new(),
            expected_in: Vec::new(),
            expected_outside: Vec::new(),
            public: false,
            counted: false,
            severity: Severity::Medium,
            confidence: Confidence::Medium,
            remediation: "Revoke it where it was issued, and have the program mask it before it logs.".to_owned(),
            references: Vec::new(),
            examples: Vec::new(),
            negative_examples: Vec::new(),
        }
    }
}

/// A first stage of its own kind, for what has no rare character that Hyperscan could look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scan {
    /// `@`.
    AtSign,
    /// 13 to 19 digits, in groups as on cards or in none.
    CardDigits,
    /// `+` and seven digits at least, the first not 0, up to two separators between.
    PlusDigits,
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
    /// The only tables in which it does not, where there are any.
    pub expected_outside: Vec<String>,
    /// The value is a name, not a secret: it may be shown and joined.
    pub public: bool,
    /// One finding for all values in one place: there are many of them, and each says little.
    pub counted: bool,
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
    /// Whether AWS itself always logs such a value in this table.
    pub fn is_expected_in(&self, table: &str) -> bool {
        let is = |list: &[String]| list.iter().any(|name| name == table);
        is(&self.expected_in) || (!self.expected_outside.is_empty() && !is(&self.expected_outside))
    }

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
        let (pattern, anchor) = expressions(&text).map_err(|(field, message)| wrong(field, message))?;
        let groups = if shipped {
            usize::from(has_group(&pattern))
        } else {
            groups(&pattern).map_err(|e| wrong("pattern", position(&pattern, &e)))?
        };
        if !shipped {
            compile(&pattern).map_err(|e| wrong("pattern", position(&pattern, &e)))?;
            if let Some(anchor) = &anchor {
                compile(anchor).map_err(|e| wrong("anchor", position(anchor, &e)))?;
            }
        }
        let secret_group = text.secret_group.unwrap_or(usize::from(groups > 0));
        if secret_group > groups {
            return Err(wrong("secret_group", format!("{secret_group}, but the pattern has {groups} groups")));
        }
        let mut found = Vec::with_capacity(text.validators.len() + 1);
        // What a name alone gives away, a name can also deny.
        let of_name = (text.value.is_some() && is_secret(text.category)).then_some("key-name");
        for name in text.validators.iter().map(String::as_str).chain(of_name) {
            let validator = validators::by_name(name).ok_or_else(|| PatternError::Validator {
                file: file.to_owned(),
                rule: text.id.clone(),
                name: name.to_owned(),
                known: validators::names().collect::<Vec<_>>().join(", "),
            })?;
            found.push(validator);
        }
        let unmark = |list: Vec<String>| list.into_iter().map(|e| e.replace(BREAK_MARK, "")).collect();
        Ok(Self {
            first_stage: match text.scanner {
                Some(scan) => FirstStage::Scan(scan),
                None => FirstStage::Expression(anchor.unwrap_or_else(|| pattern.clone())),
            },
            pattern,
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
            expected_outside: text.expected_outside,
            public: text.public,
            counted: text.counted,
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

/// Secrets are told from what identifies a person or thing.
fn is_secret(category: Category) -> bool {
    matches!(category, Category::Credential | Category::Token | Category::Key)
}

/// The pattern and, where it has one, the anchor of a rule as written; or which key is wrong, and how.
fn expressions(text: &RuleText) -> Result<(String, Option<String>), (&'static str, String)> {
    if text.anchor.is_some() && text.scanner.is_some() {
        return Err(("scanner", "stands in place of an anchor; leave one of them out".to_owned()));
    }
    match (&text.pattern, &text.value) {
        (Some(pattern), None) if text.names.is_empty() => Ok((pattern.clone(), text.anchor.clone())),
        (None, Some(value)) if !text.names.is_empty() => {
            let (pattern, anchor) = named::expressions(&text.names, value, is_secret(text.category))
                .map_err(|message| ("names", message))?;
            Ok((pattern, Some(text.anchor.clone().unwrap_or(anchor))))
        }
        _ => Err(("pattern", "a rule has either a `pattern`, or `names` and a `value`".to_owned())),
    }
}

/// Whether a pattern that is known to be sound has a capture group: parsing hundreds of them takes longer than
/// scanning a small file.
fn has_group(pattern: &str) -> bool {
    let (mut escaped, mut class) = (false, false);
    let bytes = pattern.as_bytes();
    bytes.iter().enumerate().any(|(at, &b)| {
        if escaped {
            escaped = false;
            return false;
        }
        match b {
            b'\\' => escaped = true,
            b'[' if !class => class = true,
            b']' if class => class = false,
            b'(' if !class => return bytes.get(at + 1) != Some(&b'?'),
            _ => {}
        }
        false
    })
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

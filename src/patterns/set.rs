//! The rules of a scan, and the exact second stage: from a record to confirmed matches.

use super::allow::{AllowList, AllowText};
use super::foreign::{self, Foreign, ForeignNote, Foreigners};
use super::rule::{Pack, Rule, RuleText};
use super::{PatternError, embedded, known_value};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// Endings of rule files; the YAML ones are of other scanners.
const RULE_FILES: [&str; 3] = ["toml", "yml", "yaml"];

/// Where rules come from besides the shipped ones.
#[derive(Clone, Debug, Default)]
pub struct RuleSources {
    /// Rule files, and directories of them; a rule with a shipped rule's id replaces it.
    pub dirs: Vec<std::path::PathBuf>,
    /// Empty means all.
    pub packs: Vec<Pack>,
    /// Ids to leave out.
    pub disable: Vec<String>,
    /// Whether the shipped rules' examples are wanted too.
    pub examples: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    #[serde(default)]
    rule: Vec<RuleText>,
    #[serde(default)]
    allow: Vec<AllowText>,
}

/// Checked rules and the allow list.
#[derive(Debug)]
pub struct PatternSet {
    pub rules: Vec<Rule>,
    pub(super) allow: AllowList,
    /// Of every rule's text: names a compiled database and a scan's state.
    pub hash: String,
    /// What became of rules that were written for other scanners.
    pub notes: Vec<ForeignNote>,
}

impl PatternSet {
    /// Shipped rules, then the user's; each file checked as a whole.
    pub fn load(sources: &RuleSources) -> Result<Self, PatternError> {
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let mut files: Vec<(String, String)> = embedded::FILES
            .iter()
            .map(|(name, whole, lean)| text(name, if sources.examples { whole } else { lean }))
            .collect();
        let shipped = files.len();
        for dir in &sources.dirs {
            read_dir(dir, &mut files)?;
        }
        Self::build(&files, shipped, sources)
    }

    /// One rule, that finds this value and nothing else.
    pub fn of_value(value: &[u8]) -> Result<Self, PatternError> {
        Self::build(&[("the value".to_owned(), known_value::rule(value))], 0, &RuleSources::default())
    }

    /// Rules of files, the shipped ones first.
    fn build(files: &[(String, String)], shipped: usize, sources: &RuleSources) -> Result<Self, PatternError> {
        let mut all = Building::default();
        for (number, (file, text)) in files.iter().enumerate() {
            let own = number >= shipped;
            match if own { foreign::read(file, text)? } else { None } {
                Some(theirs) => all.add_foreign(file, theirs),
                None => {
                    let parsed = RuleFile::parse(file, text)?;
                    for entry in parsed.allow {
                        all.allow.add(entry, file, !own)?;
                    }
                    for entry in parsed.rule {
                        all.add(Rule::check(entry, file, !own)?, own)?;
                    }
                }
            }
            all.texts.push_str(text);
        }
        let Building { mut rules, allow, mut texts, notes, .. } = all;
        rules.retain(|rule| {
            let packed = sources.packs.is_empty() || sources.packs.iter().any(|pack| pack.holds(rule.category));
            packed && !sources.disable.contains(&rule.id)
        });
        for rule in &rules {
            texts.push_str(&rule.id);
        }
        Ok(Self { rules, allow, hash: hash(&texts), notes })
    }
}

/// A set while its files are read.
#[derive(Debug, Default)]
struct Building {
    rules: Vec<Rule>,
    /// Where each id stands, and whether it is the user's.
    at: HashMap<String, (usize, bool)>,
    allow: AllowList,
    texts: String,
    notes: Vec<ForeignNote>,
}

impl Building {
    /// A user's rule takes the place of the shipped one of its id.
    fn add(&mut self, rule: Rule, own: bool) -> Result<(), PatternError> {
        match self.at.get(&rule.id) {
            Some(&(index, false)) if own => {
                self.at.insert(rule.id.clone(), (index, true));
                self.rules[index] = rule;
            }
            Some(&(index, _)) => {
                let other = self.rules[index].file.clone();
                return Err(PatternError::Duplicate { file: rule.file, rule: rule.id, other });
            }
            None => {
                self.at.insert(rule.id.clone(), (self.rules.len(), own));
                self.rules.push(rule);
            }
        }
        Ok(())
    }

    /// Rules of another scanner: one that cannot be taken is its author's to mend, the others are as good as before. An
    /// id that we have too means another rule there.
    fn add_foreign(&mut self, file: &str, theirs: Foreigners) {
        self.notes.extend(theirs.notes);
        for mut entry in theirs.rules {
            if self.at.contains_key(&entry.id) {
                entry.id = format!("imported-{}", entry.id);
            }
            let id = entry.id.clone();
            let added = Rule::check(entry, file, false).and_then(|rule| self.add(rule, true));
            if let Err(error) = added {
                let what = Foreign::Left(error.of_rule());
                self.notes.push(ForeignNote { file: file.to_owned(), rule: id, what });
            }
        }
    }
}

impl RuleFile {
    fn parse(file: &str, text: &str) -> Result<Self, PatternError> {
        let wrong = |e: toml::de::Error| e.to_string().trim_end().to_owned();
        toml::from_str(text).map_err(|e| PatternError::Toml { file: file.to_owned(), message: wrong(e) })
    }
}

/// Rule files below a directory, or the one file that was named.
pub(super) fn read_dir(dir: &Path, files: &mut Vec<(String, String)>) -> Result<(), PatternError> {
    let error = |path: &Path, source| PatternError::Read { file: path.display().to_string(), source };
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(dir).sort_by_file_name() {
        let entry = entry.map_err(|e| error(dir, e.into()))?;
        let of_rules = |e: &std::ffi::OsStr| RULE_FILES.iter().any(|ending| e == *ending);
        // What was named itself is meant.
        if entry.file_type().is_file() && (entry.depth() == 0 || entry.path().extension().is_some_and(of_rules)) {
            found.push(entry.into_path());
        }
    }
    for path in found {
        let text = std::fs::read_to_string(&path).map_err(|e| error(&path, e))?;
        files.push((path.display().to_string(), text));
    }
    Ok(())
}

fn hash(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    crate::codec::hex::encode(&Sha256::digest(text)[..8])
}

#[cfg(test)]
mod tests {
    use super::super::rule::FirstStage;
    use super::*;

    fn load(toml: &str) -> Result<PatternSet, PatternError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("own.toml"), toml).unwrap();
        PatternSet::load(&RuleSources { dirs: vec![dir.path().to_path_buf()], ..RuleSources::default() })
    }

    fn rule(pattern: &str, more: &str) -> String {
        format!(
            "[[rule]]\nid = \"own-rule\"\nname = \"n\"\ncategory = \"token\"\nprovider = \"p\"\npattern = '''{pattern}'''\n\
             severity = \"low\"\nconfidence = \"medium\"\nremediation = \"r\"\n{more}\n"
        )
    }

    #[test]
    fn errors_name_file_rule_and_position() {
        let text = load(&rule("abc(def", "")).unwrap_err().to_string();
        assert!(text.contains("own.toml") && text.contains("`own-rule`") && text.contains("at byte 3"), "{text}");
        let text = load(&rule("a", "validators = [\"nope\"]")).unwrap_err().to_string();
        assert!(text.contains("unknown validator `nope`") && text.contains("luhn"), "{text}");
        let text = load(&rule("a", "surprise = 1")).unwrap_err().to_string();
        assert!(text.contains("unknown field `surprise`"), "{text}");
        let text = load(&rule("a", "secret_group = 1")).unwrap_err().to_string();
        assert!(text.contains("the pattern has 0 groups"), "{text}");
    }

    #[test]
    fn every_shipped_rule_compiles() {
        let set = PatternSet::load(&RuleSources::default()).unwrap();
        let whole = PatternSet::load(&RuleSources { examples: true, ..RuleSources::default() }).unwrap();
        assert_eq!(set.rules.len(), whole.rules.len());
        for (rule, whole) in set.rules.iter().zip(&whole.rules) {
            assert_eq!((&rule.id, &rule.pattern, rule.secret_group), (&whole.id, &whole.pattern, whole.secret_group));
            assert!(rule.examples.is_empty() && !whole.examples.is_empty(), "{}", rule.id);
            let groups = rule.regex().unwrap().captures_len() - 1;
            assert!(groups <= 1 && rule.secret_group == groups, "{}: {groups} groups", rule.id);
        }
        for rule in &set.rules {
            assert!(rule.regex().is_some(), "{}", rule.id);
            if let FirstStage::Expression(text) = &rule.first_stage {
                assert!(super::super::rule::compile(text).is_ok(), "{}", rule.id);
            }
        }
        assert!(set.allow.regex().is_some());
    }

    #[test]
    fn a_users_rule_replaces_the_shipped_one_of_its_id() {
        let own = rule("zzz", "").replace("own-rule", "jwt");
        let set = load(&own).unwrap();
        let found: Vec<_> = set.rules.iter().filter(|r| r.id == "jwt").collect();
        assert_eq!(found.len(), 1);
        assert!(found[0].file.ends_with("own.toml"));
        assert!(matches!(load(&(own.clone() + &own)), Err(PatternError::Duplicate { .. })));
    }

    #[test]
    fn rules_of_other_scanners_load_beside_ours() {
        let theirs =
            "[[rules]]\nid = \"jwt\"\nregex = 'jwt_([0-9]{9})'\n[[rules]]\nid = \"broken\"\nregex = '(?=x)y'\n";
        let set = load(theirs).unwrap();
        assert!(set.rules.iter().any(|r| r.id == "jwt" && !r.file.ends_with("own.toml")));
        assert!(set.rules.iter().any(|r| r.id == "imported-jwt" && r.file.ends_with("own.toml")));
        let [note] = &set.notes[..] else { panic!("{:?}", set.notes) };
        assert_eq!(note.rule, "broken");
        assert!(matches!(&note.what, Foreign::Left(why) if why.contains("look-around")), "{note:?}");
    }

    #[test]
    fn keywords_are_whole_words() {
        let set = load(&rule("([0-9]{6})", "keywords = [\"pin\"]\nkeyword_distance = 12")).unwrap();
        let index = set.rules.iter().position(|r| r.id == "own-rule").unwrap();
        let hits = |text: &str| {
            let mut out = Vec::new();
            set.confirm_all(index, text.as_bytes(), None, &mut out);
            out.len()
        };
        assert_eq!(hits("pin=481516"), 1);
        assert_eq!(hits("user_pin: 481516"), 1);
        assert_eq!(hits("userPin: 481516"), 1);
        assert_eq!(hits("spinner=481516"), 0);
        assert_eq!(hits("pin and much later 481516"), 0);
        assert_eq!(hits("pin=481516,pin=481517"), 2);
    }
}

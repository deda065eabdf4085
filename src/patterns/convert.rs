//! Rules of other scanners, written down as ours.

use super::foreign::{self, Foreign, ForeignNote};
use super::rule::{Rule, RuleText};
use super::{PatternError, set};
use std::fmt::Write as _;
use std::path::Path;

/// Files or folders of other scanners' rules → one rule file of ours, and what could not be carried.
pub fn convert(paths: &[std::path::PathBuf]) -> Result<(String, Vec<ForeignNote>), PatternError> {
    let (mut text, mut notes) = (String::new(), Vec::new());
    for path in paths {
        let mut files = Vec::new();
        set::read_dir(Path::new(path), &mut files)?;
        for (file, theirs) in files {
            let Some(theirs) = foreign::read(&file, &theirs)? else {
                let message = "holds no rules of another scanner: `[[rules]]` in TOML, `rules:` in YAML".to_owned();
                return Err(PatternError::Toml { file, message });
            };
            notes.extend(theirs.notes);
            for rule in &theirs.rules {
                if let Err(error) = Rule::check(rule.clone(), &file, false) {
                    let what = Foreign::Left(error.of_rule());
                    notes.push(ForeignNote { file: file.clone(), rule: rule.id.clone(), what });
                    continue;
                }
                let lost = notes.iter().find_map(|note| match &note.what {
                    Foreign::Without(lost) if note.file == file && foreign::id(&note.rule) == rule.id => {
                        Some(lost.join(", "))
                    }
                    _ => None,
                });
                write_rule(rule, lost.as_deref(), &mut text);
            }
        }
    }
    Ok((text, notes))
}

fn write_rule(rule: &RuleText, lost: Option<&str>, out: &mut String) {
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line("[[rule]]".to_owned());
    line(format!("id = {}", quoted(&rule.id)));
    line(format!("name = {}", quoted(&rule.name)));
    line(format!("category = {}", quoted(rule.category.as_str())));
    line(format!("provider = {}", quoted(&rule.provider)));
    if let Some(lost) = lost {
        line(format!("# Not carried: {lost}."));
    }
    line(format!("pattern = {}", quoted(rule.pattern.as_deref().unwrap_or_default())));
    if let Some(group) = rule.secret_group {
        line(format!("secret_group = {group}"));
    }
    if let Some(floor) = rule.entropy {
        line(format!("entropy = {floor:?}"));
    }
    if rule.public {
        line("public = true".to_owned());
    }
    line(format!("severity = {}", quoted(&rule.severity.to_string())));
    line(format!("confidence = {}", quoted(&rule.confidence.to_string())));
    line(format!("remediation = {}", quoted(&rule.remediation)));
    for (key, list) in
        [("references", &rule.references), ("examples", &rule.examples), ("negative_examples", &rule.negative_examples)]
    {
        if !list.is_empty() {
            let mut all = String::new();
            list.iter().for_each(|item| _ = writeln!(all, "  {},", quoted(item)));
            line(format!("{key} = [\n{all}]"));
        }
    }
    line(String::new());
}

/// A TOML string: as it stands where it can, else escaped.
fn quoted(text: &str) -> String {
    let plain = |c: char| c == '\t' || c == '\n' || !c.is_control();
    if text.contains("'''") || text.ends_with('\'') || text.starts_with('\n') || !text.chars().all(plain) {
        return toml::Value::from(text).to_string();
    }
    if text.contains(['\\', '"', '\n']) { format!("'''{text}'''") } else { format!("\"{text}\"") }
}

#[cfg(test)]
mod tests {
    use super::super::{PatternSet, RuleSources};
    use super::*;

    #[test]
    fn what_is_written_reads_back_as_the_same_rules() {
        let dir = tempfile::tempdir().unwrap();
        let theirs = dir.path().join("their.yml");
        let yaml = "rules:\n- name: \"It's \\\"one\\\"\"\n  id: a.1\n  pattern: |\n    (?x) it'''s ([0-9a-f]{8})\\b\n  min_entropy: 2\n  \
                    validation: {type: Http}\n  examples: [\"it'''s 0a1b2c3d\"]\n";
        std::fs::write(&theirs, yaml).unwrap();
        let (text, notes) = convert(std::slice::from_ref(&theirs)).unwrap();
        assert_eq!(notes.len(), 1);
        assert!(text.contains("# Not carried: validation."), "{text}");
        let ours = dir.path().join("ours");
        std::fs::create_dir(&ours).unwrap();
        std::fs::write(ours.join("a.toml"), &text).unwrap();
        let load = |dirs| PatternSet::load(&RuleSources { dirs, ..RuleSources::default() }).unwrap();
        let (direct, written) = (load(vec![theirs]), load(vec![ours]));
        let of = |set: &PatternSet| {
            let rule = set.rules.iter().find(|r| r.id == "a-1").unwrap();
            (rule.name.clone(), rule.pattern.clone(), rule.entropy, rule.examples.clone())
        };
        assert_eq!(of(&direct), of(&written));
    }

    #[test]
    fn a_file_of_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("own.toml"), "[[rule]]\n").unwrap();
        assert!(convert(&[dir.path().to_path_buf()]).unwrap_err().to_string().contains("no rules of another scanner"));
    }
}

//! Nosey Parker and Kingfisher: `rules:` of a YAML file. Fields: noseyparker `rule.rs`; kingfisher `docs/RULES.md`.

use super::{Common, Foreigners};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    id: String,
    name: String,
    pattern: Option<String>,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    negative_examples: Vec<String>,
    #[serde(default)]
    references: Vec<String>,
    min_entropy: Option<f64>,
    confidence: Option<String>,
    visible: Option<bool>,
    betterleaks_secret_group: Option<usize>,
    /// An expression's tree, of which only a floor for the entropy is carried.
    betterleaks_filter: Option<Value>,
    pattern_requirements: Option<IgnoredAny>,
    path: Option<IgnoredAny>,
    validation: Option<IgnoredAny>,
    depends_on_rule: Option<IgnoredAny>,
}

pub(super) fn read(text: &str) -> Result<Foreigners, String> {
    let file: File = yaml_serde::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
    let mut all = Foreigners::default();
    for rule in file.rules {
        let Some(pattern) = rule.pattern else {
            all.leave(&rule.id, "it looks at paths only");
            continue;
        };
        let floor = rule.betterleaks_filter.as_ref().and_then(entropy_floor);
        let more = rule.betterleaks_filter.as_ref().is_some_and(|filter| !is_entropy_alone(filter));
        let lost = [
            (more, "filter"),
            (rule.path.is_some(), "path"),
            (rule.pattern_requirements.is_some(), "pattern_requirements"),
            (rule.validation.is_some(), "validation"),
            (rule.depends_on_rule.is_some(), "depends_on_rule"),
        ];
        let added = all.add(Common {
            id: rule.id,
            name: rule.name,
            group: rule.betterleaks_secret_group.filter(|group| *group > 0).or_else(|| named_group(&pattern)),
            pattern,
            entropy: rule.min_entropy.or(floor),
            confidence: rule.confidence,
            hidden: rule.visible == Some(false),
            lost: lost.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned()).collect(),
        });
        added.examples = rule.examples;
        added.negative_examples = rule.negative_examples;
        added.references = rule.references;
    }
    Ok(all)
}

/// The group that is called `TOKEN`.
fn named_group(pattern: &str) -> Option<usize> {
    let regex = super::super::rule::compile(pattern).ok()?;
    regex.capture_names().position(|name| name == Some("TOKEN"))
}

/// The number that `entropy(…)` is compared with, wherever in the tree.
fn entropy_floor(tree: &Value) -> Option<f64> {
    if let Some(floor) = compared_entropy(tree) {
        return Some(floor);
    }
    match tree {
        Value::Object(fields) => fields.values().find_map(entropy_floor),
        Value::Array(items) => items.iter().find_map(entropy_floor),
        _ => None,
    }
}

fn is_entropy_alone(tree: &Value) -> bool {
    compared_entropy(tree).is_some()
}

fn compared_entropy(tree: &Value) -> Option<f64> {
    let less = matches!(tree.get("operator")?.as_str()?, "<" | "<=");
    let callee = tree.get("left")?.get("callee")?.get("value")?.as_str()?;
    let right = tree.get("right")?.get("value")?;
    let number = right.as_f64().or_else(|| right.as_str()?.parse().ok())?;
    (less && callee == "entropy").then_some(number)
}

#[cfg(test)]
mod tests {
    use super::super::{Foreign, ForeignNote};
    use super::*;

    #[test]
    fn rules_are_carried_and_the_rest_is_told() {
        let all = read(
            r#"
rules:
  - name: Acme token
    id: kingfisher.acme.1
    pattern: |
      (?xi)
      \b acme_ ( [0-9a-f]{8} ) \b
    min_entropy: 2.5
    confidence: high
    pattern_requirements: { min_digits: 2 }
    examples: ["acme_0a1b2c3d"]
    validation: { type: Http }
  - name: Part of it
    id: kingfisher.acme.2
    pattern: (?P<user>[a-z]{3}):(?P<TOKEN>[0-9]{9})
    visible: false
    betterleaks_filter:
      kind: binary
      operator: "<"
      left: { kind: call, callee: { kind: identifier, value: entropy } }
      right: { kind: number, value: 3 }
"#,
        )
        .unwrap();
        let told: Vec<_> = all.rules.iter().map(|r| (r.id.as_str(), r.entropy, r.secret_group, r.public)).collect();
        assert_eq!(
            told,
            [("kingfisher-acme-1", Some(2.5), None, false), ("kingfisher-acme-2", Some(3.0), Some(2), true)]
        );
        assert_eq!(all.rules[0].examples, ["acme_0a1b2c3d"]);
        let lost = ["pattern_requirements", "validation"].map(str::to_owned).to_vec();
        let rule = "kingfisher.acme.1".to_owned();
        assert_eq!(all.notes, [ForeignNote { file: String::new(), rule, what: Foreign::Without(lost) }]);
    }
}

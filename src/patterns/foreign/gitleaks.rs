//! Gitleaks and Betterleaks: `[[rules]]` of a TOML file. Fields: gitleaks README, "Configuration"; betterleaks
//! `docs/config.md`.

use super::{Common, Foreigners};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    #[serde(default)]
    description: String,
    regex: Option<String>,
    secret_group: Option<usize>,
    value_group: Option<usize>,
    entropy: Option<f64>,
    confidence: Option<String>,
    #[serde(default)]
    skip_report: bool,
    /// An expression, of which only a floor for the entropy is carried.
    filter: Option<String>,
    path: Option<toml::Value>,
    allowlist: Option<toml::Value>,
    allowlists: Option<toml::Value>,
    validate: Option<toml::Value>,
    components: Option<toml::Value>,
    required: Option<toml::Value>,
}

pub(super) fn read(text: &str) -> Result<Foreigners, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
    let mut all = Foreigners::default();
    for rule in file.rules {
        let Some(pattern) = rule.regex else {
            all.leave(&rule.id, "it looks at paths only");
            continue;
        };
        let floor = rule.filter.as_deref().and_then(entropy_floor);
        let more =
            rule.filter.as_ref().is_some_and(|text| floor.is_none() || text.contains("||") || text.contains("&&"));
        let allow = rule.allowlist.is_some() || rule.allowlists.is_some();
        let parts = rule.components.is_some() || rule.required.is_some();
        let lost = [
            (more, "filter"),
            (rule.path.is_some(), "path"),
            (allow, "allowlists"),
            (rule.validate.is_some(), "validate"),
            (parts, "required rules"),
        ];
        all.add(Common {
            name: if rule.description.is_empty() { rule.id.clone() } else { rule.description },
            id: rule.id,
            pattern,
            group: rule.secret_group.or(rule.value_group).filter(|group| *group > 0),
            entropy: rule.entropy.or(floor),
            confidence: rule.confidence,
            hidden: rule.skip_report,
            lost: lost.into_iter().filter(|(is, _)| *is).map(|(_, what)| what.to_owned()).collect(),
        });
    }
    Ok(all)
}

/// `entropy(finding["secret"]) < 3.5` gives 3.5.
fn entropy_floor(filter: &str) -> Option<f64> {
    let (_, rest) = filter.split_once("entropy(")?;
    let (_, rest) = rest.split_once(')')?;
    let number = rest.trim_start().strip_prefix('<')?.trim_start_matches('=').trim_start();
    let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Foreign, ForeignNote};
    use super::*;

    #[test]
    fn rules_are_carried_and_the_rest_is_told() {
        let all = read(
            r#"
            title = "theirs"
            [[rules]]
            id = "Acme.token"
            description = "An Acme token"
            regex = '''acme_([0-9a-f]{8})'''
            keywords = ["acme_"]
            entropy = 2.5
            [[rules.allowlists]]
            stopwords = ["deadbeef"]
            [[rules]]
            id = "by-path"
            path = '''\.p12$'''
            [[rules]]
            id = "expression"
            regex = '''x([0-9]{9})'''
            secretGroup = 1
            filter = 'entropy(finding["secret"]) <= 3.25 || tokenRatio(finding["secret"]) >= 2.5'
            "#,
        )
        .unwrap();
        let told: Vec<_> = all.rules.iter().map(|r| (r.id.as_str(), r.entropy, r.secret_group)).collect();
        assert_eq!(told, [("acme-token", Some(2.5), None), ("expression", Some(3.25), Some(1))]);
        let what = |rule: &str, what| ForeignNote { file: String::new(), rule: rule.to_owned(), what };
        assert_eq!(
            all.notes,
            [
                what("Acme.token", Foreign::Without(vec!["allowlists".to_owned()])),
                what("by-path", Foreign::Left("it looks at paths only".to_owned())),
                what("expression", Foreign::Without(vec!["filter".to_owned()])),
            ]
        );
    }
}

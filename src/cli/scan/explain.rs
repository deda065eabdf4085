//! `--explain`: why something is a finding.

use crate::cli::context::Context;
use crate::model::Finding;
use crate::patterns::{PatternSet, Rule};
use crate::report::text::{counted, number, terminal as one_line};
use anyhow::{Context as _, bail};
use std::io::Write;

/// Places that are shown.
const PLACES: usize = 10;

/// The one finding whose fingerprint begins like this.
pub(super) fn pick<'f>(findings: &'f [Finding], begins: &str) -> anyhow::Result<&'f Finding> {
    let wanted = begins.to_ascii_lowercase();
    let mut fits = findings.iter().filter(|finding| finding.fingerprint.starts_with(&wanted));
    let found = fits.next().with_context(|| format!("no finding has a fingerprint that begins with {begins}"))?;
    match fits.count() {
        0 => Ok(found),
        n => bail!("{} begin with {begins}: name more of it", counted(n as u64 + 1, "fingerprint")),
    }
}

/// Says what was found, by which rule, why it is as sure as it is, where, and what to do.
pub(super) fn tell(out: &mut dyn Write, finding: &Finding, set: &PatternSet, context: &Context) -> anyhow::Result<()> {
    writeln!(out, "{} {}", finding.rule_name, one_line(&finding.mask))?;
    writeln!(out, "fingerprint  {} (key {})", finding.fingerprint, finding.key_id)?;
    writeln!(out, "severity     {}", finding.severity)?;
    writeln!(out, "confidence   {}", finding.confidence)?;
    let rule = set.rules.iter().find(|rule| rule.id == finding.rule);
    for reason in rule.map(|rule| reasons(rule, finding)).unwrap_or_default() {
        writeln!(out, "             {reason}")?;
    }
    for (name, value) in finding.public_ids.iter().chain(&finding.facts) {
        writeln!(out, "{name:<12} {}", one_line(value))?;
    }
    writeln!(
        out,
        "seen         {} in {}",
        counted(finding.count, "time"),
        counted(finding.places.len() as u64, "place")
    )?;
    if let (Some(first), Some(last)) = (finding.first_seen, finding.last_seen) {
        writeln!(out, "             first {}, last {}", context.show_time(first), context.show_time(last))?;
    }
    let mut places: Vec<_> = finding.places.iter().collect();
    places.sort_by_key(|(name, n)| (std::cmp::Reverse(**n), name.as_str()));
    for (place, n) in places.iter().take(PLACES) {
        writeln!(out, "             {:>9}  {}", number(**n), one_line(place))?;
    }
    if places.len() > PLACES {
        writeln!(out, "             and {} more", places.len() - PLACES)?;
    }
    writeln!(out, "rule         {}: `logsift patterns show {}`", finding.rule, finding.rule)?;
    writeln!(out, "remedy       {}", finding.remediation)?;
    for reference in rule.iter().flat_map(|rule| &rule.references) {
        writeln!(out, "             {reference}")?;
    }
    Ok(())
}

fn reasons(rule: &Rule, finding: &Finding) -> Vec<String> {
    let mut all = vec![format!("the shape alone: {}", rule.confidence)];
    if !rule.keywords.is_empty() {
        let distance = rule.keyword_distance;
        all.push(format!("one of {} stands within {distance} bytes before it", rule.keywords.join(", ")));
    }
    if let Some(entropy) = rule.entropy {
        all.push(format!("it has {entropy} bits of entropy a byte or more"));
    }
    let checks: Vec<&str> = rule.validators.iter().map(|validator| validator.name()).collect();
    if !checks.is_empty() {
        let outcome = match finding.confidence.cmp(&rule.confidence) {
            std::cmp::Ordering::Greater => "proved it",
            std::cmp::Ordering::Less => "doubts it",
            std::cmp::Ordering::Equal => "found nothing against it",
        };
        all.push(format!("the check {} {outcome}", checks.join(", ")));
    }
    if !rule.expected_in.is_empty() {
        all.push(format!("AWS itself logs such values in {}: low there", rule.expected_in.join(", ")));
    }
    if !rule.expected_outside.is_empty() {
        all.push(format!("in all tables but {} such values are expected: low there", rule.expected_outside.join(", ")));
    }
    if rule.counted {
        all.push("counted: all values of one place are one finding".to_owned());
    }
    all
}

//! What to fix first: findings summed by place and by rule.

use super::Listing;
use super::cell::Cell;
use crate::model::{Finding, Severity};
use crate::report::text::{counted, number};
use std::collections::BTreeMap;

/// Rows of a ranking: a list of what to do first is short.
const MOST: usize = 12;
/// Rules named per place.
const RULES_PER_PLACE: usize = 3;

/// What one distinct secret of a severity weighs.
///
/// A step up weighs more than a handful of the step below, so that many small things do not hide a
/// great one.
const fn weight(severity: Severity) -> u64 {
    match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 5,
        Severity::High => 20,
        Severity::Critical => 60,
    }
}

/// Sum over findings.
#[derive(Clone, Default)]
struct Sums {
    /// Distinct secrets by severity.
    secrets: BTreeMap<Severity, u64>,
    occurrences: u64,
}

impl Sums {
    fn add(&mut self, severity: Severity, occurrences: u64) {
        *self.secrets.entry(severity).or_default() += 1;
        self.occurrences = self.occurrences.saturating_add(occurrences);
    }

    fn score(&self) -> u64 {
        self.secrets.iter().map(|(severity, n)| n * weight(*severity)).sum()
    }

    fn distinct(&self) -> u64 {
        self.secrets.values().sum()
    }

    /// Severity and number, the most severe first.
    fn chips(&self) -> Vec<(Severity, String)> {
        self.secrets.iter().rev().map(|(severity, n)| (*severity, number(*n))).collect()
    }
}

/// A log group, resource or file.
pub struct PlaceRow {
    pub place: Cell,
    pub chips: Vec<(Severity, String)>,
    pub secrets: String,
    pub occurrences: String,
    /// 0 to 100, of the worst place.
    pub bar: u64,
    /// Names of the worst rules there.
    pub rules: Cell,
}

/// A kind of secret and what to do about it.
pub struct RuleRow {
    pub severity: Severity,
    pub name: Cell,
    pub provider: Cell,
    pub secrets: String,
    pub occurrences: String,
    /// Number of places.
    pub places: String,
    pub remediation: Cell,
}

/// Places by weight of their secrets, then occurrences, then name.
pub fn places(findings: &[Finding]) -> Listing<PlaceRow> {
    let mut by_place: BTreeMap<&str, (Sums, Vec<&Finding>)> = BTreeMap::new();
    for finding in findings {
        for (place, n) in &finding.places {
            let (sums, there) = by_place.entry(place).or_default();
            sums.add(finding.severity, *n);
            there.push(finding);
        }
    }
    let mut ranked: Vec<(&str, (Sums, Vec<&Finding>))> = by_place.into_iter().collect();
    ranked.sort_by_key(|(place, (sums, _))| {
        std::cmp::Reverse((sums.score(), sums.occurrences, std::cmp::Reverse(*place)))
    });
    let most = ranked.first().map_or(0, |(_, (sums, _))| sums.score()).max(1);
    Listing::new(&ranked, MOST, |(place, (sums, there))| PlaceRow {
        place: Cell::new(place),
        chips: sums.chips(),
        secrets: number(sums.distinct()),
        occurrences: number(sums.occurrences),
        bar: sums.score() * 100 / most,
        rules: Cell::new(&worst_rules(there)),
    })
}

/// `Stripe live key, JWT and 3 more kinds`.
fn worst_rules(there: &[&Finding]) -> String {
    let mut sorted = there.to_vec();
    sorted.sort_by_key(|f| (std::cmp::Reverse(f.severity), &f.rule_name));
    let mut names: Vec<&str> = sorted.iter().map(|f| f.rule_name.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    let more = names.len().saturating_sub(RULES_PER_PLACE);
    names.truncate(RULES_PER_PLACE);
    let named = names.join(", ");
    if more > 0 { format!("{named} and {}", counted(more as u64, "more kind")) } else { named }
}

/// Rules by weight of their secrets, then occurrences, then id.
pub fn rules(findings: &[Finding]) -> Listing<RuleRow> {
    let mut by_rule: BTreeMap<&str, (Sums, Vec<&Finding>)> = BTreeMap::new();
    for finding in findings {
        let (sums, same) = by_rule.entry(&finding.rule).or_default();
        sums.add(finding.severity, finding.count);
        same.push(finding);
    }
    let mut ranked: Vec<(&str, Sums, Vec<&Finding>)> =
        by_rule.into_iter().map(|(rule, (sums, same))| (rule, sums, same)).collect();
    ranked.sort_by_key(|(rule, sums, _)| std::cmp::Reverse((sums.score(), sums.occurrences, std::cmp::Reverse(*rule))));
    Listing::new(&ranked, MOST, |(rule, sums, same)| {
        let places: std::collections::BTreeSet<&String> = same.iter().flat_map(|f| f.places.keys()).collect();
        let one = same.first();
        RuleRow {
            severity: same.iter().map(|f| f.severity).max().unwrap_or(Severity::Info),
            name: Cell::new(one.map_or(rule, |f| &f.rule_name)),
            provider: Cell::new(one.map_or("", |f| &f.provider)),
            secrets: number(sums.distinct()),
            occurrences: number(sums.occurrences),
            places: number(places.len() as u64),
            remediation: Cell::long(one.map_or("", |f| &f.remediation)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::finding;
    use super::*;

    #[test]
    fn one_critical_secret_outweighs_a_crowd_of_low_ones() {
        let mut findings = vec![finding(0, Severity::Critical, &[("/aws/lambda/pay", 1)])];
        findings.extend((1..=50).map(|i| finding(i, Severity::Low, &[("/aws/lambda/chatty", 900)])));
        let ranking = places(&findings);
        let seen: Vec<_> = ranking.rows.iter().map(|r| (r.place.text.as_str(), r.secrets.as_str(), r.bar)).collect();
        assert_eq!(seen, [("/aws/lambda/pay", "1", 100), ("/aws/lambda/chatty", "50", 83)]);
        assert_eq!(ranking.rows[1].occurrences, "45,000");
        assert_eq!(ranking.rows[1].chips, [(Severity::Low, "50".to_owned())]);
    }

    #[test]
    fn ties_go_by_occurrences_then_name_and_the_rest_is_counted() {
        let names: Vec<String> = (0..20).map(|i| format!("g{i:02}")).collect();
        let mut all: Vec<(&str, u64)> = names.iter().map(|n| (n.as_str(), 1)).collect();
        all[7].1 = 2;
        let ranking = places(&[finding(0, Severity::High, &all)]);
        let order: Vec<&str> = ranking.rows.iter().map(|r| r.place.text.as_str()).collect();
        assert_eq!(order[..3], ["g07", "g00", "g01"]);
        assert_eq!((order.len(), ranking.left_out), (12, 8));
    }

    #[test]
    fn a_rule_sums_its_secrets_and_places() {
        let mut findings =
            vec![finding(0, Severity::Medium, &[("a", 2), ("b", 1)]), finding(1, Severity::High, &[("b", 4)])];
        for finding in &mut findings {
            finding.rule = "aws-secret-key".into();
        }
        let ranking = rules(&findings);
        let row = &ranking.rows[0];
        assert_eq!(
            (row.severity, row.secrets.as_str(), row.occurrences.as_str(), row.places.as_str()),
            (Severity::High, "2", "7", "2")
        );
    }

    #[test]
    fn nothing_found_ranks_nothing() {
        assert!(places(&[]).rows.is_empty() && rules(&[]).rows.is_empty());
        assert_eq!(places(&[finding(0, Severity::Info, &[("a", u64::MAX), ("b", 1)])]).rows[0].bar, 0);
    }
}

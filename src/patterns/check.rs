//! Rules test themselves: every example must fire, no negative example may.

use super::PatternSet;
use crate::model::Confidence;

/// An example that does not do what it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelfTestFailure {
    pub rule: String,
    /// Number of the example in its list, from 1.
    pub example: usize,
    pub what: &'static str,
}

/// Checks every rule against its own examples; empty when all is well.
pub fn self_test(set: &PatternSet) -> Vec<SelfTestFailure> {
    let mut failures = Vec::new();
    for (index, rule) in set.rules.iter().enumerate() {
        let fires = |text: &str| {
            let mut out = Vec::new();
            set.confirm_all(index, text.as_bytes(), None, &mut out);
            out.iter().any(|m| m.confidence > Confidence::Low || rule.confidence == Confidence::Low)
        };
        let mut fail = |example: usize, what| {
            failures.push(SelfTestFailure { rule: rule.id.clone(), example: example + 1, what });
        };
        for (i, example) in rule.examples.iter().enumerate() {
            if !fires(example) {
                fail(i, "example is not found");
            }
        }
        for (i, example) in rule.negative_examples.iter().enumerate() {
            if fires(example) {
                fail(i, "negative example is found");
            }
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use crate::patterns::{PatternSet, RuleSources};

    #[test]
    fn shipped_rules_have_two_examples_of_each_kind_and_references() {
        for rule in &PatternSet::load(&RuleSources { examples: true, ..RuleSources::default() }).unwrap().rules {
            assert!(rule.examples.len() >= 2 && rule.negative_examples.len() >= 2, "{}", rule.id);
            assert!(!rule.references.is_empty(), "{}", rule.id);
        }
    }
}

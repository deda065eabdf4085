//! Of matches that share bytes, one is told: the surest, then the most specific, then the longest.

use crate::patterns::{FirstStage, PatternSet, RuleMatch};
use std::collections::BTreeMap;

/// Leaves the best of each group of overlapping matches, in order of their place.
pub(super) fn resolve(set: &PatternSet, matches: &mut Vec<RuleMatch>) {
    if matches.len() < 2 {
        return;
    }
    // What a provider's rule knows to be harmless, by its checksum or its table, is no leak for standing in a field with
    // a telling name.
    let harmless = |m: &&RuleMatch| m.verdict.valid == Some(false) || m.confidence < set.rules[m.rule].confidence;
    let known: Vec<_> = matches.iter().filter(harmless).map(|m| m.span).collect();
    matches.retain(|m| {
        let generic = set.rules[m.rule].provider == "generic" && m.verdict.valid.is_none();
        !(generic && known.iter().any(|(start, end)| m.span.0 < *end && *start < m.span.1))
    });
    matches.sort_by_key(|m| {
        let generic = set.rules[m.rule].provider == "generic";
        let length = m.span.1 - m.span.0;
        // A number beside its name is what the name says, whatever its shape would also do for.
        let nameless = matches!(set.rules[m.rule].first_stage, FirstStage::Scan(_));
        (std::cmp::Reverse(m.confidence), nameless, generic, std::cmp::Reverse(length), m.rule, m.span)
    });
    let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
    matches.retain(|m| {
        let (start, end) = m.span;
        let before = taken.range(..end).next_back().is_some_and(|(_, taken_end)| *taken_end > start);
        if !before {
            taken.insert(start, end);
        }
        !before
    });
    matches.sort_by_key(|m| m.span);
}

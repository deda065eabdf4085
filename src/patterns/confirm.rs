//! The exact second stage: from a place in a record to confirmed matches.

use super::allow;
use super::rule::Rule;
use super::set::PatternSet;
use super::validators::{self, Judgement};
use crate::model::occurrence::Verdict;
use crate::model::{Confidence, Severity};
use regex::bytes::{CaptureLocations, Regex};

/// One confirmed match in a record.
#[derive(Clone, Debug)]
pub struct RuleMatch {
    pub rule: usize,
    /// Half-open span of the secret.
    pub span: (usize, usize),
    pub severity: Severity,
    pub confidence: Confidence,
    pub verdict: Verdict,
}

/// One thread's regexes: a clone has working memory of its own, so that threads never wait for one another.
#[derive(Debug, Default)]
pub struct Exact {
    rules: Vec<Option<(Regex, CaptureLocations)>>,
    allow: allow::Compiled,
}

/// The part of a record that one rule looks at: matches that begin in `[from, last)`, and nothing from `until` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from: usize,
    pub last: usize,
    pub until: usize,
}

impl Window {
    /// All of a record.
    pub const fn whole(record: &[u8]) -> Self {
        Self { from: 0, last: usize::MAX, until: record.len() }
    }

    /// Where the next match begins at least, when the first one seen begins at `start`: what a window cuts may be one too.
    /// So no window of the record is searched again over what the last one was searched over.
    const fn nothing_before(&self, record: &[u8], start: usize) -> usize {
        if self.until == record.len() { start } else { 0 }
    }
}

impl PatternSet {
    /// Every match of one rule in the window that stands its checks, in order. `table` is the record's source table,
    /// where it has one. Gives where the next window of the same rule and record begins at least.
    pub fn confirm(
        &self,
        exact: &mut Exact,
        rule: usize,
        (record, window): (&[u8], Window),
        table: Option<&str>,
        out: &mut Vec<RuleMatch>,
    ) -> usize {
        let checked = &self.rules[rule];
        if exact.rules.len() <= rule {
            exact.rules.resize_with(self.rules.len(), || None);
        }
        // Taken out while it is used, for its owner is too.
        let Some((regex, mut slots)) = exact.rules[rule].take().or_else(|| {
            let regex = checked.regex()?.clone();
            let slots = regex.capture_locations();
            Some((regex, slots))
        }) else {
            return window.until;
        };
        let seen = &record[..window.until];
        let mut from = window.from;
        while from <= seen.len() && from < window.last {
            let Some(whole) = regex.captures_read_at(&mut slots, seen, from) else {
                from = from.max(window.nothing_before(record, record.len()));
                break;
            };
            if whole.start() >= window.last {
                from = from.max(window.nothing_before(record, whole.start()));
                break;
            }
            let (start, end) = slots.get(checked.secret_group).unwrap_or((whole.start(), whole.end()));
            let start_of_match = whole.start();
            out.extend(self.judge(exact, rule, record, (start, end), table));
            // On from the secret's end, not the match's: the next secret's context may begin there.
            from = end.max(start_of_match + 1);
        }
        exact.rules[rule] = Some((regex, slots));
        from
    }

    /// Every match of one rule in a record, without a first stage.
    pub fn confirm_all(&self, rule: usize, record: &[u8], table: Option<&str>, out: &mut Vec<RuleMatch>) {
        self.confirm(&mut Exact::default(), rule, (record, Window::whole(record)), table, out);
    }

    fn judge(
        &self,
        exact: &mut Exact,
        rule: usize,
        record: &[u8],
        span: (usize, usize),
        table: Option<&str>,
    ) -> Option<RuleMatch> {
        let checked = &self.rules[rule];
        let secret = &record[span.0..span.1];
        if secret.is_empty() {
            return None;
        }
        if checked.entropy.is_some_and(|floor| !validators::has_entropy(secret, floor)) {
            return None;
        }
        if !checked.keywords.is_empty() && !keyword_before(checked, record, span.0) {
            return None;
        }
        if self.allow.holds(secret, &mut exact.allow) {
            return None;
        }
        let mut confidence = checked.confidence;
        let mut verdict = Verdict::default();
        let mut severity = checked.severity;
        for validator in &checked.validators {
            match validator.judge(&validators::Candidate { secret, record, span }) {
                Judgement::Refuted => return None,
                Judgement::Doubtful(more) => {
                    confidence = Confidence::Low;
                    merge(&mut verdict, more);
                }
                Judgement::Unknown => {}
                Judgement::Proven(more) => {
                    confidence = Confidence::High;
                    merge(&mut verdict, more);
                }
            }
        }
        if table.is_some_and(|table| checked.is_expected_in(table)) {
            confidence = Confidence::Low;
            severity = Severity::Info;
        }
        Some(RuleMatch { rule, span, severity, confidence, verdict })
    }
}

fn merge(into: &mut Verdict, more: Verdict) {
    into.valid = more.valid.or(into.valid);
    into.facts.extend(more.facts);
    into.public_ids.extend(more.public_ids);
}

/// Whether one of the rule's keywords stands as a whole word in the bytes before the secret; `_`, `-`,
/// `.` and changes from lower to upper case separate words, so `awsSecretKey` holds `secret`.
fn keyword_before(rule: &Rule, record: &[u8], at: usize) -> bool {
    let before = &record[at.saturating_sub(rule.keyword_distance)..at];
    let lower = before.to_ascii_lowercase();
    rule.keywords.iter().any(|keyword| {
        memchr::memmem::find_iter(&lower, keyword.as_bytes()).any(|start| {
            let end = start + keyword.len();
            let camel_start = start > 0 && before[start].is_ascii_uppercase() && before[start - 1].is_ascii_lowercase();
            let free_start = start == 0 || !lower[start - 1].is_ascii_alphabetic() || camel_start;
            let camel_end =
                end < before.len() && before[end].is_ascii_uppercase() && before[end - 1].is_ascii_lowercase();
            let free_end = end == lower.len() || !lower[end].is_ascii_alphabetic() || camel_end;
            free_start && free_end
        })
    })
}

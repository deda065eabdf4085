//! Severity filters that work by style sheet alone.

use crate::model::Severity;
use crate::report::text::number;

/// A group of radio buttons; the style sheet hides the rows of lesser severities in their section.
pub struct Filter {
    /// Name of the group and beginning of its ids: ours, never from a log.
    pub name: &'static str,
    pub choices: Vec<Choice>,
}

/// One button: rows of this severity and above.
pub struct Choice {
    pub severity: Severity,
    /// `all`, `high +`, `critical`.
    pub label: String,
    /// Rows it shows.
    pub rows: String,
    pub checked: bool,
}

impl Filter {
    /// Choices for the severities that rows have, the most severe first; the last shows all and is
    /// chosen. None when there is nothing to tell apart.
    pub fn new(name: &'static str, rows: impl Iterator<Item = Severity>) -> Self {
        let mut counts = [0u64; Severity::ALL.len()];
        for severity in rows {
            if let Some(count) = counts.get_mut(severity as usize) {
                *count += 1;
            }
        }
        let present: Vec<(Severity, u64)> =
            Severity::ALL.into_iter().zip(counts).rev().filter(|(_, n)| *n > 0).collect();
        let mut total = 0;
        let mut choices = Vec::new();
        for (i, (severity, n)) in present.iter().enumerate() {
            total += n;
            let last = i + 1 == present.len();
            let label = match severity {
                _ if last => "all".to_owned(),
                Severity::Critical => severity.to_string(),
                Severity::Info | Severity::Low | Severity::Medium | Severity::High => format!("{severity} +"),
            };
            choices.push(Choice { severity: *severity, label, rows: number(total), checked: last });
        }
        if choices.len() < 2 {
            choices.clear();
        }
        Self { name, choices }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_counts_its_rows() {
        let rows = [Severity::Low, Severity::Critical, Severity::High, Severity::Low];
        let filter = Filter::new("findings", rows.into_iter());
        let seen: Vec<_> = filter.choices.iter().map(|c| (c.label.as_str(), c.rows.as_str(), c.checked)).collect();
        assert_eq!(seen, [("critical", "1", false), ("high +", "2", false), ("all", "4", true)]);
    }

    #[test]
    fn one_severity_needs_no_filter() {
        assert!(Filter::new("x", [Severity::Low; 3].into_iter()).choices.is_empty());
        assert!(Filter::new("x", std::iter::empty()).choices.is_empty());
    }
}

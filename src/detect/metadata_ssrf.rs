//! Requests that carry the address of a credential endpoint or of the process's environment: forged
//! requests on their way to the function's credentials (ATT&CK T1552.005).

use super::{Case, Detector};
use crate::frame::{self, Cells, FrameError};
use crate::model::{Common, Detection, Severity};
use polars::prelude::*;

pub(super) struct MetadataSsrf;

/// As they stand in URLs, plain or encoded once or twice.
const MARKS: &str = r"(?i)169\.254\.169\.254|169\.254\.170\.2|fd00:ec2::254|metadata\.google\.internal|(?:/|%2f|%252f)meta-?data(?:/|%2f|%252f)|proc(?:/|%2f|%252f)self(?:/|%2f|%252f)environ|file(?::|%3a|%253a)(?:/|%2f|%252f){2}";

impl Detector for MetadataSsrf {
    fn id(&self) -> &'static str {
        "metadata-ssrf"
    }

    fn run(&self, case: &Case<'_>) -> Result<Vec<Detection>, FrameError> {
        let mut all = Vec::new();
        for table in ["alb", "apigateway"] {
            let Some(events) = frame::table(case.lake, table, case.range)? else {
                continue;
            };
            let time = Common::EventTime.name();
            let ok = col(Common::HttpStatus.name()).lt(lit(400)).and(col(Common::HttpStatus.name()).gt_eq(lit(200)));
            let plan = events
                .filter(col("raw").str().contains(lit(MARKS), true))
                .sort([time], SortMultipleOptions::default())
                .group_by([col(Common::SourceIp.name()), col(Common::UrlPath.name())])
                .agg([
                    col(time).min().alias("first"),
                    col(time).max().alias("last"),
                    len().alias("n"),
                    ok.sum().alias("succeeded"),
                    col("event_id").first().alias("event"),
                    col(Common::UserAgent.name()).first().alias("agent"),
                ]);
            let cells = Cells::collect_streaming(plan)?;
            for row in 0..cells.rows() {
                let (Some(first), Some(last)) = (cells.time("first", row), cells.time("last", row)) else {
                    continue;
                };
                let succeeded = cells.int("succeeded", row).unwrap_or(0);
                let source_ip = cells.text(Common::SourceIp.name(), row);
                all.push(Detection {
                    detector: self.id().into(),
                    title: format!("Forged requests to a credential endpoint ({succeeded} answered with success)"),
                    severity: if succeeded > 0 { Severity::High } else { Severity::Medium },
                    technique: "T1552.005".into(),
                    first_seen: first,
                    last_seen: last,
                    events: cells.int("n", row).unwrap_or(0).unsigned_abs(),
                    source_table: table.to_owned(),
                    actor: cells.text("agent", row),
                    follow_ips: source_ip.clone().into_iter().collect(),
                    source_ip,
                    target: cells.text(Common::UrlPath.name(), row),
                    outcome: Some(if succeeded > 0 { "success" } else { "failure" }.to_owned()),
                    event_id: cells.text("event", row),
                    follow_keys: Vec::new(),
                });
            }
        }
        Ok(all)
    }
}

//! Log groups → spools, by Logs Insights: for classes that have neither FilterLogEvents nor GetLogEvents. A query
//! gives so many rows at most and tells nothing of the rest, so a full answer is asked for again in halves. Each
//! query is paid for by the bytes it scans. Facts: AWS, "StartQuery", "GetQueryResults".

use super::{Run, Slice, disk};
use crate::model::Micros;
use crate::pull::call::Fault;
use crate::pull::spool::LogEvent;
use aws_sdk_cloudwatchlogs::operation::get_query_results::GetQueryResultsOutput;
use aws_sdk_cloudwatchlogs::types::{QueryStatus, ResultField};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Rows of an answer at most: what every version of the API allows.
const LIMIT: usize = 10_000;
/// Between two looks whether a query is done.
const LOOK_EVERY: Duration = Duration::from_millis(700);
/// Queries that AWS gave up, for one range of time.
const TRIES: u32 = 3;

impl Run {
    /// Asks for the slice; what does not fit an answer is left to whoever is free.
    pub(super) async fn query(&self, mut slice: Slice) -> Result<(), Fault> {
        loop {
            self.wait_for_room().await;
            let (from, to) = (slice.from, slice.to);
            let rows = self.rows(&slice).await?;
            if rows.len() < LIMIT {
                return self.answered(slice, &rows);
            }
            if to - from < 2 {
                return Err(Fault::Failed(format!(
                    "more than {LIMIT} events in one millisecond, which Insights cannot give: export the group"
                )));
            }
            let middle = from + (to - from) / 2;
            // On whole seconds where they divide, for those need no filter.
            let second = middle - middle.rem_euclid(1000);
            slice.to = if second > from { second } else { middle };
            self.queue().slices.push_back(Slice { from: slice.to, to, ..slice.clone() });
        }
    }

    fn answered(&self, slice: Slice, rows: &[Vec<ResultField>]) -> Result<(), Fault> {
        let mut events = rows.iter().map(|row| event(row)).collect::<Result<Vec<_>, _>>()?;
        let prefix = self.fetcher.ask.stream_prefix.as_deref().unwrap_or_default();
        let asked = slice.from..slice.to;
        events.retain(|event| asked.contains(&event.timestamp) && event.log_stream_name.starts_with(prefix));
        self.count(events.iter().map(|event| event.message.as_str()));
        let mut spool = self.spool(&slice.group)?;
        for event in events {
            spool.push(event).map_err(disk)?;
        }
        self.give(slice, spool.end().map_err(disk)?);
        Ok(())
    }

    /// The slice's answer, by time.
    async fn rows(&self, slice: &Slice) -> Result<Vec<Vec<ResultField>>, Fault> {
        let (from, to) = (slice.from, slice.to);
        // Insights knows whole seconds only, both ends included.
        let (first, last) = (from.div_euclid(1000), (to - 1).div_euclid(1000));
        let cut = from.rem_euclid(1000) != 0 || to.rem_euclid(1000) != 0;
        let filter = if cut {
            format!(" | filter toMillis(@timestamp) >= {from} and toMillis(@timestamp) < {to}")
        } else {
            String::new()
        };
        let query = format!(
            "fields @timestamp, @ingestionTime, @logStream, @message{filter} | sort @timestamp asc | limit {LIMIT}"
        );
        let mut tries = 0;
        loop {
            let done = self.run_query(slice, first, last, &query).await?;
            match done.status() {
                Some(QueryStatus::Complete) => return Ok(done.results.unwrap_or_default()),
                status => {
                    tries += 1;
                    self.fetcher.caller.stats.retries.fetch_add(1, Ordering::Relaxed);
                    if tries == TRIES {
                        let status = status.map_or("Unknown", |status| status.as_str());
                        return Err(Fault::Failed(format!("Insights ended {TRIES} queries with {status}")));
                    }
                }
            }
        }
    }

    /// Starts a query, and waits for its end whatever that is.
    async fn run_query(
        &self,
        slice: &Slice,
        first: i64,
        last: i64,
        query: &str,
    ) -> Result<GetQueryResultsOutput, Fault> {
        let fetcher = &self.fetcher;
        let request = fetcher
            .client
            .start_query()
            .set_log_group_name(fetcher.ask.name_of(&slice.group))
            .set_log_group_identifiers(fetcher.ask.identifier_of(&slice.group).map(|arn| vec![arn]))
            .start_time(first)
            .end_time(last)
            .limit(LIMIT as i32)
            .query_string(query);
        let id = fetcher.caller.call(&fetcher.start_query, || request.clone().send()).await?.query_id;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let request = fetcher.client.get_query_results().set_query_id(id.clone());
            let answer = fetcher.caller.call(&fetcher.query_results, || request.clone().send()).await?;
            if !matches!(answer.status(), Some(QueryStatus::Running | QueryStatus::Scheduled)) {
                let scanned = answer.statistics().map_or(0.0, |statistics| statistics.bytes_scanned());
                fetcher.caller.stats.scanned.fetch_add(scanned as u64, Ordering::Relaxed);
                return Ok(answer);
            }
        }
    }
}

/// Milliseconds since 1970 of `2026-03-02 10:00:00.123`, UTC.
fn millis(text: &str) -> Option<i64> {
    Micros::parse_rfc3339(&format!("{}Z", text.replacen(' ', "T", 1))).map(|time| time.0.div_euclid(1000))
}

fn event(row: &[ResultField]) -> Result<LogEvent, Fault> {
    let field = |name: &str| row.iter().find(|field| field.field() == Some(name)).and_then(|field| field.value());
    let told = field("@timestamp").unwrap_or_default();
    let timestamp = millis(told)
        .ok_or_else(|| Fault::Failed(format!("Insights gave an event whose time cannot be read: {told:?}")))?;
    Ok(LogEvent {
        log_stream_name: field("@logStream").unwrap_or_default().to_owned(),
        timestamp,
        message: field("@message").unwrap_or_default().to_owned(),
        ingestion_time: field("@ingestionTime").and_then(millis),
        event_id: None,
        masked: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_insights_writes_them() {
        assert_eq!(millis("2025-02-25 12:25:04.007"), Some(1_740_486_304_007));
        assert_eq!(millis("yesterday"), None);
    }
}

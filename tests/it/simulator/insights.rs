//! Logs Insights, as far as pull asks it: one form of query, answers cut at its limit without a word, whole seconds.

use super::{Answer, World};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// An answer, and how often it was asked for.
pub(super) struct Query {
    text: String,
    looks: u32,
}

/// `2026-03-02 10:00:00.123`.
fn civil(millis: i64) -> String {
    let text = jiff::Timestamp::from_millisecond(millis).unwrap().strftime("%Y-%m-%d %H:%M:%S%.3f").to_string();
    assert_eq!(text.len(), 23);
    text
}

impl World {
    pub(super) fn start_query(&self, body: &Value) -> Answer {
        let group = match self.group(body) {
            Ok(group) => group,
            Err(answer) => return answer,
        };
        let query = body["queryString"].as_str().unwrap();
        // Both ends count.
        let (mut from, mut to) =
            (body["startTime"].as_i64().unwrap() * 1000, body["endTime"].as_i64().unwrap() * 1000 + 1000);
        let number = |after: &str| -> Option<i64> {
            let rest = query.split(after).nth(1)?;
            rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        if let Some(least) = number("toMillis(@timestamp) >= ") {
            from = from.max(least);
        }
        if let Some(end) = number("toMillis(@timestamp) < ") {
            to = to.min(end);
        }
        let limit = number("limit ").unwrap() as usize;
        let begin = group.events.partition_point(|event| event.timestamp < from);
        let end = group.events.partition_point(|event| event.timestamp < to);
        let mut rows = String::new();
        for event in group.events[begin..end].iter().take(limit) {
            let comma = if rows.is_empty() { "" } else { "," };
            let fields = [
                ("@timestamp", civil(event.timestamp)),
                ("@ingestionTime", civil(event.timestamp + 1500)),
                ("@logStream", group.streams[event.stream as usize].clone()),
                ("@message", event.message(0)),
                ("@ptr", "CmE=".to_owned()),
            ];
            let row: Vec<Value> = fields.iter().map(|(field, value)| json!({"field": field, "value": value})).collect();
            write!(rows, "{comma}{}", Value::from(row)).unwrap();
        }
        let text = format!("[{rows}]");
        let mut counts = self.counts.lock().unwrap();
        let id = format!("query-{}", counts.queries.len());
        counts.queries.insert(id.clone(), Query { text, looks: 0 });
        Answer::Ok(json!({"queryId": id}).to_string())
    }

    pub(super) fn query_results(&self, body: &Value) -> Answer {
        let mut counts = self.counts.lock().unwrap();
        let query = counts.queries.get_mut(body["queryId"].as_str().unwrap()).unwrap();
        query.looks += 1;
        // What comes before the end is a part, and counts for nothing.
        if query.looks == 1 {
            return Answer::Ok(json!({"status": "Running", "results": []}).to_string());
        }
        let scanned = query.text.len();
        Answer::Ok(format!(
            "{{\"status\":\"Complete\",\"results\":{},\"statistics\":{{\"bytesScanned\":{scanned}.0}}}}",
            query.text
        ))
    }
}

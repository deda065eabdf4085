//! A CloudTrail record in other clothes: in EventBridge's envelope, as an element of `LookupEvents`, as a
//! row of CloudTrail Lake or of the console's Event history; and the digest files that prove a trail.

use super::super::shared::json_row::{JsonMap, adopt};
use super::super::{Claim, Outcome};
use super::{
    DETAIL, DIGEST, EVENT_TEXT, FIELDS, IDENTITY_KEY, MAP, NOTES, Notes, USER_NAME, derive, fill, has_time, with_notes,
};
use crate::codec::json::{self, Json};
use crate::model::{Common, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// Headers of exports and of tables: any case, blanks between the words.
static LOOSE: LazyLock<JsonMap> = LazyLock::new(|| {
    with_notes(JsonMap::loose(&FIELDS))
        .alias("username", USER_NAME)
        .alias("awsaccesskey", IDENTITY_KEY)
        .alias("accesskeyid", IDENTITY_KEY)
});

pub(super) fn claims(text: &str) -> Option<Claim> {
    let all = |names: &[&str]| names.iter().all(|name| text.contains(name));
    if !text.starts_with('{') || is_lambda_event(text) {
        return None;
    }
    if all(&["\"CloudTrailEvent\"", "\"EventId\""]) {
        return Some(Claim { score: 91, reason: "an element of LookupEvents with CloudTrailEvent" });
    }
    let named = ["\"eventVersion\"", "\"eventSource\"", "\"eventTime\""].iter().filter(|n| text.contains(**n)).count();
    if named >= 2 && (text.contains("\"eventName\"") || text.contains("AwsCloudTrailInsight")) {
        return Some(Claim { score: 90, reason: "a JSON object with eventVersion, eventTime and eventName" });
    }
    if all(&["\"AwsAggregatedEvent\"", "\"timeWindow\""]) {
        return Some(Claim { score: 90, reason: "an AwsAggregatedEvent with its timeWindow" });
    }
    if all(&["\"Event name\"", "\"Event time\"", "\"Event source\""]) {
        return Some(Claim { score: 85, reason: "a row of CloudTrail's Event history" });
    }
    if all(&["\"eventname\"", "\"eventtime\"", "\"eventsource\""]) {
        return Some(Claim { score: 85, reason: "a row of a CloudTrail table" });
    }
    all(&["\"digestStartTime\"", "\"digestS3Object\"", "\"logFiles\""])
        .then_some(Claim { score: 90, reason: "a CloudTrail digest" })
}

/// S3, Kinesis and DynamoDB hand Lambda records with the same member names; their source is `aws:s3`.
fn is_lambda_event(text: &str) -> bool {
    let after = text.split_once("\"eventSource\"").map_or("", |(_, after)| after);
    after.trim_start_matches([' ', ':', '\n', '\t']).starts_with("\"aws:")
}

/// A record that has no eventTime where CloudTrail writes it; `row` and `notes` are filled from it.
pub(super) fn parse<'r>(text: &'r str, row: &mut Row<'r>, notes: &Notes<'r>) -> Outcome {
    if notes[DIGEST] != Json::Null {
        return Outcome::Ignored("CloudTrail digest");
    }
    if let Json::Object(detail) = notes[DETAIL] {
        return parse_enveloped(detail, row);
    }
    if let Some(event) = notes[EVENT_TEXT].as_str()
        && parse_looked_up(&event, row)
    {
        return Outcome::Event;
    }
    *row = Row::new(FIELDS.len());
    match fill(&LOOSE, text, row) {
        Ok(notes) => derive(row, &notes),
        Err(error) => return Outcome::Reject(Reject::malformed(error.to_string())),
    }
    if has_time(row) { Outcome::Event } else { no_time() }
}

fn no_time() -> Outcome {
    Outcome::Reject(Reject::malformed("eventTime is missing or no time"))
}

/// EventBridge: `{"version","id","detail-type","source","account","time","region","resources","detail":{…}}`.
fn parse_enveloped<'r>(detail: &'r str, row: &mut Row<'r>) -> Outcome {
    let envelope = std::mem::replace(row, Row::new(FIELDS.len())).extra;
    match fill(&MAP, detail, row) {
        Ok(notes) => derive(row, &notes),
        Err(error) => return Outcome::Reject(Reject::malformed(error.to_string())),
    }
    let member = |name: &str| {
        let (_, value) = envelope.iter().find(|(own, _)| own == name)?;
        Some(json::parse(value).ok()?.scalar()?.into_owned())
    };
    if !has_time(row) {
        let Some(time) = member("time").and_then(|time| super::cell::time(&time)) else {
            return no_time();
        };
        row.set(Common::EventTime, Value::Time(time));
    }
    for (common, name) in [(Common::AccountId, "account"), (Common::Region, "region")] {
        let own = FIELDS.iter().zip(&row.native).any(|(f, value)| f.feeds == Some(common) && !value.is_null());
        if !own {
            row.set_default(common, member(name).map_or(Value::Null, Value::owned));
        }
    }
    row.extra.extend(envelope);
    Outcome::Event
}

/// LookupEvents gives the record as a string, and beside it what the console lists of it.
fn parse_looked_up(event: &str, row: &mut Row<'_>) -> bool {
    let mut inner = Row::new(FIELDS.len());
    let Ok(notes) = fill(&MAP, event, &mut inner) else {
        return false;
    };
    if !has_time(&inner) {
        return false;
    }
    derive(&mut inner, &notes);
    let outer = std::mem::replace(row, Row::new(FIELDS.len())).extra;
    adopt(row, inner);
    row.extra.extend(outer.into_iter().filter(|(name, _)| matches!(name.as_ref(), "Resources" | "Username")));
    true
}

/// userIdentity of a Lake row: JSON as text, or `{type=IAMUser, principalid=…, sessioncontext={…}}`, which
/// stays beside what is read from it.
pub(super) fn set_identity_text(row: &mut Row<'_>, identity: &Json<'_>) {
    let Some(text) = identity.as_str() else {
        return;
    };
    let as_json = match json::parse(&text) {
        Ok(Json::Object(_)) => Some(text.clone().into_owned()),
        _ => struct_to_json(&text),
    };
    let Some(as_json) = as_json.filter(|_| text.starts_with('{')) else {
        row.extra.push((Cow::Borrowed("userIdentity"), Cow::Owned(identity.to_json().into_owned())));
        return;
    };
    let whole = format!("{{\"userIdentity\":{as_json}}}");
    let mut inner = Row::new(FIELDS.len());
    let mut notes = [const { Json::Null }; NOTES];
    if LOOSE.fill_noting(&mut inner, &FIELDS, &whole, &mut notes).is_ok() {
        adopt(row, inner);
    }
    if as_json != text {
        row.extra.push((Cow::Borrowed("userIdentity"), Cow::Owned(identity.to_json().into_owned())));
    }
}

/// Nesting of a struct text that is followed; userIdentity has three levels.
const STRUCT_DEPTH: usize = 8;

/// `{a=b, c={d=e}}` as JSON with strings; `null` and empty values are null.
fn struct_to_json(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() * 2);
    let rest = struct_object(text, &mut out, 0)?;
    rest.is_empty().then_some(out)
}

/// Writes the struct that `text` begins with; returns what follows it.
fn struct_object<'a>(text: &'a str, out: &mut String, depth: usize) -> Option<&'a str> {
    let mut rest = text.strip_prefix('{').filter(|_| depth < STRUCT_DEPTH)?;
    out.push('{');
    let mut first = true;
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            out.push('}');
            return Some(after);
        }
        if !first {
            rest = rest.strip_prefix(", ").or_else(|| rest.strip_prefix(','))?;
            out.push(',');
        }
        first = false;
        let (name, after) = rest.split_once('=')?;
        out.push_str(&serde_json::Value::from(name.trim()).to_string());
        out.push(':');
        rest = if after.starts_with('{') { struct_object(after, out, depth + 1)? } else { struct_value(after, out)? };
    }
}

/// Whether a comma's rest goes on with the next member: a name and `=`.
fn is_member(rest: &[u8]) -> bool {
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    let name = rest.iter().take(64).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    name > 0 && rest.get(name) == Some(&b'=')
}

/// A value goes on to the end of its struct, or to a comma that another member follows.
fn struct_value<'a>(text: &'a str, out: &mut String) -> Option<&'a str> {
    let ends = |at: usize, c: char| c == '}' || (c == ',' && is_member(&text.as_bytes()[at + 1..]));
    let (end, _) = text.char_indices().find(|(at, c)| ends(*at, *c))?;
    match text[..end].trim() {
        "" | "null" => out.push_str("null"),
        value => out.push_str(&serde_json::Value::from(value).to_string()),
    }
    Some(&text[end..])
}

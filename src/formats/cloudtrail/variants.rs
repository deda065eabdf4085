//! A CloudTrail record in other clothes: in EventBridge's envelope, as an element of `LookupEvents`, as a
//! row of CloudTrail Lake or of the console's Event history; and the digest files that prove a trail.

use super::super::shared::json_row::{JsonMap, adopt};
use super::super::{Claim, Outcome};
use super::{
    DETAIL, DIGEST, EVENT_TEXT, FIELDS, IDENTITY_KEY, MAP, Notes, USER_NAME, derive, fill, has_time, with_notes,
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

/// Whether a document that begins so is a digest: it names its time and itself before the first list in it.
pub(super) fn is_digest(head: &str) -> bool {
    let Some(members) = head.trim_start().strip_prefix('{') else {
        return false;
    };
    let scalars = members.split(['{', '[']).next().unwrap_or_default();
    scalars.contains("\"digestStartTime\"") && scalars.contains("\"digestS3Object\"")
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
    // A struct text has brackets like JSON's, but its names have no quotes.
    let quoted = text.strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with(['"', '}']));
    let as_json = if quoted { Some(text.clone().into_owned()) } else { struct_to_json(&text) };
    let Some(as_json) = as_json else {
        row.extra.push((Cow::Borrowed("userIdentity"), Cow::Owned(identity.to_json().into_owned())));
        return;
    };
    let whole = format!("{{\"userIdentity\":{as_json}}}");
    let mut inner = Row::new(FIELDS.len());
    let filled = LOOSE.fill(&mut inner, &FIELDS, &whole).map(|()| adopt(row, inner));
    if filled.is_err() || as_json != text {
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
            rest = rest.strip_prefix(", ")?;
            out.push(',');
        }
        first = false;
        let (name, after) = rest.split_once('=')?;
        out.push_str(&serde_json::Value::from(name.trim()).to_string());
        out.push(':');
        rest = if after.starts_with('{') { struct_object(after, out, depth + 1)? } else { struct_value(after, out)? };
    }
}

/// Whether a comma's rest goes on with the next member: a blank, a name and `=`.
fn is_member(rest: &[u8]) -> bool {
    let Some(rest) = rest.strip_prefix(b" ") else {
        return false;
    };
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

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::model::{Origin, Record};

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse_text(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    #[test]
    fn identities_as_text() {
        for identity in [
            r#"{type=AssumedRole, arn=arn:aws:sts::111122223333:assumed-role/r/a,b=c, accesskeyid=null, sessioncontext={sessionissuer={username=r}}}"#,
            r#"{\"type\":\"AssumedRole\",\"arn\":\"arn:aws:sts::111122223333:assumed-role/r/a,b=c\",\"sessionContext\":{\"sessionIssuer\":{\"userName\":\"r\"}}}"#,
        ] {
            let text = format!(r#"{{"eventTime":"2026-03-02 08:00:00.000","userIdentity":"{identity}"}}"#);
            let (outcome, row) = parse_text(&text);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.common(Common::UserName), &Value::text("r"), "{identity}");
            assert_eq!(row.native[26], Value::text("AssumedRole"));
            assert!(row.common(Common::AccessKeyId).is_null());
            assert_eq!(row.extra.len(), usize::from(identity.starts_with("{type")));
        }
        assert_eq!(struct_to_json("{a=1,2, b={c=}}").unwrap(), r#"{"a":"1,2","b":{"c":null}}"#);
        for broken in ["{a", "{a=b", "{a=b}c", "a=b", &"{a=".repeat(100)] {
            assert_eq!(struct_to_json(broken), None);
            let text = format!(r#"{{"eventTime":"2026-03-02T08:00:00Z","userIdentity":"{broken}"}}"#);
            assert_eq!(parse_text(&text).1.extra.len(), 1);
        }
    }

    #[test]
    fn digests_envelopes_and_what_has_no_time() {
        let digest = r#"{"awsAccountId":"111122223333","digestStartTime":"2026-03-02T08:00:00Z","digestS3Object":"k","logFiles":[]}"#;
        assert_eq!(parse_text(digest).0, Outcome::Ignored("CloudTrail digest"));
        assert!(claims(digest).is_some());
        assert!(is_digest(digest) && is_digest(&format!("\n {digest}")));
        let inside = format!(r#"{{"Records":[{digest}]}}"#);
        for other in [&inside, &digest[1..], r#"{"digestStartTime":"x"}"#, "", "[]"] {
            assert!(!is_digest(other), "{other}");
        }
        let (outcome, row) = parse_text(
            r#"{"id":"e","account":"111122223333","region":"eu-central-1","time":"2026-03-02T08:00:00Z","detail":{"eventName":"X"}}"#,
        );
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:00:00.000000Z");
        assert_eq!(row.common(Common::AccountId), &Value::text("111122223333"));
        assert_eq!(row.common(Common::Region), &Value::text("eu-central-1"));
        let (outcome, row) =
            parse_text(r#"{"EventId":"i","EventTime":1772438400.5,"EventName":"X","CloudTrailEvent":"{cut"}"#);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::EventAction), &Value::text("X"));
        for text in [r#"{"detail":{}}"#, r#"{"CloudTrailEvent":"{}"}"#, r#"{"Event time":"-"}"#, "{}", "[]"] {
            assert!(matches!(parse_text(text).0, Outcome::Reject(_)), "{text}");
        }
    }
}

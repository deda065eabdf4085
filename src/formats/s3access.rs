//! S3 server access logs: the text lines, and the JSON objects of the vended form. Facts: AWS, "Amazon
//! S3 server access log format". Values in quotes may hold quotes that nothing marks, so a line is read
//! from both ends.

use super::shared::json_row::JsonMap;
use super::shared::{cell, derive};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader};
use crate::codec::json::{self, Json};
use crate::codec::{percent, tokens};
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use std::sync::LazyLock;

pub struct S3Access;

/// The 27 fields of a line in their order, then what only the vended form has.
#[rustfmt::skip]
static FIELDS: [Field; 30] = [
    Field::new("s3_bucket_owner", "bucket_owner", Kind::Str),
    Field::new("s3_bucket", "bucket", Kind::Str).feeds(Common::Resource),
    Field::new("s3_time", "time", Kind::Time).feeds(Common::EventTime),
    Field::new("s3_remote_ip", "remote_ip", Kind::Str).feeds(Common::SourceIp),
    Field::new("s3_requester", "requester", Kind::Str),
    Field::new("s3_request_id", "request_id", Kind::Str).feeds(Common::RequestId),
    Field::new("s3_operation", "operation", Kind::Str).feeds(Common::EventAction),
    Field::new("s3_key", "key", Kind::Str),
    Field::new("s3_request_uri", "request_uri", Kind::Str),
    Field::new("s3_http_status", "http_status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("s3_error_code", "error_code", Kind::Str).feeds(Common::ErrorCode),
    Field::new("s3_bytes_sent", "bytes_sent", Kind::Int).feeds(Common::BytesOut),
    Field::new("s3_object_size", "object_size", Kind::Int),
    Field::new("s3_total_time", "total_time", Kind::Int),
    Field::new("s3_turn_around_time", "turn_around_time", Kind::Int),
    Field::new("s3_referer", "referer", Kind::Str),
    Field::new("s3_user_agent", "user_agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("s3_version_id", "version_id", Kind::Str),
    Field::new("s3_host_id", "host_id", Kind::Str).link(Link::RequestId),
    Field::new("s3_signature_version", "signature_version", Kind::Str),
    Field::new("s3_cipher_suite", "cipher_suite", Kind::Str),
    Field::new("s3_authentication_type", "authentication_type", Kind::Str),
    Field::new("s3_host_header", "host_header", Kind::Str),
    Field::new("s3_tls_version", "tls_version", Kind::Str),
    Field::new("s3_access_point_arn", "access_point_arn", Kind::Str).link(Link::Arn),
    Field::new("s3_acl_required", "acl_required", Kind::Str),
    Field::new("s3_source_region", "source_region", Kind::Str),
    Field::new("s3_bucket_arn", "bucket_arn", Kind::Str).link(Link::Arn),
    Field::new("s3_schema_version_id", "schema_version_id", Kind::Str),
    Field::new("s3_extra", "(undocumented)", Kind::Str),
];

const BUCKET: usize = 1;
const TIME: usize = 2;
const REMOTE_IP: usize = 3;
const REQUESTER: usize = 4;
const OPERATION: usize = 6;
const KEY: usize = 7;
const REQUEST: usize = 8;
const STATUS: usize = 9;
const ERROR: usize = 10;
const BYTES_SENT: usize = 11;
const REFERER: usize = 15;
const USER_AGENT: usize = 16;
const VERSION_ID: usize = 17;
const HOST_HEADER: usize = 22;
/// The last field of a line.
const SOURCE_REGION: usize = 26;
const BUCKET_ARN: usize = 27;
const EXTRA: usize = 29;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| {
    JsonMap::new(&FIELDS)
        .alias("bucket_owner_id", 0)
        .alias("bucket_name", BUCKET)
        .alias("request_time", TIME)
        .alias("key_name", KEY)
        .alias("bytes_sent_size", BYTES_SENT)
        .alias("total_duration", 13)
        .alias("turn_around_duration", 14)
});

/// What operations begin with.
const OPERATIONS: [&str; 5] = ["REST.", "WEBSITE.", "SOAP.", "BATCH.", "S3."];

impl LogFormat for S3Access {
    fn id(&self) -> &'static str {
        "s3access"
    }

    fn title(&self) -> &'static str {
        "S3 server access log"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::Region, "the region in host_header, which is the bucket's"),
            (Common::UserArn, "requester where it is an ARN"),
            (Common::UserName, "user or role of the ARN; a requester that is neither ARN nor canonical id"),
            (Common::SessionName, "session of an assumed-role ARN"),
            (Common::AccessKeyId, "X-Amz-Credential or AWSAccessKeyId in the query of request_uri"),
            (Common::Target, "s3://bucket/key, the key percent-decoded once"),
            (Common::EventOutcome, "failure from http_status 400 on or with error_code, else success"),
            (Common::HttpMethod, "method of request_uri"),
            (Common::UrlPath, "path of request_uri, without the query"),
            (Common::BytesOut, "0 where bytes_sent is - and there is an http_status"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "API Activity [6003]"
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        if text.starts_with('{') {
            let any = |names: &[&str]| names.iter().any(|name| text.contains(name));
            let named = any(&["\"operation\""])
                && any(&["\"bucket_name\"", "\"bucket_arn\"", "\"bucket_owner_id\""])
                && any(&["\"host_id\"", "\"turn_around_duration\"", "\"bytes_sent_size\"", "\"request_uri\""]);
            return named
                .then_some(Claim { score: 90, reason: "a JSON object with S3's operation, bucket and host id" });
        }
        let head = Head::of(text)?;
        Micros::parse_clf(head.time)?;
        if head.words[0].len() == 64 && head.words[0].bytes().all(|b| b.is_ascii_hexdigit()) {
            return Some(Claim { score: 95, reason: "a canonical owner id, a bucket and a time in brackets" });
        }
        let operation = head.words[OPERATION - 1];
        OPERATIONS
            .iter()
            .any(|prefix| operation.starts_with(prefix))
            .then_some(Claim { score: 85, reason: "a bucket, a time in brackets and an S3 operation" })
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let text = record.text.trim_ascii();
    let result = if text.starts_with('{') { set_json(row, text) } else { set_line(row, text) };
    // A line without its time is cut; an object may leave it to the envelope.
    let envelope = record.envelope.filter(|_| text.starts_with('{'));
    let result = result.and_then(|()| derive::set_time(row, TIME, envelope, "time is missing or no time"));
    if let Err(reject) = result {
        return Outcome::Reject(reject);
    }
    derive_common(row);
    Outcome::Event
}

fn set_json<'r>(row: &mut Row<'r>, text: &'r str) -> Result<(), Reject> {
    MAP.fill_record(row, &FIELDS, text)?;
    if row.native[TIME].is_null() {
        // In brackets, as in the text form.
        let parsed = json::parse(text).unwrap_or(Json::Null);
        let written = ["request_time", "time"].iter().find_map(|name| parsed.get(name)?.as_str());
        row.native[TIME] = Value::time(written.and_then(|t| cell::time(t.trim_matches(['[', ']']))));
    }
    if row.native[BUCKET].is_null()
        && let Some(name) = row.native[BUCKET_ARN].as_str().and_then(|arn| arn.rsplit(':').next())
    {
        row.native[BUCKET] = Value::owned(name.to_owned());
    }
    derive::canonical_ip(row, REMOTE_IP);
    Ok(())
}

/// The fields before the request; none of them has a blank in it but the time, which has brackets.
struct Head<'a> {
    /// Without the time: bucket_owner, bucket, remote_ip, requester, request_id, operation, key.
    words: [&'a str; 7],
    time: &'a str,
    rest: &'a str,
}

impl<'a> Head<'a> {
    fn of(line: &'a str) -> Option<Self> {
        let (before, after) = line.split_once(" [")?;
        let (owner, bucket) = before.split_once(' ')?;
        let (time, after) = after.split_once("] ")?;
        let mut parts = after.splitn(6, ' ');
        let mut next = || parts.next();
        let words = [owner, bucket, next()?, next()?, next()?, next()?, next()?];
        (!bucket.contains(' ')).then(|| Self { words, time, rest: next().unwrap_or_default() })
    }
}

fn set_line<'r>(row: &mut Row<'r>, line: &'r str) -> Result<(), Reject> {
    let cut = || Reject::malformed("fewer fields than up to the key, or no time in brackets");
    let head = Head::of(line).ok_or_else(cut)?;
    let cells = [0, BUCKET, REMOTE_IP, REQUESTER, 5, OPERATION, KEY];
    for (cell, word) in cells.into_iter().zip(head.words) {
        row.native[cell] = Value::text(word);
    }
    row.native[TIME] = Value::time(Micros::parse_clf(head.time));
    derive::canonical_ip(row, REMOTE_IP);
    match split_request(head.rest) {
        Some((request, numbers)) => {
            row.native[REQUEST] = Value::text(request);
            set_numbers(row, numbers);
        }
        // Cut or never written this way: what tokens there are.
        None => set_words(row, REQUEST, tokens::split(head.rest)),
    }
    Ok(())
}

/// The request, and what follows it from http_status on. A quote belongs to the request unless six
/// tokens of the kinds that must follow do follow.
fn split_request(rest: &str) -> Option<(&str, &str)> {
    if let Some(after) = rest.strip_prefix("- ") {
        return Some(("", after));
    }
    let quoted = rest.strip_prefix('"')?;
    quoted.match_indices("\" ").find_map(|(at, mark)| {
        let after = &quoted[at + mark.len()..];
        is_numbers(after).then(|| (&quoted[..at], after))
    })
}

/// `status error bytes size total turnaround`, then nothing or a blank.
fn is_numbers(text: &str) -> bool {
    let mut words = text.splitn(7, ' ');
    let number = |word: Option<&str>| word.is_some_and(|w| w == "-" || is_digits(w));
    words.next().is_some_and(|w| w == "-" || (w.len() == 3 && is_digits(w)))
        && words.next().is_some_and(|w| !w.is_empty())
        && (0..4).all(|_| number(words.next()))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// From http_status to the end of the line.
fn set_numbers<'r>(row: &mut Row<'r>, text: &'r str) {
    let mut words = text.splitn(7, ' ');
    set_words(row, STATUS, words.by_ref().take(REFERER - STATUS));
    let Some(text) = words.next() else {
        return;
    };
    let (referer, agent, after) = split_agents(text);
    row.native[REFERER] = Value::text(referer);
    row.native[USER_AGENT] = Value::text(agent);
    set_words(row, VERSION_ID, after.split(' ').filter(|word| !word.is_empty()));
}

/// Referer, user agent, and the rest, which has neither quotes nor blanks within a field: so the last quote
/// of the line closes the last quoted field.
fn split_agents(text: &str) -> (&str, &str, &str) {
    let Some(last) = text.rfind('"') else {
        let mut words = text.splitn(3, ' ');
        let mut next = || words.next().unwrap_or_default();
        return (next(), next(), next());
    };
    let after = &text[last + 1..];
    if let Some(agent) = text.strip_prefix("- ") {
        let end = last.saturating_sub(2);
        return match agent.strip_prefix('"') {
            // The only quote opens the field: the line is cut inside it.
            Some(open) if end == 0 => ("", open, ""),
            Some(open) => ("", open.get(..end - 1).unwrap_or_default(), after),
            None => ("", agent, ""),
        };
    }
    let Some(open) = text.strip_prefix('"') else {
        return (text, "", "");
    };
    match open.find("\" \"") {
        // `last` counts from `text`, one byte before `open`.
        Some(at) if at + 3 < last => (&open[..at], &open[at + 3..last - 1], after),
        Some(at) => (&open[..at], &open[at + 3..], ""),
        None if last == 0 => (open, "", ""),
        None => match after.trim_start().split_once(' ') {
            Some((agent, rest)) => (&open[..last - 1], agent, rest),
            None => (&open[..last - 1], after.trim_start(), ""),
        },
    }
}

/// One word a cell from `first` on; those after the last documented field together.
fn set_words<'r>(row: &mut Row<'r>, first: usize, words: impl Iterator<Item = &'r str>) {
    for (cell, word) in (first..).zip(words) {
        if cell <= SOURCE_REGION {
            row.native[cell] = cell::of_text(FIELDS[cell].kind, word);
            continue;
        }
        row.native[EXTRA] = match row.native[EXTRA].as_str() {
            Some(before) => Value::owned(format!("{before} {word}")),
            None => Value::Str(word.into()),
        };
    }
}

fn derive_common(row: &mut Row<'_>) {
    set_requester(row);
    if let Some(bucket) = row.native[BUCKET].as_str() {
        let target = match row.native[KEY].as_str() {
            // Some operations write the key with the slash of the path before it.
            Some(key) => format!("s3://{bucket}/{}", percent::decode(key.strip_prefix('/').unwrap_or(key))),
            None => format!("s3://{bucket}"),
        };
        row.set(Common::Target, Value::owned(target));
    }
    let status = if let Value::Int(status) = row.native[STATUS] { Some(status) } else { None };
    let failed = !row.native[ERROR].is_null() || status.is_some_and(|status| status >= 400);
    row.set(Common::EventOutcome, Value::text(if failed { "failure" } else { "success" }));
    if status.is_some() && row.native[BYTES_SENT].is_null() {
        row.set(Common::BytesOut, Value::Int(0));
    }
    if let Some(region) = row.native[HOST_HEADER].as_str().and_then(region_of_host).map(str::to_owned) {
        row.set(Common::Region, Value::owned(region));
    }
    let Some(request) = row.native[REQUEST].as_str().map(str::to_owned) else {
        return;
    };
    if let Some((method, rest)) = request.split_once(' ') {
        let url = rest.rsplit_once(" HTTP/").map_or(rest, |(url, _)| url);
        row.set(Common::HttpMethod, Value::owned(method.to_owned()));
        row.set(Common::UrlPath, Value::owned(tokens::url_path(url).to_owned()));
        if let Some(key) = signing_key(url) {
            row.set(Common::AccessKeyId, Value::owned(key.to_owned()));
        }
    }
}

fn set_requester(row: &mut Row<'_>) {
    let requester = row.native[REQUESTER].clone();
    let Some(text) = requester.as_str() else {
        return;
    };
    if !text.starts_with("arn:") {
        let canonical = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !canonical {
            row.set(Common::UserName, requester);
        }
        return;
    }
    let (user, session) = derive::names_of_arn(text);
    let owned = |name: Option<&str>| name.map_or(Value::Null, |n| Value::owned(n.to_owned()));
    row.set(Common::UserName, owned(user));
    row.set(Common::SessionName, owned(session));
    row.set(Common::UserArn, requester);
}

/// `b.s3.eu-west-1.amazonaws.com`, `s3-eu-west-1.…`, `s3-website-eu-west-1.…`, `s3.dualstack.eu-west-1.…`.
fn region_of_host(host: &str) -> Option<&str> {
    let endpoint = host.split(':').next()?.split_once(".amazonaws.com").map(|(name, _)| name)?;
    // A bucket may be named as a region is, so only what follows S3's own label counts.
    let at = endpoint.rfind(".s3").map_or(0, |at| at + 1);
    let own = endpoint.get(at..)?.strip_prefix("s3")?;
    own.split('.').find_map(|label| {
        let name = label.strip_prefix("-website").unwrap_or(label).trim_start_matches('-');
        derive::is_region(name).then_some(name)
    })
}

/// The access key id of a presigned URL.
fn signing_key(url: &str) -> Option<&str> {
    let (_, query) = url.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let id = match name {
            "X-Amz-Credential" | "x-amz-credential" => value.split(['/', '%']).next()?,
            "AWSAccessKeyId" => value,
            _ => return None,
        };
        (id.len() >= 16 && id.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(id)
    })
}

#[cfg(test)]
mod tests;

//! Whether the name right before the value says that it is something else than a secret: an id, a digest, a version, a
//! name, a public key, a cursor.

use super::{Candidate, Judgement, Validator};

pub struct KeyName;

/// Bytes before the value that are looked at.
const NEAR: usize = 96;

/// Last words of names whose values are no secrets.
const OTHER_THINGS: &[&str] = &[
    "account",
    "algorithm",
    "alg",
    "app",
    "arn",
    "audience",
    "aud",
    "branch",
    "bucket",
    "build",
    "cert",
    "certificate",
    "checksum",
    "class",
    "code",
    "commit",
    "container",
    "count",
    "crc",
    "crc32",
    "cursor",
    "database",
    "date",
    "db",
    "deployment",
    "description",
    "digest",
    "directory",
    "domain",
    "email",
    "endpoint",
    "etag",
    "event",
    "expires",
    "expiry",
    "file",
    "filename",
    "fingerprint",
    "folder",
    "format",
    "function",
    "guid",
    "hash",
    "host",
    "hostname",
    "id",
    "identifier",
    "ids",
    "image",
    "index",
    "instance",
    "integrity",
    "invocation",
    "iss",
    "issuer",
    "jti",
    "kid",
    "label",
    "layer",
    "length",
    "level",
    "location",
    "marker",
    "md5",
    "message",
    "method",
    "mode",
    "model",
    "module",
    "name",
    "nonce",
    "number",
    "object",
    "offset",
    "org",
    "organization",
    "owner",
    "package",
    "page",
    "path",
    "policy",
    "port",
    "prefix",
    "project",
    "provider",
    "ref",
    "region",
    "release",
    "repo",
    "repository",
    "request",
    "resource",
    "rev",
    "revision",
    "role",
    "route",
    "sample",
    "scope",
    "serial",
    "service",
    "sha",
    "sha1",
    "sha256",
    "sha512",
    "sid",
    "signature",
    "size",
    "source",
    "span",
    "state",
    "status",
    "sub",
    "subject",
    "subnet",
    "suffix",
    "sum",
    "table",
    "tag",
    "tags",
    "task",
    "team",
    "tenant",
    "thumbprint",
    "time",
    "timestamp",
    "title",
    "topic",
    "trace",
    "ttl",
    "type",
    "uid",
    "ulid",
    "uri",
    "url",
    "user",
    "username",
    "uuid",
    "ver",
    "version",
    "vpc",
    "workspace",
    "zone",
];

/// Words before `key` and `token` that make a name of something else.
const OTHER_KEYS: &[&str] = &[
    "public",
    "pub",
    "cache",
    "object",
    "objects",
    "s3",
    "partition",
    "sort",
    "primary",
    "foreign",
    "row",
    "hash",
    "range",
    "dedup",
    "deduplication",
    "idempotency",
    "idempotent",
    "routing",
    "group",
    "lookup",
    "index",
    "bucket",
    "file",
    "kms",
    "map",
    "start",
    "end",
    "last",
    "evaluated",
    "exclusive",
    "next",
    "previous",
    "condition",
    "json",
    "config",
    "i18n",
    "translation",
    "metric",
    "label",
    "tag",
    "attribute",
    "field",
    "header",
    "context",
    "hot",
    "sharding",
    "shard",
];
const OTHER_TOKENS: &[&str] = &[
    "next",
    "previous",
    "prev",
    "continuation",
    "page",
    "pagination",
    "paging",
    "client",
    "request",
    "idempotency",
    "sync",
    "csrf",
    "xsrf",
    "creator",
    "resume",
    "scroll",
    "task",
    "update",
    "change",
    "lock",
    "starting",
    "cancellation",
    "forward",
    "backward",
    "first",
    "last",
    "start",
    "end",
    "unexpected",
    "syntax",
    "parse",
    "total",
    "prompt",
    "completion",
    "max",
    "input",
    "output",
    "num",
    "verification",
];

impl Validator for KeyName {
    fn name(&self) -> &'static str {
        "key-name"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let before = &candidate.record[candidate.span.0.saturating_sub(NEAR)..candidate.span.0];
        if is_of_another_thing(&words_of_key(before)) { Judgement::Refuted } else { Judgement::Unknown }
    }
}

fn is_of_another_thing(words: &[String]) -> bool {
    let Some(last) = words.last() else { return false };
    let before = words.len().checked_sub(2).map_or("", |n| words[n].as_str());
    match last.as_str() {
        "key" | "keys" => OTHER_KEYS.contains(&before),
        "token" | "tokens" => OTHER_TOKENS.contains(&before),
        // A webhook's or a signed URL's whole point is the URL.
        "url" | "uri" => before != "webhook",
        "code" => before != "auth" && before != "authorization",
        last => OTHER_THINGS.contains(&last),
    }
}

/// The words, in lower case, of the name that the text before a value ends with: `requestID: "` gives request, id.
fn words_of_key(before: &[u8]) -> Vec<String> {
    let part_of_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let mut rest = before;
    // Words that stand between a name and its value: `"value":`, `key string =`, `key is`.
    for _ in 0..3 {
        let end = rest.iter().rposition(|&b| part_of_name(b)).map_or(0, |at| at + 1);
        let start = rest[..end].iter().rposition(|&b| !part_of_name(b)).map_or(0, |at| at + 1);
        let name = &rest[start..end];
        let words = words(name);
        let filler = |word: &String| {
            matches!(
                word.as_str(),
                "value" | "string" | "str" | "is" | "const" | "text" | "val" | "b" | "f" | "r" | "u" | "3d"
            )
        };
        if start == 0 || !(words.len() == 1 && words.iter().all(filler)) {
            return words;
        }
        rest = &rest[..start];
    }
    Vec::new()
}

/// Splits a name at separators and at changes from lower to upper case.
fn words(name: &[u8]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for (at, &b) in name.iter().enumerate() {
        if !b.is_ascii_alphanumeric() {
            open = false;
            continue;
        }
        let before = at.checked_sub(1).map_or(b'_', |n| name[n]);
        let next = name.get(at + 1).copied().unwrap_or(b'_');
        let hump = b.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || before.is_ascii_uppercase() && next.is_ascii_lowercase());
        if !open || hump {
            all.push(String::new());
        }
        open = true;
        if let Some(word) = all.last_mut() {
            word.push(char::from(b.to_ascii_lowercase()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(before: &str) -> Judgement {
        let record = format!("{before}0a1b2c3d");
        let span = (before.len(), record.len());
        KeyName.judge(&Candidate { secret: b"0a1b2c3d", record: record.as_bytes(), span })
    }

    #[test]
    fn names_of_secrets_stay() {
        for before in [
            "api_key=",
            "\"apiKey\":\"",
            "X-Auth-Token: ",
            "SECRET_KEY_BASE = '",
            "heroku: ",
            "acmeToken is ",
            "",
            "{\"name\":\"ACME_KEY\",\"value\":\"",
            "string token = \"",
            "discord_webhook_url=",
            "bearer ",
        ] {
            assert_eq!(judge(before), Judgement::Unknown, "{before}");
        }
    }

    #[test]
    fn names_of_other_things_refute() {
        for before in [
            "heroku_request_id=",
            "\"requestID\":\"",
            "commit ",
            "\"nextToken\":\"",
            "clientToken: ",
            "public_key = ",
            "\"s3Key\" : \"",
            "sha256=",
            "image_digest:",
            "{\"name\":\"APP_ID\",\"value\":\"",
            "ETag: \\\"",
            "PublicKey=",
            "build version is ",
        ] {
            assert_eq!(judge(before), Judgement::Refuted, "{before}");
        }
    }
}

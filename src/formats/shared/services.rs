//! What the name of a log group says, and what the services that write to well-known groups say in their
//! lines. Facts: AWS's default group names; the services' own log formats.

use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Micros, Value};
use std::borrow::Cow;

/// Who writes to a group, and about what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service<'g> {
    /// `lambda`, `rds`, `eks`; the part after `/aws/` where the group is not one of those known here.
    pub id: &'g str,
    /// The function, cluster, project, API or instance.
    pub target: Option<&'g str>,
}

/// Groups by their beginning; the target is the part up to the next `/`.
const PREFIXES: [(&str, &str); 24] = [
    ("/aws/lambda/", "lambda"),
    ("/aws/lambda-insights", "lambdainsights"),
    ("/aws/apigateway/", "apigateway"),
    ("API-Gateway-Execution-Logs_", "apigateway"),
    ("/aws/vendedlogs/states/", "states"),
    ("/aws/states/", "states"),
    ("/aws/codebuild/", "codebuild"),
    ("/aws/rds/instance/", "rds"),
    ("/aws/rds/cluster/", "rds"),
    ("/aws/rds/proxy/", "rds"),
    ("RDSOSMetrics", "rds"),
    ("/aws/eks/", "eks"),
    ("/aws/containerinsights/", "containerinsights"),
    ("/aws/ecs/containerinsights/", "containerinsights"),
    ("/ecs/", "ecs"),
    ("aws-waf-logs-", "waf"),
    ("/aws/route53/", "route53"),
    ("CloudTrail/", "cloudtrail"),
    ("aws-cloudtrail-logs-", "cloudtrail"),
    ("aws-controltower/CloudTrailLogs", "cloudtrail"),
    ("/aws/transfer/", "transfer"),
    ("/aws/appsync/apis/", "appsync"),
    ("/aws/events/", "eventbridge"),
    ("/aws/vendedlogs/events/", "eventbridge"),
];

/// Who writes to the group of that name; `None` where users name groups freely.
pub fn of_group(group: &str) -> Option<Service<'_>> {
    let target = |rest: &'_ str| -> Option<usize> {
        let end = rest.find('/').unwrap_or(rest.len());
        (end > 0).then_some(end)
    };
    if let Some((prefix, id)) = PREFIXES.into_iter().find(|(prefix, _)| group.starts_with(prefix)) {
        let rest = &group[prefix.len()..];
        // A stage belongs to its API, and only that pair is one log.
        let whole = prefix.starts_with("API-Gateway");
        let end = if whole { Some(rest.len()).filter(|n| *n > 0) } else { target(rest) };
        return Some(Service { id, target: end.map(|end| &rest[..end]) });
    }
    if matches!(group, "aws/spans" | "/aws/spans") {
        return Some(Service { id: "xray", target: None });
    }
    let rest = group.strip_prefix("/aws/vendedlogs/").or_else(|| group.strip_prefix("/aws/"))?;
    let (id, rest) = rest.split_once('/').unwrap_or((rest, ""));
    (!id.is_empty()).then(|| Service { id, target: target(rest).map(|end| &rest[..end]) })
}

/// What a service's line says in the terms that every table has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts<'a> {
    pub common: Vec<(Common, Value<'a>)>,
    pub level: Option<Cow<'a, str>>,
    pub time: Option<Micros>,
}

impl<'a> Facts<'a> {
    fn set(&mut self, column: Common, value: Value<'a>) {
        let said = value.as_str().is_none_or(|text| !text.is_empty());
        if !value.is_null() && said {
            self.common.push((column, value));
        }
    }

    pub(super) fn text(&mut self, column: Common, text: &'a str) {
        self.set(column, Value::text(text));
    }

    /// A client's address, where it is one, and port.
    pub(super) fn client(&mut self, address: &'a str, port: Option<i64>) {
        if let Some(ip) = tokens::ip(address) {
            self.set(Common::SourceIp, Value::Str(ip));
        }
        self.set(Common::SourcePort, port.map_or(Value::Null, Value::Int));
    }

    pub(super) fn outcome(&mut self, failed: bool) {
        self.set(Common::EventOutcome, Value::text(if failed { "failure" } else { "success" }));
    }
}

fn text<'a>(value: &Json<'a>, path: &str) -> Value<'a> {
    let found = value.path(path).and_then(|v| v.scalar()).filter(|t| !t.is_empty() && t != "-");
    found.map_or(Value::Null, Value::Str)
}

/// Reads a line of that service; `None` where its shape is not one known here.
pub fn facts<'a>(service: &str, message: &'a str, object: Option<&Json<'a>>) -> Option<Facts<'a>> {
    match (service, object) {
        ("states", Some(object)) => step_functions(object),
        ("appsync", _) => appsync(message, object),
        ("eks", Some(object)) => kubernetes_audit(object),
        ("eks", None) => authenticator(message),
        ("rds", None) => super::databases::line(message),
        _ => None,
    }
}

/// `{id,type,details,previous_event_id,event_timestamp,execution_arn}`
fn step_functions<'a>(object: &Json<'a>) -> Option<Facts<'a>> {
    let arn = text(object, "execution_arn");
    let kind = text(object, "type");
    let name = kind.as_str()?.to_owned();
    let mut facts =
        Facts { time: object.get("event_timestamp")?.as_i64().and_then(Micros::from_epoch), ..Facts::default() };
    facts.set(Common::EventAction, kind);
    if let Some(mut parts) = arn.as_str().map(|arn| arn.split(':')) {
        let (region, account) = (parts.nth(3).unwrap_or_default(), parts.next().unwrap_or_default());
        facts.set(Common::Region, Value::owned(region.to_owned()));
        facts.set(Common::AccountId, Value::owned(account.to_owned()));
    }
    facts.set(Common::Target, arn);
    facts.set(Common::ErrorCode, text(object, "details.error"));
    if ["Failed", "TimedOut", "Aborted"].iter().any(|end| name.ends_with(end)) {
        facts.outcome(true);
    } else if name.ends_with("Succeeded") {
        facts.outcome(false);
    }
    Some(facts)
}

/// `{"logType":…,"requestId":…,"statusCode":…}`, or text that begins with the request id.
fn appsync<'a>(message: &'a str, object: Option<&Json<'a>>) -> Option<Facts<'a>> {
    let mut facts = Facts::default();
    if let Some(object) = object {
        object.get("logType")?;
        facts.set(Common::EventAction, text(object, "logType"));
        facts.set(Common::RequestId, text(object, "requestId"));
        facts.set(Common::Target, text(object, "fieldName"));
        if let Some(status) = object.get("statusCode").and_then(|status| status.as_i64()) {
            facts.set(Common::HttpStatus, Value::Int(status));
            facts.outcome(status >= 400);
        }
        return Some(facts);
    }
    let id = message.split(' ').next().filter(|id| super::links::is_uuid(id))?;
    facts.set(Common::RequestId, Value::text(id));
    let what = message[id.len()..].trim_start();
    // The word before the first colon: `Begin Request`, `GraphQL Query`, `Request Headers`.
    let action = what.split([':', '\n']).next().unwrap_or_default().trim();
    if action.len() <= 40 {
        facts.set(Common::EventAction, Value::text(action));
    }
    Some(facts)
}

/// An event of the Kubernetes API server's audit log.
fn kubernetes_audit<'a>(object: &Json<'a>) -> Option<Facts<'a>> {
    let id = object.get("auditID")?;
    let mut facts = Facts::default();
    facts.set(Common::RequestId, id.scalar().map_or(Value::Null, Value::Str));
    facts.set(Common::EventAction, text(object, "verb"));
    facts.set(Common::UserName, text(object, "user.username"));
    facts.set(Common::UserAgent, text(object, "userAgent"));
    facts.set(Common::UserArn, first_of(object.path("user.extra.arn")));
    facts.set(Common::SessionName, first_of(object.path("user.extra.sessionName")));
    facts.set(Common::AccessKeyId, first_of(object.path("user.extra.accessKeyId")));
    if let Value::Str(address) = first_of(object.get("sourceIPs"))
        && let Some(ip) = tokens::ip(&address)
    {
        facts.set(Common::SourceIp, Value::owned(ip.into_owned()));
    }
    if let Value::Str(uri) = text(object, "requestURI") {
        facts.set(Common::UrlPath, Value::owned(tokens::url_path(&uri).to_owned()));
    }
    if let Some(Json::Object(_)) = object.get("objectRef") {
        let part = |name: &str| object.get("objectRef").and_then(|o| o.get(name)).and_then(|v| v.scalar());
        let parts = ["resource", "namespace", "name", "subresource"].iter().filter_map(|name| part(name));
        facts.set(Common::Target, Value::owned(parts.collect::<Vec<_>>().join("/")));
    }
    if let Some(code) = object.path("responseStatus.code").and_then(|code| code.as_i64()) {
        facts.set(Common::HttpStatus, Value::Int(code));
        facts.outcome(code >= 400);
    }
    if text(object, "responseStatus.status") == Value::text("Failure") {
        facts.set(Common::ErrorCode, text(object, "responseStatus.reason"));
    }
    let time = |name: &str| object.get(name).and_then(|v| v.as_str()).and_then(|t| Micros::parse_rfc3339(&t));
    facts.time = time("requestReceivedTimestamp").or_else(|| time("stageTimestamp"));
    Some(facts)
}

fn first_of(list: Option<Json<'_>>) -> Value<'_> {
    let Some(Json::Array(list)) = list else {
        return Value::Null;
    };
    let first = json::elements(list).next().and_then(Result::ok);
    first.and_then(|v| v.scalar()).filter(|t| !t.is_empty()).map_or(Value::Null, Value::Str)
}

/// EKS' authenticator: `time="…" level=info msg="access granted" arn="…" client="ip:port" username="…"`.
fn authenticator(message: &str) -> Option<Facts<'_>> {
    let time = logfmt(message, "time").and_then(Micros::parse_rfc3339)?;
    let mut facts = Facts { time: Some(time), ..Facts::default() };
    facts.level = logfmt(message, "level").map(Cow::Borrowed);
    let action = logfmt(message, "msg");
    facts.set(Common::EventAction, action.map_or(Value::Null, Value::text));
    facts.set(Common::UserArn, logfmt(message, "arn").map_or(Value::Null, Value::text));
    facts.set(Common::UserName, logfmt(message, "username").map_or(Value::Null, Value::text));
    match action {
        Some("access granted") => facts.outcome(false),
        Some("access denied") => facts.outcome(true),
        _ => {}
    }
    Some(facts)
}

/// The value of a `name=value` or `name="value"` pair.
fn logfmt<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let pair = line.match_indices(name).find_map(|(at, _)| {
        let begins = at == 0 || line.as_bytes()[at - 1] == b' ';
        line[at + name.len()..].strip_prefix('=').filter(|_| begins)
    })?;
    match pair.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => pair.split(' ').next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(service: &str, message: &'a str) -> Vec<(&'static str, String)> {
        let object = json::parse(message).ok().filter(|v| matches!(v, Json::Object(_)));
        let facts: Facts<'a> = facts(service, message, object.as_ref()).unwrap();
        let show = |value: Value<'_>| match value {
            Value::Str(text) => text.into_owned(),
            Value::Int(n) => n.to_string(),
            other => format!("{other:?}"),
        };
        facts.common.into_iter().map(|(column, value)| (column.name(), show(value))).collect()
    }

    fn has(found: &[(&'static str, String)], expected: &[(&str, &str)]) {
        for (name, value) in expected {
            assert!(found.iter().any(|(n, v)| n == name && v == value), "{name}={value} is not in {found:?}");
        }
    }

    #[test]
    fn groups_by_name() {
        for (group, id, target) in [
            ("/aws/lambda/orders", "lambda", Some("orders")),
            ("API-Gateway-Execution-Logs_abc123/prod", "apigateway", Some("abc123/prod")),
            ("/aws/vendedlogs/states/flow", "states", Some("flow")),
            ("/aws/rds/cluster/db-1/audit", "rds", Some("db-1")),
            ("/aws/eks/prod/cluster", "eks", Some("prod")),
            ("/aws/containerinsights/c/performance", "containerinsights", Some("c")),
            ("/aws/appsync/apis/xyz", "appsync", Some("xyz")),
            ("/aws/cognito/pool", "cognito", Some("pool")),
            ("/aws/vendedlogs/cognito/pool", "cognito", Some("pool")),
            ("/aws/route53/example.com", "route53", Some("example.com")),
            ("aws-waf-logs-web", "waf", Some("web")),
            ("RDSOSMetrics", "rds", None),
            ("aws/spans", "xray", None),
            ("aws-controltower/CloudTrailLogs", "cloudtrail", None),
        ] {
            assert_eq!(of_group(group), Some(Service { id, target }), "{group}");
        }
        assert_eq!(of_group("my-app"), None);
        assert_eq!(of_group("/aws/"), None);
    }

    #[test]
    fn step_functions_and_appsync() {
        let found = of(
            "states",
            r#"{"id":"4","type":"ExecutionFailed","details":{"error":"States.Timeout","cause":"x"},"previous_event_id":"3","event_timestamp":"1772420401000","execution_arn":"arn:aws:states:eu-central-1:111122223333:execution:flow:run-1"}"#,
        );
        has(
            &found,
            &[("event_action", "ExecutionFailed"), ("error_code", "States.Timeout"), ("event_outcome", "failure")],
        );
        has(&found, &[("account_id", "111122223333"), ("region", "eu-central-1")]);
        has(&found, &[("target", "arn:aws:states:eu-central-1:111122223333:execution:flow:run-1")]);
        let found = of("appsync", r#"{"logType":"RequestSummary","requestId":"r-1","statusCode":401,"latency":5}"#);
        has(&found, &[("event_action", "RequestSummary"), ("http_status", "401"), ("event_outcome", "failure")]);
        let found = of("appsync", "8f507cfc-aaaa-4bbb-8ccc-0123456789ab Begin Request");
        has(&found, &[("request_id", "8f507cfc-aaaa-4bbb-8ccc-0123456789ab"), ("event_action", "Begin Request")]);
    }

    #[test]
    fn eks_audit_and_authenticator() {
        let found = of(
            "eks",
            r#"{"kind":"Event","auditID":"a-1","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/prod/secrets/db?x=y","verb":"get","user":{"username":"kubernetes-admin","extra":{"arn":["arn:aws:sts::111122223333:assumed-role/ops/sess"],"accessKeyId":["AKIAIOSFODNN7EXAMPLE"]}},"sourceIPs":["198.51.100.7","10.0.0.1"],"userAgent":"kubectl/v1.30","objectRef":{"resource":"secrets","namespace":"prod","name":"db"},"responseStatus":{"status":"Failure","reason":"Forbidden","code":403},"requestReceivedTimestamp":"2026-03-02T03:00:00.000000Z"}"#,
        );
        has(&found, &[("request_id", "a-1"), ("event_action", "get"), ("user_name", "kubernetes-admin")]);
        has(&found, &[("source_ip", "198.51.100.7"), ("http_status", "403"), ("event_outcome", "failure")]);
        has(&found, &[("target", "secrets/prod/db"), ("url_path", "/api/v1/namespaces/prod/secrets/db")]);
        has(&found, &[("user_arn", "arn:aws:sts::111122223333:assumed-role/ops/sess"), ("error_code", "Forbidden")]);
        has(&found, &[("access_key_id", "AKIAIOSFODNN7EXAMPLE"), ("user_agent", "kubectl/v1.30")]);
        let found = of(
            "eks",
            r#"time="2026-03-02T03:00:00Z" level=info msg="access granted" arn="arn:aws:iam::111122223333:role/ops" client="127.0.0.1:5" username="ops:x""#,
        );
        has(
            &found,
            &[("user_arn", "arn:aws:iam::111122223333:role/ops"), ("user_name", "ops:x"), ("event_outcome", "success")],
        );
    }
}

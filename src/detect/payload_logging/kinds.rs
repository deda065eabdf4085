//! How whole payloads look in logs: the names that an envelope has, whatever printed it.

use aho_corasick::AhoCorasick;
use memchr::memmem;
use std::sync::LazyLock;

/// One kind of payload.
pub struct Kind {
    pub id: &'static str,
    pub title: &'static str,
    /// A text that every one has and few other lines: only lines with it are looked at.
    gate: &'static str,
    /// Names of fields that must all be there; those with a colon are values.
    all: &'static [&'static str],
    /// And one of these, where there are any.
    any: &'static [&'static str],
    /// Fields that hold what was sent.
    bodies: &'static [&'static str],
    pub cause: &'static str,
    pub remedy: &'static str,
}

const HANDLER: &str = "The function prints the event it was called with: `console.log(event)`, `print(event)`, `logger.info(event)`, or Powertools' `log_event`.";
const PRINT_LESS: &str = "Log the request id, the route and the outcome only; drop headers and body, or pass them through a list of allowed fields. Then shorten the group's retention, and delete the streams that hold the payloads.";

/// An event that AWS hands to a function: its fields that must all be there, and those of which one must.
const fn handed_in(
    id: &'static str,
    title: &'static str,
    gate: &'static str,
    (all, any): (&'static [&'static str], &'static [&'static str]),
    bodies: &'static [&'static str],
) -> Kind {
    Kind { id, title, gate, all, any, bodies, cause: HANDLER, remedy: PRINT_LESS }
}

/// The most particular first: the first that holds counts. Field names as AWS documents the events.
pub static KINDS: [Kind; 19] = [
    Kind {
        id: "apigateway-data-trace",
        title: "Bodies of requests and responses in API Gateway's execution log",
        gate: " transformations: ",
        all: &[],
        any: &[],
        bodies: &[],
        cause: "The stage's data tracing is on (`dataTraceEnabled`, in the console \"Log full requests and responses data\").",
        remedy: "Set `dataTraceEnabled` to false for the stage's methods (`aws apigateway update-stage --patch-operations op=replace,path=/*/*/logging/dataTrace,value=false`), and use an access log.",
    },
    Kind {
        id: "step-functions-execution-data",
        title: "Input and output of Step Functions' states",
        gate: "execution_arn",
        all: &["execution_arn", "details"],
        any: &["input", "output", "parameters"],
        bodies: &["input", "output", "parameters"],
        cause: "The state machine logs execution data (`loggingConfiguration.includeExecutionData`).",
        remedy: "Set `includeExecutionData` to false in the state machine's logging configuration; the history of an execution still shows its data to those who may read it.",
    },
    Kind {
        id: "appsync-resolver",
        title: "Arguments and results of AppSync's resolvers",
        gate: "Mapping",
        all: &["logType", "fieldName"],
        any: &["context", "transformedTemplate"],
        bodies: &["context", "transformedTemplate"],
        cause: "The API logs fields verbosely (`fieldLogLevel: ALL` without `excludeVerboseContent`).",
        remedy: "Set `excludeVerboseContent` to true, or `fieldLogLevel` to ERROR.",
    },
    handed_in(
        "appsync-event",
        "AppSync events, whole",
        "parentTypeName",
        (&["parentTypeName", "fieldName", "arguments"], &[]),
        &["arguments"],
    ),
    handed_in(
        "apigateway-authorizer-event",
        "API Gateway authorizer events, whole, with the caller's token",
        "methodArn",
        (&["methodArn", "type"], &["authorizationToken", "headers"]),
        &["authorizationToken", "headers"],
    ),
    handed_in(
        "alb-event",
        "Load balancer requests, whole",
        "requestContext",
        (&["requestContext", "targetGroupArn", "httpMethod"], &[]),
        &["body"],
    ),
    handed_in(
        "apigateway-websocket-event",
        "API Gateway WebSocket events, whole",
        "requestContext",
        (&["requestContext", "connectionId", "messageDirection"], &[]),
        &["body"],
    ),
    handed_in(
        "apigateway-http-event",
        "API Gateway HTTP API or function URL requests, whole",
        "requestContext",
        (&["requestContext", "routeKey", "rawPath"], &[]),
        &["body"],
    ),
    handed_in(
        "apigateway-rest-event",
        "API Gateway REST requests, whole",
        "requestContext",
        (&["requestContext", "httpMethod"], &["resource", "pathParameters", "multiValueHeaders", "headers"]),
        &["body"],
    ),
    handed_in("sqs-event", "SQS messages, whole", "aws:sqs", (&["receiptHandle", "body"], &[]), &["body"]),
    handed_in("sns-event", "SNS messages, whole", "aws:sns", (&["Message", "MessageId"], &[]), &["Message"]),
    handed_in(
        "dynamodb-stream-event",
        "DynamoDB items, whole",
        "aws:dynamodb",
        (&["dynamodb"], &["NewImage", "OldImage", "Keys"]),
        &["NewImage", "OldImage"],
    ),
    handed_in("kinesis-event", "Kinesis records, whole", "aws:kinesis", (&["partitionKey", "data"], &[]), &["data"]),
    handed_in("s3-event", "S3 event notifications, whole", "aws:s3", (&["eventName", "bucket", "object"], &[]), &[]),
    handed_in(
        "cognito-trigger-event",
        "Cognito trigger events, whole, with the user's attributes",
        "triggerSource",
        (&["triggerSource", "userPoolId", "request"], &[]),
        &["userAttributes", "password"],
    ),
    Kind {
        id: "eventbridge-event",
        title: "EventBridge events, whole",
        gate: "detail-type",
        all: &["detail-type", "detail", "source", "region"],
        any: &[],
        bodies: &["detail"],
        cause: "The function prints the event it was called with, or the log group is the target of an EventBridge rule.",
        remedy: PRINT_LESS,
    },
    Kind {
        id: "http-response",
        title: "Lambda responses, whole",
        gate: "statusCode",
        all: &["statusCode", "headers", "body"],
        any: &[],
        bodies: &["body"],
        cause: "The function prints the response before it returns it.",
        remedy: PRINT_LESS,
    },
    Kind {
        id: "http-body",
        title: "Bodies of requests or responses",
        gate: "ody",
        all: &[],
        any: &[],
        bodies: &[
            "body",
            "requestBody",
            "request_body",
            "responseBody",
            "response_body",
            "rawBody",
            "reqBody",
            "resBody",
        ],
        cause: "A logging middleware, or a line in the handler, prints bodies.",
        remedy: PRINT_LESS,
    },
    Kind {
        id: "payload-field",
        title: "Payloads in a field of structured logs",
        gate: "ayload",
        all: &[],
        any: &[],
        bodies: &[
            "payload",
            "requestPayload",
            "responsePayload",
            "request_payload",
            "response_payload",
            "eventPayload",
        ],
        cause: "The program gives the whole payload to its logger as a field.",
        remedy: PRINT_LESS,
    },
];

static GATES: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(KINDS.iter().map(|kind| kind.gate)).ok());

/// Fields that a body has at least to be one, where nothing but its name tells.
const FIELDS: usize = 3;
/// Bytes of a body in which these are looked for.
const WITHIN: usize = 4096;
/// Ends of API Gateway's lines before the body, with what the body is of.
const TRACED: [&[u8]; 4] = [
    b"request body before transformations: ",
    b"request body after transformations: ",
    b"response body before transformations: ",
    b"response body after transformations: ",
];

/// Gates are the bits of a number.
const _: () = assert!(KINDS.len() <= 32);

/// The kind of payload that a line holds, and whether there is anything in its body.
pub fn kind_of(line: &[u8]) -> Option<(usize, bool)> {
    let gates = GATES.as_ref()?;
    let mut open = 0u32;
    for found in gates.find_overlapping_iter(line) {
        open |= 1 << found.pattern().as_u32();
    }
    let mut kinds = KINDS.iter().enumerate().filter(|(n, _)| open & 1 << n > 0);
    kinds.find_map(|(n, kind)| Some((n, kind.holds(line)?)))
}

/// Names of the fields of something that was printed, in their order.
pub fn names(line: &str) -> impl Iterator<Item = &str> {
    let bytes = line.as_bytes();
    memchr::memchr2_iter(b':', b'=', bytes).filter_map(move |at| {
        let before = line[..at].trim_end_matches(['\'', '"', '\\']);
        let of_name = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let name = &before[before.rfind(of_name).map_or(0, |end| end + 1)..];
        // A time is no field, nor is what follows a name inside a value.
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= 48;
        let opens =
            before[..before.len() - name.len()].trim_end_matches(['\'', '"', '\\']).trim_end().ends_with(['{', ',']);
        (is_name && opens).then_some(name)
    })
}

impl Kind {
    /// Whether more than a field's name tells it.
    pub fn has_envelope(&self) -> bool {
        !self.all.is_empty() || self.bodies.is_empty()
    }

    /// Whether the line is of this kind, and then whether its body is there.
    fn holds(&self, line: &[u8]) -> Option<bool> {
        if self.all.is_empty() {
            return self.holds_body(line).then_some(true);
        }
        let has = |name: &&str| values(line, name).next().is_some();
        let is = self.all.iter().all(&has) && (self.any.is_empty() || self.any.iter().any(has));
        is.then(|| self.bodies.iter().any(|name| values(line, name).any(is_there)))
    }

    /// Kinds without an envelope: the body itself has to look like one.
    fn holds_body(&self, line: &[u8]) -> bool {
        if self.bodies.is_empty() {
            let after = |mark: &&[u8]| memmem::find(line, mark).map(|at| &line[at + mark.len()..]);
            return TRACED.iter().find_map(after).is_some_and(|body| !body.trim_ascii().is_empty());
        }
        self.bodies.iter().any(|name| values(line, name).any(is_object))
    }
}

/// What stands after each field of this name: in JSON, escaped any number of times, in Python's, JavaScript's or
/// Java's way of printing.
fn values<'l>(line: &'l [u8], name: &'l str) -> impl Iterator<Item = &'l [u8]> {
    memmem::find_iter(line, name).filter_map(move |at| {
        let before = at.checked_sub(1).map(|before| line[before]);
        if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')) {
            return None;
        }
        let rest = trimmed(&line[at + name.len()..], b"\\\"'");
        let rest = trimmed(rest, b" \t");
        let rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"="))?;
        Some(trimmed(rest, b" \t\r\n"))
    })
}

fn trimmed<'l>(text: &'l [u8], bytes: &[u8]) -> &'l [u8] {
    let count = text.iter().take_while(|byte| bytes.contains(byte)).count();
    &text[count..]
}

/// Whether a value is more than nothing.
fn is_there(value: &[u8]) -> bool {
    let inner = trimmed(value, b"\\\"'");
    let nothing = [&b"null"[..], b"None", b"undefined", b"{}", b"[]"];
    let empty = value.len() > inner.len() && inner.first().is_none_or(|byte| matches!(byte, b',' | b'}' | b']'));
    !empty && !inner.is_empty() && !nothing.iter().any(|word| inner.starts_with(word))
}

/// Whether a value is an object of some fields: JSON as it is or in a string, or a form.
fn is_object(value: &[u8]) -> bool {
    let inner = trimmed(value, b"\\\"'[ ");
    let inner = &inner[..inner.len().min(WITHIN)];
    if !inner.starts_with(b"{") {
        let form = inner.split(|byte| matches!(byte, b'"' | b'\'' | b' ' | b'\\')).next().unwrap_or_default();
        return memchr::memchr_iter(b'&', form).count() + 1 >= FIELDS
            && memchr::memchr_iter(b'=', form).count() >= FIELDS;
    }
    let colons = memchr::memchr_iter(b':', inner)
        .filter(|at| inner[..*at].last().is_some_and(|byte| matches!(byte, b'"' | b'\'')));
    let bare =
        memchr::memchr2_iter(b':', b'=', inner).filter(|at| inner[..*at].last().is_some_and(u8::is_ascii_alphanumeric));
    colons.count().max(bare.count()) >= FIELDS
}

#[cfg(test)]
mod tests;

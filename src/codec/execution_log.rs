//! Lines of API Gateway's execution logs: `(<request id>) <step>: <value>`, one event per step. Facts: AWS, "Set up
//! CloudWatch logging for REST APIs", and published lines. Wording differs over the years in blanks and
//! punctuation, so steps are told by their leading words.

use super::{java_map, tokens};
use std::borrow::Cow;

/// Bytes of one event at most; AWS cuts the rest.
pub const MAX_EVENT: usize = 1024;
const CUT: &str = "[TRUNCATED]";

macro_rules! steps {
    ($($step:ident $words:literal;)*) => {
        /// What a line is about, in the usual order of a request.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Step { $($step,)* Other }

        const STEPS: &[(Step, &str)] = &[$((Step::$step, $words)),*];

        impl Step {
            /// Its leading words, or `other`.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$step => $words,)* Self::Other => "other" }
            }
        }
    };
}

steps! {
    TestInvoke "Execution log for request";
    ExtendedRequestId "Extended Request Id";
    Client "Client";
    UsagePlan "Verifying Usage Plan for request";
    ApiKey "API Key";
    UsagePlanCheck "Usage Plan check";
    Authorizer "Starting authorizer";
    Identity "Incoming identity";
    AuthorizerResult "Authorizer result body before parsing";
    AuthorizerPolicy "Using valid authorizer policy for principal";
    AuthorizerDone "Successfully completed authorizer execution";
    Start "Starting execution for request";
    Method "HTTP Method";
    RequestPath "Method request path";
    RequestQuery "Method request query string";
    RequestHeaders "Method request headers";
    RequestBody "Method request body";
    Validation "Request validation";
    EndpointUri "Endpoint request URI";
    EndpointRequestHeaders "Endpoint request headers";
    EndpointRequestBody "Endpoint request body";
    Sending "Sending request to";
    Received "Received response";
    EndpointResponseHeaders "Endpoint response headers";
    EndpointResponseBody "Endpoint response body";
    LambdaFailed "Lambda execution failed";
    Failed "Execution failed";
    Unauthorized "Unauthorized request";
    Throttled "Key throttle limit exceeded";
    GatewayType "Gateway response type";
    GatewayBody "Gateway response body";
    GatewayHeaders "Gateway response headers";
    ResponseBody "Method response body";
    ResponseHeaders "Method response headers";
    Done "Successfully completed execution";
    Completed "Method completed with status";
    EndpointRequestId "AWS Integration Endpoint RequestId";
    TraceId "X-ray Tracing ID";
}

/// A line in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutionLine<'a> {
    pub request_id: Option<&'a str>,
    /// `Thu Aug 31 01:07:25 UTC 2017`, where the console's test call printed the line.
    pub test_time: Option<&'a str>,
    pub step: Step,
    /// What follows the id or the time, without the mark of a cut.
    pub text: &'a str,
    /// What follows the step's words and their colon.
    pub value: &'a str,
    /// AWS cut the line: it is marked, or as long as an event can be.
    pub truncated: bool,
}

/// Takes a line apart; every text is one, at worst of the step `Other` and without an id.
pub fn parse(raw: &str) -> ExecutionLine<'_> {
    let line = raw.trim_end();
    let marked = line.strip_suffix(CUT);
    let truncated = marked.is_some() || raw.len() == MAX_EVENT || line.len() == MAX_EVENT;
    let line = marked.unwrap_or(line).trim_end();
    let (request_id, rest) = match id_of(line) {
        Some((id, rest)) => (Some(id), rest),
        None => (None, line),
    };
    let (test_time, text) = match test_prefix(rest) {
        Some((time, text)) if request_id.is_none() => (Some(time), text),
        _ => (None, rest),
    };
    let (step, value) = step_of(text);
    let request_id = request_id.or_else(|| (step == Step::TestInvoke).then_some(value).filter(|id| is_id(id)));
    ExecutionLine { request_id, test_time, step, text, value, truncated }
}

fn id_of(line: &str) -> Option<(&str, &str)> {
    let (id, rest) = line.strip_prefix('(')?.split_once(')')?;
    is_id(id).then(|| (id, rest.trim_start()))
}

/// A UUID; or, of WebSocket APIs, the base64 of an extended id.
fn is_id(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'+' | b'/');
    (8..=64).contains(&text.len()) && text.bytes().all(allowed) && text.bytes().any(|b| matches!(b, b'-' | b'_' | b'='))
}

/// The time, always 28 bytes, before ` : `.
fn test_prefix(line: &str) -> Option<(&str, &str)> {
    let (time, rest) = line.split_at_checked(28)?;
    let b = time.as_bytes();
    let shape = b[3] == b' ' && b[7] == b' ' && b[13] == b':' && b[16] == b':' && b[19] == b' ' && b[23] == b' ';
    shape.then(|| rest.strip_prefix(" : ").or_else(|| rest.strip_prefix(" :"))).flatten().map(|text| (time, text))
}

fn step_of(text: &str) -> (Step, &str) {
    for &(step, words) in STEPS {
        let Some(rest) = after_words(text, words) else {
            continue;
        };
        let rest = rest.trim_start();
        let value = match (step, rest.split_once(':')) {
            (Step::Client, _) if !rest.starts_with('[') => continue,
            (Step::Client | Step::Sending, _) => rest,
            // `Method request body before transformations: …`
            (_, Some((words, value))) if words.bytes().all(|b| b.is_ascii_alphabetic() || b == b' ') => value,
            _ => rest,
        };
        return (step, value.trim());
    }
    (Step::Other, text)
}

/// What follows the words; blanks between them may be more than one, case does not matter.
fn after_words<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let mut rest = text;
    for word in words.split(' ') {
        rest = rest.trim_start();
        let (head, tail) = rest.split_at_checked(word.len())?;
        if !head.eq_ignore_ascii_case(word) || tail.starts_with(|c: char| c.is_alphanumeric()) {
            return None;
        }
        rest = tail;
    }
    Some(rest)
}

const GROUP: &str = "API-Gateway-Execution-Logs";
/// WebSocket APIs log here; stages may have their access logs there too.
const OTHER_GROUP: &str = "/aws/apigateway/";

/// What the name of a log group says: `API-Gateway-Execution-Logs_<api>/<stage>`, with `/Canary` after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    pub api_id: &'a str,
    pub stage: &'a str,
    pub is_canary: bool,
}

/// Whether a log group holds execution logs and nothing else. The guides spell it with `_` and with `/`.
pub fn is_own_group(group: &str) -> bool {
    group.strip_prefix(GROUP).is_some_and(|rest| rest.starts_with(['_', '/']))
}

/// API and stage by the log group's name.
pub fn place(group: &str) -> Option<Place<'_>> {
    let own = group.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix(['_', '/']));
    let (api_id, stage) = own.or_else(|| group.strip_prefix(OTHER_GROUP))?.split_once('/')?;
    let main = stage.strip_suffix("/Canary");
    Some(Place { api_id, stage: main.unwrap_or(stage), is_canary: main.is_some() })
}

/// What a line says of its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details<'a> {
    pub extended_request_id: Option<&'a str>,
    pub http_method: Option<&'a str>,
    pub resource_path: Option<&'a str>,
    /// What the client gets.
    pub status: Option<i64>,
    /// What the integration gave.
    pub endpoint_status: Option<i64>,
    pub integration_latency_ms: Option<i64>,
    pub endpoint_uri: Option<&'a str>,
    pub function_arn: Option<&'a str>,
    pub lambda_request_id: Option<&'a str>,
    /// The bare root.
    pub trace_id: Option<&'a str>,
    /// First hop of X-Forwarded-For, which a client may have set itself.
    pub forwarded_ip: Option<Cow<'a, str>>,
    /// The peer, as the gateway saw it.
    pub source_ip: Option<Cow<'a, str>>,
    pub host: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub api_id: Option<&'a str>,
    pub stage: Option<&'a str>,
    pub connection_id: Option<&'a str>,
    pub error: Option<&'a str>,
}

impl<'a> ExecutionLine<'a> {
    /// Whether the value is data of the request or of an answer: a map, headers, a body.
    pub const fn has_body(&self) -> bool {
        matches!(
            self.step,
            Step::AuthorizerResult
                | Step::RequestPath
                | Step::RequestQuery
                | Step::RequestHeaders
                | Step::RequestBody
                | Step::EndpointRequestHeaders
                | Step::EndpointRequestBody
                | Step::EndpointResponseHeaders
                | Step::EndpointResponseBody
                | Step::GatewayBody
                | Step::GatewayHeaders
                | Step::ResponseBody
                | Step::ResponseHeaders
        )
    }

    pub fn details(&self) -> Details<'a> {
        let mut details = Details::default();
        match self.step {
            Step::RequestHeaders | Step::EndpointRequestHeaders | Step::EndpointResponseHeaders => {
                self.read_headers(&mut details);
            }
            Step::Client => read_client(self.value, &mut details),
            Step::LambdaFailed | Step::Failed | Step::Unauthorized | Step::Throttled => {
                details.error = Some(self.text);
                details.lambda_request_id = after(self.text, "Lambda request id:").and_then(word);
            }
            Step::Validation | Step::UsagePlanCheck if self.text.contains("failed") => details.error = Some(self.text),
            Step::UsagePlan | Step::UsagePlanCheck => {
                let stage = after(self.text, "API Stage").and_then(word).and_then(|stage| stage.split_once('/'));
                (details.api_id, details.stage) = (stage.map(|s| s.0), stage.map(|s| s.1));
            }
            _ => self.read_simple(&mut details),
        }
        details
    }

    fn read_simple(&self, details: &mut Details<'a>) {
        match self.step {
            Step::ExtendedRequestId => details.extended_request_id = word(self.value),
            Step::Method => {
                details.http_method = self.value.split(',').next().and_then(word);
                details.resource_path = after(self.value, "Resource Path:").map(str::trim).filter(|p| !p.is_empty());
            }
            Step::EndpointUri | Step::Sending => {
                details.endpoint_uri = word(self.value);
                details.function_arn = details.endpoint_uri.and_then(function_arn);
            }
            Step::EndpointRequestBody => {
                details.source_ip = after(self.value, "\"sourceIp\":")
                    .and_then(|rest| rest.trim_start().strip_prefix('"')?.split_once('"'))
                    .and_then(|(ip, _)| tokens::ip(ip));
            }
            Step::Received => {
                details.endpoint_status = after(self.text, "Status:").and_then(number);
                details.integration_latency_ms = after(self.text, "Integration latency:").and_then(number);
            }
            Step::GatewayType => {
                details.error = word(self.value);
                details.status = after(self.value, "status code:").and_then(number);
            }
            Step::Completed => details.status = number(self.value),
            Step::EndpointRequestId => details.lambda_request_id = word(self.value),
            Step::TraceId => details.trace_id = word(self.value).and_then(tokens::trace_root),
            _ => {}
        }
    }

    fn read_headers(&self, details: &mut Details<'a>) {
        for (name, value) in java_map::headers(self.value) {
            let value = value.trim();
            let is = |other: &str| name.eq_ignore_ascii_case(other);
            let of_client = self.step == Step::RequestHeaders;
            let of_answer = self.step == Step::EndpointResponseHeaders;
            if is("X-Amzn-Trace-Id") {
                details.trace_id = tokens::trace_root(value);
            } else if of_answer && is("x-amzn-RequestId") {
                details.lambda_request_id = word(value);
            } else if of_answer && is("X-Amz-Function-Error") {
                details.error = word(value);
            } else if !of_answer && is("X-Forwarded-For") {
                details.forwarded_ip = value.split(',').next().and_then(|hop| tokens::ip(hop.trim()));
            } else if !of_answer && is("x-amzn-apigateway-api-id") {
                details.api_id = word(value);
            } else if of_client && is("Host") {
                details.host = word(value);
            } else if of_client && is("User-Agent") {
                details.user_agent = Some(value).filter(|agent| !agent.is_empty());
            }
        }
    }
}

/// `[UserAgent: a, SourceIp: 192.0.2.1] is connecting to WebSocket API [id].`, `[Connection Id: x] …`
fn read_client<'a>(value: &'a str, details: &mut Details<'a>) {
    details.api_id = after(value, "WebSocket API [").and_then(|rest| rest.split(']').next());
    let inside = value.trim_start_matches('[');
    let inside = inside.find("] ").map_or(inside, |end| &inside[..end]);
    details.connection_id = after(inside, "Connection Id:").and_then(word);
    if let Some((agent, ip)) = inside.rsplit_once("SourceIp:") {
        details.source_ip = word(ip).and_then(tokens::ip);
        details.user_agent = after(agent, "UserAgent:").map(|agent| agent.trim().trim_end_matches(','));
    }
}

/// The clause an error text begins with: `Execution failed due to configuration error`, `Lambda execution failed
/// with status 200 due to customer function error`.
pub fn error_code(error: &str) -> &str {
    let clause = error.split_once(": ").map_or(error, |(clause, _)| clause);
    clause.split_once(" for RestApi").map_or(clause, |(clause, _)| clause).trim()
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

/// The first word, without a sentence's punctuation around it.
fn word(text: &str) -> Option<&str> {
    let word = text.trim_start_matches([':', ' ']).split_whitespace().next()?.trim_end_matches([',', '.', ';']);
    (!word.is_empty()).then_some(word)
}

fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `…/functions/arn:aws:lambda:<region>:<account>:function:<name>/invocations`
fn function_arn(uri: &str) -> Option<&str> {
    let arn = after(uri, "/functions/")?;
    Some(arn.split('/').next().unwrap_or(arn)).filter(|arn| arn.starts_with("arn:"))
}

#[cfg(test)]
mod tests;

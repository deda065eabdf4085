use super::*;

const ID: &str = "a1b2c3d4-0000-4111-8222-333344445555";

fn details(text: &str) -> Details<'_> {
    parse(text).details()
}

#[test]
fn steps_by_their_leading_words() {
    for (text, step, value) in [
        ("Method request headers: {Host=a}", Step::RequestHeaders, "{Host=a}"),
        ("Method request body before transformations: {\"a\":\"b: c\"}", Step::RequestBody, "{\"a\":\"b: c\"}"),
        ("Method  request body before  transformations : x", Step::RequestBody, "x"),
        ("Endpoint response body before transformations: ", Step::EndpointResponseBody, ""),
        ("AWS Integration Endpoint RequestId : 1-2", Step::EndpointRequestId, "1-2"),
        ("X-Ray Tracing ID : 1-a-b", Step::TraceId, "1-a-b"),
        ("Sending request to https://h/x", Step::Sending, "https://h/x"),
        ("Successfully completed execution", Step::Done, ""),
        ("Successfully completed authorizer execution", Step::AuthorizerDone, ""),
        ("Clients are free text", Step::Other, "Clients are free text"),
        ("é", Step::Other, "é"),
    ] {
        let raw = format!("({ID}) {text}");
        let line = parse(&raw);
        assert_eq!((line.request_id, line.step, line.value), (Some(ID), step, value), "{text}");
    }
}

#[test]
fn a_cut_line_says_so() {
    let marked = format!("({ID}) Method request body before transformations: {{\"a\":\"b [TRUNCATED]");
    let line = parse(&marked);
    assert_eq!((line.truncated, line.value), (true, "{\"a\":\"b"));
    let mut long = format!("({ID}) Endpoint request body after transformations: ");
    long.push_str(&"x".repeat(1024 - long.len()));
    assert!(parse(&long).truncated);
    assert!(!parse(&long[..1023]).truncated);
    assert!(!parse("").truncated);
}

#[test]
fn lines_of_a_test_call_have_a_time_and_no_id() {
    let line = parse("Thu Aug 31 01:07:25 UTC 2017 : HTTP Method: GET, Resource Path: /users/42");
    assert_eq!((line.request_id, line.test_time), (None, Some("Thu Aug 31 01:07:25 UTC 2017")));
    assert_eq!(line.details().http_method, Some("GET"));
    let first = format!("Execution log for request {ID}");
    assert_eq!((parse(&first).step, parse(&first).request_id), (Step::TestInvoke, Some(ID)));
    assert_eq!(parse("(not an id) HTTP Method: GET").request_id, None);
}

#[test]
fn what_the_lines_say_of_a_request() {
    let line = details("HTTP Method: POST, Resource Path: /a, b/{id}");
    assert_eq!((line.http_method, line.resource_path), (Some("POST"), Some("/a, b/{id}")));
    let uri = "https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/arn:aws:lambda:eu-central-1:111122223333:function:orders:live/invocations";
    let raw = format!("Endpoint request URI: {uri}");
    let line = details(&raw);
    assert_eq!(line.endpoint_uri, Some(uri));
    assert_eq!(line.function_arn, Some("arn:aws:lambda:eu-central-1:111122223333:function:orders:live"));
    let line = details("Received response. Status: 200, Integration latency: 23 ms");
    assert_eq!((line.endpoint_status, line.integration_latency_ms), (Some(200), Some(23)));
    let line = details("Received response. Integration latency: 7 ms");
    assert_eq!((line.endpoint_status, line.integration_latency_ms), (None, Some(7)));
    assert_eq!(details("Method completed with status: 502").status, Some(502));
    assert_eq!(details("Method completed with status: 99999999999999999999").status, None);
    let line = details("Gateway response type: UNAUTHORIZED with status code: 401");
    assert_eq!((line.error, line.status), (Some("UNAUTHORIZED"), Some(401)));
    let text = "Lambda execution failed with status 200 due to customer function error: no id. Lambda request id: 11112222-3333-4444-8555-666677778888";
    let line = details(text);
    assert_eq!((line.error, line.lambda_request_id), (Some(text), Some("11112222-3333-4444-8555-666677778888")));
    let plan = "Usage Plan check succeeded for API Key  and API Stage a1b2c3d4e5/prod";
    assert_eq!((details(plan).api_id, details(plan).stage), (Some("a1b2c3d4e5"), Some("prod")));
}

#[test]
fn headers_and_the_proxy_event() {
    let line = details(
        "Method request headers: {Host=api.example, User-Agent=curl/8.5.0, X-Forwarded-For=2001:DB8::1, 10.0.0.1, X-Amzn-Trace-Id=Root=1-a-b}",
    );
    assert_eq!((line.host, line.user_agent, line.trace_id), (Some("api.example"), Some("curl/8.5.0"), Some("1-a-b")));
    assert_eq!(line.forwarded_ip.as_deref(), Some("2001:db8::1"));
    let line = details(
        "Endpoint response headers: {x-amzn-RequestId=11112222-3333-4444-8555-666677778888, X-Amz-Function-Error=Unhandled, X-Amzn-Trace-Id=root=1-a-b;sampled=0}",
    );
    assert_eq!((line.error, line.trace_id), (Some("Unhandled"), Some("1-a-b")));
    let body = details(
        r#"Endpoint request body after transformations: {"headers":{"x":"\"sourceIp\":\"10.0.0.9\""},"requestContext":{"identity":{"sourceIp":"192.0.2.1","userAr"#,
    );
    assert_eq!(body.source_ip.as_deref(), Some("192.0.2.1"));
}

#[test]
fn web_socket_clients() {
    let line = details("Client [UserAgent: a, b, SourceIp: 192.0.2.1] is connecting to WebSocket API [a1b2c3d4e5].");
    assert_eq!(
        (line.user_agent, line.source_ip.as_deref(), line.api_id),
        (Some("a, b"), Some("192.0.2.1"), Some("a1b2c3d4e5"))
    );
    let line = details("Client [Connection Id: JKJaXfR8vHcCJuQ=] sent a message to WebSocket API [a1b2c3d4e5].");
    assert_eq!((line.connection_id, line.api_id), (Some("JKJaXfR8vHcCJuQ="), Some("a1b2c3d4e5")));
}

use super::*;

const ID: &str = "a1b2c3d4-0000-4111-8222-333344445555";
const GROUP_NAME: &str = "API-Gateway-Execution-Logs_a1b2c3d4e5/prod";

/// A request to a Lambda function, three lines to the millisecond, as data tracing writes it.
const STEPS: [&str; 21] = [
    "Extended Request Id: Vwc2abcdefGHIjk=",
    "Starting execution for request: a1b2c3d4-0000-4111-8222-333344445555",
    "HTTP Method: POST, Resource Path: /orders/42",
    "Method request path: {id=42}",
    "Method request query string: {token=abc, q=x}",
    "Method request headers: {Accept=text/html, */*, Host=api.example, User-Agent=curl/8.5.0, X-Forwarded-For=198.51.100.1, 10.0.0.1}",
    "Method request body before transformations: {\"card\":\"one, [TRUNCATED]",
    "Endpoint request URI: https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/arn:aws:lambda:eu-central-1:111122223333:function:orders/invocations",
    "Endpoint request headers: {x-amzn-apigateway-api-id=a1b2c3d4e5, X-Amz-Security-Token=cut [TRUNCATED]",
    "Endpoint request body after transformations: {\"requestContext\":{\"identity\":{\"sourceIp\":\"192.0.2.7\"}}}",
    "Sending request to https://lambda.eu-central-1.amazonaws.com/2015-03-31/functions/arn:aws:lambda:eu-central-1:111122223333:function:orders/invocations",
    "Received response. Status: 200, Integration latency: 23 ms",
    "Endpoint response headers: {x-amzn-RequestId=11112222-3333-4444-8555-666677778888, Content-Type=application/json}",
    "Endpoint response body before transformations: {\"ok\":true}",
    "Method response body after transformations: {\"ok\":true}",
    "Method response headers: {Set-Cookie=a=b; Path=/, Content-Type=application/json}",
    "Successfully completed execution",
    "Method completed with status: 201",
    "AWS Integration Endpoint RequestId : 11112222-3333-4444-8555-666677778888",
    "X-ray Tracing ID : 1-69a54a1a-999999999999999999999999",
    "Some line nobody knows",
];

/// Time in milliseconds and text.
fn lines(id: &str, start: i64, steps: &[&str]) -> Vec<(i64, String)> {
    steps.iter().enumerate().map(|(n, step)| (start + n as i64 / 3, format!("({id}) {step}"))).collect()
}

fn run(lines: &[(i64, String)]) -> Vec<Stitched> {
    let mut stitcher = (REQUESTS.stitcher)();
    for (time, raw) in lines {
        stitcher.add(&Line {
            event_id: &format!("{time}{raw}"),
            time: Some(Micros(time * 1_000)),
            log_group: Some(GROUP_NAME),
            log_stream: Some("s"),
            account_id: Some("111122223333"),
            region: None,
            raw,
            ..Line::default()
        });
    }
    let mut all = Vec::new();
    stitcher.finish(&mut |row| all.push(row));
    for stitched in &mut all {
        stitched.row.feed(&FIELDS);
    }
    all
}

fn cell(stitched: &Stitched, column: &str) -> Value<'static> {
    stitched.row.native[FIELDS.iter().position(|field| field.column == column).unwrap()].clone()
}

fn print(all: &[Stitched]) -> String {
    format!("{all:?}")
}

#[test]
fn a_request_out_of_its_lines() {
    let all = run(&lines(ID, 1_772_439_330_000, &STEPS));
    assert_eq!(all.len(), 1);
    let request = &all[0];
    for (column, expected) in [
        ("req_request_id", ID),
        ("req_extended_request_id", "Vwc2abcdefGHIjk="),
        ("req_api_id", "a1b2c3d4e5"),
        ("req_stage", "prod"),
        ("req_path_parameters", r#"{"id":"42"}"#),
        ("req_query_string", r#"{"token":"abc","q":"x"}"#),
        (
            "req_headers",
            r#"{"Accept":"text/html, */*","Host":"api.example","User-Agent":"curl/8.5.0","X-Forwarded-For":"198.51.100.1, 10.0.0.1"}"#,
        ),
        ("req_body", "{\"card\":\"one,"),
        ("req_function_arn", "arn:aws:lambda:eu-central-1:111122223333:function:orders"),
        ("req_lambda_request_id", "11112222-3333-4444-8555-666677778888"),
        ("req_response_headers", r#"{"Set-Cookie":"a=b; Path=/","Content-Type":"application/json"}"#),
        ("req_response_body", "{\"ok\":true}"),
        ("req_source_ip", "192.0.2.7"),
        ("req_forwarded_ip", "198.51.100.1"),
    ] {
        assert_eq!(cell(request, column), Value::text(expected), "{column}");
    }
    for (column, expected) in [
        ("req_body_truncated", Value::Bool(true)),
        ("req_endpoint_headers_truncated", Value::Bool(true)),
        ("req_headers_truncated", Value::Bool(false)),
        ("req_authorizer_result_truncated", Value::Null),
        ("req_endpoint_status", Value::Int(200)),
        ("req_integration_latency_ms", Value::Int(23)),
        ("req_lines", Value::Int(21)),
        ("req_error", Value::Null),
    ] {
        assert_eq!(cell(request, column), expected, "{column}");
    }
    for (column, expected) in [
        (Common::EventTime, Value::Time(Micros(1_772_439_330_000_000))),
        (Common::EventEnd, Value::Time(Micros(1_772_439_330_006_000))),
        (Common::AccountId, Value::text("111122223333")),
        (Common::SourceIp, Value::text("192.0.2.7")),
        (Common::UserAgent, Value::text("curl/8.5.0")),
        (Common::HttpMethod, Value::text("POST")),
        (Common::HttpStatus, Value::Int(201)),
        (Common::UrlPath, Value::text("/orders/42")),
        (Common::TraceId, Value::text("1-69a54a1a-999999999999999999999999")),
        (Common::EventOutcome, Value::text("success")),
        (Common::Resource, Value::text("a1b2c3d4e5")),
    ] {
        assert_eq!(request.row.common(column), &expected, "{}", column.name());
    }
    assert_eq!(request.row.links(Link::Ip), ["198.51.100.1", "192.0.2.7"]);
    assert_eq!(request.raw, "POST /orders/42 201");
    assert_eq!(request.event_id, format!("111122223333\n\n{GROUP_NAME}\n{ID}\n1772439330000000"));
}

#[test]
fn the_order_of_lines_and_repetitions_change_nothing() {
    let mut lines = lines(ID, 1_772_439_330_000, &STEPS);
    lines.extend(self::lines("b1b2c3d4-0000-4111-8222-333344445555", 1_772_439_330_001, &STEPS[..4]));
    let expected = print(&run(&lines));
    // Steps that share no factor with 25 go through all places once.
    assert_eq!(lines.len(), 25);
    for step in [2, 7, 8, 23] {
        let shuffled: Vec<_> = (0..lines.len()).map(|n| lines[n * step % 25].clone()).collect();
        assert_eq!(print(&run(&shuffled)), expected, "{step}");
    }
    lines.extend(lines.clone());
    assert_eq!(print(&run(&lines)), expected);
}

#[test]
fn an_id_that_comes_back_much_later_is_another_request() {
    let start = 1_772_439_330_000;
    let minutes = |n: i64| start + n * 60_000;
    let mut all = lines(ID, start, &["HTTP Method: GET, Resource Path: /a"]);
    all.extend(lines(ID, minutes(15), &["Method completed with status: 200"]));
    assert_eq!(run(&all).len(), 1);
    all.extend(lines(ID, minutes(30) + 1, &["Method completed with status: 404"]));
    let requests = run(&all);
    assert_eq!(requests.len(), 2);
    assert_eq!((requests[0].raw.as_str(), requests[1].raw.as_str()), ("GET /a 200", "- - 404"));
    assert!(requests[1].event_id.ends_with(&format!("\n{}", (minutes(30) + 1) * 1_000)));
}

#[test]
fn errors_and_gateway_responses() {
    let steps = [
        "Starting execution for request: a1b2c3d4-0000-4111-8222-333344445555",
        "Lambda execution failed with status 200 due to customer function error: no such order. Lambda request id: 11112222-3333-4444-8555-666677778888",
        "Execution failed due to configuration error: Malformed Lambda proxy response",
        "Method completed with status: 502",
    ];
    let all = run(&lines(ID, 1_772_439_330_000, &steps));
    assert_eq!(cell(&all[0], "req_error").as_str(), Some(format!("{}; {}", steps[1], steps[2]).as_str()));
    let code = "Lambda execution failed with status 200 due to customer function error";
    assert_eq!(all[0].row.common(Common::ErrorCode), &Value::text(code));
    assert_eq!(all[0].row.common(Common::EventOutcome), &Value::text("failure"));
    let steps = [
        "Unauthorized request: a1b2c3d4-0000-4111-8222-333344445555",
        "Gateway response type: UNAUTHORIZED with status code: 401",
        "Gateway response body: {\"message\":\"Unauthorized\"}",
        "Gateway response headers: {Access-Control-Allow-Origin=*}",
    ];
    let all = run(&lines(ID, 1_772_439_330_000, &steps));
    assert_eq!(all[0].row.common(Common::ErrorCode), &Value::text("UNAUTHORIZED"));
    assert_eq!(all[0].row.common(Common::HttpStatus), &Value::Int(401));
    assert_eq!(cell(&all[0], "req_response_headers"), Value::text(r#"{"Access-Control-Allow-Origin":"*"}"#));
}

#[test]
fn lines_without_an_id_make_no_request() {
    assert!(run(&[(1, "free text".to_owned())]).is_empty());
}

//! One line of each kind, and lines of none.

use super::*;

fn kind(line: &str) -> Option<(&'static str, bool)> {
    kind_of(line.as_bytes()).map(|(n, body)| (KINDS[n].id, body))
}

/// One line of each kind, by the events that AWS documents.
#[test]
fn each_kind_is_known_by_its_envelope() {
    let lines = [
        ("apigateway-data-trace", r#"(0f1e) Method request body before transformations: {"a":1}"#),
        (
            "step-functions-execution-data",
            r#"{"id":"2","type":"TaskStateEntered","details":{"input":"{\"a\":1}","name":"Pay"},"previous_event_id":"1","event_timestamp":"1","execution_arn":"arn:aws:states:eu-central-1:111122223333:execution:pay:1"}"#,
        ),
        (
            "appsync-resolver",
            r#"{"logType":"RequestMapping","path":["pay"],"fieldName":"pay","resolverArn":"a","context":{"arguments":{"iban":"x"}},"fieldInError":false}"#,
        ),
        (
            "appsync-event",
            r#"{"arguments":{"id":"1"},"identity":null,"info":{"fieldName":"pay","parentTypeName":"Mutation","variables":{}}}"#,
        ),
        (
            "apigateway-authorizer-event",
            r#"{"type":"TOKEN","methodArn":"arn:aws:execute-api:eu-central-1:111122223333:a/b/GET/","authorizationToken":"x"}"#,
        ),
        (
            "alb-event",
            r#"event {"requestContext":{"elb":{"targetGroupArn":"arn:x"}},"httpMethod":"POST","path":"/","headers":{},"body":"{}"}"#,
        ),
        (
            "apigateway-websocket-event",
            r#"{"requestContext":{"routeKey":"$default","messageDirection":"IN","connectionId":"L0"},"body":"hi","isBase64Encoded":false}"#,
        ),
        (
            "apigateway-http-event",
            r#"{"version":"2.0","routeKey":"POST /pay","rawPath":"/pay","headers":{},"requestContext":{"http":{"method":"POST"}},"body":"a=1"}"#,
        ),
        (
            "apigateway-rest-event",
            r#"{"resource":"/pay","path":"/pay","httpMethod":"POST","headers":{},"requestContext":{"stage":"p"},"body":"a"}"#,
        ),
        ("sqs-event", r#"{"Records":[{"messageId":"1","receiptHandle":"r","body":"b","eventSource":"aws:sqs"}]}"#),
        ("sns-event", r#"{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"1","Message":"m"}}]}"#),
        (
            "dynamodb-stream-event",
            r#"{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{"Keys":{},"NewImage":{"a":{"S":"x"}}}}]}"#,
        ),
        (
            "kinesis-event",
            r#"{"Records":[{"kinesis":{"partitionKey":"p","data":"aGk="},"eventSource":"aws:kinesis"}]}"#,
        ),
        (
            "s3-event",
            r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}"#,
        ),
        (
            "cognito-trigger-event",
            r#"{"triggerSource":"PreSignUp_SignUp","userPoolId":"p","request":{"userAttributes":{"email":"e"}}}"#,
        ),
        (
            "eventbridge-event",
            r#"{"version":"0","detail-type":"Order","source":"shop","region":"eu-central-1","detail":{"a":1}}"#,
        ),
        ("http-response", r#"returning {"statusCode":200,"headers":{"a":"b"},"body":"{\"a\":1}"}"#),
        ("http-body", r#"{"level":"info","body":"{\"name\":\"a\",\"card\":\"b\",\"cvc\":\"c\"}"}"#),
        ("payload-field", r#"{"level":"info","payload":{"name":"a","card":"b","cvc":"c"}}"#),
    ];
    assert_eq!(lines.len(), KINDS.len());
    for (id, line) in lines {
        assert_eq!(kind(line).map(|(id, _)| id), Some(id), "{line}");
    }
}

#[test]
fn whatever_printed_it() {
    for line in [
        r#"{"message":"{\"resource\":\"/\",\"httpMethod\":\"GET\",\"headers\":{},\"requestContext\":{},\"body\":null}"}"#,
        "{'resource': '/', 'httpMethod': 'GET', 'headers': {}, 'requestContext': {}, 'body': None}",
        "{\n  resource: '/',\n  httpMethod: 'GET',\n  headers: {},\n  requestContext: {},\n  body: null\n}",
        "{resource=/, httpMethod=GET, headers={}, requestContext={}, body=null}",
    ] {
        assert_eq!(kind(line), Some(("apigateway-rest-event", false)), "{line}");
    }
}

#[test]
fn ordinary_lines_are_none() {
    for line in [
        "START RequestId: 8ddd0729-b880-4c95-aa0f-51d93bf5fe22 Version: $LATEST",
        r#"{"level":"INFO","message":"order created","statusCode":200,"bodyBytes":812}"#,
        r#"{"level":"INFO","body":"ok","payload":{"id":1}}"#,
        "read requestContext and httpMethod from the event",
        "(0f1e) Method request body before transformations: ",
        r#"{"id":"2","type":"TaskStateEntered","details":{"name":"Pay"},"previous_event_id":"1","execution_arn":"arn:x"}"#,
        "antibody payload=3 bytes",
        r#"{"requestId":"a","httpMethod":"GET","resourcePath":"/orders","status":"200","requestContextPath":"/"}"#,
    ] {
        assert_eq!(kind(line), None, "{line}");
    }
}

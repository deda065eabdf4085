use super::*;
use crate::source::framing::{Frame, Framer};

/// Framing, then message, text for the formats, envelope and why ignored, of each frame of an object.
#[derive(Debug)]
struct Got {
    message: String,
    text: Option<String>,
    envelope: Option<Envelope>,
    ignored: Option<&'static str>,
}

fn open(frame: &Frame<'_>) -> Got {
    let unwrapped = unwrap_with(frame.framing, frame.context.map(AsRef::as_ref), frame.bytes);
    Got {
        message: String::from_utf8(unwrapped.bytes.into_owned()).unwrap(),
        text: unwrapped.text,
        envelope: unwrapped.envelope,
        ignored: unwrapped.ignored,
    }
}

fn read(object: &str) -> Vec<Got> {
    let mut framer = Framer::new(Box::new(std::io::Cursor::new(object.as_bytes().to_vec())));
    let mut all = Vec::new();
    while let Some(frame) = framer.next_frame() {
        assert!(!frame.truncated);
        all.push(open(&frame));
    }
    assert!(framer.take_error().is_none());
    all
}

fn time(text: &str) -> Option<Micros> {
    Some(Micros::parse_rfc3339(text).unwrap())
}

#[test]
fn an_export_line_and_an_api_event_give_the_same_message() {
    let export = unwrap(Framing::ExportLines, b"2025-02-25T12:25:04.000Z a \"b\"\n");
    let api = unwrap(
        Framing::JsonArray("events"),
        br#"{"logStreamName":"s","timestamp":1740486304000,"message":"a \"b\"\n","eventId":"1"}"#,
    );
    assert_eq!(export.bytes, api.bytes);
    let (export, api) = (export.envelope.unwrap(), api.envelope.unwrap());
    assert_eq!(export.time, api.time);
    assert_eq!(api.log_stream.as_deref(), Some("s"));
    assert!(unwrap(Framing::JsonArray("events"), br#"{"other":1}"#).envelope.is_none());
}

#[test]
fn subscription_documents_share_their_head_and_no_more() {
    let all = read(concat!(
        r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/g/a","logStream":"s\u002f1","#,
        r#""subscriptionFilters":["f"],"logEvents":[{"id":"1","timestamp":1740486304000,"message":"one"},"#,
        r#"{"id":"2","timestamp":1740486304001,"message":"two\n","extractedFields":{"ip":"192.0.2.1"}}]}"#,
        r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","#,
        r#""subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1740486304000,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#,
        r#"{"logEvents":[{"id":"3","timestamp":1740486304002,"message":"three"}],"messageType":"DATA_MESSAGE","owner":"123456789012","logGroup":"/g/b","logStream":"t","more":1}"#,
        r#"{"id":"4","timestamp":1740486304000,"message":"no envelope"}"#,
    ));
    let messages: Vec<_> = all.iter().map(|got| got.message.as_str()).collect();
    assert_eq!(messages[..2], ["one", "two\n"]);
    assert_eq!(messages[3..5], ["three", "\"more\":1"]);
    let first = all[0].envelope.as_ref().unwrap();
    assert_eq!(first.account_id.as_deref(), Some("111122223333"));
    assert_eq!((first.log_group.as_deref(), first.log_stream.as_deref()), (Some("/g/a"), Some("s/1")));
    assert_eq!(first.event_id.as_deref(), Some("1"));
    assert_eq!(first.time, time("2025-02-25T12:25:04Z"));
    let second = all[1].envelope.as_ref().unwrap();
    assert_eq!(second.extra, [("extractedFields".to_owned(), r#"{"ip":"192.0.2.1"}"#.to_owned())]);
    assert_eq!(all[2].ignored, Some("control message"));
    // The head may come after the events.
    assert_eq!(all[3].envelope.as_ref().unwrap().log_group.as_deref(), Some("/g/b"));
    assert!(all[5].envelope.is_none());
    assert_eq!(all.len(), 6);
}

#[test]
fn tails_in_both_forms() {
    let detailed = "2026-03-02T03:00:00.100000+00:00 2026/03/02/[$LATEST]ab START RequestId: x\n2026-03-02T03:00:01+00:00 s Traceback\n  at x\n2026-03-02T05:00:02+02:00 s \n";
    let all = read(detailed);
    assert_eq!(all.len(), 3);
    assert_eq!(all[0].message, "START RequestId: x");
    assert_eq!(all[0].envelope.as_ref().unwrap().log_stream.as_deref(), Some("2026/03/02/[$LATEST]ab"));
    assert_eq!(all[1].message, "Traceback\n  at x");
    assert_eq!(all[2].envelope.as_ref().unwrap().time, time("2026-03-02T03:00:02Z"));
    let short = read("2026-03-02T03:00:00 one two\n  more\n2026-03-02T03:00:01 three\n");
    assert_eq!(short.iter().map(|got| got.message.as_str()).collect::<Vec<_>>(), ["one two\n  more", "three"]);
    assert_eq!(short[1].envelope.as_ref().unwrap().time, time("2026-03-02T03:00:01Z"));
}

#[test]
fn insights_rows_are_events_with_their_other_fields() {
    let api = r#"{"results":[[{"field":"@timestamp","value":"2026-03-02 03:00:00.100"},{"field":"@message","value":"a \"b\""},{"field":"@logStream","value":"s"},{"field":"@log","value":"111122223333:/aws/lambda/f"},{"field":"@duration","value":"12"},{"field":"@ptr","value":"p"}],[{"field":"n","value":"3"},{"field":"bin(1h)","value":"2026-03-02 03:00:00.000"}]],"statistics":{"recordsMatched":1.0},"status":"Complete"}"#;
    let all = read(api);
    assert_eq!(all.len(), 2);
    let envelope = all[0].envelope.as_ref().unwrap();
    assert_eq!(all[0].message, "a \"b\"");
    assert_eq!(envelope.time, time("2026-03-02T03:00:00.1Z"));
    assert_eq!(envelope.log_stream.as_deref(), Some("s"));
    assert_eq!(envelope.log_group.as_deref(), Some("/aws/lambda/f"));
    assert_eq!(envelope.account_id.as_deref(), Some("111122223333"));
    assert_eq!(
        envelope.extra,
        [("@duration".to_owned(), "\"12\"".to_owned()), ("@ptr".to_owned(), "\"p\"".to_owned())]
    );
    assert_eq!(all[1].text.as_deref(), Some(r#"{"n":"3","bin(1h)":"2026-03-02 03:00:00.000"}"#));
    assert!(all[1].envelope.is_none());

    let console = read(
        r#"[{"@timestamp":"2026-03-02 03:00:00.100","@message":"a \"b\""},{"@timestamp":"2026-03-02 03:00:00.200","@message":{"level":"INFO"}}]"#,
    );
    assert_eq!(console[0].message, "a \"b\"");
    assert_eq!(console[1].message, r#"{"level":"INFO"}"#);
    let csv = read("@timestamp,@message,@logStream\r\n2026-03-02 03:00:00.100,\"a \"\"b\"\"\",s\r\n");
    assert_eq!(csv[0].ignored, Some("header line"));
    assert_eq!((csv[1].message.as_str(), &csv[1].text), ("a \"b\"", &None));
    assert_eq!(csv[1].envelope.as_ref().unwrap().time, envelope.time);
}

#[test]
fn csv_rows_are_json_for_the_formats_and_stay_rows() {
    let all = read("Event name,Event time,\"User, name\"\nPutObject,\"2026-03-02\n03:00\",\"a\"\"b\",beyond\nx\n");
    assert_eq!(all[0].ignored, Some("header line"));
    assert_eq!(all[1].message, "PutObject,\"2026-03-02\n03:00\",\"a\"\"b\",beyond");
    let expected =
        r#"{"Event name":"PutObject","Event time":"2026-03-02\n03:00","User, name":"a\"b","column 4":"beyond"}"#;
    assert_eq!(all[1].text.as_deref(), Some(expected));
    assert_eq!(all[2].text.as_deref(), Some(r#"{"Event name":"x"}"#));
    // Commas alone make no CSV.
    assert_eq!(read("a,b\neventName\n")[0].text, None);
}

#[test]
fn lake_rows_are_objects() {
    let all = read(
        r#"{"QueryStatus":"FINISHED","QueryStatistics":{"ResultsCount":1},"QueryResultRows":[[{"eventID":"e"},{"eventName":"GetObject"}]],"NextToken":"t"}"#,
    );
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].text.as_deref(), Some(r#"{"eventID":"e","eventName":"GetObject"}"#));
    assert!(all[0].message.starts_with("[{"));
}

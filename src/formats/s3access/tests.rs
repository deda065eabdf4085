use super::*;
use crate::model::{Origin, Row};

static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

fn parse(line: &str) -> (Outcome, Row<'_>) {
    let mut row = Row::new(FIELDS.len());
    let outcome = read(&Record { text: line, envelope: None, origin: &ORIGIN }, &mut row);
    row.feed(&FIELDS);
    (outcome, row)
}

const OWNER: &str = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be";
const TAIL: &str = "s9lzHYrFp76ZVxRc= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader logs.s3.eu-west-1.amazonaws.com TLSv1.2 - Yes us-east-1";

fn line(rest: &str) -> String {
    format!("{OWNER} logs [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT a%20b {rest}")
}

fn text(row: &Row<'_>, cell: usize) -> String {
    row.native[cell].as_str().unwrap_or("null").to_owned()
}

#[test]
fn quotes_inside_quoted_fields() {
    // Request, referer, user agent as a client can send them.
    for (request, referer, agent) in [
        ("GET /logs/a%20b HTTP/1.1", "http://x/\"y\"", "say \"hi\" now"),
        ("GET /a\" b HTTP/1.1", "-", "\""),
        ("GET /a HTTP/1.1", "", "ends in a quote\""),
        ("GET /a HTTP/1.1", "-", "x\" - forged= SigV4 - - h - - - -"),
        ("GET /é\" 200 - x HTTP/1.1", "é", "é\" \"é"),
    ] {
        let whole = line(&format!("\"{request}\" 200 - 113 - 7 5 \"{referer}\" \"{agent}\" v1 {TAIL}"));
        let (outcome, row) = parse(&whole);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(text(&row, REQUEST), request, "{whole}");
        assert_eq!(text(&row, REFERER), if referer.len() < 2 { "null" } else { referer }, "{whole}");
        assert_eq!(text(&row, USER_AGENT), agent, "{whole}");
        assert_eq!(text(&row, VERSION_ID), "v1", "{whole}");
        assert_eq!(text(&row, SOURCE_REGION), "us-east-1", "{whole}");
        assert_eq!(row.common(Common::HttpStatus), &Value::Int(200));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(113));
    }
}

#[test]
fn bare_dashes_stand_for_quoted_fields() {
    for (rest, referer, agent) in [
        ("- 204 - - - 7 - - - v1 h=", "null", "null"),
        ("\"-\" 204 - - - 7 - \"-\" \"-\" v1 h=", "null", "null"),
        ("- 204 - - - 7 - - \"x y\" v1 h=", "null", "x y"),
        ("- 204 - - - 7 - \"r s\" - v1 h=", "r s", "null"),
    ] {
        let whole = line(rest);
        let (outcome, row) = parse(&whole);
        assert_eq!(outcome, Outcome::Event);
        assert!(row.native[REQUEST].is_null());
        assert_eq!((text(&row, REFERER), text(&row, USER_AGENT)), (referer.to_owned(), agent.to_owned()), "{rest}");
        assert_eq!((text(&row, VERSION_ID), text(&row, 18)), ("v1".to_owned(), "h=".to_owned()), "{rest}");
        assert_eq!(row.common(Common::BytesOut), &Value::Int(0));
        assert_eq!(row.native[BYTES_SENT], Value::Null);
    }
}

#[test]
fn a_line_cut_anywhere_does_not_fail_badly() {
    let whole = line(&format!("\"GET /é HTTP/1.1\" 200 - 113 - 7 5 \"ré\" \"agent é\" v1 {TAIL} new1 new2"));
    for (end, _) in whole.char_indices() {
        let (outcome, row) = parse(&whole[..end]);
        assert!(matches!(outcome, Outcome::Event | Outcome::Reject(_)));
        assert!(row.native[EXTRA].is_null() || end > whole.len() - 10);
    }
    let (_, row) = parse(&whole);
    assert_eq!(text(&row, EXTRA), "new1 new2");
    // A line of the first years ends with version_id.
    let old = line("\"GET /a HTTP/1.1\" 200 - 113 - 7 5 \"-\" \"agent\" -");
    let (outcome, row) = parse(&old);
    assert_eq!((outcome, text(&row, USER_AGENT)), (Outcome::Event, "agent".to_owned()));
    assert!(row.native[18].is_null());
    assert!(matches!(parse("a b [yesterday] c d e f g h").0, Outcome::Reject(_)));
}

#[test]
fn who_asked() {
    let whole = |requester: &str| {
        line("\"GET /logs/a?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20190206%2Fx&y=z HTTP/1.1\" 403 AccessDenied - - 7 - \"-\" \"-\" -")
            .replace("192.0.2.3 -", &format!("192.0.2.3 {requester}"))
    };
    let role = whole("arn:aws:sts::111122223333:assumed-role/reader/i-0abc");
    let (_, row) = parse(&role);
    assert_eq!(row.common(Common::UserName), &Value::text("reader"));
    assert_eq!(row.common(Common::SessionName), &Value::text("i-0abc"));
    assert_eq!(row.common(Common::UserArn), &Value::text("arn:aws:sts::111122223333:assumed-role/reader/i-0abc"));
    assert_eq!(row.common(Common::AccessKeyId), &Value::text("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(row.common(Common::UrlPath), &Value::text("/logs/a"));
    assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
    assert_eq!(row.common(Common::Target), &Value::text("s3://logs/a b"));
    let service = whole("svc:delivery.logs.amazonaws.com");
    assert_eq!(parse(&service).1.common(Common::UserName), &Value::text("svc:delivery.logs.amazonaws.com"));
    let canonical = whole(OWNER);
    assert!(parse(&canonical).1.common(Common::UserName).is_null());
}

#[test]
fn regions_of_hosts() {
    for (host, expected) in [
        ("b.s3.eu-west-1.amazonaws.com", Some("eu-west-1")),
        ("s3.us-west-2.amazonaws.com", Some("us-west-2")),
        ("b.s3-us-west-2.amazonaws.com:443", Some("us-west-2")),
        ("b.s3-website-us-west-2.amazonaws.com", Some("us-west-2")),
        ("b.s3-website.eu-central-1.amazonaws.com", Some("eu-central-1")),
        ("b.s3.dualstack.ap-south-1.amazonaws.com", Some("ap-south-1")),
        ("s3.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
        ("us-east-1.s3.amazonaws.com", None),
        ("static.example.com", None),
    ] {
        assert_eq!(region_of_host(host), expected, "{host}");
    }
}

#[test]
fn the_vended_form() {
    let text = r#"{"schema_version_id":"1","bucket_arn":"arn:aws:s3:::logs","request_time":"[06/Feb/2019:00:00:38 +0000]","bucket_owner_id":"o","remote_ip":"2001:DB8::1","requester":"-","request_id":"R","operation":"REST.GET.OBJECT","key_name":"k","http_status":"206","bytes_sent_size":"9","turn_around_duration":"3","host_id":"h=","acl_required":"Yes","later":"x"}"#;
    let (outcome, row) = parse(text);
    assert_eq!(outcome, Outcome::Event);
    assert_eq!(row.time().unwrap().to_string(), "2019-02-06T00:00:38.000000Z");
    assert_eq!(row.common(Common::Target), &Value::text("s3://logs/k"));
    assert_eq!(row.common(Common::SourceIp), &Value::text("2001:db8::1"));
    assert_eq!(row.native[14], Value::Int(3));
    assert_eq!(row.native[25], Value::text("Yes"));
    assert_eq!(row.links(Link::RequestId), ["h=", "R"]);
    assert_eq!(row.extra_json().unwrap(), r#"{"later":"x"}"#);
    let record = Record { text, envelope: None, origin: &ORIGIN };
    assert_eq!(S3Access.claims(&record, &Options::default()).unwrap().score, 90);
}

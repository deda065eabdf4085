use super::super::event_json::fixture;
use super::*;

fn event(entry: &Entry) -> Value {
    let mut out = Vec::new();
    write(&mut out, entry).unwrap();
    fixture::parse(&out)
}

fn type_of(entry: &Entry) -> u64 {
    event(entry)["type_uid"].as_u64().unwrap()
}

#[test]
fn each_source_has_its_class() {
    let mut expected = [600_301, 300_201, 400_105, 400_203, 200_401, 200_401, 400_299].into_iter();
    for entry in fixture::all() {
        let event = event(&entry);
        let number = |name: &str| event[name].as_u64().unwrap();
        assert_eq!(Some(number("type_uid")), expected.next());
        assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        assert_eq!(number("category_uid"), number("class_uid") / 1_000);
        assert_eq!(number("time"), 1_709_979_072_123);
        assert_eq!(event["metadata"]["version"], "1.6.0");
        assert!((1..=5).contains(&number("severity_id")));
        fixture::walk(&event, &mut |value| assert!(!value.is_null()));
    }
    let sources = ["text", "xray", "alb", "cloudfront_realtime", "no such table"];
    for source in sources {
        assert_eq!(type_of(&fixture::event(source, Vec::new())), 0, "{source}");
    }
    let dns = fixture::event("route53_resolver", vec![fixture::text(Common::ErrorCode, "NXDOMAIN")]);
    assert_eq!((type_of(&dns), &event(&dns)["rcode_id"]), (400_306, &json!(3)));
}

#[test]
fn a_call_has_actor_operation_and_source() {
    let call = event(&fixture::cloudtrail("CreateUser"));
    assert_eq!(call["actor"]["session"], json!({"uid": "jane", "credential_uid": "ASIAIOSFODNN7EXAMPLE"}));
    assert_eq!(call["api"]["operation"], "CreateUser");
    assert_eq!(call["src_endpoint"], json!({"ip": "2001:db8::7"}));
    assert_eq!([&call["status_id"], &call["severity_id"]], [2, 2]);
    assert_eq!(call["cloud"]["account"]["uid"], "111122223333");
    assert_eq!(call["raw_data"], "{\"raw\":true}");
    let bare = event(&fixture::event("cloudtrail", Vec::new()));
    assert_eq!([&bare["actor"]["app_name"], &bare["src_endpoint"]["name"]], ["unknown", "unknown"]);
    assert_eq!((&bare["api"]["operation"], &bare["type_uid"]), (&json!("unknown"), &json!(600_300)));
}

#[test]
fn a_login_has_a_user_even_where_none_is_told() {
    let login = event(&fixture::cloudtrail("ConsoleLogin"));
    assert_eq!([&login["class_name"], &login["service"]["name"]], ["Authentication", "iam.amazonaws.com"]);
    let bare = fixture::event("cloudtrail", vec![fixture::text(Common::EventAction, "ConsoleLogin")]);
    assert_eq!(event(&bare)["user"], json!({"name": "unknown"}));
}

#[test]
fn a_rejected_flow_is_refused_by_a_control() {
    let flow = event(&fixture::flow());
    assert_eq!([&flow["action_id"], &flow["disposition_id"]], [2, 2]);
    assert_eq!(flow["metadata"]["profiles"], json!(["cloud", "security_control"]));
    assert_eq!(flow["traffic"], json!({"bytes_out": 840, "bytes": 840}));
    assert_eq!(flow["dst_endpoint"], json!({"ip": "10.0.1.20", "port": 22}));
    assert_eq!(flow["duration"], 59_000);
}

#[test]
fn impossible_numbers_and_addresses_are_left_out() {
    let request = event(&fixture::alb());
    assert_eq!(request["src_endpoint"], json!({"ip": "203.0.113.10"}));
    assert_eq!(request["dst_endpoint"], json!({"name": "app/web/50dc6c495c0c9188"}));
    assert_eq!([&request["http_response"]["code"], &request["traffic"]["bytes_out"]], [502, 512]);
    let hostile = event(&fixture::hostile());
    assert_eq!(hostile["src_endpoint"], json!({"name": "1.2.3.4.5, evil"}));
    assert!(hostile["traffic"].get("bytes").is_none() && hostile.get("end_time").is_none());
    assert_eq!([&hostile["activity_name"], &hostile["unmapped"]["http_method"]], ["G\u{1b}T", "G\u{1b}T"]);
}

#[test]
fn findings_have_an_id_a_title_and_what_found_them() {
    let [finding, detection] = [fixture::finding(), fixture::detection()].map(|entry| event(&entry));
    assert_eq!([&finding["finding_info"]["uid"], &finding["metadata"]["product"]["name"]], ["f00d", "logsift"]);
    assert_eq!([&finding["severity_id"], &finding["confidence_id"], &finding["status_id"]], [5, 3, 1]);
    let info = &detection["finding_info"];
    assert_eq!([&info["uid"], &info["title"]], ["iam-persistence/e-9", "User made [by hand]"]);
    assert_eq!(info["attacks"], json!([{"sub_technique": {"uid": "T1136.003"}}]));
    assert_eq!(detection["evidences"][0]["src_endpoint"], json!({"ip": "198.51.100.7"}));
    let record = Some("{\"detail\":{\"severity\":8.0}}".to_owned());
    let guardduty = Entry { message: record, ..fixture::event("guardduty", Vec::new()) };
    assert_eq!(event(&guardduty)["severity_id"], 4);
}

//! OCSF events as JSON: Security Lake's rows and other producers'. Facts: the Open Cybersecurity Schema
//! Framework, versions 1.0 to 1.4; attributes moved between them, so older places are read too.

use super::shared::json_row::{JsonMap, ip, part};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row, Value};
use std::sync::LazyLock;

pub struct Ocsf;

#[rustfmt::skip]
static FIELDS: [Field; 94] = [
    Field::new("ocsf_time", "time", Kind::Time).feeds(Common::EventTime),
    Field::new("ocsf_time_dt", "time_dt", Kind::Time).feeds(Common::EventTime),
    Field::new("ocsf_start_time", "start_time", Kind::Time).feeds(Common::EventTime),
    Field::new("ocsf_end_time", "end_time", Kind::Time).feeds(Common::EventEnd),
    Field::new("ocsf_class_uid", "class_uid", Kind::Int),
    Field::new("ocsf_class_name", "class_name", Kind::Str),
    Field::new("ocsf_category_uid", "category_uid", Kind::Int),
    Field::new("ocsf_category_name", "category_name", Kind::Str),
    Field::new("ocsf_activity_id", "activity_id", Kind::Int),
    Field::new("ocsf_activity_name", "activity_name", Kind::Str),
    Field::new("ocsf_type_uid", "type_uid", Kind::Int),
    Field::new("ocsf_type_name", "type_name", Kind::Str),
    Field::new("ocsf_severity_id", "severity_id", Kind::Int),
    Field::new("ocsf_severity", "severity", Kind::Str),
    Field::new("ocsf_status", "status", Kind::Str),
    Field::new("ocsf_status_id", "status_id", Kind::Int),
    Field::new("ocsf_status_code", "status_code", Kind::Str),
    Field::new("ocsf_status_detail", "status_detail", Kind::Str),
    Field::new("ocsf_message", "message", Kind::Str),
    Field::new("ocsf_count", "count", Kind::Int),
    Field::new("ocsf_duration", "duration", Kind::Int),
    Field::new("ocsf_action", "action", Kind::Str),
    Field::new("ocsf_disposition", "disposition", Kind::Str),
    Field::new("ocsf_metadata_uid", "metadata.uid", Kind::Str).link(Link::RequestId),
    Field::new("ocsf_metadata_version", "metadata.version", Kind::Str),
    Field::new("ocsf_metadata_event_code", "metadata.event_code", Kind::Str),
    Field::new("ocsf_metadata_log_name", "metadata.log_name", Kind::Str),
    Field::new("ocsf_metadata_correlation_uid", "metadata.correlation_uid", Kind::Str).link(Link::RequestId),
    Field::new("ocsf_metadata_product_name", "metadata.product.name", Kind::Str),
    Field::new("ocsf_metadata_product_vendor_name", "metadata.product.vendor_name", Kind::Str),
    Field::new("ocsf_metadata_product_feature_name", "metadata.product.feature.name", Kind::Str),
    Field::new("ocsf_cloud_account_uid", "cloud.account.uid", Kind::Str).feeds(Common::AccountId),
    Field::new("ocsf_cloud_region", "cloud.region", Kind::Str).feeds(Common::Region),
    Field::new("ocsf_cloud_provider", "cloud.provider", Kind::Str),
    Field::new("ocsf_src_endpoint_ip", "src_endpoint.ip", Kind::Str),
    Field::new("ocsf_src_endpoint_port", "src_endpoint.port", Kind::Int).feeds(Common::SourcePort),
    Field::new("ocsf_src_endpoint_domain", "src_endpoint.domain", Kind::Str),
    Field::new("ocsf_src_endpoint_instance_uid", "src_endpoint.instance_uid", Kind::Str),
    Field::new("ocsf_src_endpoint_interface_uid", "src_endpoint.interface_uid", Kind::Str),
    Field::new("ocsf_src_endpoint_vpc_uid", "src_endpoint.vpc_uid", Kind::Str),
    Field::new("ocsf_src_endpoint_subnet_uid", "src_endpoint.subnet_uid", Kind::Str),
    Field::new("ocsf_src_endpoint_svc_name", "src_endpoint.svc_name", Kind::Str),
    Field::new("ocsf_dst_endpoint_ip", "dst_endpoint.ip", Kind::Str),
    Field::new("ocsf_dst_endpoint_port", "dst_endpoint.port", Kind::Int).feeds(Common::DestinationPort),
    Field::new("ocsf_dst_endpoint_domain", "dst_endpoint.domain", Kind::Str),
    Field::new("ocsf_dst_endpoint_hostname", "dst_endpoint.hostname", Kind::Str),
    Field::new("ocsf_dst_endpoint_instance_uid", "dst_endpoint.instance_uid", Kind::Str),
    Field::new("ocsf_dst_endpoint_interface_uid", "dst_endpoint.interface_uid", Kind::Str),
    Field::new("ocsf_dst_endpoint_svc_name", "dst_endpoint.svc_name", Kind::Str),
    Field::new("ocsf_actor_user_uid", "actor.user.uid", Kind::Str),
    Field::new("ocsf_actor_user_uid_alt", "actor.user.uid_alt", Kind::Str),
    Field::new("ocsf_actor_user_name", "actor.user.name", Kind::Str).feeds(Common::UserName),
    Field::new("ocsf_actor_user_type", "actor.user.type", Kind::Str),
    Field::new("ocsf_actor_user_account_uid", "actor.user.account.uid", Kind::Str),
    Field::new("ocsf_actor_user_credential_uid", "actor.user.credential_uid", Kind::Str).feeds(Common::AccessKeyId),
    Field::new("ocsf_actor_session_uid", "actor.session.uid", Kind::Str),
    Field::new("ocsf_actor_session_issuer", "actor.session.issuer", Kind::Str),
    Field::new("ocsf_actor_session_created_time", "actor.session.created_time", Kind::Time),
    Field::new("ocsf_actor_session_is_mfa", "actor.session.is_mfa", Kind::Bool),
    Field::new("ocsf_actor_invoked_by", "actor.invoked_by", Kind::Str),
    Field::new("ocsf_actor_idp_name", "actor.idp.name", Kind::Str),
    Field::new("ocsf_user_name", "user.name", Kind::Str).feeds(Common::UserName),
    Field::new("ocsf_user_uid", "user.uid", Kind::Str),
    Field::new("ocsf_api_operation", "api.operation", Kind::Str).feeds(Common::EventAction),
    Field::new("ocsf_api_service_name", "api.service.name", Kind::Str).feeds(Common::Resource),
    Field::new("ocsf_api_version", "api.version", Kind::Str),
    Field::new("ocsf_api_request_uid", "api.request.uid", Kind::Str).feeds(Common::RequestId),
    Field::new("ocsf_api_response_error", "api.response.error", Kind::Str).feeds(Common::ErrorCode),
    Field::new("ocsf_api_response_message", "api.response.message", Kind::Str),
    Field::new("ocsf_api_response_code", "api.response.code", Kind::Int),
    Field::new("ocsf_http_method", "http_request.http_method", Kind::Str).feeds(Common::HttpMethod),
    Field::new("ocsf_http_user_agent", "http_request.user_agent", Kind::Str).feeds(Common::UserAgent),
    Field::new("ocsf_http_url_path", "http_request.url.path", Kind::Str),
    Field::new("ocsf_http_url_hostname", "http_request.url.hostname", Kind::Str),
    Field::new("ocsf_http_url_query_string", "http_request.url.query_string", Kind::Str),
    Field::new("ocsf_http_url_string", "http_request.url.url_string", Kind::Str),
    Field::new("ocsf_http_request_uid", "http_request.uid", Kind::Str).feeds(Common::RequestId),
    Field::new("ocsf_http_response_code", "http_response.code", Kind::Int).feeds(Common::HttpStatus),
    Field::new("ocsf_query_hostname", "query.hostname", Kind::Str),
    Field::new("ocsf_query_type", "query.type", Kind::Str),
    Field::new("ocsf_answers", "answers", Kind::Json),
    Field::new("ocsf_rcode", "rcode", Kind::Str),
    Field::new("ocsf_traffic_bytes_in", "traffic.bytes_in", Kind::Int).feeds(Common::BytesOut),
    Field::new("ocsf_traffic_bytes_out", "traffic.bytes_out", Kind::Int).feeds(Common::BytesIn),
    Field::new("ocsf_traffic_bytes", "traffic.bytes", Kind::Int),
    Field::new("ocsf_traffic_packets", "traffic.packets", Kind::Int),
    Field::new("ocsf_connection_direction", "connection_info.direction", Kind::Str),
    Field::new("ocsf_connection_protocol_num", "connection_info.protocol_num", Kind::Int),
    Field::new("ocsf_finding_info", "finding_info", Kind::Json),
    Field::new("ocsf_resources", "resources", Kind::Json),
    Field::new("ocsf_observables", "observables", Kind::Json),
    Field::new("ocsf_enrichments", "enrichments", Kind::Json),
    Field::new("ocsf_unmapped", "unmapped", Kind::Json),
    Field::new("ocsf_raw_data", "raw_data", Kind::Str),
];

const STATUS: usize = 14;
const STATUS_ID: usize = 15;
const TYPE_NAME: usize = 11;
const ACTIVITY: usize = 9;
const EVENT_UID: usize = 23;
const PRODUCT: usize = 28;
const SOURCE: usize = 34;
const DESTINATION: usize = 42;
const ACTOR: [usize; 2] = [49, 50];
const API_ERROR: usize = 67;
const HTTP_METHOD: usize = 70;
const URL_PATH: usize = 72;
const URL_STRING: usize = 75;
const HTTP_STATUS: usize = 77;
const HOSTNAME: usize = 78;
const BYTES: usize = 84;
const RESOURCES: usize = 89;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| {
    JsonMap::new(&FIELDS)
        .alias("start_time_dt", 2)
        .alias("end_time_dt", 3)
        .alias("metadata.event_uid", EVENT_UID)
        .alias("cloud.account_uid", 31)
        .alias("actor.user.account_uid", 53)
        .alias("actor.user.credential_id", 54)
        .alias("actor.session.credential_uid", 54)
        .alias("actor.session.mfa", 58)
        .alias("actor.session.created_time_dt", 57)
        .alias("identity.user.name", 51)
        .alias("identity.user.uid", 49)
        .alias("http_request.url.text", URL_STRING)
        .alias("http_request.url.query", 74)
        .alias("finding", 88)
        .alias("response_code", 81)
        .alias("connection.direction", 86)
});

impl LogFormat for Ocsf {
    fn id(&self) -> &'static str {
        "ocsf"
    }

    fn title(&self) -> &'static str {
        "OCSF events (Security Lake)"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::SourceIp, "src_endpoint.ip, normalised"),
            (Common::DestinationIp, "dst_endpoint.ip, normalised"),
            (Common::UserArn, "actor.user.uid or uid_alt where it is an ARN"),
            (Common::SessionName, "last part of an assumed-role ARN"),
            (Common::EventAction, "http method, else activity_name, else type_name where there is no API operation"),
            (Common::Resource, "metadata.product.name where there is no API service"),
            (Common::Target, "query.hostname, else uid of resources[0], else the URL's path"),
            (Common::UrlPath, "http_request.url.path without a query, else the path of url_string"),
            (Common::EventOutcome, "status, else status_id, else failure with an API error or from HTTP status 400 on"),
            (Common::BytesOut, "traffic.bytes where the directions are not told apart"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "its own class_uid"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, name: &str) -> Option<usize> {
        MAP.cell_of(name)
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let all = |names: &[&str]| names.iter().all(|name| text.contains(name));
        (text.starts_with('{') && all(&["\"class_uid\"", "\"metadata\""]) && text.contains("\"time"))
            .then_some(Claim { score: 94, reason: "a JSON object with class_uid, metadata and time" })
    }

    /// metadata.uid is the producer's id of the event; it is unique per product only.
    fn aws_id(&self, row: &Row<'_>) -> Option<String> {
        let time = row.time()?;
        let product = row.native[PRODUCT].as_str().unwrap_or_default();
        Some(format!("{product}/{}/{time}", row.native[EVENT_UID].as_str()?))
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    if let Err(error) = MAP.fill(row, &FIELDS, record.text) {
        return Outcome::Reject(Reject::malformed(error.to_string()));
    }
    if row.native.iter().take(3).all(Value::is_null) {
        let Some(time) = record.envelope.and_then(|e| e.time) else {
            return Outcome::Reject(Reject::malformed("neither time nor time_dt nor start_time is a time"));
        };
        row.set(Common::EventTime, Value::Time(time));
    }
    derive(row);
    Outcome::Event
}

fn derive(row: &mut Row<'_>) {
    for (common, cell) in [(Common::SourceIp, SOURCE), (Common::DestinationIp, DESTINATION)] {
        let address = ip(&row.native[cell]);
        row.set(common, address);
    }
    for cell in ACTOR {
        let arn = part(&row.native[cell], |uid| uid.starts_with("arn:").then_some(uid));
        let session = part(&arn, |arn| arn.split_once(":assumed-role/")?.1.split_once('/').map(|(_, name)| name));
        row.set_default(Common::UserArn, arn);
        row.set_default(Common::SessionName, session);
    }
    if row.native[63].is_null() {
        let action = first(row, &[HTTP_METHOD, ACTIVITY, TYPE_NAME]);
        row.set(Common::EventAction, action);
    }
    if row.native[64].is_null() {
        let product = row.native[PRODUCT].clone();
        row.set(Common::Resource, product);
    }
    let path = part(&row.native[URL_PATH], |path| path.split(['?', '#']).next());
    let whole = part(&row.native[URL_STRING], |url| Some(tokens::url_path(url)));
    let path = if path.is_null() { whole } else { path };
    let about = first_resource(row).map_or(Value::Null, Value::owned);
    row.set(Common::Target, row.native[HOSTNAME].clone());
    row.set_default(Common::Target, about);
    row.set_default(Common::Target, path.clone());
    row.set(Common::UrlPath, path);
    if row.native[82].is_null() && row.native[83].is_null() {
        let bytes = row.native[BYTES].clone();
        row.set(Common::BytesOut, bytes);
    }
    let outcome = outcome(row).map_or(Value::Null, Value::text);
    row.set(Common::EventOutcome, outcome);
}

fn first<'r>(row: &Row<'r>, cells: &[usize]) -> Value<'r> {
    cells.iter().map(|cell| &row.native[*cell]).find(|value| !value.is_null()).cloned().unwrap_or_default()
}

fn first_resource(row: &Row<'_>) -> Option<String> {
    let Json::Array(list) = json::parse(row.native[RESOURCES].as_str()?).ok()? else {
        return None;
    };
    let first = json::elements(list).next()?.ok()?;
    let name = first.get("uid").or_else(|| first.get("name"))?.scalar()?;
    (!name.is_empty()).then(|| name.into_owned())
}

/// `status_id` 1 is success and 2 failure; 0 and 99 say nothing.
fn outcome(row: &Row<'_>) -> Option<&'static str> {
    match (row.native[STATUS].as_str(), &row.native[STATUS_ID]) {
        (Some(status), _) if status.eq_ignore_ascii_case("success") => return Some("success"),
        (Some(status), _) if status.eq_ignore_ascii_case("failure") => return Some("failure"),
        (_, Value::Int(1)) => return Some("success"),
        (_, Value::Int(2)) => return Some("failure"),
        _ => {}
    }
    match row.native[HTTP_STATUS] {
        _ if !row.native[API_ERROR].is_null() => Some("failure"),
        Value::Int(status) => Some(if status >= 400 { "failure" } else { "success" }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = read(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    const API: &str = r#"{"metadata":{"version":"1.1.0","uid":"e-1","product":{"name":"CloudTrail","vendor_name":"AWS"}},"class_uid":6003,"class_name":"API Activity","category_uid":6,"activity_name":"Read","time":1772439330000,"time_dt":"2026-03-02T08:15:30Z","cloud":{"account":{"uid":"111122223333"},"region":"eu-central-1"},"actor":{"user":{"type":"AssumedRole","uid":"arn:aws:sts::111122223333:assumed-role/orders/sess","credential_uid":"ASIAIOSFODNN7EXAMPLE","name":null},"session":{"is_mfa":false}},"api":{"operation":"GetObject","service":{"name":"s3.amazonaws.com"},"request":{"uid":"R1"},"response":{"error":"AccessDenied"}},"src_endpoint":{"ip":"198.51.100.7"},"status":"Failure","status_id":2,"resources":[{"uid":"arn:aws:s3:::b"}],"unmapped":{"a":"b"},"novel":{"x":1}}"#;

    #[test]
    fn an_api_call_of_security_lake() {
        let claim = Ocsf.claims(&Record { text: API, envelope: None, origin: &ORIGIN }, &Options::default());
        assert_eq!(claim.unwrap().score, 94);
        let (outcome, row) = parse(API);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:15:30.000000Z");
        for (common, expected) in [
            (Common::AccountId, "111122223333"),
            (Common::SessionName, "sess"),
            (Common::AccessKeyId, "ASIAIOSFODNN7EXAMPLE"),
            (Common::EventAction, "GetObject"),
            (Common::Resource, "s3.amazonaws.com"),
            (Common::Target, "arn:aws:s3:::b"),
            (Common::RequestId, "R1"),
            (Common::ErrorCode, "AccessDenied"),
            (Common::EventOutcome, "failure"),
        ] {
            assert_eq!(row.common(common), &Value::text(expected), "{}", common.name());
        }
        assert_eq!(row.extra_json().unwrap(), r#"{"novel":{"x":1}}"#);
        assert_eq!(Ocsf.aws_id(&row).unwrap(), "CloudTrail/e-1/2026-03-02T08:15:30.000000Z");
    }

    #[test]
    fn older_places_and_other_classes() {
        let (_, row) = parse(
            r#"{"class_uid":4001,"metadata":{"product":{"name":"Amazon VPC"}},"cloud":{"account_uid":"444455556666"},"start_time":1772439330000000,"activity_name":"Traffic","src_endpoint":{"ip":"10.0.0.1","port":1},"dst_endpoint":{"ip":"2001:DB8::1","port":443},"traffic":{"bytes":7},"status_id":1}"#,
        );
        assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:15:30.000000Z");
        assert_eq!(row.common(Common::AccountId), &Value::text("444455556666"));
        assert_eq!(row.common(Common::DestinationIp), &Value::text("2001:db8::1"));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(7));
        assert_eq!(row.common(Common::Resource), &Value::text("Amazon VPC"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        let (_, row) = parse(
            r#"{"class_uid":4002,"time":1,"http_request":{"http_method":"GET","url":{"path":"/a?b=c"}},"http_response":{"code":503},"traffic":{"bytes_in":5,"bytes_out":9}}"#,
        );
        assert_eq!(row.common(Common::UrlPath), &Value::text("/a"));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        // bytes_out of OCSF goes from the source to the destination: towards the resource.
        assert_eq!((row.common(Common::BytesIn), row.common(Common::BytesOut)), (&Value::Int(9), &Value::Int(5)));
        assert!(matches!(parse(r#"{"class_uid":1,"time":"soon"}"#).0, Outcome::Reject(_)));
    }
}

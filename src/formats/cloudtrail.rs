//! CloudTrail records: management, data, Insights and network activity events. Facts: AWS,
//! "CloudTrail record contents". The framer has unwrapped `{"Records":[…]}` already.

use super::{Claim, LogFormat, Options, Outcome, Parser};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};

pub struct CloudTrail;

/// The native spelling is the path inside the record.
#[rustfmt::skip]
static FIELDS: [Field; 44] = [
    Field::new("ct_event_time", "eventTime", Kind::Time).feeds(Common::EventTime),
    Field::new("ct_event_version", "eventVersion", Kind::Str),
    Field::new("ct_event_source", "eventSource", Kind::Str).feeds(Common::Resource),
    Field::new("ct_event_name", "eventName", Kind::Str).feeds(Common::EventAction),
    Field::new("ct_aws_region", "awsRegion", Kind::Str).feeds(Common::Region),
    Field::new("ct_source_ip_address", "sourceIPAddress", Kind::Str),
    Field::new("ct_user_agent", "userAgent", Kind::Str).feeds(Common::UserAgent),
    Field::new("ct_error_code", "errorCode", Kind::Str).feeds(Common::ErrorCode),
    Field::new("ct_error_message", "errorMessage", Kind::Str),
    Field::new("ct_request_parameters", "requestParameters", Kind::Json),
    Field::new("ct_response_elements", "responseElements", Kind::Json),
    Field::new("ct_additional_event_data", "additionalEventData", Kind::Json),
    Field::new("ct_request_id", "requestID", Kind::Str).feeds(Common::RequestId),
    Field::new("ct_event_id", "eventID", Kind::Str),
    Field::new("ct_shared_event_id", "sharedEventID", Kind::Str).link(Link::RequestId),
    Field::new("ct_event_type", "eventType", Kind::Str),
    Field::new("ct_event_category", "eventCategory", Kind::Str),
    Field::new("ct_api_version", "apiVersion", Kind::Str),
    Field::new("ct_read_only", "readOnly", Kind::Bool),
    Field::new("ct_management_event", "managementEvent", Kind::Bool),
    Field::new("ct_recipient_account_id", "recipientAccountId", Kind::Str).feeds(Common::AccountId),
    Field::new("ct_vpc_endpoint_id", "vpcEndpointId", Kind::Str),
    Field::new("ct_vpc_endpoint_account_id", "vpcEndpointAccountId", Kind::Str),
    Field::new("ct_session_credential_from_console", "sessionCredentialFromConsole", Kind::Str),
    Field::new("ct_resources", "resources", Kind::Json),
    Field::new("ct_tls_details", "tlsDetails", Kind::Json),
    Field::new("ct_user_identity_type", "userIdentity.type", Kind::Str),
    Field::new("ct_user_identity_principal_id", "userIdentity.principalId", Kind::Str),
    Field::new("ct_user_identity_arn", "userIdentity.arn", Kind::Str).feeds(Common::UserArn),
    Field::new("ct_user_identity_account_id", "userIdentity.accountId", Kind::Str),
    Field::new("ct_user_identity_access_key_id", "userIdentity.accessKeyId", Kind::Str).feeds(Common::AccessKeyId),
    Field::new("ct_user_identity_user_name", "userIdentity.userName", Kind::Str).feeds(Common::UserName),
    Field::new("ct_user_identity_invoked_by", "userIdentity.invokedBy", Kind::Str),
    Field::new("ct_user_identity_session_issuer_arn", "userIdentity.sessionContext.sessionIssuer.arn", Kind::Str).link(Link::Arn),
    Field::new("ct_user_identity_session_issuer_user_name", "userIdentity.sessionContext.sessionIssuer.userName", Kind::Str),
    Field::new("ct_user_identity_session_issuer_type", "userIdentity.sessionContext.sessionIssuer.type", Kind::Str),
    Field::new("ct_user_identity_mfa_authenticated", "userIdentity.sessionContext.attributes.mfaAuthenticated", Kind::Str),
    Field::new("ct_user_identity_creation_date", "userIdentity.sessionContext.attributes.creationDate", Kind::Str),
    Field::new("ct_user_identity_source_identity", "userIdentity.sessionContext.sourceIdentity", Kind::Str),
    Field::new("ct_user_identity_in_scope_of", "userIdentity.inScopeOf", Kind::Json),
    Field::new("ct_insight_details", "insightDetails", Kind::Json),
    Field::new("ct_service_event_details", "serviceEventDetails", Kind::Json),
    Field::new("ct_addendum", "addendum", Kind::Json),
    Field::new("ct_issued_access_key_id", "responseElements.credentials.accessKeyId", Kind::Str).link(Link::Key),
];

const EVENT_TIME: usize = 0;
const SOURCE_IP: usize = 5;
const ERROR_CODE: usize = 7;
const REQUEST_PARAMETERS: usize = 9;
const RESPONSE_ELEMENTS: usize = 10;
const ADDITIONAL_DATA: usize = 11;
const EVENT_ID: usize = 13;
const RECIPIENT: usize = 20;
const RESOURCES: usize = 24;
const IDENTITY_ARN: usize = 28;
const ISSUER_NAME: usize = 34;
const ISSUED_KEY: usize = 43;

/// Members of requestParameters that name what an action is about, the most telling first.
const TARGETS: [&str; 16] = [
    "bucketName",
    "secretId",
    "userName",
    "roleName",
    "functionName",
    "roleArn",
    "logGroupName",
    "groupName",
    "policyArn",
    "keyId",
    "instanceId",
    "dBInstanceIdentifier",
    "queueUrl",
    "topicArn",
    "tableName",
    "name",
];

impl LogFormat for CloudTrail {
    fn id(&self) -> &'static str {
        "cloudtrail"
    }

    fn title(&self) -> &'static str {
        "CloudTrail"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::SourceIp, "sourceIPAddress where it is an address"),
            (Common::EventOutcome, "failure with errorCode or ConsoleLogin Failure, else success"),
            (Common::UserName, "sessionIssuer.userName where userName is missing"),
            (Common::SessionName, "last part of an assumed-role userIdentity.arn"),
            (Common::Target, "the naming member of requestParameters, else resources[0].ARN"),
            (Common::BytesOut, "additionalEventData.bytesTransferredOut"),
            (Common::BytesIn, "additionalEventData.bytesTransferredIn"),
            (Common::AccountId, "userIdentity.accountId where recipientAccountId is missing"),
        ]
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let named = text.starts_with('{')
            && !is_lambda_event(text)
            && ["\"eventVersion\"", "\"eventSource\"", "\"eventTime\""].iter().filter(|n| text.contains(**n)).count()
                >= 2
            && (text.contains("\"eventName\"") || text.contains("AwsCloudTrailInsight"));
        named.then_some(Claim { score: 90, reason: "a JSON object with eventVersion, eventTime and eventName" })
    }

    /// recipientAccountId and eventID: delivery is at least once, across files and trails.
    fn aws_id(&self, row: &Row<'_>) -> Option<String> {
        let event_id = row.native[EVENT_ID].as_str()?;
        let account = row.common(Common::AccountId).as_str().unwrap_or_default();
        Some(format!("{account}/{event_id}"))
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(TrailParser)
    }
}

/// S3, Kinesis and DynamoDB hand Lambda records with the same member names; their source is `aws:s3`.
fn is_lambda_event(text: &str) -> bool {
    let after = text.split_once("\"eventSource\"").map_or("", |(_, after)| after);
    after.trim_start_matches([' ', ':', '\n', '\t']).starts_with("\"aws:")
}

struct TrailParser;

impl Parser for TrailParser {
    fn parse<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        let object = match json::parse(record.text) {
            Ok(Json::Object(object)) => object,
            Ok(_) => return Outcome::Reject(Reject::malformed("not a JSON object")),
            Err(error) => return Outcome::Reject(Reject::malformed(error.to_string())),
        };
        if let Err(error) = set_members(row, object) {
            return Outcome::Reject(Reject::malformed(error.to_string()));
        }
        if row.native[EVENT_TIME].is_null() {
            return Outcome::Reject(Reject::malformed("eventTime is missing or no time"));
        }
        derive(row);
        Outcome::Event
    }

    fn fork(&self) -> Box<dyn Parser> {
        Box::new(TrailParser)
    }
}

fn set_members<'r>(row: &mut Row<'r>, object: &'r str) -> Result<(), json::JsonError> {
    for member in json::members(object) {
        let (name, value) = member?;
        match (name.as_ref(), &value) {
            ("userIdentity", Json::Object(_)) => set_identity(row, &value),
            (other, _) => match FIELDS.iter().position(|f| f.native == other) {
                Some(cell) => row.native[cell] = cell_value(FIELDS[cell].kind, &value),
                None if value == Json::Null => {}
                None => row.extra.push((name, value.to_json())),
            },
        }
    }
    Ok(())
}

fn cell_value<'r>(kind: Kind, value: &Json<'r>) -> Value<'r> {
    if *value == Json::Null {
        return Value::Null;
    }
    match kind {
        Kind::Time => Value::time(value.as_str().and_then(|text| Micros::parse_rfc3339(&text))),
        Kind::Bool => value.as_bool().map_or(Value::Null, Value::Bool),
        Kind::Int => value.as_i64().map_or(Value::Null, Value::Int),
        Kind::Float => value.as_f64().map_or(Value::Null, Value::Float),
        Kind::Json => Value::Str(value.to_json()),
        Kind::Str => match value.scalar() {
            Some(text) if text.is_empty() => Value::Null,
            Some(text) => Value::Str(text),
            None => Value::Str(value.to_json()),
        },
    }
}

fn set_identity<'r>(row: &mut Row<'r>, identity: &Json<'r>) {
    for (cell, field) in FIELDS.iter().enumerate() {
        if let Some(path) = field.native.strip_prefix("userIdentity.")
            && let Some(value) = identity.path(path)
        {
            row.native[cell] = cell_value(field.kind, &value);
        }
    }
}

fn derive(row: &mut Row<'_>) {
    if let Some(address) = row.native[SOURCE_IP].as_str().and_then(tokens::ip) {
        let address = address.into_owned();
        row.set(Common::SourceIp, Value::owned(address));
    }
    let login_failed = nested(row, RESPONSE_ELEMENTS, "ConsoleLogin").as_deref() == Some("Failure");
    let failed = login_failed || !row.native[ERROR_CODE].is_null();
    row.set(Common::EventOutcome, Value::text(if failed { "failure" } else { "success" }));
    if row.native[RECIPIENT].is_null() {
        let account = row.native[29].clone();
        row.set(Common::AccountId, account);
    }
    if row.native[31].is_null() {
        let issuer = row.native[ISSUER_NAME].clone();
        row.set(Common::UserName, issuer);
    }
    if let Some(session) = session_name(row.native[IDENTITY_ARN].as_str()) {
        row.set(Common::SessionName, Value::owned(session));
    }
    if let Some(key) = nested(row, RESPONSE_ELEMENTS, "credentials.accessKeyId")
        .or_else(|| nested(row, RESPONSE_ELEMENTS, "accessKey.accessKeyId"))
    {
        row.native[ISSUED_KEY] = Value::owned(key);
    }
    for (common, path) in [(Common::BytesOut, "bytesTransferredOut"), (Common::BytesIn, "bytesTransferredIn")] {
        if let Some(bytes) = nested(row, ADDITIONAL_DATA, path).and_then(|n| n.parse::<f64>().ok()) {
            row.set(common, Value::Int(bytes as i64));
        }
    }
    if let Some(target) = target(row) {
        row.set(Common::Target, Value::owned(target));
    }
}

/// A scalar inside one of the JSON cells.
fn nested(row: &Row<'_>, cell: usize, path: &str) -> Option<String> {
    let text = row.native[cell].as_str()?;
    Some(json::parse(text).ok()?.path(path)?.scalar()?.into_owned())
}

fn session_name(arn: Option<&str>) -> Option<String> {
    let (_, resource) = arn?.split_once(":assumed-role/")?;
    resource.split_once('/').map(|(_, session)| session.to_owned())
}

fn target(row: &Row<'_>) -> Option<String> {
    let named = row.native[REQUEST_PARAMETERS].as_str().and_then(|text| {
        let parameters = json::parse(text).ok()?;
        let value = TARGETS.iter().find_map(|name| parameters.get(name)?.scalar().map(|v| (*name, v)))?;
        match (value.0, parameters.get("key").and_then(|key| key.scalar().map(|k| k.into_owned()))) {
            ("bucketName", Some(key)) => Some(format!("s3://{}/{key}", value.1)),
            _ => Some(value.1.into_owned()),
        }
    });
    named.or_else(|| {
        let Json::Array(resources) = json::parse(row.native[RESOURCES].as_str()?).ok()? else {
            return None;
        };
        let first = json::elements(resources).next()?.ok()?;
        let arn = first.get("ARN").or_else(|| first.get("arn"))?;
        arn.scalar().map(|arn| arn.into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Origin;

    static ORIGIN: Origin = Origin { account_id: None, region: None, log_group: None, log_stream: None };

    fn parse(text: &str) -> (Outcome, Row<'_>) {
        let mut row = Row::new(FIELDS.len());
        let outcome = TrailParser.parse(&Record { text, envelope: None, origin: &ORIGIN }, &mut row);
        row.feed(&FIELDS);
        (outcome, row)
    }

    const ASSUMED: &str = r#"{"eventVersion":"1.99","eventTime":"2026-03-06T14:00:01Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-central-1","sourceIPAddress":"198.51.100.77","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/orders/sess","accountId":"111122223333","accessKeyId":"ASIA","sessionContext":{"sessionIssuer":{"userName":"orders","arn":"arn:aws:iam::111122223333:role/orders"}}},"requestParameters":{"bucketName":"b","key":"a/b.csv"},"responseElements":null,"additionalEventData":{"bytesTransferredOut":512.0},"requestID":"R","eventID":"E","readOnly":true,"recipientAccountId":"111122223333","somethingNew":{"a":1}}"#;

    #[test]
    fn an_assumed_role_reads_an_object() {
        let (outcome, row) = parse(ASSUMED);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.common(Common::Target), &Value::text("s3://b/a/b.csv"));
        assert_eq!(row.common(Common::SessionName), &Value::text("sess"));
        assert_eq!(row.common(Common::UserName), &Value::text("orders"));
        assert_eq!(row.common(Common::BytesOut), &Value::Int(512));
        assert_eq!(row.common(Common::EventOutcome), &Value::text("success"));
        assert_eq!(row.native[18], Value::Bool(true));
        assert!(row.native[RESPONSE_ELEMENTS].is_null());
        assert_eq!(row.extra_json().unwrap(), r#"{"somethingNew":{"a":1}}"#);
        assert_eq!(CloudTrail.aws_id(&row).unwrap(), "111122223333/E");
    }

    #[test]
    fn failures_services_and_broken_records() {
        let (_, row) = parse(
            r#"{"eventTime":"2026-03-06T14:00:01Z","errorCode":"AccessDenied","sourceIPAddress":"lambda.amazonaws.com"}"#,
        );
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
        assert!(row.common(Common::SourceIp).is_null());
        assert!(matches!(parse(r#"{"eventTime":"yesterday"}"#).0, Outcome::Reject(_)));
        assert!(matches!(parse("[]").0, Outcome::Reject(_)));
        let s3 = r#"{"eventVersion":"2.1","eventSource": "aws:s3","eventTime":"2026-03-06T14:00:01Z","eventName":"ObjectCreated:Put"}"#;
        assert_eq!(CloudTrail.claims(&Record { text: s3, envelope: None, origin: &ORIGIN }, &Options::default()), None);
        assert!(
            CloudTrail
                .claims(&Record { text: ASSUMED, envelope: None, origin: &ORIGIN }, &Options::default())
                .is_some()
        );
        let (_, row) = parse(
            r#"{"eventTime":"2026-03-06T14:00:01Z","eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Failure"}}"#,
        );
        assert_eq!(row.common(Common::EventOutcome), &Value::text("failure"));
    }
}

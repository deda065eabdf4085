//! CloudTrail records: management, data, Insights, network activity and aggregated events. Facts: AWS,
//! "CloudTrail record contents". The framer has unwrapped `{"Records":[…]}` already; other wrappings of a
//! record are in [`variants`].

mod variants;

use super::shared::cell;
use super::shared::json_row::{JsonMap, ip, part};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json, JsonError};
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

pub struct CloudTrail;

/// The native spelling is the path inside the record.
#[rustfmt::skip]
static FIELDS: [Field; 68] = [
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
    Field::new("ct_event_id", "eventID", Kind::Str).link(Link::RequestId),
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
    Field::new("ct_user_identity_mfa_authenticated", "userIdentity.sessionContext.attributes.mfaAuthenticated", Kind::Bool),
    Field::new("ct_user_identity_creation_date", "userIdentity.sessionContext.attributes.creationDate", Kind::Time),
    Field::new("ct_user_identity_source_identity", "userIdentity.sessionContext.sourceIdentity", Kind::Str),
    Field::new("ct_user_identity_in_scope_of", "userIdentity.inScopeOf", Kind::Json),
    Field::new("ct_insight_details", "insightDetails", Kind::Json),
    Field::new("ct_service_event_details", "serviceEventDetails", Kind::Json),
    Field::new("ct_addendum", "addendum", Kind::Json),
    Field::new("ct_issued_access_key_id", "responseElements.credentials.accessKeyId", Kind::Str).link(Link::Key),
    Field::new("ct_account_id", "accountId", Kind::Str).feeds(Common::AccountId),
    Field::new("ct_time_window_start", "timeWindow.windowStart", Kind::Time).feeds(Common::EventTime),
    Field::new("ct_time_window_end", "timeWindow.windowEnd", Kind::Time).feeds(Common::EventEnd),
    Field::new("ct_time_window_size", "timeWindow.windowSize", Kind::Str),
    Field::new("ct_summary", "summary", Kind::Json),
    Field::new("ct_insight_state", "insightDetails.state", Kind::Str),
    Field::new("ct_insight_event_source", "insightDetails.eventSource", Kind::Str).feeds(Common::Resource),
    Field::new("ct_insight_event_name", "insightDetails.eventName", Kind::Str).feeds(Common::EventAction),
    Field::new("ct_insight_type", "insightDetails.insightType", Kind::Str),
    Field::new("ct_insight_error_code", "insightDetails.errorCode", Kind::Str),
    Field::new("ct_user_identity_identity_provider", "userIdentity.identityProvider", Kind::Str),
    Field::new("ct_user_identity_credential_id", "userIdentity.credentialId", Kind::Str),
    Field::new("ct_user_identity_on_behalf_of_user_id", "userIdentity.onBehalfOf.userId", Kind::Str),
    Field::new("ct_user_identity_on_behalf_of_identity_store_arn", "userIdentity.onBehalfOf.identityStoreArn", Kind::Str).link(Link::Arn),
    Field::new("ct_user_identity_invoked_by_delegate_account_id", "userIdentity.invokedByDelegate.accountId", Kind::Str),
    Field::new("ct_user_identity_in_scope_of_source_arn", "userIdentity.inScopeOf.sourceArn", Kind::Str).link(Link::Arn),
    Field::new("ct_user_identity_in_scope_of_credentials_issued_to", "userIdentity.inScopeOf.credentialsIssuedTo", Kind::Str).link(Link::Arn),
    Field::new("ct_user_identity_session_issuer_principal_id", "userIdentity.sessionContext.sessionIssuer.principalId", Kind::Str),
    Field::new("ct_user_identity_session_issuer_account_id", "userIdentity.sessionContext.sessionIssuer.accountId", Kind::Str),
    Field::new("ct_user_identity_web_id_federation_data", "userIdentity.sessionContext.webIdFederationData", Kind::Json),
    Field::new("ct_user_identity_ec2_role_delivery", "userIdentity.sessionContext.ec2RoleDelivery", Kind::Str),
    Field::new("ct_user_identity_assumed_root", "userIdentity.sessionContext.assumedRoot", Kind::Bool),
    Field::new("ct_event_context", "eventContext", Kind::Json),
    Field::new("ct_edge_device_details", "edgeDeviceDetails", Kind::Json),
];

const EVENT_TIME: usize = 0;
const SOURCE_IP: usize = 5;
const ERROR_CODE: usize = 7;
const EVENT_ID: usize = 13;
const RECIPIENT: usize = 20;
const FROM_CONSOLE: usize = 23;
const RESOURCES: usize = 24;
const PRINCIPAL: usize = 27;
const IDENTITY_ARN: usize = 28;
const IDENTITY_ACCOUNT: usize = 29;
const IDENTITY_KEY: usize = 30;
const USER_NAME: usize = 31;
const ISSUER_NAME: usize = 34;
const ISSUED_KEY: usize = 43;
const WINDOW_START: usize = 45;
const INSIGHT_STATE: usize = 49;
const INSIGHT_TYPE: usize = 52;

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

/// What is wanted from inside a record besides its cells, taken in the same pass: the [`TARGETS`] first.
const KEY: usize = TARGETS.len();
const LOGIN: usize = KEY + 1;
const BYTES_OUT: usize = KEY + 2;
const BYTES_IN: usize = KEY + 3;
const IDENTITY: usize = KEY + 4;
const DETAIL: usize = KEY + 5;
const EVENT_TEXT: usize = KEY + 6;
const DIGEST: usize = KEY + 7;
const NOTES: usize = KEY + 8;

type Notes<'r> = [Json<'r>; NOTES];

fn with_notes(map: JsonMap) -> JsonMap {
    let map = TARGETS.iter().enumerate().fold(map, |map, (n, name)| map.note(&format!("requestParameters.{name}"), n));
    map.note("requestParameters.key", KEY)
        .note("responseElements.ConsoleLogin", LOGIN)
        .alias("responseElements.accessKey.accessKeyId", ISSUED_KEY)
        .note("additionalEventData.bytesTransferredOut", BYTES_OUT)
        .note("additionalEventData.bytesTransferredIn", BYTES_IN)
        .alias("eventId", EVENT_ID)
        .alias("userIdentity.sessionContext.attributes.sessionCredentialFromConsole", FROM_CONSOLE)
        .note("userIdentity", IDENTITY)
        .note("detail", DETAIL)
        .note("CloudTrailEvent", EVENT_TEXT)
        .note("digestStartTime", DIGEST)
}

static MAP: LazyLock<JsonMap> = LazyLock::new(|| with_notes(JsonMap::new(&FIELDS)));

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
            (Common::EventTime, "time of the EventBridge envelope where the record has none"),
            (Common::SourceIp, "sourceIPAddress where it is an address"),
            (Common::EventOutcome, "failure with errorCode or ConsoleLogin Failure, else success; null for Insights"),
            (Common::UserName, "sessionIssuer.userName where userName is missing"),
            (Common::SessionName, "last part of an assumed-role or federated-user ARN, else of principalId"),
            (Common::Target, "the naming member of requestParameters, else resources[0].ARN; insightType/state"),
            (Common::BytesOut, "additionalEventData.bytesTransferredOut"),
            (Common::BytesIn, "additionalEventData.bytesTransferredIn"),
            (Common::AccountId, "userIdentity.accountId where recipientAccountId is missing"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "API Activity [6003]"
    }

    fn wrapped_in(&self) -> &'static [&'static str] {
        &["detail", "CloudTrailEvent"]
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, name: &str) -> Option<usize> {
        MAP.cell_of(name)
    }

    fn evidence(&self, head: &str) -> Option<&'static str> {
        variants::is_digest(head).then_some("cloudtrail-digest")
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        variants::claims(text)
    }

    /// recipientAccountId and eventID: delivery is at least once, across files and trails.
    fn aws_id(&self, row: &Row<'_>) -> Option<String> {
        let event_id = row.native[EVENT_ID].as_str()?;
        let account = row.common(Common::AccountId).as_str().unwrap_or_default();
        Some(format!("{account}/{event_id}"))
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let notes = match fill(&MAP, record.text, row) {
        Ok(notes) => notes,
        Err(error) => return Outcome::Reject(Reject::malformed(error.to_string())),
    };
    // In CloudWatch a record without a time of its own still has the event's.
    let dated = record.envelope.is_some_and(|e| e.time.is_some()) && !row.native[EVENT_ID].is_null();
    if !has_time(row) && !dated {
        return variants::parse(record.text, row, &notes);
    }
    for (note, name) in [(DETAIL, "detail"), (EVENT_TEXT, "CloudTrailEvent"), (DIGEST, "digestStartTime")] {
        if notes[note] != Json::Null {
            row.extra.push((Cow::Borrowed(name), notes[note].to_json()));
        }
    }
    derive(row, &notes);
    Outcome::Event
}

fn fill<'r>(map: &JsonMap, text: &'r str, row: &mut Row<'r>) -> Result<Notes<'r>, JsonError> {
    let mut notes = [const { Json::Null }; NOTES];
    map.fill_noting(row, &FIELDS, text, &mut notes)?;
    Ok(notes)
}

fn has_time(row: &Row<'_>) -> bool {
    !row.native[EVENT_TIME].is_null() || !row.native[WINDOW_START].is_null()
}

fn derive<'r>(row: &mut Row<'r>, notes: &Notes<'r>) {
    if notes[IDENTITY] != Json::Null {
        variants::set_identity_text(row, &notes[IDENTITY]);
    }
    let address = ip(&row.native[SOURCE_IP]);
    row.set(Common::SourceIp, address);
    if row.native[INSIGHT_TYPE].is_null() && row.native[WINDOW_START].is_null() {
        let failed = notes[LOGIN] == Json::Str("Failure") || !row.native[ERROR_CODE].is_null();
        row.set(Common::EventOutcome, Value::text(if failed { "failure" } else { "success" }));
    }
    if row.native[RECIPIENT].is_null() {
        let account = row.native[IDENTITY_ACCOUNT].clone();
        row.set(Common::AccountId, account);
    }
    if row.native[USER_NAME].is_null() {
        let issuer = row.native[ISSUER_NAME].clone();
        row.set(Common::UserName, issuer);
    }
    let session = part(&row.native[IDENTITY_ARN], session_of_arn);
    row.set(Common::SessionName, session);
    let session = part(&row.native[PRINCIPAL], |id| id.strip_prefix("AROA")?.split_once(':').map(|(_, name)| name));
    row.set_default(Common::SessionName, session);
    for (common, note) in [(Common::BytesOut, BYTES_OUT), (Common::BytesIn, BYTES_IN)] {
        row.set(common, cell::of_json(Kind::Int, &notes[note]));
    }
    let target = named_target(notes).or_else(|| first_resource(row)).unwrap_or_else(|| insight_target(row));
    row.set(Common::Target, target);
}

/// `…:assumed-role/<role>/<session>` or `…:federated-user/<name>`.
fn session_of_arn(arn: &str) -> Option<&str> {
    if let Some((_, role)) = arn.split_once(":assumed-role/") {
        return role.split_once('/').map(|(_, session)| session);
    }
    arn.split_once(":federated-user/").map(|(_, name)| name)
}

fn named_target<'r>(notes: &Notes<'r>) -> Option<Value<'r>> {
    let scalar = |note: &Json<'r>| note.scalar().filter(|text| !text.is_empty());
    let (at, named) = (0..TARGETS.len()).find_map(|n| Some((n, scalar(&notes[n])?)))?;
    match (TARGETS[at], scalar(&notes[KEY])) {
        ("bucketName", Some(key)) => Some(Value::owned(format!("s3://{named}/{key}"))),
        _ => Some(Value::Str(named)),
    }
}

/// `ARN` of the first of `resources`; the name where an Event history row has it as text.
fn first_resource<'r>(row: &Row<'r>) -> Option<Value<'r>> {
    let resources = row.native[RESOURCES].as_str()?;
    let text = match json::parse(resources).ok()? {
        Json::Str(raw) => json::unescape(raw),
        other => other.to_json(),
    };
    let Json::Array(array) = json::parse(&text).ok()? else {
        return None;
    };
    let first = json::elements(array).next()?.ok()?;
    let name = ["ARN", "arn", "resourceName"].iter().find_map(|name| first.get(name)?.scalar())?;
    (!name.is_empty()).then(|| Value::owned(name.into_owned()))
}

fn insight_target<'r>(row: &Row<'r>) -> Value<'r> {
    match (row.native[INSIGHT_TYPE].as_str(), row.native[INSIGHT_STATE].as_str()) {
        (Some(kind), Some(state)) => Value::owned(format!("{kind}/{state}")),
        _ => row.native[INSIGHT_TYPE].clone(),
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
        assert!(row.native[10].is_null());
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

//! GuardDuty findings, as the export to S3 and EventBridge hold them. Facts: AWS, "GuardDuty finding
//! format". A finding is written again whenever it is seen again, so each update is an event of its own.

use super::shared::json_row::{JsonMap, ip, owned};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json};
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

pub struct GuardDuty;

#[rustfmt::skip]
static FIELDS: [Field; 59] = [
    Field::new("gd_id", "id", Kind::Str),
    Field::new("gd_arn", "arn", Kind::Str).link(Link::Arn),
    Field::new("gd_type", "type", Kind::Str).feeds(Common::EventAction),
    Field::new("gd_severity", "severity", Kind::Float),
    Field::new("gd_title", "title", Kind::Str),
    Field::new("gd_description", "description", Kind::Str),
    Field::new("gd_account_id", "accountId", Kind::Str).feeds(Common::AccountId),
    Field::new("gd_region", "region", Kind::Str).feeds(Common::Region),
    Field::new("gd_partition", "partition", Kind::Str),
    Field::new("gd_schema_version", "schemaVersion", Kind::Str),
    Field::new("gd_event_first_seen", "service.eventFirstSeen", Kind::Time).feeds(Common::EventTime),
    Field::new("gd_event_last_seen", "service.eventLastSeen", Kind::Time).feeds(Common::EventEnd),
    Field::new("gd_created_at", "createdAt", Kind::Time).feeds(Common::EventTime),
    Field::new("gd_updated_at", "updatedAt", Kind::Time).feeds(Common::EventEnd),
    Field::new("gd_confidence", "confidence", Kind::Float),
    Field::new("gd_associated_attack_sequence_arn", "associatedAttackSequenceArn", Kind::Str).link(Link::Arn),
    Field::new("gd_count", "service.count", Kind::Int),
    Field::new("gd_archived", "service.archived", Kind::Bool),
    Field::new("gd_service_name", "service.serviceName", Kind::Str),
    Field::new("gd_detector_id", "service.detectorId", Kind::Str),
    Field::new("gd_feature_name", "service.featureName", Kind::Str),
    Field::new("gd_resource_role", "service.resourceRole", Kind::Str),
    Field::new("gd_resource_type", "resource.resourceType", Kind::Str),
    Field::new("gd_access_key_id", "resource.accessKeyDetails.accessKeyId", Kind::Str).feeds(Common::AccessKeyId),
    Field::new("gd_principal_id", "resource.accessKeyDetails.principalId", Kind::Str),
    Field::new("gd_user_name", "resource.accessKeyDetails.userName", Kind::Str).feeds(Common::UserName),
    Field::new("gd_user_type", "resource.accessKeyDetails.userType", Kind::Str),
    Field::new("gd_instance_details", "resource.instanceDetails", Kind::Json),
    Field::new("gd_instance_id", "resource.instanceDetails.instanceId", Kind::Str),
    Field::new("gd_s3_bucket_details", "resource.s3BucketDetails", Kind::Json),
    Field::new("gd_eks_cluster_details", "resource.eksClusterDetails", Kind::Json),
    Field::new("gd_kubernetes_details", "resource.kubernetesDetails", Kind::Json),
    Field::new("gd_ecs_cluster_details", "resource.ecsClusterDetails", Kind::Json),
    Field::new("gd_container_details", "resource.containerDetails", Kind::Json),
    Field::new("gd_lambda_details", "resource.lambdaDetails", Kind::Json),
    Field::new("gd_function_arn", "resource.lambdaDetails.functionArn", Kind::Str).link(Link::Arn),
    Field::new("gd_rds_db_instance_details", "resource.rdsDbInstanceDetails", Kind::Json),
    Field::new("gd_rds_db_user_details", "resource.rdsDbUserDetails", Kind::Json),
    Field::new("gd_action", "service.action", Kind::Json),
    Field::new("gd_action_type", "service.action.actionType", Kind::Str),
    Field::new("gd_api", "service.action.awsApiCallAction.api", Kind::Str),
    Field::new("gd_api_service_name", "service.action.awsApiCallAction.serviceName", Kind::Str),
    Field::new("gd_api_caller_type", "service.action.awsApiCallAction.callerType", Kind::Str),
    Field::new("gd_api_error_code", "service.action.awsApiCallAction.errorCode", Kind::Str),
    Field::new("gd_user_agent", "service.action.awsApiCallAction.userAgent", Kind::Str).feeds(Common::UserAgent),
    Field::new("gd_remote_ip", "service.action.awsApiCallAction.remoteIpDetails.ipAddressV4", Kind::Str).link(Link::Ip),
    Field::new("gd_remote_country", "service.action.awsApiCallAction.remoteIpDetails.country.countryName", Kind::Str),
    Field::new("gd_remote_org", "service.action.awsApiCallAction.remoteIpDetails.organization.org", Kind::Str),
    Field::new("gd_remote_port", "service.action.networkConnectionAction.remotePortDetails.port", Kind::Int),
    Field::new("gd_local_ip", "service.action.networkConnectionAction.localIpDetails.ipAddressV4", Kind::Str).link(Link::Ip),
    Field::new("gd_local_port", "service.action.networkConnectionAction.localPortDetails.port", Kind::Int),
    Field::new("gd_connection_direction", "service.action.networkConnectionAction.connectionDirection", Kind::Str),
    Field::new("gd_protocol", "service.action.networkConnectionAction.protocol", Kind::Str),
    Field::new("gd_domain", "service.action.dnsRequestAction.domain", Kind::Str),
    Field::new("gd_blocked", "service.action.networkConnectionAction.blocked", Kind::Bool),
    Field::new("gd_additional_info", "service.additionalInfo", Kind::Json),
    Field::new("gd_evidence", "service.evidence", Kind::Json),
    Field::new("gd_runtime_details", "service.runtimeDetails", Kind::Json),
    Field::new("gd_detection", "service.detection", Kind::Json),
];

const ID: usize = 0;
const FIRST_SEEN: usize = 10;
const CREATED: usize = 12;
const UPDATED: usize = 13;
const USER: usize = 25;
const INSTANCE_DETAILS: usize = 27;
const INSTANCE: usize = 28;
const BUCKETS: usize = 29;
const FUNCTION: usize = 35;
const ACTION: usize = 38;
const API: usize = 40;
const API_SERVICE: usize = 41;
const REMOTE_IP: usize = 45;
const REMOTE_PORT: usize = 48;
const LOCAL_IP: usize = 49;
const LOCAL_PORT: usize = 50;
const DIRECTION: usize = 51;
const DOMAIN: usize = 53;

/// Actions that have a remote side like an API call's.
const REMOTE_ACTIONS: [&str; 3] = ["networkConnectionAction", "kubernetesApiCallAction", "rdsLoginAttemptAction"];

/// `detail` of EventBridge, and its time.
const DETAIL: usize = 0;
const TIME: usize = 1;
const EKS: usize = 2;
const DATABASE: usize = 3;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| {
    let mut map = JsonMap::loose(&FIELDS)
        .alias("service.action.dnsRequestAction.protocol", 52)
        .alias("service.action.dnsRequestAction.blocked", 54)
        .alias("service.action.kubernetesApiCallAction.userAgent", 44)
        .note("detail", DETAIL)
        .note("time", TIME)
        .note("resource.eksClusterDetails.name", EKS)
        .note("resource.rdsDbInstanceDetails.dbInstanceIdentifier", DATABASE);
    for action in REMOTE_ACTIONS {
        let remote = |part: &str| format!("service.action.{action}.remoteIpDetails.{part}");
        map = map.alias(&remote("ipAddressV4"), REMOTE_IP).alias(&remote("country.countryName"), 46);
        map = map.alias(&remote("organization.org"), 47);
    }
    map
});

impl LogFormat for GuardDuty {
    fn id(&self) -> &'static str {
        "guardduty"
    }

    fn title(&self) -> &'static str {
        "GuardDuty findings"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[
            (Common::EventTime, "time of the EventBridge envelope where the finding has none"),
            (Common::SourceIp, "the remote side of the action; the local one of an outbound connection"),
            (Common::SourcePort, "as source_ip"),
            (Common::DestinationIp, "the other side of a connection"),
            (Common::DestinationPort, "as destination_ip"),
            (Common::Resource, "instance, bucket, function, cluster or database the finding is about, else the user"),
            (Common::Target, "domain asked for, else API called as service:api, else the resource"),
        ]
    }

    fn ocsf(&self) -> &'static str {
        "Detection Finding [2004]"
    }

    fn wrapped_in(&self) -> &'static [&'static str] {
        &["detail"]
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, name: &str) -> Option<usize> {
        MAP.cell_of(name)
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        let has = |name: &str| text.contains(name);
        if !text.starts_with('{') {
            return None;
        }
        if has("\"aws.guardduty\"") && has("GuardDuty Finding") {
            return Some(Claim { score: 90, reason: "an EventBridge event with a GuardDuty finding" });
        }
        let camel = has("\"schemaVersion\"") && has("\"detectorId\"") && has("\"service\"");
        let pascal = has("\"SchemaVersion\"") && has("\"DetectorId\"") && has("\"Service\"");
        (camel || pascal).then_some(Claim { score: 90, reason: "schemaVersion, and a service with a detectorId" })
    }

    /// Findings are exported again with each update, and each export may be delivered twice.
    fn aws_id(&self, row: &Row<'_>) -> Option<String> {
        let Value::Time(updated) = row.native[UPDATED] else {
            return None;
        };
        Some(format!("{}/{updated}", row.native[ID].as_str()?))
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let mut notes = [const { Json::Null }; 4];
    let mut filled = MAP.fill_noting(row, &FIELDS, record.text, &mut notes);
    let bridged = notes[TIME].as_str().and_then(|time| super::shared::cell::time(&time));
    if filled.is_ok()
        && let Json::Object(detail) = notes[DETAIL]
    {
        // The envelope has an id and a region of its own.
        row.native.fill(Value::Null);
        filled = MAP.fill_noting(row, &FIELDS, detail, &mut notes);
    }
    if let Err(error) = filled {
        return Outcome::Reject(Reject::malformed(error.to_string()));
    }
    if row.native[FIRST_SEEN].is_null() && row.native[CREATED].is_null() {
        let Some(time) = bridged.or_else(|| record.envelope.and_then(|e| e.time)) else {
            return Outcome::Reject(Reject::malformed("neither eventFirstSeen nor createdAt is a time"));
        };
        row.set(Common::EventTime, Value::Time(time));
    }
    derive(row, &notes);
    Outcome::Event
}

fn derive<'r>(row: &mut Row<'r>, notes: &[Json<'r>]) {
    set_probe(row);
    let interface = add_interfaces(row);
    if row.native[LOCAL_IP].is_null() && !row.native[DIRECTION].is_null() {
        row.native[LOCAL_IP] = interface;
    }
    let remote = (ip(&row.native[REMOTE_IP]), row.native[REMOTE_PORT].clone());
    let local = (ip(&row.native[LOCAL_IP]), row.native[LOCAL_PORT].clone());
    let outbound = row.native[DIRECTION].as_str().is_some_and(|direction| direction.eq_ignore_ascii_case("OUTBOUND"));
    let (source, destination) = if outbound { (local, remote) } else { (remote, local) };
    row.set(Common::SourceIp, source.0);
    row.set(Common::SourcePort, source.1);
    row.set(Common::DestinationIp, destination.0);
    row.set(Common::DestinationPort, destination.1);
    let bucket = first_of(&row.native[BUCKETS]);
    if let Value::Str(arn) = member(bucket.as_deref(), "arn") {
        row.add_link(Link::Arn, arn);
    }
    let noted = |n: usize| notes[n].scalar().map_or(Value::Null, Value::Str);
    let about = [
        row.native[INSTANCE].clone(),
        member(bucket.as_deref(), "name"),
        row.native[FUNCTION].clone(),
        noted(EKS),
        noted(DATABASE),
        row.native[USER].clone(),
    ];
    let about = about.into_iter().find(|value| !value.is_null()).unwrap_or_default();
    let call = match (row.native[API_SERVICE].as_str(), row.native[API].as_str()) {
        (Some(service), Some(api)) => Value::owned(format!("{service}:{api}")),
        _ => row.native[API].clone(),
    };
    let target = [row.native[DOMAIN].clone(), call, about.clone()].into_iter().find(|value| !value.is_null());
    row.set(Common::Target, target.unwrap_or_default());
    row.set(Common::Resource, about);
}

/// A port probe lists its details; the first stands for them.
fn set_probe(row: &mut Row<'_>) {
    let Some(details) = row.native[ACTION]
        .as_str()
        .filter(|text| text.contains("ortProbeDetails\""))
        .and_then(|text| json::parse(text).ok())
        .and_then(|action| {
            let probe = either(&action, "portProbeAction", "PortProbeAction")?;
            either(&probe, "portProbeDetails", "PortProbeDetails")
        })
    else {
        return;
    };
    let Json::Array(list) = details else {
        return;
    };
    let Some(Ok(first)) = json::elements(list).next() else {
        return;
    };
    let remote = either(&first, "remoteIpDetails", "RemoteIpDetails")
        .and_then(|details| either(&details, "ipAddressV4", "IpAddressV4")?.scalar().map(Cow::into_owned));
    let port = either(&first, "localPortDetails", "LocalPortDetails")
        .and_then(|details| either(&details, "port", "Port")?.as_i64());
    row.native[REMOTE_IP] = remote.map_or(Value::Null, Value::owned);
    row.native[LOCAL_PORT] = port.map_or(Value::Null, Value::Int);
}

fn either<'a>(value: &Json<'a>, camel: &str, pascal: &str) -> Option<Json<'a>> {
    value.get(camel).or_else(|| value.get(pascal))
}

/// The addresses of the instance's interfaces become links; the first private one is returned.
fn add_interfaces<'r>(row: &mut Row<'r>) -> Value<'r> {
    let mut first = Value::Null;
    let details = row.native[INSTANCE_DETAILS].clone();
    let Some(Json::Array(interfaces)) =
        details.as_str().and_then(|text| either(&json::parse(text).ok()?, "networkInterfaces", "NetworkInterfaces"))
    else {
        return first;
    };
    for interface in json::elements(interfaces).filter_map(Result::ok).take(16) {
        for (camel, pascal) in [("privateIpAddress", "PrivateIpAddress"), ("publicIp", "PublicIp")] {
            let text = either(&interface, camel, pascal).and_then(|value| value.scalar());
            if let Value::Str(address) = ip(&text.map_or(Value::Null, Value::Str)) {
                let address: Cow<'r, str> = Cow::Owned(address.into_owned());
                row.add_link(Link::Ip, address.clone());
                if first.is_null() {
                    first = Value::Str(address);
                }
            }
        }
    }
    first
}

/// Text of the first element of a JSON array cell.
fn first_of(cell: &Value<'_>) -> Option<String> {
    let Json::Array(list) = json::parse(cell.as_str()?).ok()? else {
        return None;
    };
    Some(json::elements(list).next()?.ok()?.to_json().into_owned())
}

fn member<'r>(object: Option<&str>, name: &str) -> Value<'r> {
    let value = object.and_then(|text| json::parse(text).ok());
    let text = value.and_then(|value| {
        let (_, value) = match value {
            Json::Object(text) => {
                json::members(text).filter_map(Result::ok).find(|(n, _)| n.eq_ignore_ascii_case(name))?
            }
            _ => return None,
        };
        value.scalar()
    });
    owned(text.map_or(Value::Null, Value::Str))
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

    fn claimed(text: &str) -> bool {
        GuardDuty.claims(&Record { text, envelope: None, origin: &ORIGIN }, &Options::default()).is_some()
    }

    fn finding(resource: &str, action: &str) -> String {
        format!(
            r#"{{"schemaVersion":"2.0","accountId":"111122223333","region":"eu-central-1","id":"f1","type":"X:Y/Z","severity":8,"createdAt":"2026-03-02T08:20:00.000Z","updatedAt":"2026-03-02T09:00:00.000Z","resource":{resource},"service":{{"serviceName":"guardduty","detectorId":"d","eventFirstSeen":"2026-03-02T08:00:00Z","eventLastSeen":"2026-03-02T08:59:00Z","count":3,"action":{action}}}}}"#
        )
    }

    #[test]
    fn an_api_call_in_file_and_envelope_form() {
        let text = finding(
            r#"{"resourceType":"AccessKey","accessKeyDetails":{"accessKeyId":"ASIAIOSFODNN7EXAMPLE","userName":"orders"}}"#,
            r#"{"actionType":"AWS_API_CALL","awsApiCallAction":{"api":"GetObject","serviceName":"s3.amazonaws.com","errorCode":"AccessDenied","remoteIpDetails":{"ipAddressV4":"198.51.100.9","country":{"countryName":"X"}}}}"#,
        );
        let pascal = text
            .replace("\"schemaV", "\"SchemaV")
            .replace("\"detectorI", "\"DetectorI")
            .replace("\"service\"", "\"Service\"")
            .replace("\"eventF", "\"EventF");
        let bridged = format!(
            r#"{{"version":"0","id":"e-1","detail-type":"GuardDuty Finding","source":"aws.guardduty","account":"111122223333","time":"2026-03-02T09:05:00Z","region":"us-east-1","resources":[],"detail":{text}}}"#
        );
        for text in [&text, &pascal, &bridged] {
            assert!(claimed(text));
            let (outcome, row) = parse(text);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:00:00.000000Z");
            assert_eq!(row.common(Common::Region), &Value::text("eu-central-1"));
            assert_eq!(row.common(Common::SourceIp), &Value::text("198.51.100.9"));
            assert_eq!(row.common(Common::AccessKeyId), &Value::text("ASIAIOSFODNN7EXAMPLE"));
            assert_eq!(row.common(Common::Target), &Value::text("s3.amazonaws.com:GetObject"));
            assert!(row.common(Common::ErrorCode).is_null() && row.common(Common::EventOutcome).is_null());
            assert_eq!(GuardDuty.aws_id(&row).unwrap(), "f1/2026-03-02T09:00:00.000000Z");
        }
    }

    #[test]
    fn connections_probes_and_names_asked_for() {
        let instance = r#"{"resourceType":"Instance","instanceDetails":{"instanceId":"i-1","networkInterfaces":[{"privateIpAddress":"10.0.0.5","publicIp":"203.0.113.9"}]}}"#;
        let connection = |direction: &str| {
            format!(
                r#"{{"networkConnectionAction":{{"connectionDirection":"{direction}","localPortDetails":{{"port":22}},"remotePortDetails":{{"port":50000}},"remoteIpDetails":{{"ipAddressV4":"198.51.100.9"}}}}}}"#
            )
        };
        for (direction, source, port) in [("INBOUND", "198.51.100.9", 50_000), ("OUTBOUND", "10.0.0.5", 22)] {
            let text = finding(instance, &connection(direction));
            let (_, row) = parse(&text);
            assert_eq!(row.common(Common::SourceIp), &Value::text(source));
            assert_eq!(row.common(Common::SourcePort), &Value::Int(port));
            assert_eq!(row.common(Common::Resource), &Value::text("i-1"));
            assert_eq!(row.links(Link::Ip).len(), 3);
        }
        let text = finding(
            instance,
            r#"{"portProbeAction":{"portProbeDetails":[{"localPortDetails":{"port":8080},"remoteIpDetails":{"ipAddressV4":"192.0.2.9"}}]}}"#,
        );
        let (_, row) = parse(&text);
        assert_eq!(row.common(Common::SourceIp), &Value::text("192.0.2.9"));
        assert_eq!(row.common(Common::DestinationPort), &Value::Int(8080));
        let text = finding(instance, r#"{"dnsRequestAction":{"domain":"bad.example.com","protocol":"UDP"}}"#);
        assert_eq!(parse(&text).1.common(Common::Target), &Value::text("bad.example.com"));
    }

    #[test]
    fn without_a_time_it_is_no_finding() {
        assert!(matches!(parse(r#"{"id":"f"}"#).0, Outcome::Reject(_)));
        let (outcome, row) = parse(r#"{"source":"aws.guardduty","time":"2026-03-02T09:05:00Z","detail":{}}"#);
        assert_eq!(outcome, Outcome::Event);
        assert!(row.time().is_some() && GuardDuty.aws_id(&row).is_none());
        assert!(!claimed(r#"{"SchemaVersion":"2018-10-08","ProductFields":{"aws/guardduty/service/detectorId":"d"}}"#));
    }
}

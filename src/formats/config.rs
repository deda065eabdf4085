//! AWS Config configuration items, from snapshots, histories, the API and change notifications. Facts: AWS,
//! "Components of a configuration item". The spelling of names differs between the four, so their case does
//! not count. The framer has unwrapped `{"configurationItems":[…]}` already.

use super::shared::json_row::{JsonMap, ip};
use super::{Claim, LogFormat, Options, Outcome, Parser, Reader, Shape};
use crate::codec::json::{self, Json};
use crate::model::{Common, Field, Kind, Link, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::sync::LazyLock;

pub struct Config;

#[rustfmt::skip]
static FIELDS: [Field; 22] = [
    Field::new("cfg_configuration_item_capture_time", "configurationItemCaptureTime", Kind::Time).feeds(Common::EventTime),
    Field::new("cfg_configuration_item_status", "configurationItemStatus", Kind::Str).feeds(Common::EventAction),
    Field::new("cfg_configuration_item_version", "configurationItemVersion", Kind::Str),
    Field::new("cfg_configuration_state_id", "configurationStateId", Kind::Str),
    Field::new("cfg_aws_account_id", "awsAccountId", Kind::Str).feeds(Common::AccountId),
    Field::new("cfg_arn", "ARN", Kind::Str).feeds(Common::Resource).link(Link::Arn),
    Field::new("cfg_resource_type", "resourceType", Kind::Str),
    Field::new("cfg_resource_id", "resourceId", Kind::Str).feeds(Common::Resource),
    Field::new("cfg_resource_name", "resourceName", Kind::Str),
    Field::new("cfg_aws_region", "awsRegion", Kind::Str).feeds(Common::Region),
    Field::new("cfg_availability_zone", "availabilityZone", Kind::Str),
    Field::new("cfg_resource_creation_time", "resourceCreationTime", Kind::Time),
    Field::new("cfg_configuration_item_delivery_time", "configurationItemDeliveryTime", Kind::Time),
    Field::new("cfg_recording_frequency", "recordingFrequency", Kind::Str),
    Field::new("cfg_tags", "tags", Kind::Json),
    Field::new("cfg_related_events", "relatedEvents", Kind::Json),
    Field::new("cfg_relationships", "relationships", Kind::Json),
    Field::new("cfg_configuration", "configuration", Kind::Json),
    Field::new("cfg_supplementary_configuration", "supplementaryConfiguration", Kind::Json),
    Field::new("cfg_configuration_item_md5_hash", "configurationItemMD5Hash", Kind::Str),
    Field::new("cfg_message_type", "messageType", Kind::Str),
    Field::new("cfg_configuration_item_diff", "configurationItemDiff", Kind::Json),
];

const CAPTURE_TIME: usize = 0;
const STATUS: usize = 1;
const STATE_ID: usize = 3;
const ACCOUNT: usize = 4;
const ARN: usize = 5;
const TYPE: usize = 6;
const ID: usize = 7;
const REGION: usize = 9;
const CONFIGURATION: usize = 17;
const DIFF: usize = 21;

/// Members of a configuration that hold addresses of the resource.
const ADDRESSES: [&str; 5] =
    ["\"privateIpAddress\"", "\"publicIp\"", "\"publicIpAddress\"", "\"ipv6Address\"", "\"carrierIp\""];
/// Addresses of one item that become links; an interface has a few, a hostile item may have many.
const MOST_ADDRESSES: usize = 64;

static MAP: LazyLock<JsonMap> = LazyLock::new(|| {
    JsonMap::loose(&FIELDS)
        .alias("accountId", ACCOUNT)
        .alias("version", 2)
        .alias("detail.configurationItemDiff", DIFF)
        .note("configurationItem", 0)
        .note("detail.configurationItem", 0)
});

impl LogFormat for Config {
    fn id(&self) -> &'static str {
        "config"
    }

    fn title(&self) -> &'static str {
        "AWS Config configuration items"
    }

    fn fields(&self) -> &'static [Field] {
        &FIELDS
    }

    fn computed(&self) -> &'static [(Common, &'static str)] {
        &[(Common::Target, "ARN, else resourceId")]
    }

    fn ocsf(&self) -> &'static str {
        "Inventory Info [5001]"
    }

    fn shape(&self) -> Shape {
        Shape::Members
    }

    fn cell_of(&self, name: &str) -> Option<usize> {
        MAP.cell_of(name)
    }

    fn claims(&self, record: &Record<'_>, _options: &Options) -> Option<Claim> {
        let text = record.text.trim_start();
        // The first letter is a capital in the API's own spelling.
        let item = text.starts_with('{')
            && ["onfigurationItemCaptureTime\"", "onfigurationItemStatus\"", "esourceType\""]
                .iter()
                .all(|name| text.contains(name));
        item.then_some(Claim { score: 85, reason: "configurationItemCaptureTime, its status and a resourceType" })
    }

    /// A state of a resource stands in the history and in every snapshot until it changes.
    fn aws_id(&self, row: &Row<'_>) -> Option<String> {
        let text = |cell: usize| row.native[cell].as_str();
        let state = text(STATE_ID)?;
        let resource = text(ARN).or_else(|| text(ID))?;
        let whole = [ACCOUNT, REGION, TYPE, STATUS].map(|cell| text(cell).unwrap_or_default()).join("/");
        Some(format!("{whole}/{resource}/{state}"))
    }

    fn parser(&self, _options: &Options) -> Box<dyn Parser> {
        Box::new(read as Reader)
    }
}

fn read<'r>(record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
    let mut item = [Json::Null];
    let mut filled = MAP.fill_noting(row, &FIELDS, record.text, &mut item);
    if filled.is_ok()
        && let [Json::Object(inner)] = item
    {
        // The version of an EventBridge envelope is none of the item's.
        row.native.fill(Value::Null);
        filled = MAP.fill(row, &FIELDS, inner);
    }
    if let Err(error) = filled {
        return Outcome::Reject(Reject::malformed(error.to_string()));
    }
    if row.native[CAPTURE_TIME].is_null() {
        let Some(time) = record.envelope.and_then(|e| e.time) else {
            return Outcome::Reject(Reject::malformed("configurationItemCaptureTime is missing or no time"));
        };
        row.set(Common::EventTime, Value::Time(time));
    }
    let target = if row.native[ARN].is_null() { row.native[ID].clone() } else { row.native[ARN].clone() };
    row.set(Common::Target, target);
    unquote_configuration(row);
    add_addresses(row);
    Outcome::Event
}

/// The API gives the configuration as a string that holds JSON.
fn unquote_configuration(row: &mut Row<'_>) {
    let quoted = row.native[CONFIGURATION].as_str().and_then(|text| json::parse(text).ok()?.as_str());
    if let Some(text) = quoted
        && matches!(json::parse(&text), Ok(Json::Object(_) | Json::Array(_)))
    {
        let text = text.into_owned();
        row.native[CONFIGURATION] = Value::owned(text);
    }
}

fn add_addresses(row: &mut Row<'_>) {
    let Value::Str(configuration) = row.native[CONFIGURATION].clone() else {
        return;
    };
    let mut left = MOST_ADDRESSES;
    for name in ADDRESSES {
        for at in memchr::memmem::find_iter(configuration.as_bytes(), name) {
            let rest = configuration[at + name.len()..].trim_start_matches([':', ' ', '\t', '\r', '\n']);
            let value = rest.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(value, _)| value);
            if left > 0
                && let Some(value) = value
                && let Value::Str(address) = ip(&Value::text(value))
            {
                row.add_link(Link::Ip, Cow::Owned(address.into_owned()));
                left -= 1;
            }
        }
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

    const ITEM: &str = r#"{"configurationItemVersion":"1.3","configurationItemCaptureTime":"2026-03-02T08:15:30.123Z","configurationStateId":1772439330123,"awsAccountId":"111122223333","configurationItemStatus":"OK","resourceType":"AWS::EC2::NetworkInterface","resourceId":"eni-0123456789abcdef0","ARN":"arn:aws:ec2:eu-central-1:111122223333:network-interface/eni-0123456789abcdef0","awsRegion":"eu-central-1","tags":{},"configuration":{"privateIpAddress":"10.0.0.5","association":{"publicIp":"203.0.113.9"},"ipv6Addresses":[{"ipv6Address":"2001:DB8::5"}]},"novel":1}"#;

    #[test]
    fn the_same_item_in_every_spelling() {
        let upper = ITEM
            .replace("\"configurationItem", "\"ConfigurationItem")
            .replace("\"resource", "\"Resource")
            .replace("\"configurationStateId\"", "\"configurationStateID\"")
            .replace("\"ARN\"", "\"arn\"")
            .replace("\"awsAccountId\"", "\"AccountId\"");
        let start = ITEM.find("{\"privateIp").unwrap();
        let end = ITEM.find(",\"novel\"").unwrap();
        let quoted = format!("{}{}{}", &ITEM[..start], serde_json::Value::from(&ITEM[start..end]), &ITEM[end..]);
        let notified = format!(r#"{{"configurationItem":{ITEM},"messageType":"ConfigurationItemChangeNotification"}}"#);
        let bridged = format!(r#"{{"version":"0","source":"aws.config","detail":{{"configurationItem":{ITEM}}}}}"#);
        for text in [ITEM, &upper, &quoted, &notified, &bridged] {
            let record = Record { text, envelope: None, origin: &ORIGIN };
            assert_eq!(Config.claims(&record, &Options::default()).unwrap().score, 85);
            let (outcome, row) = parse(text);
            assert_eq!(outcome, Outcome::Event);
            assert_eq!(row.time().unwrap().to_string(), "2026-03-02T08:15:30.123000Z");
            assert_eq!(row.native[2], Value::text("1.3"));
            assert_eq!(row.common(Common::AccountId), &Value::text("111122223333"));
            assert_eq!(row.common(Common::EventAction), &Value::text("OK"));
            assert!(row.common(Common::Target).as_str().unwrap().ends_with("/eni-0123456789abcdef0"));
            assert_eq!(row.links(Link::Ip), ["10.0.0.5", "203.0.113.9", "2001:db8::5"]);
            assert!(row.native[CONFIGURATION].as_str().unwrap().starts_with("{\"private"));
            assert_eq!(Config.aws_id(&row), Config.aws_id(&parse(ITEM).1));
        }
    }

    #[test]
    fn addresses_are_bounded_and_bad_items_refused() {
        let many: Vec<String> = (0..200).map(|n| format!(r#"{{"privateIpAddress":"10.0.0.{n}"}}"#)).collect();
        let text = format!(
            r#"{{"configurationItemCaptureTime":"2026-03-02T08:15:30Z","resourceId":"x","configuration":[{},{{"publicIp":"é"}},{{"publicIp":"#,
            many.join(",")
        ) + "1}]}";
        let (outcome, row) = parse(&text);
        assert_eq!(outcome, Outcome::Event);
        assert_eq!(row.links(Link::Ip).len(), MOST_ADDRESSES);
        assert_eq!(row.common(Common::Resource), &Value::text("x"));
        assert!(Config.aws_id(&row).is_none());
        for text in [r#"{"resourceId":"x"}"#, "[]", r#"{"configurationItem":{"a""#] {
            assert!(matches!(parse(text).0, Outcome::Reject(_)));
        }
    }
}

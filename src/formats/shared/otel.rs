//! Attributes of OpenTelemetry records, as the log groups of Transaction Search hold them.

use super::cell;
use super::json_row::{ip, owned};
use crate::codec::json::{self, Json};
use crate::model::{Common, Row};

/// Attribute names of OpenTelemetry's HTTP conventions, today's and those before, and AWS's own.
const ATTRIBUTE_NAMES: [(&str, Common); 16] = [
    ("http.request.method", Common::HttpMethod),
    ("http.method", Common::HttpMethod),
    ("http.response.status_code", Common::HttpStatus),
    ("http.status_code", Common::HttpStatus),
    ("url.path", Common::UrlPath),
    ("url.full", Common::Target),
    ("http.url", Common::Target),
    ("client.address", Common::SourceIp),
    ("http.client_ip", Common::SourceIp),
    ("user_agent.original", Common::UserAgent),
    ("http.user_agent", Common::UserAgent),
    ("aws.request_id", Common::RequestId),
    ("error.type", Common::ErrorCode),
    ("service.name", Common::Resource),
    ("cloud.account.id", Common::AccountId),
    ("cloud.region", Common::Region),
];

/// Attributes are a map, or a list of `{key, value: {stringValue}}`.
pub fn set_attributes(row: &mut Row<'_>, attributes: Option<&Json<'_>>) {
    match attributes {
        Some(Json::Object(text)) => {
            for (name, value) in json::members(text).filter_map(Result::ok) {
                set_attribute(row, &name, &value);
            }
        }
        Some(Json::Array(text)) => {
            for entry in json::elements(text).filter_map(Result::ok) {
                let Some(Json::Object(value)) = entry.get("value") else {
                    continue;
                };
                if let (Some(name), Some(Ok((_, value)))) =
                    (entry.get("key").and_then(|key| key.as_str()), json::members(value).next())
                {
                    set_attribute(row, &name, &value);
                }
            }
        }
        _ => {}
    }
}

fn set_attribute(row: &mut Row<'_>, name: &str, value: &Json<'_>) {
    let Some((_, common)) = ATTRIBUTE_NAMES.iter().find(|(known, _)| *known == name) else {
        return;
    };
    let value = owned(cell::of_json(common.kind(), value));
    row.set_default(*common, if *common == Common::SourceIp { ip(&value) } else { value });
}

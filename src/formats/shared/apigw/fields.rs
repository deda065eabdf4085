//! The `$context` variables of access logs as native columns, and the names stages give them. Facts: AWS,
//! "Variables for access logging" of REST, HTTP and WebSocket APIs.

use crate::model::{Common, Field, Kind, Link};
use std::collections::HashMap;
use std::sync::LazyLock;

/// The native spelling is the variable without `$context.`. Properties that a user names (claims, an authorizer's
/// context, overrides) and the API key, which is a secret, have no column.
#[rustfmt::skip]
pub static FIELDS: [Field; 84] = [
    Field::new("apigw_request_id", "requestId", Kind::Str),
    Field::new("apigw_extended_request_id", "extendedRequestId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_ip", "identity.sourceIp", Kind::Str),
    Field::new("apigw_caller", "identity.caller", Kind::Str),
    Field::new("apigw_user", "identity.user", Kind::Str).feeds(Common::UserName),
    Field::new("apigw_user_arn", "identity.userArn", Kind::Str).feeds(Common::UserArn),
    Field::new("apigw_user_agent", "identity.userAgent", Kind::Str).feeds(Common::UserAgent),
    Field::new("apigw_request_time_epoch", "requestTimeEpoch", Kind::Time).feeds(Common::EventTime),
    Field::new("apigw_request_time", "requestTime", Kind::Time).feeds(Common::EventTime),
    Field::new("apigw_http_method", "httpMethod", Kind::Str).feeds(Common::HttpMethod),
    Field::new("apigw_resource_path", "resourcePath", Kind::Str),
    Field::new("apigw_route_key", "routeKey", Kind::Str),
    Field::new("apigw_path", "path", Kind::Str),
    Field::new("apigw_event_type", "eventType", Kind::Str).feeds(Common::EventAction),
    Field::new("apigw_connection_id", "connectionId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_status", "status", Kind::Int).feeds(Common::HttpStatus),
    Field::new("apigw_protocol", "protocol", Kind::Str),
    Field::new("apigw_response_length", "responseLength", Kind::Int).feeds(Common::BytesOut),
    Field::new("apigw_response_latency", "responseLatency", Kind::Int),
    Field::new("apigw_xray_trace_id", "xrayTraceId", Kind::Str),
    Field::new("apigw_domain_name", "domainName", Kind::Str),
    Field::new("apigw_integration_integration_status", "integration.integrationStatus", Kind::Int),
    Field::new("apigw_integration_status", "integration.status", Kind::Int),
    Field::new("apigw_integration_latency", "integration.latency", Kind::Int),
    Field::new("apigw_integration_error", "integration.error", Kind::Str),
    Field::new("apigw_error_message_string", "error.messageString", Kind::Str),
    Field::new("apigw_client_cert_not_before", "identity.clientCert.validity.notBefore", Kind::Time),
    Field::new("apigw_client_cert_not_after", "identity.clientCert.validity.notAfter", Kind::Time),
    Field::new("apigw_principal_id", "authorizer.principalId", Kind::Str),
    Field::new("apigw_error_response_type", "error.responseType", Kind::Str).feeds(Common::ErrorCode),
    Field::new("apigw_error_message", "error.message", Kind::Str).feeds(Common::ErrorCode),
    Field::new("apigw_error_validation_error_string", "error.validationErrorString", Kind::Str),
    Field::new("apigw_api_id", "apiId", Kind::Str).feeds(Common::Resource),
    Field::new("apigw_stage", "stage", Kind::Str),
    Field::new("apigw_account_id", "accountId", Kind::Str).feeds(Common::AccountId),
    Field::new("apigw_domain_prefix", "domainPrefix", Kind::Str),
    Field::new("apigw_endpoint_type", "endpointType", Kind::Str),
    Field::new("apigw_deployment_id", "deploymentId", Kind::Str),
    Field::new("apigw_resource_id", "resourceId", Kind::Str),
    Field::new("apigw_is_canary_request", "isCanaryRequest", Kind::Bool),
    Field::new("apigw_custom_domain_base_path_matched", "customDomain.basePathMatched", Kind::Str),
    Field::new("apigw_custom_domain_routing_rule_id_matched", "customDomain.routingRuleIdMatched", Kind::Str),
    Field::new("apigw_cipher_suite", "cipherSuite", Kind::Str),
    Field::new("apigw_tls_version", "tlsVersion", Kind::Str),
    Field::new("apigw_data_processed", "dataProcessed", Kind::Int),
    Field::new("apigw_connected_at", "connectedAt", Kind::Time),
    Field::new("apigw_message_id", "messageId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_aws_endpoint_request_id", "awsEndpointRequestId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_aws_endpoint_request_id2", "awsEndpointRequestId2", Kind::Str).link(Link::RequestId),
    Field::new("apigw_integration_request_id", "integration.requestId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_integration_response_transfer_mode", "integration.responseTransferMode", Kind::Str),
    Field::new("apigw_integration_time_to_all_headers", "integration.timeToAllHeaders", Kind::Int),
    Field::new("apigw_integration_time_to_first_content", "integration.timeToFirstContent", Kind::Int),
    Field::new("apigw_authenticate_error", "authenticate.error", Kind::Str),
    Field::new("apigw_authenticate_latency", "authenticate.latency", Kind::Int),
    Field::new("apigw_authenticate_status", "authenticate.status", Kind::Int),
    Field::new("apigw_authorize_error", "authorize.error", Kind::Str),
    Field::new("apigw_authorize_latency", "authorize.latency", Kind::Int),
    Field::new("apigw_authorize_status", "authorize.status", Kind::Int),
    Field::new("apigw_authorizer_error", "authorizer.error", Kind::Str),
    Field::new("apigw_authorizer_latency", "authorizer.latency", Kind::Int),
    Field::new("apigw_authorizer_status", "authorizer.status", Kind::Int),
    Field::new("apigw_authorizer_request_id", "authorizer.requestId", Kind::Str).link(Link::RequestId),
    Field::new("apigw_authorizer_integration_latency", "authorizer.integrationLatency", Kind::Int),
    Field::new("apigw_authorizer_integration_status", "authorizer.integrationStatus", Kind::Int),
    Field::new("apigw_waf_error", "waf.error", Kind::Str),
    Field::new("apigw_waf_latency", "waf.latency", Kind::Int),
    Field::new("apigw_waf_status", "waf.status", Kind::Int),
    Field::new("apigw_waf_response_code", "wafResponseCode", Kind::Str),
    Field::new("apigw_webacl_arn", "webaclArn", Kind::Str).link(Link::Arn),
    Field::new("apigw_identity_account_id", "identity.accountId", Kind::Str),
    Field::new("apigw_principal_org_id", "identity.principalOrgId", Kind::Str),
    Field::new("apigw_api_key_id", "identity.apiKeyId", Kind::Str),
    Field::new("apigw_cognito_authentication_provider", "identity.cognitoAuthenticationProvider", Kind::Str),
    Field::new("apigw_cognito_authentication_type", "identity.cognitoAuthenticationType", Kind::Str),
    Field::new("apigw_cognito_identity_id", "identity.cognitoIdentityId", Kind::Str),
    Field::new("apigw_cognito_identity_pool_id", "identity.cognitoIdentityPoolId", Kind::Str),
    Field::new("apigw_client_cert_pem", "identity.clientCert.clientCertPem", Kind::Str),
    Field::new("apigw_client_cert_subject_dn", "identity.clientCert.subjectDN", Kind::Str),
    Field::new("apigw_client_cert_issuer_dn", "identity.clientCert.issuerDN", Kind::Str),
    Field::new("apigw_client_cert_serial_number", "identity.clientCert.serialNumber", Kind::Str),
    Field::new("apigw_vpc_id", "identity.vpcId", Kind::Str),
    Field::new("apigw_vpce_id", "identity.vpceId", Kind::Str),
    Field::new("apigw_response_override_status", "responseOverride.status", Kind::Int),
];

pub const REQUEST_ID: usize = 0;
pub const EXTENDED_ID: usize = 1;
pub const IP: usize = 2;
pub const CALLER: usize = 3;
pub const USER: usize = 4;
pub const USER_ARN: usize = 5;
pub const TIME_EPOCH: usize = 7;
pub const REQUEST_TIME: usize = 8;
pub const METHOD: usize = 9;
pub const RESOURCE_PATH: usize = 10;
pub const ROUTE_KEY: usize = 11;
pub const PATH: usize = 12;
pub const EVENT_TYPE: usize = 13;
pub const CONNECTION: usize = 14;
pub const STATUS: usize = 15;
pub const PROTOCOL: usize = 16;
pub const LENGTH: usize = 17;
pub const LATENCY: usize = 18;
pub const TRACE: usize = 19;
pub const DOMAIN: usize = 20;
pub const INVOKE_STATUS: usize = 21;
pub const INTEGRATION_STATUS: usize = 22;
pub const INTEGRATION_LATENCY: usize = 23;
pub const INTEGRATION_ERROR: usize = 24;
pub const MESSAGE_STRING: usize = 25;
pub const NOT_BEFORE: usize = 26;
pub const NOT_AFTER: usize = 27;
pub const PRINCIPAL_ID: usize = 28;
pub const ERROR_MESSAGE: usize = 30;
pub const ERROR_RESPONSE_TYPE: usize = 29;
pub const API_KEY_ID: usize = 72;
pub const API_ID: usize = 32;
pub const ACCOUNT_ID: usize = 34;

/// Names that are no variable's, and variables that say the same as another one.
const ALIASES: [(&str, usize); 14] = [
    ("ip", IP),
    ("clientIp", IP),
    ("method", METHOD),
    ("statusCode", STATUS),
    ("integrationStatus", INVOKE_STATUS),
    ("integrationLatency", INTEGRATION_LATENCY),
    ("integrationError", INTEGRATION_ERROR),
    ("integrationErrorMessage", INTEGRATION_ERROR),
    ("traceId", TRACE),
    ("xrayTrace", TRACE),
    ("errorMessage", ERROR_MESSAGE),
    ("responseType", ERROR_RESPONSE_TYPE),
    ("principalId", PRINCIPAL_ID),
    ("apiKeyId", API_KEY_ID),
];

/// Names whose members are variables too, where a format nests them.
const BRANCHES: [&str; 13] = [
    "context",
    "identity",
    "identity.clientCert",
    "identity.clientCert.validity",
    "authorizer",
    "authorizer.claims",
    "integration",
    "error",
    "authorize",
    "authenticate",
    "waf",
    "customDomain",
    "responseOverride",
];

/// Longer names are no variable's.
const LONGEST: usize = 64;

static EXACT: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let natives = FIELDS.iter().enumerate().map(|(cell, field)| (field.native, cell));
    natives.chain(ALIASES).collect()
});

/// By letters and digits only, in lower case. Aliases come first: `integrationStatus` and `integration.status`
/// are two variables.
static LOOSE: LazyLock<HashMap<String, usize>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (name, cell) in ALIASES {
        names.entry(loose(name)).or_insert(cell);
    }
    for (cell, field) in FIELDS.iter().enumerate() {
        names.entry(loose(field.native)).or_insert(cell);
    }
    for (cell, field) in FIELDS.iter().enumerate() {
        if let Some(name) = field.native.strip_prefix("identity.") {
            names.entry(loose(name)).or_insert(cell);
        }
    }
    names
});

fn loose(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The cell of a variable, or of a member of that name: as AWS writes it first, then `source_ip`, `sourceIp` and
/// `SourceIP` alike.
pub fn cell_of(name: &str) -> Option<usize> {
    let name = name.strip_prefix("context.").unwrap_or(name);
    if let Some(cell) = EXACT.get(name) {
        return Some(*cell);
    }
    // An authorizer may put any name into its context, and none of them is one of AWS's.
    let own = name.starts_with("authorizer.") || name.starts_with("requestOverride.");
    if name.len() > LONGEST || own { None } else { LOOSE.get(&loose(name)).copied() }
}

/// Whether an object under that name holds variables.
pub fn is_branch(path: &str) -> bool {
    BRANCHES.contains(&path.strip_prefix("context.").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_where_the_constants_say() {
        let expected = [
            (REQUEST_ID, "apigw_request_id"),
            (EXTENDED_ID, "apigw_extended_request_id"),
            (IP, "apigw_ip"),
            (CALLER, "apigw_caller"),
            (USER, "apigw_user"),
            (USER_ARN, "apigw_user_arn"),
            (TIME_EPOCH, "apigw_request_time_epoch"),
            (REQUEST_TIME, "apigw_request_time"),
            (METHOD, "apigw_http_method"),
            (RESOURCE_PATH, "apigw_resource_path"),
            (ROUTE_KEY, "apigw_route_key"),
            (PATH, "apigw_path"),
            (EVENT_TYPE, "apigw_event_type"),
            (CONNECTION, "apigw_connection_id"),
            (STATUS, "apigw_status"),
            (PROTOCOL, "apigw_protocol"),
            (LENGTH, "apigw_response_length"),
            (LATENCY, "apigw_response_latency"),
            (TRACE, "apigw_xray_trace_id"),
            (DOMAIN, "apigw_domain_name"),
            (INVOKE_STATUS, "apigw_integration_integration_status"),
            (INTEGRATION_STATUS, "apigw_integration_status"),
            (INTEGRATION_LATENCY, "apigw_integration_latency"),
            (INTEGRATION_ERROR, "apigw_integration_error"),
            (MESSAGE_STRING, "apigw_error_message_string"),
            (NOT_BEFORE, "apigw_client_cert_not_before"),
            (NOT_AFTER, "apigw_client_cert_not_after"),
            (PRINCIPAL_ID, "apigw_principal_id"),
            (ERROR_MESSAGE, "apigw_error_message"),
            (ERROR_RESPONSE_TYPE, "apigw_error_response_type"),
            (API_KEY_ID, "apigw_api_key_id"),
            (API_ID, "apigw_api_id"),
            (ACCOUNT_ID, "apigw_account_id"),
        ];
        for (cell, column) in expected {
            assert_eq!(FIELDS[cell].column, column);
        }
    }

    #[test]
    fn names_of_all_spellings() {
        for (name, native) in [
            ("requestId", "requestId"),
            ("identity.sourceIp", "identity.sourceIp"),
            ("context.identity.sourceIp", "identity.sourceIp"),
            ("ip", "identity.sourceIp"),
            ("source_ip", "identity.sourceIp"),
            ("sourceIP", "identity.sourceIp"),
            ("user_agent", "identity.userAgent"),
            ("user", "identity.user"),
            ("userArn", "identity.userArn"),
            ("identity.apiKeyID", "identity.apiKeyId"),
            ("accountId", "accountId"),
            ("integrationStatus", "integration.integrationStatus"),
            ("integration.status", "integration.status"),
            ("integrationLatency", "integration.latency"),
            ("integration_request_id", "integration.requestId"),
            ("error_message", "error.message"),
            ("responseLatency", "responseLatency"),
        ] {
            assert_eq!(cell_of(name).map(|cell| FIELDS[cell].native), Some(native), "{name}");
        }
        for name in
            ["identity.apiKey", "apiKey", "authorizer.claims.sub", "authorizer.user", "authorizer.Error", "latency", ""]
        {
            assert_eq!(cell_of(name), None, "{name}");
        }
    }
}

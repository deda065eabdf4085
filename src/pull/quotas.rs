//! Calls a second that AWS allows an account in a region. Facts: AWS, "CloudWatch Logs quotas", April 2026; they
//! cannot be raised.

/// FilterLogEvents in a region.
pub fn filter_log_events(region: &str) -> f64 {
    match region {
        "us-east-1" => 25.0,
        "ap-northeast-3" | "ap-southeast-3" | "ca-west-1" | "eu-central-1" | "il-central-1" => 5.0,
        _ => 10.0,
    }
}

/// GetLogEvents in a region.
pub fn get_log_events(region: &str) -> f64 {
    match region {
        "eu-west-3" => 30.0,
        "us-west-2" | "ap-northeast-3" | "ap-southeast-3" | "ca-west-1" | "eu-central-1" | "eu-west-1"
        | "il-central-1" => 10.0,
        _ => 25.0,
    }
}

/// StartQuery and GetQueryResults.
pub const START_QUERY: f64 = 10.0;
pub const GET_QUERY_RESULTS: f64 = 10.0;

/// DescribeLogStreams, as long as nobody had it raised.
pub const DESCRIBE_LOG_STREAMS: f64 = 25.0;

/// DescribeLogGroups, as long as nobody had it raised.
pub const DESCRIBE_LOG_GROUPS: f64 = 10.0;

/// CreateExportTask and DescribeExportTasks.
pub const EXPORT_TASKS: f64 = 5.0;

/// Requests to a bucket, far below what S3 takes under one prefix (5,500 a second).
pub const S3_REQUESTS: f64 = 1000.0;

/// API Gateway's control plane takes ten calls a second of an account.
pub const API_GATEWAY: f64 = 5.0;
/// AWS publishes none for IAM.
pub const IAM: f64 = 10.0;
/// AWS publishes none that holds for every account.
pub const ORGANIZATIONS: f64 = 2.0;

/// The share of a quota that is used unless told otherwise: consoles and dashboards need some of it too.
pub const SHARE: f64 = 0.9;

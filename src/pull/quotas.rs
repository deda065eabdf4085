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

/// DescribeLogGroups, as long as nobody had it raised.
pub const DESCRIBE_LOG_GROUPS: f64 = 10.0;

/// The share of a quota that is used unless told otherwise: consoles and dashboards need some of it too.
pub const SHARE: f64 = 0.9;

//! Every operation that pull can ask AWS for: what a policy must allow.

/// Commands of `logsift pull`, and the actions of IAM that each needs.
pub const OPERATIONS: [(&str, &[&str]); 5] = [
    (
        "cloudwatch",
        &[
            "logs:DescribeLogGroups",
            "logs:DescribeLogStreams",
            "logs:FilterLogEvents",
            "logs:GetLogEvents",
            "logs:GetQueryResults",
            "logs:StartQuery",
        ],
    ),
    ("s3", &["s3:GetObject", "s3:ListBucket"]),
    (
        EXPORT_TASK,
        &[
            "logs:CreateExportTask",
            "logs:DescribeExportTasks",
            "logs:DescribeLogGroups",
            "s3:GetObject",
            "s3:ListBucket",
        ],
    ),
    ("discover", &["apigateway:GET", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "s3:ListBucket"]),
    (
        "credentials",
        &[
            "iam:GenerateCredentialReport",
            "iam:GetAccessKeyLastUsed",
            "iam:GetCredentialReport",
            "iam:ListAccessKeys",
            "iam:ListUsers",
        ],
    ),
];

/// The one command that changes something: a policy allows it where it is named only.
pub const EXPORT_TASK: &str = "export-task";
/// With `--unmask`.
pub const UNMASK: &str = "logs:Unmask";
/// With `--role-arn` and `--org-role`.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";
/// With `--org-role` and no `--accounts`.
pub const LIST_ACCOUNTS: &str = "organizations:ListAccounts";
/// Where buckets are encrypted with a KMS key.
pub const DECRYPT: &str = "kms:Decrypt";

#[cfg(test)]
mod tests {
    use regex::Regex;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What the code calls, by the SDK's names; a call of another name fails this test, and wants a look at the
    /// policy and at whether it only reads.
    const CALLS: [&str; 19] = [
        "assume_role",
        "create_export_task",
        "describe_export_tasks",
        "describe_log_groups",
        "describe_log_streams",
        "filter_log_events",
        "generate_credential_report",
        "get_access_key_last_used",
        "get_credential_report",
        "get_log_events",
        "get_object",
        "get_query_results",
        "get_stages",
        "head_bucket",
        "list_accounts",
        "list_access_keys",
        "list_objects_v2",
        "list_users",
        "start_query",
    ];

    fn sources(folder: &Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                sources(&entry.path(), out);
            } else {
                out.push_str(&std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }

    #[test]
    fn the_code_calls_nothing_else() {
        let mut text = String::new();
        sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pull")), &mut text);
        let call = Regex::new(r"\b(?:client|Client::new\([^)]*\)|client\([^)]*\))\s*\.([a-z_0-9]+)\(\)").unwrap();
        let called: BTreeSet<&str> = call.captures_iter(&text).map(|found| found.get(1).unwrap().as_str()).collect();
        let called: BTreeSet<&str> = called.into_iter().filter(|name| *name != "clone").collect();
        let wanted: BTreeSet<&str> = CALLS.into_iter().collect();
        assert_eq!(called, wanted);
    }
}

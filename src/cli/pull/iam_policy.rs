//! `logsift pull iam-policy`.

use crate::cli::exit::Exit;
use crate::cli::terminal;
use crate::pull::operations::{ASSUME_ROLE, DECRYPT, EXPORT_TASK, LIST_ACCOUNTS, OPERATIONS, UNMASK};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::io::Write as _;

/// Print the least IAM policy that pull needs
///
/// All of it only reads; iam:GenerateCredentialReport makes a report and changes nothing else. What export-task needs,
/// which lets AWS write into a bucket, is told when it is named. Opens no socket.
#[derive(Debug, Args)]
pub struct IamPolicyArgs {
    /// For these commands only
    #[arg(value_enum)]
    commands: Vec<Command>,
    /// With what --unmask needs
    #[arg(long)]
    unmask: bool,
    /// With what --role-arn and --org-role need
    #[arg(long)]
    roles: bool,
    /// With what buckets need that are encrypted with a KMS key
    #[arg(long)]
    kms: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Command {
    #[value(name = "cloudwatch")]
    CloudWatch,
    S3,
    Discover,
    Credentials,
    ExportTask,
}

pub(super) fn run(args: &IamPolicyArgs) -> anyhow::Result<Exit> {
    let named = |name: &str| {
        (args.commands.is_empty() && name != EXPORT_TASK)
            || args.commands.iter().filter_map(Command::to_possible_value).any(|command| command.get_name() == name)
    };
    let mut statements = Vec::new();
    let mut allow = |sid: &str, actions: &[&str]| {
        statements.push(json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": "*"}));
    };
    for (name, actions) in OPERATIONS.iter().filter(|(name, _)| named(name)) {
        // A statement's id has letters and digits only.
        let words = name.split('-').map(|word| word[..1].to_ascii_uppercase() + &word[1..]);
        allow(&format!("LogsiftPull{}", words.collect::<String>()), actions);
    }
    let more = [(args.unmask, "Unmask", &[UNMASK][..]), (args.kms, "Kms", &[DECRYPT])];
    for (_, name, actions) in more.into_iter().filter(|(wanted, ..)| *wanted) {
        allow(&format!("LogsiftPull{name}"), actions);
    }
    if args.roles {
        allow("LogsiftPullRoles", &[ASSUME_ROLE, LIST_ACCOUNTS]);
    }
    let mut out = terminal::output(None)?;
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    writeln!(out, "{policy:#}")?;
    out.flush()?;
    Ok(Exit::Clean)
}

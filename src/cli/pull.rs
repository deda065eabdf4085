//! `logsift pull`.

mod cloudwatch;
mod credentials;
mod discover;
mod export_task;
mod facts;
mod follow;
mod iam_policy;
mod meter;
mod plan;
mod s3;
mod take;

use super::context::Context;
use super::exit::Exit;
use super::read_args::TemplateArgs;
use crate::pull::{ClientConfig, Mfa, PullError, Role, Session, Wanted, accounts};
use clap::{Args, Subcommand, ValueEnum};
use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

/// Bring logs from AWS into the lake. The only command that opens a socket, and it makes read calls only.
#[derive(Debug, Args)]
pub struct PullArgs {
    #[command(subcommand)]
    command: PullCommand,
    #[command(flatten)]
    aws: AwsArgs,
}

/// As whom to ask, and where.
#[derive(Debug, Args)]
pub struct AwsArgs {
    /// AWS profile
    #[arg(long, value_name = "NAME", global = true, help_heading = "AWS")]
    profile: Option<String>,
    /// AWS region; log groups of several may be pulled in one run
    #[arg(long, value_name = "REGION", global = true, value_delimiter = ',', help_heading = "AWS")]
    region: Vec<String>,
    /// Another endpoint than AWS's own
    #[arg(long, value_name = "URL", global = true, help_heading = "AWS")]
    endpoint_url: Option<String>,
    /// Role to assume
    #[arg(long, value_name = "ARN", global = true, help_heading = "AWS")]
    role_arn: Option<String>,
    /// External id that the role asks for
    #[arg(long, value_name = "ID", global = true, help_heading = "AWS")]
    external_id: Option<String>,
    /// Device of the second factor that the role asks for; its code is asked for at the terminal
    #[arg(long, value_name = "ARN", global = true, requires = "role_arn", help_heading = "AWS")]
    mfa_serial: Option<String>,
    /// Name of a role to assume in each account of the organisation
    #[arg(long, value_name = "NAME", global = true, conflicts_with = "role_arn", help_heading = "AWS")]
    org_role: Option<String>,
    /// Accounts for --org-role [default: all that the organisation lists]
    #[arg(long, value_name = "ID", global = true, value_delimiter = ',', requires = "org_role", help_heading = "AWS")]
    accounts: Vec<String>,
    /// How long to wait for new credentials when those there were expire; 0 ends the run instead
    /// [default: 60 at a terminal, else 0]
    #[arg(long, value_name = "MINUTES", global = true, help_heading = "AWS")]
    credentials_wait: Option<u64>,
}

#[derive(Debug, Subcommand)]
enum PullCommand {
    #[command(name = "cloudwatch")]
    CloudWatch(cloudwatch::CloudWatchArgs),
    #[command(name = "s3")]
    S3(s3::S3Args),
    ExportTask(export_task::ExportTaskArgs),
    Discover(discover::DiscoverArgs),
    Credentials(credentials::CredentialsArgs),
    IamPolicy(iam_policy::IamPolicyArgs),
}

/// What commands that fetch logs have in common.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Print what would be fetched, and fetch nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    templates: TemplateArgs,
    /// Print plan and counts as JSON on stdout
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    output_format: PlanFormat,
    /// How progress is shown
    #[arg(long, value_name = "KIND", value_enum, default_value_t)]
    progress: meter::ProgressArg,
}

/// How plans and counts are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    #[default]
    Text,
    Json,
}

/// The flags, and what they fall back on.
pub(super) struct Aws<'a> {
    args: &'a AwsArgs,
    /// None: the profile's, or the environment's.
    regions: Vec<String>,
}

impl Aws<'_> {
    fn config(&self, region: Option<&String>) -> ClientConfig {
        let mfa = self.args.mfa_serial.clone().map(|serial_number| Mfa { serial_number, ask: ask_code });
        let external_id = self.args.external_id.clone();
        ClientConfig {
            profile: self.args.profile.clone(),
            region: region.cloned(),
            endpoint_url: self.args.endpoint_url.clone(),
            role: self.args.role_arn.clone().map(|arn| Role { arn, external_id, mfa }),
            ask: Some(ask_code),
        }
    }

    /// The identity, in the first region.
    pub fn session(&self) -> Result<Session, PullError> {
        Session::begin(&self.config(self.regions.first()))
    }

    /// The identity in each region; with `--org-role` that role in each account. Accounts whose role cannot be assumed
    /// are given to `warn`, and left out.
    pub fn sessions(&self, mut warn: impl FnMut(String)) -> Result<Vec<Session>, PullError> {
        let own = self.session()?;
        let mut identities = Vec::new();
        if let Some(name) = &self.args.org_role {
            let listed = if self.args.accounts.is_empty() { accounts(&own)? } else { self.args.accounts.clone() };
            for account in listed {
                let arn = format!("arn:aws:iam::{account}:role/{name}");
                let role = Some(Role { arn, external_id: self.args.external_id.clone(), mfa: None });
                match own.and(&ClientConfig { role, ..self.config(self.regions.first()) }) {
                    Ok(session) => identities.push(session),
                    Err(error) => warn(format!("account {account}: {error}")),
                }
            }
        } else {
            identities.push(own);
        }
        let mut sessions = Vec::new();
        for identity in identities {
            sessions.extend(self.regions.iter().skip(1).map(|region| identity.in_region(region)));
            sessions.push(identity);
        }
        Ok(sessions)
    }

    /// How long a call waits for new credentials.
    pub fn patience(&self) -> Duration {
        let minutes = self.args.credentials_wait;
        Duration::from_secs(60 * minutes.unwrap_or(if std::io::stderr().is_terminal() { 60 } else { 0 }))
    }
}

/// Says which log groups were asked for and are not in these places; whether any.
fn tell_missing(wanted: &[Wanted], found: &[bool], places: &str, context: &Context) -> bool {
    for (wanted, _) in wanted.iter().zip(found).filter(|(_, found)| !**found) {
        let text = wanted.text();
        context
            .terminal
            .warn(&format!("no log group of {places} is called {text}; `logsift pull discover` lists them"));
    }
    found.contains(&false)
}

/// Asks at the terminal for the code of a second factor.
fn ask_code(serial_number: &str) -> Option<String> {
    super::terminal::print_plain(&format!("code of {serial_number}:"));
    let mut code = String::new();
    std::io::stdin().lock().read_line(&mut code).ok()?;
    Some(code.trim().to_owned()).filter(|code| !code.is_empty())
}

pub(super) fn run(args: &PullArgs, context: &Context) -> anyhow::Result<Exit> {
    let set = context.settings.region.value.iter().cloned();
    let regions = if args.aws.region.is_empty() { set.collect() } else { args.aws.region.clone() };
    let aws = Aws { args: &args.aws, regions };
    match &args.command {
        PullCommand::CloudWatch(args) => cloudwatch::run(args, &aws, context),
        PullCommand::S3(args) => s3::run(args, &aws, context),
        PullCommand::ExportTask(args) => export_task::run(args, &aws, context),
        PullCommand::Discover(args) => discover::run(args, &aws, context),
        PullCommand::Credentials(args) => credentials::run(args, &aws, context),
        PullCommand::IamPolicy(args) => iam_policy::run(args),
    }
}

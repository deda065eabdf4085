//! `logsift pull`.

mod cloudwatch;
mod discover;

use super::context::Context;
use super::exit::Exit;
use crate::pull::ClientConfig;
use clap::{Args, Subcommand};

/// Bring logs from AWS into the lake. The only command that opens a socket, and it makes read calls only.
#[derive(Debug, Args)]
pub struct PullArgs {
    #[command(subcommand)]
    command: PullCommand,
    /// AWS profile
    #[arg(long, value_name = "NAME", global = true)]
    profile: Option<String>,
    /// AWS region
    #[arg(long, value_name = "REGION", global = true)]
    region: Option<String>,
    /// Another endpoint than AWS's own
    #[arg(long, value_name = "URL", global = true)]
    endpoint_url: Option<String>,
}

#[derive(Debug, Subcommand)]
enum PullCommand {
    #[command(name = "cloudwatch")]
    CloudWatch(cloudwatch::CloudWatchArgs),
    Discover(discover::DiscoverArgs),
}

pub(super) fn run(args: &PullArgs, context: &Context) -> anyhow::Result<Exit> {
    let config = ClientConfig {
        profile: args.profile.clone(),
        region: args.region.clone().or_else(|| context.settings.region.value.clone()),
        endpoint_url: args.endpoint_url.clone(),
    };
    match &args.command {
        PullCommand::CloudWatch(args) => cloudwatch::run(args, &config, context),
        PullCommand::Discover(args) => discover::run(args, &config, context),
    }
}

//! The flags of every command that reads log files: what they are, and where they come from.

use super::context::Context;
use crate::formats::{self, LogFormat, Options};
use crate::model::Origin;
use anyhow::Context as _;
use clap::Args;
use std::sync::Arc;

/// What the files do not say of themselves.
#[derive(Debug, Default, Args)]
pub struct ReadArgs {
    /// Log group the files come from: exports do not name it
    #[arg(long, value_name = "NAME")]
    pub log_group: Option<String>,
    /// Log stream the files come from, where neither path nor content names it
    #[arg(long, value_name = "NAME")]
    pub log_stream: Option<String>,
    /// Account the files come from [env: LOGSIFT_ACCOUNT]
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Region the files come from [env: LOGSIFT_REGION]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    #[command(flatten)]
    pub templates: TemplateArgs,
}

/// What an account's own settings say of lines that do not explain themselves.
#[derive(Debug, Default, Args)]
pub struct TemplateArgs {
    /// Fields of flow log lines without a header: the flow log's LogFormat, '${version} ${account-id} …'
    #[arg(long, value_name = "FIELDS")]
    pub vpc_flow_format: Option<String>,
    /// The API Gateway stage's access log format, with its $context variables
    #[arg(long, value_name = "FORMAT")]
    pub apigw_format: Option<String>,
}

impl TemplateArgs {
    pub(super) fn options(&self) -> Options {
        Options { vpc_flow_format: self.vpc_flow_format.clone(), apigw_format: self.apigw_format.clone() }
    }
}

impl ReadArgs {
    pub(super) fn origin(&self, context: &Context) -> Origin {
        let shared = |value: &Option<String>| value.as_deref().map(Arc::from);
        Origin {
            account_id: shared(&self.account).or_else(|| shared(&context.settings.account.value)),
            region: shared(&self.region).or_else(|| shared(&context.settings.region.value)),
            log_group: shared(&self.log_group),
            log_stream: shared(&self.log_stream),
        }
    }

    pub(super) fn options(&self) -> Options {
        self.templates.options()
    }
}

/// The format of that id, or an error that names the known ones.
pub(super) fn format_of(id: &str) -> anyhow::Result<&'static dyn LogFormat> {
    formats::by_id(id).with_context(|| {
        let known: Vec<_> = formats::ALL.iter().map(|f| f.id()).collect();
        format!("unknown format `{id}`; known are: {}", known.join(", "))
    })
}

//! `context.toml`: whose addresses and accounts are whose. Without it nothing can be called foreign.

use super::context::Context;
use crate::model::network::Known;
use crate::model::{IpNetwork, Micros, NetworkContext, Standing};
use anyhow::{Context as _, bail};
use clap::Args;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Where to read what is known of addresses and accounts.
#[derive(Clone, Debug, Default, Args)]
pub struct ContextArgs {
    /// Whose addresses are whose: own ranges, offices, VPN, NAT gateways, third parties, accounts. Without it
    /// `context.toml` in the lake is read, if it is there [env: LOGSIFT_CONTEXT]
    #[arg(long, value_name = "FILE", help_heading = "Context")]
    pub context: Option<PathBuf>,
    /// AWS's published ranges, as downloaded from ip-ranges.amazonaws.com/ip-ranges.json
    #[arg(long, value_name = "FILE", help_heading = "Context")]
    pub aws_ranges: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    network: Vec<Network>,
    #[serde(default)]
    account: Vec<Account>,
    aws_ranges: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Network {
    name: String,
    kind: NetworkKind,
    ranges: Vec<String>,
    since: Option<toml::value::Datetime>,
    until: Option<toml::value::Datetime>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum NetworkKind {
    Own,
    Office,
    Vpn,
    Nat,
    ThirdParty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    id: String,
    name: String,
    owner: Option<String>,
}

#[derive(Deserialize)]
struct AwsRanges {
    prefixes: Vec<AwsPrefix>,
    #[serde(default)]
    ipv6_prefixes: Vec<AwsPrefix>,
}

#[derive(Deserialize)]
struct AwsPrefix {
    #[serde(alias = "ipv6_prefix")]
    ip_prefix: String,
    region: String,
    service: String,
}

impl ContextArgs {
    /// The shipped ranges, the context file and AWS's ranges together.
    pub fn load(&self, context: &Context) -> anyhow::Result<NetworkContext> {
        let mut networks = NetworkContext::shipped();
        let named = self.context.clone().or_else(|| std::env::var_os("LOGSIFT_CONTEXT").map(PathBuf::from));
        let own = context.settings.lake.value.join("context.toml");
        let path = named.or_else(|| own.is_file().then_some(own));
        let file = path.as_deref().map(read_file).transpose()?;
        let beside = |path: &Path| path.parent().unwrap_or(Path::new(".")).to_owned();
        let listed = file
            .as_ref()
            .zip(path.as_deref())
            .and_then(|(file, path)| file.aws_ranges.as_ref().map(|ranges| beside(path).join(ranges)));
        if let Some(path) = self.aws_ranges.as_ref().or(listed.as_ref()) {
            read_aws(path, &mut networks)?;
        }
        // Last, so that what the user says holds where AWS has the same range.
        if let Some((file, path)) = file.zip(path) {
            add_file(file, &path, &mut networks)?;
            networks.is_given = true;
        }
        Ok(networks)
    }
}

fn read_file(path: &Path) -> anyhow::Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    toml::from_str(&text)
        .with_context(|| format!("{}: is no context file; see docs/timeline.md for what it may hold", path.display()))
}

/// Adds the file's ranges and accounts.
fn add_file(file: File, path: &Path, networks: &mut NetworkContext) -> anyhow::Result<()> {
    for network in file.network {
        let standing = match network.kind {
            NetworkKind::Own | NetworkKind::Office | NetworkKind::Vpn | NetworkKind::Nat => Standing::Ours,
            NetworkKind::ThirdParty => Standing::ThirdParty,
        };
        let bound = |date: &Option<toml::value::Datetime>| date.as_ref().map(|d| instant(path, d)).transpose();
        let (since, until) = (bound(&network.since)?, bound(&network.until)?);
        if since.zip(until).is_some_and(|(since, until)| until <= since) {
            bail!("{}: `until` of `{}` is not after its `since`", path.display(), network.name);
        }
        for range in &network.ranges {
            let Some(parsed) = IpNetwork::parse(range) else {
                bail!(
                    "{}: `{range}` of `{}` is no address or range such as 192.0.2.0/24",
                    path.display(),
                    network.name
                );
            };
            networks.add(parsed, Known { standing, name: network.name.clone(), since, until });
        }
    }
    for account in file.account {
        let owner = account.owner.map(|owner| format!(", {owner}")).unwrap_or_default();
        networks.accounts.insert(account.id, format!("{}{owner}", account.name));
    }
    Ok(())
}

fn instant(path: &Path, date: &toml::value::Datetime) -> anyhow::Result<Micros> {
    let text = date.to_string();
    if date.time.is_some() && date.offset.is_none() {
        bail!("{}: `{text}` has no zone; write Z or an offset behind it", path.display());
    }
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.clone() };
    Micros::parse_rfc3339(&whole)
        .with_context(|| format!("{}: `{text}` is no date or time with a zone", path.display()))
}

fn read_aws(path: &Path, networks: &mut NetworkContext) -> anyhow::Result<()> {
    let text = std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let ranges: AwsRanges =
        serde_json::from_slice(&text).with_context(|| format!("{}: is not AWS's ip-ranges.json", path.display()))?;
    for prefix in ranges.prefixes.into_iter().chain(ranges.ipv6_prefixes) {
        // Every range stands under AMAZON too; the service that has it says more and comes later or earlier.
        if prefix.service == "AMAZON" {
            continue;
        }
        if let Some(network) = IpNetwork::parse(&prefix.ip_prefix) {
            let name = format!("AWS {} {}", prefix.service, prefix.region);
            networks.add(network, Known { standing: Standing::Aws, name, since: None, until: None });
        }
    }
    Ok(())
}

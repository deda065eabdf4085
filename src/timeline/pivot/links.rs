//! What an event has that others may have too.

use super::fetch::Hit;
use crate::model::{Common, Detail, Entry, Micros, NetworkContext, Standing};
use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

/// Kinds of links, the surest first: an event that several lead to is told by the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    /// Request, trace or connection id.
    Request,
    /// Access key id: also of a key that a call issued, so AssumeRole chains and new keys.
    Key,
    /// Fingerprint of a secret that stands in both.
    Token,
    /// Session of an assumed role.
    Session,
    Ip,
    /// An address that the text of an event names.
    Named,
    /// What a call changed.
    Target,
}

impl By {
    pub const ALL: [Self; 7] =
        [Self::Request, Self::Key, Self::Token, Self::Session, Self::Ip, Self::Named, Self::Target];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Key => "key",
            Self::Token => "token",
            Self::Session => "session",
            Self::Ip => "ip",
            Self::Named => "named",
            Self::Target => "target",
        }
    }

    /// Whether it links only what lies near in time: addresses and names are used again by others.
    pub const fn is_weak(self) -> bool {
        matches!(self, Self::Session | Self::Ip | Self::Named | Self::Target)
    }
}

/// Values by kind, with the times at which an event had them.
#[derive(Default)]
pub(super) struct Values(BTreeMap<By, BTreeMap<String, Vec<Micros>>>);

impl Values {
    fn add(&mut self, by: By, value: &str, time: Micros) {
        self.0.entry(by).or_default().entry(value.to_owned()).or_default().push(time);
    }

    pub fn retain(&mut self, keep: impl Fn(By, &str) -> bool) {
        for (by, values) in &mut self.0 {
            values.retain(|value, _| keep(*by, value));
        }
    }

    pub fn of(&self, by: By) -> &BTreeMap<String, Vec<Micros>> {
        static NONE: BTreeMap<String, Vec<Micros>> = BTreeMap::new();
        self.0.get(&by).unwrap_or(&NONE)
    }
}

/// Ids that stand for nothing.
fn is_nobody(id: &str) -> bool {
    id.len() < 6 || id == "UUID_REPLACED_INVALID_REQUEST_ID" || id.bytes().all(|b| matches!(b, b'0' | b'-'))
}

/// Adds the values of the given kinds that an event has.
pub(super) fn collect(hit: &Hit, context: &NetworkContext, kinds: &[By], values: &mut Values) {
    let entry = &hit.entry;
    let mut add = |by: By, value: &str| {
        if kinds.contains(&by) {
            values.add(by, value, entry.time);
        }
    };
    hit.request_ids.iter().filter(|id| !is_nobody(id)).for_each(|id| add(By::Request, id));
    hit.keys.iter().for_each(|key| add(By::Key, key));
    hit.tokens.iter().for_each(|token| add(By::Token, token));
    if let Some(arn) = hit.user_arn.as_deref().filter(|arn| arn.contains(":assumed-role/")) {
        add(By::Session, arn);
    }
    let is_outside = |ip: &str| {
        let standing = ip.parse().ok().and_then(|ip| context.of(ip, entry.time)).map(|known| known.standing);
        ip.parse::<std::net::IpAddr>().is_ok()
            && !matches!(standing, Some(Standing::Private | Standing::Ours | Standing::Aws))
    };
    // Of the addresses of a request only the client's: the others are its way through our own network.
    let ends = if is_flow_table(&entry.source) { hit.ips.as_slice() } else { &[] };
    for ip in ends.iter().chain(&entry.source_ip).filter(|ip| is_outside(ip)) {
        add(By::Ip, ip);
    }
    if kinds.contains(&By::Named) {
        let text = entry.message.as_deref().unwrap_or_default();
        for ip in named(text).into_iter().filter(|ip| !hit.ips.contains(ip) && is_outside(ip)) {
            add(By::Named, &ip);
        }
    }
    if let Some(target) = entry.target.as_deref().filter(|_| is_change(entry)) {
        add(By::Target, target);
    }
}

pub(super) fn is_flow_table(table: &str) -> bool {
    matches!(table, "vpcflow" | "tgwflow" | "network_firewall")
}

/// A call of the control plane that changed something: AWS names those that only read alike.
fn is_change(entry: &Entry) -> bool {
    const READS: [&str; 9] = ["Get", "List", "Describe", "Head", "Lookup", "BatchGet", "Select", "Query", "Scan"];
    let action = entry.action.as_deref().unwrap_or_default();
    let failed = entry.outcome.as_deref().is_some_and(|outcome| outcome.starts_with("failure"));
    entry.source == "cloudtrail" && !failed && !action.is_empty() && !READS.iter().any(|read| action.starts_with(read))
}

/// IPv4 addresses that a text names as a place to go to: after `//`, `=`, `@`, a quote or a blank. Versions, which
/// look alike, stand after `/`.
fn named(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let bytes = text.as_bytes();
    let of_address = |b: u8| b.is_ascii_digit() || b == b'.';
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| of_address(**b)).count();
        let before = &text.as_bytes()[..at];
        let led = before.ends_with(b"//")
            || before.ends_with(b"%2F%2F")
            || before.ends_with(b"%2f%2f")
            || before.last().is_some_and(|b| matches!(b, b' ' | b'"' | b'\'' | b'=' | b'@' | b'(' | b'[' | b','));
        if length >= 7
            && led
            && let Ok(address) = text[at..at + length].trim_end_matches('.').parse::<Ipv4Addr>()
        {
            all.push(address.to_string());
        }
        at += length.max(1);
    }
    all
}

/// Whether an event and one that was seen before are of one connection: address and port of both are the same.
pub(super) fn is_flow(hit: &Hit, ip: &str, seen: &HashMap<String, Hit>) -> bool {
    let port = |hit: &Hit| {
        let is = |common: Common| hit.entry.text(common) == Some(ip);
        let of = |common: Common| hit.entry.int(common);
        let source = is(Common::SourceIp).then(|| of(Common::SourcePort)).flatten();
        source.or_else(|| is(Common::DestinationIp).then(|| of(Common::DestinationPort)).flatten())
    };
    let own = is_flow_table(&hit.entry.source).then(|| port(hit)).flatten();
    own.is_some_and(|own| seen.values().any(|other| !is_flow_table(&other.entry.source) && port(other) == Some(own)))
}

/// The columns of an event that [`is_flow`] compares.
pub(super) fn ports(detail: impl Fn(Common) -> Option<Detail>) -> Vec<(Common, Detail)> {
    let columns = [Common::SourceIp, Common::SourcePort, Common::DestinationIp, Common::DestinationPort];
    columns.into_iter().filter_map(|common| Some((common, detail(common)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn addresses_that_a_text_leads_to() {
        let text =
            "GET /?url=http%3A%2F%2F198.51.100.23%2Fu&b=203.0.113.9 Chrome/145.0.0.0 \"192.0.2.1\" 1.2.3 999.1.1.1";
        assert_eq!(named(text), ["198.51.100.23", "203.0.113.9", "192.0.2.1"]);
        assert_eq!(named("https://198.51.100.23."), ["198.51.100.23"]);
        assert!(named("v1.2.3.4 ü1.2.3.4").is_empty());
    }
}

//! Address ranges, and what is known of them.

use super::time::Micros;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::LazyLock;

/// A range of addresses in CIDR notation; one address is a range too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IpNetwork {
    v4: bool,
    /// Network bits from the top, the rest zero.
    base: u128,
    /// Bits that count: 0 to 32, or 0 to 128.
    prefix: u8,
}

impl IpNetwork {
    /// `192.0.2.0/24`, `2001:db8::/32` or a single address; bits beyond the prefix are ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let (v4, bits) = split(address.trim().parse().ok()?);
        let most = if v4 { 32 } else { 128 };
        let prefix = prefix.unwrap_or(most);
        (prefix <= most).then(|| Self { v4, base: bits & mask(v4, prefix), prefix })
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let (v4, bits) = split(address);
        v4 == self.v4 && bits & mask(v4, self.prefix) == self.base
    }

    /// Whether it is one address alone.
    pub const fn is_host(&self) -> bool {
        self.prefix == if self.v4 { 32 } else { 128 }
    }

    /// The bytes every IPv4 address inside begins with, as text: `192.0.2.`; empty where nothing can be said.
    pub fn text_prefix(&self) -> String {
        let octets = (self.base as u32).to_be_bytes();
        let whole = if self.v4 { usize::from(self.prefix / 8).min(3) } else { 0 };
        octets[..whole].iter().map(|octet| format!("{octet}.")).collect()
    }
}

impl std::fmt::Display for IpNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = if self.v4 {
            IpAddr::from((self.base as u32).to_be_bytes())
        } else {
            IpAddr::from(self.base.to_be_bytes())
        };
        if self.is_host() { write!(f, "{address}") } else { write!(f, "{address}/{}", self.prefix) }
    }
}

/// Whether it is IPv4, and its bits, right-aligned.
fn split(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(v4) => (true, u128::from(u32::from(v4))),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => (true, u128::from(u32::from(v4))),
            None => (false, u128::from(v6)),
        },
    }
}

fn mask(v4: bool, prefix: u8) -> u128 {
    let width = if v4 { 32 } else { 128 };
    let host = width - u32::from(prefix).min(width);
    let all = if v4 { u128::from(u32::MAX) } else { u128::MAX };
    all.checked_shr(host).and_then(|kept| kept.checked_shl(host)).unwrap_or(0)
}

/// Whose addresses a range holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Our own: accounts, offices, VPN, NAT gateways.
    Ours,
    /// Somebody known, not us.
    ThirdParty,
    /// AWS's own published ranges.
    Aws,
    /// Not routed on the internet: RFC 1918, RFC 6598, loopback, link-local, unique local.
    Private,
    /// RFC 5737 and RFC 3849: in examples only.
    Documentation,
}

impl Standing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::ThirdParty => "third party",
            Self::Aws => "AWS",
            Self::Private => "private",
            Self::Documentation => "documentation",
        }
    }
}

/// What is known of one range, and when it held.
#[derive(Clone, Debug)]
pub struct Known {
    pub standing: Standing,
    pub name: String,
    /// Half-open; a missing bound is open.
    pub since: Option<Micros>,
    pub until: Option<Micros>,
}

/// Ranges by prefix length: the longest that holds an address tells what it is.
#[derive(Clone, Debug, Default)]
pub struct NetworkContext {
    ranges: BTreeMap<(bool, u8), HashMap<u128, Vec<Known>>>,
    /// Account id, and its name and owner.
    pub accounts: BTreeMap<String, String>,
    /// Whether the user said which ranges are theirs: without that nothing can be called foreign.
    pub is_given: bool,
}

/// Ranges that mean the same everywhere.
const SHIPPED: [(&str, Standing, &str); 13] = [
    ("10.0.0.0/8", Standing::Private, "private"),
    ("172.16.0.0/12", Standing::Private, "private"),
    ("192.168.0.0/16", Standing::Private, "private"),
    ("100.64.0.0/10", Standing::Private, "shared address space"),
    ("127.0.0.0/8", Standing::Private, "loopback"),
    ("169.254.0.0/16", Standing::Private, "link-local"),
    ("192.0.2.0/24", Standing::Documentation, "documentation"),
    ("198.51.100.0/24", Standing::Documentation, "documentation"),
    ("203.0.113.0/24", Standing::Documentation, "documentation"),
    ("2001:db8::/32", Standing::Documentation, "documentation"),
    ("::1/128", Standing::Private, "loopback"),
    ("fc00::/7", Standing::Private, "unique local"),
    ("fe80::/10", Standing::Private, "link-local"),
];

/// Whether a text is an address that is not routed on the internet.
pub fn is_private(text: &str) -> bool {
    static SHIPPED: LazyLock<NetworkContext> = LazyLock::new(NetworkContext::shipped);
    // Nearly all addresses of a flow log are told by their first byte.
    matches!(text.as_bytes().first(), Some(b'1' | b':' | b'f' | b'F'))
        && text.parse().is_ok_and(|ip| SHIPPED.of(ip, Micros(0)).is_some_and(|k| k.standing == Standing::Private))
}

impl NetworkContext {
    /// The private and documentation ranges, nothing of anybody.
    pub fn shipped() -> Self {
        let mut context = Self::default();
        for (range, standing, name) in SHIPPED {
            if let Some(network) = IpNetwork::parse(range) {
                context.add(network, Known { standing, name: name.to_owned(), since: None, until: None });
            }
        }
        context
    }

    pub fn add(&mut self, network: IpNetwork, known: Known) {
        let of_prefix = self.ranges.entry((network.v4, network.prefix)).or_default();
        of_prefix.entry(network.base).or_default().push(known);
    }

    /// What is known of an address at that time: the narrowest range, of equally narrow ones the last given.
    pub fn of(&self, address: IpAddr, at: Micros) -> Option<&Known> {
        let (v4, bits) = split(address);
        let holds = |k: &&Known| k.since.is_none_or(|since| at >= since) && k.until.is_none_or(|until| at < until);
        let narrowest_first = self.ranges.range((v4, 0)..=(v4, 128)).rev();
        narrowest_first
            .filter_map(|((v4, prefix), by_base)| by_base.get(&(bits & mask(*v4, *prefix))))
            .find_map(|all| all.iter().rev().find(holds))
    }

    /// The name of an address, where its text is one and somebody is known to have it.
    pub fn name_of(&self, text: &str, at: Micros) -> Option<&str> {
        self.of(text.parse().ok()?, at).map(|known| known.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_as_text() {
        for text in ["10.0.3.14", "172.31.0.1", "192.168.1.1", "100.64.0.1", "fd00::1", "fe80::1", "::1"] {
            assert!(is_private(text), "{text}");
        }
        for text in ["198.51.100.23", "172.32.0.1", "100.128.0.1", "2001:db8::1", "-"] {
            assert!(!is_private(text), "{text}");
        }
    }

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn ranges_hold_what_their_bits_say() {
        let net = |text: &str| IpNetwork::parse(text).unwrap();
        assert!(net("10.1.16.0/20").contains(at("10.1.31.255")));
        assert!(!net("10.1.16.0/20").contains(at("10.1.32.0")));
        assert!(net("0.0.0.0/0").contains(at("203.0.113.9")) && !net("0.0.0.0/0").contains(at("::2")));
        assert!(
            net("2001:db8::/32").contains(at("2001:db8:ffff::1")) && !net("2001:db8::/32").contains(at("2001:db9::"))
        );
        assert!(net("192.0.2.7").contains(at("::ffff:192.0.2.7")));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "x"] {
            assert!(IpNetwork::parse(wrong).is_none(), "{wrong}");
        }
        assert_eq!(net("10.1.16.9/20").to_string(), "10.1.16.0/20");
        assert_eq!(
            (net("10.1.16.0/20").text_prefix(), net("192.0.2.7").text_prefix()),
            ("10.1.".into(), "192.0.2.".into())
        );
        assert_eq!(net("2001:db8::/32").text_prefix(), "");
    }

    #[test]
    fn the_narrowest_range_of_its_time_tells() {
        let mut context = NetworkContext::shipped();
        let ours = |name: &str, until: Option<i64>| Known {
            standing: Standing::Ours,
            name: name.to_owned(),
            since: None,
            until: until.map(Micros),
        };
        context.add(IpNetwork::parse("203.0.113.0/28").unwrap(), ours("office", Some(100)));
        let name = |text: &str, time: i64| context.name_of(text, Micros(time)).map(str::to_owned);
        assert_eq!(name("203.0.113.5", 99).as_deref(), Some("office"));
        assert_eq!(name("203.0.113.5", 100).as_deref(), Some("documentation"));
        assert_eq!(name("172.31.255.255", 0).as_deref(), Some("private"));
        assert_eq!(name("172.32.0.0", 0), None);
        assert_eq!(name("s3.amazonaws.com", 0), None);
    }
}

//! IP addresses: whether one is some person's. Private, shared and documentation ranges (RFC 1918, 6598, 5737, 3849,
//! 4193, 4291) lead to nobody.

use super::{Candidate, Judgement, Validator};
use crate::model::occurrence::Verdict;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub struct IpAddress;

impl Validator for IpAddress {
    fn name(&self) -> &'static str {
        "ip-address"
    }

    fn judge(&self, candidate: &Candidate<'_>) -> Judgement {
        let Ok(address) = candidate.text().parse::<IpAddr>() else {
            return Judgement::Refuted;
        };
        let reason = match address {
            IpAddr::V4(v4) if v4.octets()[0] == 0 => return Judgement::Refuted,
            IpAddr::V6(v6) if v6.segments()[..7] == [0; 7] && v6.segments()[7] == 0 => return Judgement::Refuted,
            IpAddr::V4(v4) => of_nobody_v4(v4),
            IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or_else(|| of_nobody_v6(v6), of_nobody_v4),
        };
        reason.map_or(Judgement::Unknown, |reason| {
            let facts = vec![("reason".to_owned(), reason.to_owned())];
            Judgement::Doubtful(Verdict { valid: Some(true), facts, ..Verdict::default() })
        })
    }
}

fn of_nobody_v4(v4: Ipv4Addr) -> Option<&'static str> {
    let [a, b, ..] = v4.octets();
    let shared = a == 100 && (64..128).contains(&b);
    match () {
        () if v4.is_private() || shared => Some("a private address"),
        () if v4.is_loopback() || v4.is_link_local() => Some("an address of the machine itself"),
        () if v4.is_documentation() => Some("an address for documentation"),
        () if a >= 224 => Some("a multicast or reserved address"),
        () => None,
    }
}

fn of_nobody_v6(v6: Ipv6Addr) -> Option<&'static str> {
    let [first, second, ..] = v6.segments();
    match () {
        () if v6.is_unique_local() => Some("a private address"),
        () if v6.is_loopback() || v6.is_unicast_link_local() => Some("an address of the machine itself"),
        () if first == 0x2001 && second == 0xdb8 => Some("an address for documentation"),
        () if v6.is_multicast() => Some("a multicast or reserved address"),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge_text;
    use super::*;

    #[test]
    fn addresses_of_somebody_and_of_nobody() {
        for text in ["81.2.69.160", "2a02:26f0:1b:1::5f64:1a2b", "::ffff:81.2.69.160"] {
            assert_eq!(judge_text(&IpAddress, text), Judgement::Unknown, "{text}");
        }
        for text in ["10.0.4.20", "100.64.0.9", "127.0.0.1", "169.254.169.254", "203.0.113.7", "2001:db8::1", "fe80::1"]
        {
            assert!(matches!(judge_text(&IpAddress, text), Judgement::Doubtful(_)), "{text}");
        }
        for text in ["256.1.1.1", "1.2.3", "0.0.0.0", "::", "12:30:45"] {
            assert_eq!(judge_text(&IpAddress, text), Judgement::Refuted, "{text}");
        }
    }
}

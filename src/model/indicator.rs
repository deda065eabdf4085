//! Indicators of compromise, as threat reports list them.

use super::network::IpNetwork;
use serde::Serialize;
use std::net::IpAddr;

/// What an indicator names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorKind {
    Ip,
    Cidr,
    Domain,
    Url,
    Email,
    Hash,
    AccessKey,
    UserAgent,
    /// Any other text.
    Text,
}

impl IndicatorKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Cidr => "cidr",
            Self::Domain => "domain",
            Self::Url => "url",
            Self::Email => "email",
            Self::Hash => "hash",
            Self::AccessKey => "access_key",
            Self::UserAgent => "user_agent",
            Self::Text => "text",
        }
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Indicator {
    pub kind: IndicatorKind,
    pub value: String,
    /// What the list says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Shorter texts stand in every other line.
const SHORTEST: usize = 4;

impl Indicator {
    /// Of a value whose kind is told by its shape; defanged spellings (`hxxp://`, `203[.]0[.]113[.]9`) are undone.
    /// `None` for what is too short to tell anything.
    pub fn of(value: &str, kind: Option<IndicatorKind>, note: Option<String>) -> Option<Self> {
        let value = refang(value.trim());
        if let Ok(ip) = value.parse::<IpAddr>() {
            return Some(Self { kind: IndicatorKind::Ip, value: ip.to_string(), note });
        }
        if value.contains('/')
            && let Some(network) = IpNetwork::parse(&value)
        {
            return Some(Self { kind: IndicatorKind::Cidr, value: network.to_string(), note });
        }
        if value.len() < SHORTEST {
            return None;
        }
        let kind = kind.unwrap_or_else(|| shape_of(&value));
        let folded = matches!(kind, IndicatorKind::Domain | IndicatorKind::Email | IndicatorKind::Hash);
        Some(Self { kind, value: if folded { value.to_ascii_lowercase() } else { value }, note })
    }
}

fn refang(text: &str) -> String {
    let text = text.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":").replace("[@]", "@");
    match text.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("hxxp") => format!("http{}", &text[4..]),
        _ => text,
    }
}

fn shape_of(value: &str) -> IndicatorKind {
    let all = |test: fn(u8) -> bool| value.bytes().all(test);
    let key = value.len() == 20 && ["AKIA", "ASIA", "AIDA", "AROA"].iter().any(|prefix| value.starts_with(prefix));
    if key && all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        IndicatorKind::AccessKey
    } else if matches!(value.len(), 32 | 40 | 64 | 128) && all(|b| b.is_ascii_hexdigit()) {
        IndicatorKind::Hash
    } else if value.contains("://") {
        IndicatorKind::Url
    } else if value.contains('@') && !value.contains(' ') {
        IndicatorKind::Email
    } else if value.contains('.')
        && all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        && !value.ends_with(|c: char| c.is_ascii_digit())
    {
        IndicatorKind::Domain
    } else if value.contains('/') && value.contains(|c: char| c.is_ascii_digit()) {
        IndicatorKind::UserAgent
    } else {
        IndicatorKind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_shape() {
        let told = |text: &str| Indicator::of(text, None, None).map(|i| (i.kind.as_str(), i.value));
        for (text, kind, value) in [
            ("203[.]0[.]113[.]9", "ip", "203.0.113.9"),
            ("2001:DB8::1", "ip", "2001:db8::1"),
            ("198.51.100.0/24", "cidr", "198.51.100.0/24"),
            ("hxxps://evil[.]example/a", "url", "https://evil.example/a"),
            ("Evil[.]Example", "domain", "evil.example"),
            ("d41d8cd98f00b204e9800998ecf8427e", "hash", "d41d8cd98f00b204e9800998ecf8427e"),
            ("ASIAAAAABBBBCCCCDDDD", "access_key", "ASIAAAAABBBBCCCCDDDD"),
            ("python-requests/2.31.0", "user_agent", "python-requests/2.31.0"),
            ("who@evil.example", "email", "who@evil.example"),
            ("root cause", "text", "root cause"),
        ] {
            assert_eq!(told(text), Some((kind, value.to_owned())), "{text}");
        }
        assert_eq!(told("ab"), None);
    }
}

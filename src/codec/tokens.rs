//! Lines of blank-separated tokens, as ELB, S3 and Apache write them.

use std::borrow::Cow;

/// Tokens separated by ONE blank (two blanks hold an empty token between them). A token that opens
/// with `"` ends at the next `"` that a blank or the end of the line follows; quotes are removed.
/// A quoted token that never closes is taken as it stands, up to the next blank.
pub struct Tokens<'a> {
    rest: Option<&'a str>,
}

pub fn split(line: &str) -> Tokens<'_> {
    Tokens { rest: (!line.is_empty()).then_some(line) }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        if rest.as_bytes()[..].first() == Some(&b'"')
            && let Some(end) = closing_quote(rest.as_bytes())
        {
            self.rest = rest.get(end + 2..);
            return Some(&rest[1..end]);
        }
        match memchr::memchr(b' ', rest.as_bytes()) {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                Some(&rest[..end])
            }
            None => {
                self.rest = None;
                Some(rest)
            }
        }
    }
}

fn closing_quote(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'"', text).skip(1).find(|&at| matches!(text.get(at + 1), None | Some(b' ')))
}

/// Splits `ip:port` at the LAST colon: IPv6 is not bracketed in ELB logs. A text whose tail is no
/// port is all address.
pub fn ip_port(text: &str) -> (&str, Option<i64>) {
    match text.rsplit_once(':') {
        Some((ip, port)) if !ip.is_empty() => match port.parse::<u16>() {
            Ok(port) => (ip, Some(i64::from(port))),
            Err(_) if port == "-" => (ip, None),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// Replaces `\xhh` (nginx escaping, as ELB writes a quote) by its byte; other backslashes stay.
pub fn unescape_hex(text: &str) -> Cow<'_, str> {
    if !text.contains("\\x") {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |i: usize| bytes.get(i).and_then(|b| char::from(*b).to_digit(16));
        if bytes[at..].starts_with(b"\\x")
            && let (Some(high), Some(low)) = (hex(at + 2), hex(at + 3))
        {
            out.push((high * 16 + low) as u8);
            at += 4;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// An address in its canonical spelling (RFC 5952 for IPv6, IPv4-mapped as IPv4); `None` when it is
/// no address.
pub fn ip(text: &str) -> Option<Cow<'_, str>> {
    use std::net::IpAddr;
    let parsed: IpAddr = text.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    match parsed.to_canonical() {
        IpAddr::V4(v4) if parsed.is_ipv4() => {
            // Rust's parser refuses leading zeros, so an IPv4 text is its own canonical spelling.
            let _ = v4;
            Some(Cow::Borrowed(text))
        }
        canonical => Some(Cow::Owned(canonical.to_string())),
    }
}

/// The path of a URL: without scheme, host, port and query.
pub fn url_path(url: &str) -> &str {
    let after_host = match url.find("://") {
        Some(scheme) => {
            let rest = &url[scheme + 3..];
            rest.find('/').map_or("", |slash| &rest[slash..])
        }
        None => url,
    };
    after_host.split(['?', '#']).next().unwrap_or(after_host)
}

/// `X-Amzn-Trace-Id` content to the bare root: `Self=…;Root=1-5759e988-bd86…` gives `1-5759e988-bd86…`.
pub fn trace_root(text: &str) -> Option<&str> {
    let root = text.split(';').find_map(|part| {
        let part = part.trim();
        part.strip_prefix("Root=").or_else(|| part.strip_prefix("root="))
    });
    root.or_else(|| text.starts_with("1-").then_some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_and_bare_and_empty() {
        let line = r#"a "b c" "-" "" x"y  "h2","http/1.1" end"#;
        let all: Vec<_> = split(line).collect();
        assert_eq!(all, ["a", "b c", "-", "", "x\"y", "", "h2\",\"http/1.1", "end"]);
        assert_eq!(split("\"open never closes").collect::<Vec<_>>(), ["\"open", "never", "closes"]);
        assert_eq!(split("").count(), 0);
    }

    #[test]
    fn the_last_colon_splits() {
        assert_eq!(ip_port("2001:db8::f215:50718"), ("2001:db8::f215", Some(50_718)));
        assert_eq!(ip_port("192.0.2.1:80"), ("192.0.2.1", Some(80)));
        assert_eq!(ip_port("192.0.2.1:-"), ("192.0.2.1", None));
        assert_eq!(ip_port("-"), ("-", None));
    }

    #[test]
    fn addresses_are_canonical() {
        assert_eq!(ip("2001:DB8:0::1").unwrap(), "2001:db8::1");
        assert_eq!(ip("::ffff:192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(ip("192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(ip("AWS Internal"), None);
    }

    #[test]
    fn urls_and_traces() {
        assert_eq!(url_path("https://h:443/a/b?c=d"), "/a/b");
        assert_eq!(url_path("https://h:443"), "");
        assert_eq!(url_path("/x#y"), "/x");
        assert_eq!(trace_root("Self=1-a-b;Root=1-c-d"), Some("1-c-d"));
        assert_eq!(trace_root("1-c-d"), Some("1-c-d"));
        assert_eq!(trace_root("-"), None);
        assert_eq!(unescape_hex(r"say \x22hi\x22 \xzz"), "say \"hi\" \\xzz");
    }
}

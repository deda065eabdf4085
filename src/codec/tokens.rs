//! Lines of blank-separated tokens, as ELB, S3 and Apache write them.

use std::borrow::Cow;

/// Tokens separated by ONE blank (two blanks hold an empty token between them). A token that opens
/// with `"` ends at the next `"` that a blank or the end of the line follows; quotes are removed.
/// A quoted token that never closes is taken as it stands, up to the next blank.
pub struct Tokens<'a> {
    rest: Option<&'a str>,
    /// A quoted token that never closes takes the rest of the line.
    cut: bool,
    /// No closing quote follows: it is not looked for again, or a hostile line would cost quadratic time.
    open: bool,
}

pub fn split(line: &str) -> Tokens<'_> {
    Tokens { rest: (!line.is_empty()).then_some(line), cut: false, open: false }
}

/// As [`split`], but a quoted token that never closes is the rest of the line without its opening quote: of
/// lines that were cut.
pub fn split_cut(line: &str) -> Tokens<'_> {
    Tokens { cut: true, ..split(line) }
}

impl<'a> Tokens<'a> {
    /// What has not been taken yet, as written; `None` after the last token.
    pub fn rest(&self) -> Option<&'a str> {
        self.rest
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        if rest.as_bytes().first() == Some(&b'"') && !self.open {
            if let Some(end) = closing_quote(rest.as_bytes()) {
                self.rest = rest.get(end + 2..);
                return Some(&rest[1..end]);
            }
            self.open = true;
            if self.cut {
                self.rest = None;
                return Some(&rest[1..]);
            }
        }
        match find(b' ', rest.as_bytes()) {
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

#[inline]
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += find(b'"', text.get(at..)?)?;
        if matches!(text.get(at + 1), None | Some(b' ')) {
            return Some(at);
        }
        at += 1;
    }
}

/// The first `needle`. Most tokens are short: eight bytes at a time find their end before a call of memchr has
/// begun; it takes over for the long ones.
#[inline]
fn find(needle: u8, text: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let pattern = ONES * u64::from(needle);
    let (words, _) = text.as_chunks::<8>();
    let mut at = 0;
    for word in words.iter().take(4) {
        let differing = u64::from_le_bytes(*word) ^ pattern;
        // The lowest marked byte is the first that does not differ.
        let marks = differing.wrapping_sub(ONES) & !differing & HIGH;
        if marks != 0 {
            return Some(at + marks.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    memchr::memchr(needle, &text[at..]).map(|found| at + found)
}

/// Splits `ip:port` at the LAST colon: IPv6 is not bracketed in ELB logs. A text whose tail is no
/// port is all address.
pub fn ip_port(text: &str) -> (&str, Option<i64>) {
    match text.bytes().rposition(|b| b == b':') {
        Some(colon) if colon > 0 => match text[colon + 1..].parse::<u16>() {
            Ok(port) => (&text[..colon], Some(i64::from(port))),
            Err(_) if text.ends_with(":-") => (&text[..colon], None),
            Err(_) => (text, None),
        },
        _ => (text, None),
    }
}

/// Replaces `\xhh` (nginx escaping, as ELB writes a quote) by its byte; other backslashes stay.
pub fn unescape_hex(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if memchr::memchr(b'\\', bytes).is_none() {
        return Cow::Borrowed(text);
    }
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
    if ipv4_end(text.as_bytes()) == Some(text.len()) {
        return Some(Cow::Borrowed(text));
    }
    let text = text.trim_start_matches('[').trim_end_matches(']');
    if ipv4_end(text.as_bytes()) == Some(text.len()) {
        return Some(Cow::Borrowed(text));
    }
    let canonical = text.parse::<std::net::Ipv6Addr>().ok()?.to_canonical();
    Some(Cow::Owned(canonical.to_string()))
}

/// Where the IPv4 address at the start ends: four numbers up to 255 without leading zeros, the one spelling it has.
#[inline]
fn ipv4_end(text: &[u8]) -> Option<usize> {
    let digit = |at: usize| text.get(at).map(|b| b.wrapping_sub(b'0')).filter(|digit| *digit < 10).map(u32::from);
    let mut at = 0;
    for number in 0..4 {
        if number > 0 {
            if text.get(at) != Some(&b'.') {
                return None;
            }
            at += 1;
        }
        let first = digit(at)?;
        at += 1;
        let Some(second) = digit(at) else {
            continue;
        };
        at += 1;
        if first == 0 {
            return None;
        }
        if let Some(third) = digit(at) {
            at += 1;
            if first * 100 + second * 10 + third > 255 {
                return None;
            }
        }
    }
    Some(at)
}

/// As [`ip_port`] where the text is an IPv4 address and a port, and nothing else.
pub fn ipv4_port(text: &str) -> Option<(&str, i64)> {
    let end = ipv4_end(text.as_bytes())?;
    let port = text[end..].strip_prefix(':')?.parse::<u16>().ok()?;
    Some((&text[..end], i64::from(port)))
}

/// The path of a URL: without scheme, host, port and query.
pub fn url_path(url: &str) -> &str {
    let bytes = url.as_bytes();
    let scheme = bytes.iter().position(|b| !b.is_ascii_alphanumeric() && !matches!(b, b'+' | b'-' | b'.'));
    let after_host = match scheme {
        Some(at) if at > 0 && bytes[at..].starts_with(b"://") => {
            let rest = &url[at + 3..];
            memchr::memchr3(b'/', b'?', b'#', rest.as_bytes()).map_or("", |end| &rest[end..])
        }
        _ => url,
    };
    memchr::memchr2(b'?', b'#', after_host.as_bytes()).map_or(after_host, |end| &after_host[..end])
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
    fn tokens_of_every_length_end_where_they_should() {
        for length in 0..80 {
            let word = "é".repeat(length);
            let line = format!("{word} \"{word} {word}\" {word}");
            assert_eq!(split(&line).collect::<Vec<_>>(), [&word, &format!("{word} {word}"), &word]);
        }
    }

    #[test]
    fn a_cut_line_ends_inside_its_last_token() {
        let mut tokens = split_cut(r#"a "b" "c \"d e"#);
        assert_eq!((tokens.next(), tokens.next()), (Some("a"), Some("b")));
        assert_eq!(tokens.rest(), Some(r#""c \"d e"#));
        assert_eq!((tokens.next(), tokens.next()), (Some(r#"c \"d e"#), None));
    }

    #[test]
    fn a_line_of_open_quotes_costs_linear_time() {
        let line = "\"a ".repeat(1_000_000);
        assert_eq!(split(&line).count(), 1_000_001);
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
        assert_eq!(ip("[2001:db8::7]").unwrap(), "2001:db8::7");
        assert_eq!(ip("0.10.200.255").unwrap(), "0.10.200.255");
        for text in [
            "192.0.2",
            "192.0.2.1.1",
            "192.0.2.256",
            "192.0.02.1",
            "192.0..1",
            "192.0.2.",
            ".0.2.1",
            "",
            "192.0.2.1234",
            "00.0.2.1",
            "192.0.2.1é",
        ] {
            assert_eq!(ip(text), None, "{text}");
        }
        assert_eq!(ipv4_port("192.0.2.1:80"), Some(("192.0.2.1", 80)));
        for text in ["192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:8:0", "2001:db8::1:80", "192.0.2.1é:80"]
        {
            assert_eq!(ipv4_port(text), None, "{text}");
        }
        assert_eq!(ip("AWS Internal"), None);
    }

    #[test]
    fn urls_and_traces() {
        assert_eq!(url_path("https://h:443/a/b?c=d"), "/a/b");
        assert_eq!(url_path("https://h:443"), "");
        assert_eq!(url_path("/x#y"), "/x");
        assert_eq!(url_path("/go?to=https://h/p"), "/go");
        assert_eq!(url_path("https://h?at=/p"), "");
        assert_eq!(trace_root("Self=1-a-b;Root=1-c-d"), Some("1-c-d"));
        assert_eq!(trace_root("1-c-d"), Some("1-c-d"));
        assert_eq!(trace_root("-"), None);
        assert_eq!(unescape_hex(r"say \x22hi\x22 \xzz"), "say \"hi\" \\xzz");
    }
}

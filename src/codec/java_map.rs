//! A Java map as its `toString` prints it: `{Host=a.example, X-Forwarded-For=192.0.2.1, 10.0.0.1}`. Values hold
//! commas themselves and nothing is quoted, so a new entry begins only where a name and `=` follow a comma.

/// What stands before `=` inside the values of headers and is no header: directives and parameters.
const DIRECTIVES: [&str; 26] = [
    "max-age",
    "s-maxage",
    "max-stale",
    "min-fresh",
    "stale-while-revalidate",
    "stale-if-error",
    "no-cache",
    "private",
    "q",
    "v",
    "charset",
    "boundary",
    "realm",
    "nonce",
    "opaque",
    "qop",
    "algorithm",
    "username",
    "response",
    "Credential",
    "SignedHeaders",
    "Signature",
    "for",
    "by",
    "proto",
    "report-uri",
];

/// Names are no longer.
const LONGEST_NAME: usize = 128;

/// Entries of a map of parameters, in their order.
pub fn entries(text: &str) -> Entries<'_> {
    Entries { rest: inside(text), is_headers: false }
}

/// Entries of a map of headers: `max-age=0` after a comma is a part of the value before it.
pub fn headers(text: &str) -> Entries<'_> {
    Entries { rest: inside(text), is_headers: true }
}

/// Without the brackets; a text that was cut has no closing one.
fn inside(text: &str) -> &str {
    let text = text.trim();
    let text = text.strip_prefix('{').unwrap_or(text);
    text.strip_suffix('}').unwrap_or(text)
}

/// See [`entries`].
pub struct Entries<'a> {
    rest: &'a str,
    is_headers: bool,
}

impl<'a> Iterator for Entries<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.rest.split_once('=')?;
        let end = rest.match_indices(", ").map(|(at, _)| at).find(|at| self.begins(&rest[at + 2..]));
        match end {
            Some(end) => {
                self.rest = &rest[end + 2..];
                Some((name, &rest[..end]))
            }
            None => {
                self.rest = "";
                Some((name, rest))
            }
        }
    }
}

impl Entries<'_> {
    /// Whether an entry begins here: a token as RFC 7230 has it, and `=`.
    fn begins(&self, text: &str) -> bool {
        let length = text.bytes().take(LONGEST_NAME).take_while(|b| is_token(*b)).count();
        let name = &text[..length];
        length > 0
            && text.as_bytes().get(length) == Some(&b'=')
            && !(self.is_headers && DIRECTIVES.iter().any(|directive| directive.eq_ignore_ascii_case(name)))
    }
}

const fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_values() {
        let text = "{Accept=text/html, */*;q=0.8, Cache-Control=no-cache, max-age=0, Cookie=a=1; b=2, Host=a.example, User-Agent=Mozilla/5.0 (X11, Linux), x=y, X-Forwarded-For=192.0.2.1, 10.0.0.1}";
        let all: Vec<_> = headers(text).collect();
        assert_eq!(
            all,
            [
                ("Accept", "text/html, */*;q=0.8"),
                ("Cache-Control", "no-cache, max-age=0"),
                ("Cookie", "a=1; b=2"),
                ("Host", "a.example"),
                ("User-Agent", "Mozilla/5.0 (X11, Linux)"),
                ("x", "y"),
                ("X-Forwarded-For", "192.0.2.1, 10.0.0.1"),
            ]
        );
    }

    #[test]
    fn parameters_cut_maps_and_empty_ones() {
        assert_eq!(
            entries("{token=abc, q=x, empty=}").collect::<Vec<_>>(),
            [("token", "abc"), ("q", "x"), ("empty", "")]
        );
        assert_eq!(entries("{a=b, c=d, é=f, Aut").collect::<Vec<_>>(), [("a", "b"), ("c", "d, é=f, Aut")]);
        assert_eq!(entries("{}").count() + entries("").count() + entries("{").count(), 0);
    }
}

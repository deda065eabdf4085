//! Lines whose quotes do not pair: read from both ends, for the first fields are bare and the tail has a known shape.

use crate::codec::tokens;

/// Up to `known` tokens, and the rest, of a line in which a quote stands inside a quoted text: the bare ones,
/// the request, the user agent, and the last tail that has the right shape.
pub(super) fn regroup(line: &str, known: usize, is_tail: fn(&str) -> bool) -> Option<(Vec<&str>, &str)> {
    /// Fields before the request: eleven of a Classic one's, twelve of an ALB's.
    const BARE: usize = 12;
    let mut bare = tokens::split(line);
    let mut all = Vec::with_capacity(known);
    while all.len() < BARE && !bare.rest()?.starts_with('"') {
        all.extend(bare.next());
    }
    let quoted = bare.rest()?;
    let ends = memchr::memmem::rfind_iter(quoted.as_bytes(), b"\" ");
    let end = ends.filter(|end| *end > 0).find(|end| is_tail(&quoted[end + 2..]))?;
    let texts = &quoted[quoted[..end].find('"').map_or(0, |at| at + 1)..end];
    let (request, agent) = halves(texts);
    all.extend([request, agent]);
    let mut tail = tokens::split_cut(&quoted[end + 2..]);
    all.extend(tail.by_ref().take(known - all.len()));
    Some((all, tail.rest().unwrap_or_default()))
}

/// Request and user agent of `request" "agent`: the first border after a version, else the first one.
fn halves(texts: &str) -> (&str, &str) {
    const BORDER: &str = "\" \"";
    let at = |end: usize| (&texts[..end], &texts[end + BORDER.len()..]);
    let has_version = |end: &usize| {
        let version = &texts[texts[..*end].trim_end().rfind(' ').map_or(0, |blank| blank + 1)..*end];
        version.starts_with("HTTP/") || version.trim_end() == "-"
    };
    let mut borders = memchr::memmem::find_iter(texts.as_bytes(), BORDER);
    let first = borders.next();
    match first.filter(has_version).or_else(|| borders.find(has_version)).or(first) {
        Some(end) => at(end),
        None => texts.split_once('"').map_or((texts, ""), |(request, agent)| (request.trim_end(), agent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_of_request_and_agent() {
        assert_eq!(halves(r#"GET http://h/" "x HTTP/1.1" "a" "b"#), (r#"GET http://h/" "x HTTP/1.1"#, r#"a" "b"#));
        assert_eq!(halves(r#"- - - " "-"#), ("- - - ", "-"));
        assert_eq!(halves(r#"GET http://h/ HTTP/1.1 "a"#), ("GET http://h/ HTTP/1.1", "a"));
        assert_eq!(halves(r#"GET x" "a"#), ("GET x", "a"));
    }
}

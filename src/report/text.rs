//! Makes text from logs safe to show, and fits it into a width.

use crate::model::Micros;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character acts on whoever shows it instead of being seen: control characters,
/// bidirectional overrides and isolates, line and paragraph separators, zero-width, tag and other
/// invisible characters.
pub const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
        | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether it is printable ASCII alone, as most text is.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The text with every [`is_unsafe`] character shown as an escape: `\n`, `\r`, `\t`, `\x1b` for
/// other ASCII, `\u{202e}` for the rest. Borrowed when there is none.
///
/// For eyes only: a backslash in the text stays as it is, so this cannot be read back.
pub fn terminal(text: &str) -> Cow<'_, str> {
    if is_plain(text) { Cow::Borrowed(text) } else { replace_unsafe(text, is_unsafe) }
}

/// As [`terminal`], for the characters `which` picks.
pub(super) fn replace_unsafe(text: &str, which: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&which) else {
        return Cow::Borrowed(text);
    };
    let (head, tail) = text.split_at(first);
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(head);
    for c in tail.chars() {
        if which(c) { push_escape(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

fn push_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    // Writing to a String cannot fail.
    let _ = match c {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        _ if c.is_ascii() => write!(out, "\\x{code:02x}"),
        _ => write!(out, "\\u{{{code:x}}}"),
    };
}

/// Columns a character takes in a terminal: 2 for East Asian wide characters and emoji, else 1.
///
/// Combining marks count 1 too: a text of nothing but marks must not pass for one of no width.
const fn columns(c: char) -> usize {
    match c {
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Columns the text takes in a terminal, never fewer than it has characters.
pub fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// The text if it takes at most `max_chars` columns, else its beginning and `…`, together at most
/// `max_chars` columns (none at all for 0).
pub fn clip(text: &str, max_chars: usize) -> Cow<'_, str> {
    let mut used = 0;
    let mut cut = 0;
    for (at, c) in text.char_indices() {
        let after = used + columns(c);
        if after > max_chars {
            return match (max_chars, text.get(..cut)) {
                (1.., Some(head)) => Cow::Owned(format!("{head}…")),
                _ => Cow::Borrowed(""),
            };
        }
        used = after;
        // One column is kept free for the ellipsis.
        if used < max_chars {
            cut = at + c.len_utf8();
        }
    }
    Cow::Borrowed(text)
}

/// A count with thousands separated by commas: `1,234,567`.
pub fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A count with its noun: `1 event`, `2 events`, `0 events`.
pub fn counted(n: u64, singular: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {singular}{plural}", number(n))
}

/// UTC date `YYYY-MM-DD` and time of day `hh:mm:ss.mmm` of an instant.
pub fn date_and_time(time: Micros) -> (String, String) {
    let text = time.to_string();
    let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
    (date.to_owned(), clock.get(..12).unwrap_or(clock).to_owned())
}

/// `YYYY-MM-DD hh:mm:ss` in UTC, without the zone: the heading above it must say UTC.
pub fn to_seconds(time: Micros) -> String {
    let (date, clock) = date_and_time(time);
    format!("{date} {}", clock.get(..8).unwrap_or(&clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_shown() {
        assert_eq!(terminal("\x1b[2Jhi\r\n\tx\0\x7f"), "\\x1b[2Jhi\\r\\n\\tx\\x00\\x7f");
        assert_eq!(terminal("a\u{9b}31m"), "a\\u{9b}31m");
        assert_eq!(terminal("abc\u{202e}fdp.exe"), "abc\\u{202e}fdp.exe");
        assert_eq!(terminal("\u{2028}\u{feff}\u{200d}\u{61c}"), "\\u{2028}\\u{feff}\\u{200d}\\u{61c}");
        assert_eq!(terminal("\u{e0041}"), "\\u{e0041}");
    }

    #[test]
    fn every_character_named_in_the_contract_is_unsafe() {
        let ranges = [
            (0, 0x1f),
            (0x7f, 0x9f),
            (0x61c, 0x61c),
            (0x200b, 0x200f),
            (0x2028, 0x202e),
            (0x2066, 0x2069),
            (0xfeff, 0xfeff),
        ];
        for (first, last) in ranges {
            for code in first..=last {
                let c = char::from_u32(code).unwrap();
                assert!(is_unsafe(c), "{code:x}");
                assert!(!terminal(&c.to_string()).contains(c), "{code:x}");
            }
        }
    }

    #[test]
    fn harmless_text_is_borrowed() {
        for text in ["", "plain", "grüße 漢字 שלום 🦀", "C:\\temp"] {
            assert!(matches!(terminal(text), Cow::Borrowed(t) if t == text));
        }
    }

    #[test]
    fn a_clipped_text_fits() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdef", 5), "abcd…");
        assert_eq!(clip("abcdef", 1), "…");
        assert_eq!(clip("abcdef", 0), "");
        assert_eq!(clip("", 0), "");
        assert_eq!(clip("漢字漢字", 8), "漢字漢字");
        assert_eq!(clip("漢字漢字", 7), "漢字漢…");
        assert_eq!(clip("漢字漢字", 6), "漢字…");
        for max in 0..12 {
            assert!(width(&clip("aä漢字🦀e\u{301}xyz", max)) <= max);
        }
    }

    #[test]
    fn numbers_and_times() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(number(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!([counted(1, "event"), counted(2_000, "event")], ["1 event", "2,000 events"]);
        let time = Micros(1_709_979_072_345_678);
        assert_eq!(date_and_time(time), ("2024-03-09".to_owned(), "10:11:12.345".to_owned()));
        assert_eq!(to_seconds(time), "2024-03-09 10:11:12");
        for extreme in [Micros::MIN, Micros::MAX] {
            assert!(!to_seconds(extreme).is_empty());
        }
    }
}

//! Text from logs on its way into the template.

use crate::model::Micros;
use crate::report::text::{clip, date_and_time, terminal, to_seconds};

/// Columns of text in a table's cell.
const CELL: usize = 160;
/// Columns of text where there is a line for it.
const LONG: usize = 400;
/// Columns of a clipped cell's tooltip.
const TITLE: usize = 400;

/// Text in which nothing invisible is left, not yet escaped for HTML, and what the tooltip says when
/// it had to be clipped.
pub struct Cell {
    pub text: String,
    pub title: Option<String>,
}

impl Cell {
    pub fn new(text: &str) -> Self {
        Self::clipped(text, CELL)
    }

    /// `—` for what is not known.
    pub fn optional(text: Option<&str>) -> Self {
        Self::new(text.unwrap_or("—"))
    }

    pub fn long(text: &str) -> Self {
        Self::clipped(text, LONG)
    }

    /// At most `columns` columns. Only the part that may be shown is looked at, however long the
    /// text is.
    pub fn clipped(text: &str, columns: usize) -> Self {
        let head = text.char_indices().nth(TITLE.max(columns) + 1).map_or(text, |(at, _)| text.split_at(at).0);
        let safe = terminal(head);
        let short = clip(&safe, columns);
        let title = (short != safe).then(|| clip(&safe, TITLE).into_owned());
        Self { text: short.into_owned(), title }
    }
}

/// An instant for people, with the exact one for programs and tooltips. UTC.
pub struct When {
    /// RFC 3339.
    pub exact: String,
    /// `YYYY-MM-DD hh:mm:ss`.
    pub full: String,
    /// `hh:mm:ss.mmm`.
    pub clock: String,
}

impl When {
    pub fn new(time: Micros) -> Self {
        Self { exact: time.to_string(), full: to_seconds(time), clock: date_and_time(time).1 }
    }
}

/// A distance in time by its two largest units: `+4.2 s`, `+3 m 05 s`, `+1 d 04 h`; `−` when it goes
/// back.
pub fn distance(from: Micros, to: Micros) -> String {
    let micros = i128::from(to.0) - i128::from(from.0);
    let sign = if micros < 0 { '−' } else { '+' };
    let millis = micros.unsigned_abs() / 1_000;
    let seconds = millis / 1_000;
    match seconds {
        0 => format!("{sign}{millis} ms"),
        1..60 => format!("{sign}{seconds}.{} s", millis / 100 % 10),
        60..3_600 => format!("{sign}{} m {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{sign}{} h {:02} m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{sign}{} d {:02} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::width;

    #[test]
    fn short_text_has_no_tooltip() {
        let cell = Cell::new("GetObject");
        assert_eq!((cell.text.as_str(), cell.title), ("GetObject", None));
        assert_eq!(Cell::optional(None).text, "—");
        assert_eq!(Cell::new(&"x".repeat(160)).title, None);
    }

    #[test]
    fn long_text_is_clipped_with_a_bounded_tooltip() {
        for text in ["x".repeat(161), "x".repeat(10_000), "\u{202e}".repeat(10_000), "漢".repeat(10_000)] {
            let cell = Cell::new(&text);
            assert!(width(&cell.text) <= 160 && cell.text.ends_with('…'));
            let title = cell.title.unwrap();
            assert!(width(&title) <= 400 && title.chars().count() <= 400);
        }
        let exact = Cell::long(&"x".repeat(400));
        assert_eq!((exact.text.len(), exact.title), (400, None));
        assert!(Cell::long(&"x".repeat(401)).text.ends_with('…'));
    }

    #[test]
    fn bidi_characters_are_seen() {
        assert_eq!(Cell::new("a\u{202e}b\n").text, "a\\u{202e}b\\n");
    }

    #[test]
    fn distances_have_two_units() {
        let to = |micros| distance(Micros(0), Micros(micros));
        assert_eq!(to(0), "+0 ms");
        assert_eq!(to(999_999), "+999 ms");
        assert_eq!(to(4_250_000), "+4.2 s");
        assert_eq!(to(185_000_000), "+3 m 05 s");
        assert_eq!(to(3_600_000_000), "+1 h 00 m");
        assert_eq!(to(100_800_000_000), "+1 d 04 h");
        assert_eq!(to(-5_000), "−5 ms");
        assert!(distance(Micros::MIN, Micros::MAX).starts_with('+'));
    }
}

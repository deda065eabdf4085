//! CSV that neither breaks a parser nor runs in a spreadsheet.

use super::text::{is_unsafe, replace_unsafe};
use std::borrow::Cow;
use std::io;

/// Writes one row, ended by `\n`.
///
/// Cells are quoted as RFC 4180 has it. Tab, LF and CR stay as they are, inside quotes; every other
/// character of [`is_unsafe`] is shown as an escape. A cell a spreadsheet would take for a formula
/// gets a `'` in front.
pub fn write_row(out: &mut dyn io::Write, cells: &[Cow<str>]) -> io::Result<()> {
    let mut row = String::new();
    for (i, cell) in cells.iter().enumerate() {
        if i > 0 {
            row.push(',');
        }
        push_cell(&mut row, cell);
    }
    // A row of one empty cell would be a blank line, which readers skip.
    if row.is_empty() && cells.len() == 1 {
        row.push_str("\"\"");
    }
    row.push('\n');
    out.write_all(row.as_bytes())
}

fn push_cell(row: &mut String, cell: &str) {
    let text = replace_unsafe(cell, |c| is_unsafe(c) && !matches!(c, '\t' | '\n' | '\r'));
    let guard = if is_formula(&text) { "'" } else { "" };
    // `;` parts cells where the decimal separator is a comma; outer blanks get lost in some readers.
    let special = |c| matches!(c, ',' | ';' | '"' | '\t' | '\n' | '\r');
    if !text.contains(special) && !text.starts_with(' ') && !text.ends_with(' ') {
        row.push_str(guard);
        row.push_str(&text);
        return;
    }
    row.push('"');
    row.push_str(guard);
    row.push_str(&text.replace('"', "\"\""));
    row.push('"');
}

/// Whether a spreadsheet may run the cell: it begins with `=`, `+`, `-`, `@` (or their full-width
/// forms), after any blanks and quotes, or with a tab or line end. Plain numbers are not formulas.
fn is_formula(cell: &str) -> bool {
    if cell.starts_with(['\t', '\r', '\n']) {
        return true;
    }
    let start = cell.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'));
    start.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && !is_number(cell)
}

/// Digits with sign, decimal point and exponent only; `inf` and `nan` are none.
fn is_number(cell: &str) -> bool {
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    cell.bytes().all(plain) && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> String {
        let cells: Vec<Cow<str>> = cells.iter().map(|&c| Cow::Borrowed(c)).collect();
        let mut out = Vec::new();
        write_row(&mut out, &cells).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn quoting_follows_rfc_4180() {
        assert_eq!(row(&["a", "", "b c"]), "a,,b c\n");
        assert_eq!(row(&["a,b", "say \"hi\"", "two\r\nlines"]), "\"a,b\",\"say \"\"hi\"\"\",\"two\r\nlines\"\n");
        assert_eq!(row(&[" x", "x ", "a;b"]), "\" x\",\"x \",\"a;b\"\n");
        assert_eq!([row(&[]), row(&[""]), row(&["", ""])], ["\n", "\"\"\n", ",\n"]);
    }

    #[test]
    fn formulas_are_disarmed() {
        assert_eq!(row(&["=1+1"]), "'=1+1\n");
        assert_eq!(row(&["@SUM(A1)", "+cmd", "-2+3"]), "'@SUM(A1),'+cmd,'-2+3\n");
        assert_eq!(row(&["=HYPERLINK(\"http://x\",\"y\")"]), "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\"\n");
        assert_eq!(row(&["  =1", "\"=1", "\u{a0}=1", "＝1"]), "\"'  =1\",\"'\"\"=1\",'\u{a0}=1,'＝1\n");
        assert_eq!(row(&["\t=1", "\rx", "\nx"]), "\"'\t=1\",\"'\rx\",\"'\nx\"\n");
        assert_eq!(row(&["-inf", "-", "+", " -1"]), "'-inf,'-,'+,\"' -1\"\n");
    }

    #[test]
    fn numbers_and_dates_stay() {
        for cell in ["-12", "+3.5", "-1e5", "0", "2024-03-09T10:11:12Z", "a=b", "x@y"] {
            assert_eq!(row(&[cell]), format!("{cell}\n"));
        }
    }

    #[test]
    fn control_and_bidi_characters_are_shown() {
        assert_eq!(row(&["a\0b\x1b[1m", "x\u{202e}y"]), "a\\x00b\\x1b[1m,x\\u{202e}y\n");
        assert_eq!(row(&["\0=1", "\u{feff}=1"]), "\\x00=1,\\u{feff}=1\n");
    }
}

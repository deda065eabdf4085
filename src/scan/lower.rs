//! A rule's pattern → a cheaper expression for the first stage, that matches wherever the rule can.
//!
//! The expression is printed from the same syntax tree that the exact regex has, so both engines mean
//! the same bytes. What only narrows a match is taken off: anchors, and repetitions at the very end
//! beyond their least count (the engine would report every further length as one more hit).

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};
use std::fmt::Write as _;

/// Goes into the name of cached databases: raise it when [`lower`] prints other expressions.
pub(super) const REVISION: u32 = 2;

/// Bytes; looking so far for each hit costs more than looking at a record.
const FAR: usize = 16 * 1024;

/// The first-stage expression; `Err` where the pattern cannot be expressed.
pub(super) fn lower(pattern: &str) -> Result<String, String> {
    let hir = parse(pattern)?;
    if hir.properties().minimum_len() == Some(0) {
        return Err("it matches the empty text".to_owned());
    }
    let mut out = String::new();
    print(&shorten_tail(&hir), &mut out)?;
    Ok(out)
}

/// Bytes that a match of the pattern has at most; none where there is no bound, or one so large that it is none.
pub(super) fn longest(pattern: &str) -> Option<usize> {
    parse(pattern).ok()?.properties().maximum_len().filter(|longest| *longest <= FAR)
}

/// Bytes from where a match of the pattern begins to where the first stage hits in it, at most; none where the first
/// stage does not stand in the pattern as it does by itself.
pub(super) fn lead(pattern: &str, first_stage: &str) -> Option<usize> {
    let (whole, part) = (parse(pattern).ok()?, parse(first_stage).ok()?);
    let (whole, part) = (parts(&whole), parts(&part));
    let (last, head) = part.split_last()?;
    let stands_at = |before: &usize| {
        let here = &whole[*before..];
        here.starts_with(head) && here.get(head.len()).is_some_and(|whole| begins_with(whole, last))
    };
    let before = (0..whole.len()).find(stands_at)?;
    let lead = whole[..before].iter().map(|part| part.properties().maximum_len()).sum::<Option<usize>>()?;
    let hit = parse(&lower(first_stage).ok()?).ok()?.properties().maximum_len()?;
    Some(lead + hit)
}

/// What follows one another in it, groups opened.
fn parts(hir: &Hir) -> Vec<&Hir> {
    match hir.kind() {
        HirKind::Capture(capture) => parts(&capture.sub),
        HirKind::Concat(all) => all.iter().flat_map(parts).collect(),
        _ => vec![hir],
    }
}

/// Whether each match of the whole begins with one of the part.
fn begins_with(whole: &Hir, part: &Hir) -> bool {
    match (whole.kind(), part.kind()) {
        (HirKind::Literal(whole), HirKind::Literal(part)) => whole.0.starts_with(&part.0),
        (HirKind::Repetition(whole), HirKind::Repetition(part)) => whole.sub == part.sub && whole.min >= part.min,
        _ => whole == part,
    }
}

fn parse(pattern: &str) -> Result<Hir, String> {
    let mut builder = regex_syntax::ParserBuilder::new();
    builder.unicode(false).utf8(false).dot_matches_new_line(true).build().parse(pattern).map_err(|e| e.to_string())
}

/// Cuts the last repetition to its least count.
fn shorten_tail(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Repetition(r) if r.min > 0 => {
            let cut = Repetition { min: r.min, max: Some(r.min), greedy: true, sub: r.sub.clone() };
            Hir::repetition(cut)
        }
        HirKind::Repetition(_) => Hir::empty(),
        HirKind::Look(_) => Hir::empty(),
        HirKind::Capture(c) => shorten_tail(&c.sub),
        HirKind::Concat(parts) => {
            let mut parts: Vec<Hir> = parts.clone();
            // A tail that may be empty says nothing: the one before it is the tail then.
            while let Some(last) = parts.pop() {
                let shorter = shorten_tail(&last);
                if !matches!(shorter.kind(), HirKind::Empty) {
                    parts.push(shorter);
                    break;
                }
            }
            Hir::concat(parts)
        }
        // The end of a word, or what else may stand there: without it the word's every beginning would be one.
        HirKind::Alternation(parts) if parts.iter().any(|part| matches!(part.kind(), HirKind::Look(_))) => hir.clone(),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(shorten_tail).collect()),
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) => hir.clone(),
    }
}

fn print(hir: &Hir, out: &mut String) -> Result<(), String> {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|b| byte(*b, out)),
        HirKind::Class(class) => print_class(class, out)?,
        HirKind::Look(look) => match look {
            Look::WordAscii => out.push_str("\\b"),
            Look::WordAsciiNegate => out.push_str("\\B"),
            // Whole-record anchors: a chunk holds many records, so the exact stage checks them.
            Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => {}
            _ => return Err(format!("the assertion {look:?} is not supported")),
        },
        HirKind::Repetition(r) => {
            group(&r.sub, out)?;
            match (r.min, r.max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => push_fmt(out, format_args!("{{{min},}}")),
                (min, Some(max)) if min == max => push_fmt(out, format_args!("{{{min}}}")),
                (min, Some(max)) => push_fmt(out, format_args!("{{{min},{max}}}")),
            }
        }
        HirKind::Capture(c) => print(&c.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                if matches!(part.kind(), HirKind::Alternation(_)) {
                    group(part, out)?;
                } else {
                    print(part, out)?;
                }
            }
        }
        HirKind::Alternation(parts) => {
            out.push_str("(?:");
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    out.push('|');
                }
                print(part, out)?;
            }
            out.push(')');
        }
    }
    Ok(())
}

fn group(hir: &Hir, out: &mut String) -> Result<(), String> {
    out.push_str("(?:");
    print(hir, out)?;
    out.push(')');
    Ok(())
}

fn push_fmt(out: &mut String, args: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(args);
}

fn byte(b: u8, out: &mut String) {
    if b.is_ascii_alphanumeric() {
        out.push(char::from(b));
    } else {
        push_fmt(out, format_args!("\\x{b:02x}"));
    }
}

fn print_class(class: &Class, out: &mut String) -> Result<(), String> {
    let ranges: Vec<(u8, u8)> = match class {
        Class::Bytes(bytes) => bytes.ranges().iter().map(|r| (r.start(), r.end())).collect(),
        Class::Unicode(chars) => {
            let narrow = |c: char| u8::try_from(u32::from(c)).ok().filter(u8::is_ascii);
            let pairs: Option<Vec<_>> =
                chars.ranges().iter().map(|r| Some((narrow(r.start())?, narrow(r.end())?))).collect();
            pairs.ok_or("a class of characters beyond ASCII")?
        }
    };
    out.push('[');
    for (start, end) in ranges {
        byte(start, out);
        if end > start {
            out.push('-');
            byte(end, out);
        }
    }
    out.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{lead, lower};

    #[test]
    fn tails_are_cut_and_anchors_dropped() {
        assert_eq!(lower(r"\bgh[po]_([0-9A-Z]{36,})\b").unwrap(), r"\bgh[o-p]\x5f(?:[0-9A-Z]){36}");
        assert_eq!(lower(r"^key=(a+)x?$").unwrap(), r"key\x3da");
        assert_eq!(lower(r"(?i)ab").unwrap(), "[Aa][Bb]");
        assert_eq!(lower(r"dni(?:\b|[_-])").unwrap(), r"dni(?:(?:\b|[\x2d\x5f]))");
        assert_eq!(lower(r"(?:ab|cd{2,9})(x|y)*").unwrap(), r"(?:ab|cd{2})".replace("d{2}", "(?:d){2}"));
    }

    #[test]
    fn a_match_begins_so_far_before_a_hit() {
        assert_eq!(lead(r"(?i:acme|ac_me)[ =]{1,9}([0-9a-f]{32})", "(?i:acme|ac_me)"), Some(5));
        assert_eq!(lead(r"(?:\b|_|\\n)(gsk_[0-9A-Z]{52,60})\b", "gsk_[0-9A-Z]{52}"), Some(2 + 56));
        assert_eq!(lead("abc[0-9]+", "abc[0-9]+"), Some(4));
        assert_eq!(lead("[a-z]{1,9}@[a-z]+", "@[a-z]"), None);
        assert_eq!(lead("[a-z]{1,9}@[a-z]{3}", "@[a-z]{2}"), Some(9 + 3));
        assert_eq!(lead("[a-z]+@[a-z]{3}", "@"), None);
        assert_eq!(lead("abc|xyz", "abc"), None);
        assert_eq!(lead("ab(?:c)?", "abc"), None);
    }

    #[test]
    fn what_matches_nothing_special_is_refused() {
        assert!(lower("a*").is_err());
        assert!(lower("(").is_err());
    }
}

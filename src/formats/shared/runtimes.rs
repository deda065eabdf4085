//! The shapes Lambda's runtimes and common loggers give to an application's lines.

use super::links::is_uuid;
use crate::codec::json;
use crate::model::Micros;
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a line of text says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Application<'a> {
    pub time: Option<Micros>,
    pub request_id: Option<&'a str>,
    /// As written.
    pub level: Option<&'a str>,
    pub error_type: Option<Cow<'a, str>>,
    pub error_message: Option<Cow<'a, str>>,
}

/// Node and .NET (`time<TAB>id<TAB>LEVEL<TAB>message`), Python (`[LEVEL]<TAB>time<TAB>id<TAB>message`), Ruby
/// (`I, [time #pid]  INFO -- : message`), Java (`time id LEVEL …`), and errors of each; else free text.
pub fn application(text: &str) -> Application<'_> {
    let mut words = text.splitn(4, '\t');
    let parts = [words.next(), words.next(), words.next(), words.next()].map(Option::unwrap_or_default);
    let whole = memchr::memchr_iter(b'\t', text.as_bytes()).nth(2).is_some();
    let (time, id, level, message) = match &parts {
        _ if !whole => return free(text),
        [time, id, level, message] if Micros::parse_rfc3339(time).is_some() && is_level(level) => {
            (Some(*time), Some(*id), Some(*level), *message)
        }
        [level, time, id, message] if bracketed(level).is_some_and(|(_, rest)| rest.is_empty()) => {
            (Some(*time), Some(*id), bracketed(level).map(|(level, _)| level), *message)
        }
        _ => return free(text),
    };
    let mut line = Application {
        time: time.and_then(Micros::parse_rfc3339),
        request_id: id.filter(|id| is_uuid(id)),
        level,
        ..Application::default()
    };
    set_error(&mut line, message);
    line
}

fn free(text: &str) -> Application<'_> {
    let mut line = Application::default();
    let mut message = text;
    if let Some((level, rest)) = bracketed(text) {
        line.level = Some(level);
        message = rest.trim_start();
    } else if let Some((time, level, rest)) = ruby(text) {
        (line.time, line.level) = (time, Some(level));
        message = rest;
    } else if let Some((time, used)) = Micros::parse_rfc3339_prefix(text.as_bytes())
        && let Some(rest) = text.get(used..)
    {
        line.time = Some(time);
        line.level = rest.split_whitespace().take(4).map(|w| w.trim_matches(['[', ']', ':'])).find(|w| is_level(w));
    }
    line.request_id = request_id(text);
    set_error(&mut line, message);
    line
}

/// `[LEVEL]` and what follows it.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let (level, rest) = text.strip_prefix('[')?.split_once(']')?;
    is_level(level).then_some((level, rest))
}

/// `I, [2026-01-01T00:00:00.123456 #8]  INFO -- : message`
fn ruby(text: &str) -> Option<(Option<Micros>, &str, &str)> {
    let (_, rest) =
        text.split_once(", [").filter(|(letter, _)| matches!(*letter, "D" | "I" | "W" | "E" | "F" | "A"))?;
    let (stamp, rest) = rest.split_once(']')?;
    let time = Micros::parse_rfc3339(stamp.split(' ').next()?);
    let rest = rest.trim_start();
    let (level, rest) = rest.split_once(' ')?;
    let message = rest.split_once(": ").map_or("", |(_, message)| message);
    is_level(level).then_some((time, level, message))
}

fn is_level(word: &str) -> bool {
    const LEVELS: [&str; 19] = [
        "TRACE",
        "DEBUG",
        "INFO",
        "INFORMATION",
        "NOTICE",
        "WARN",
        "WARNING",
        "ERROR",
        "CRITICAL",
        "FATAL",
        "SEVERE",
        "PANIC",
        "FAIL",
        "CRIT",
        "FINE",
        "ANY",
        "trce",
        "dbug",
        "EMERGENCY",
    ];
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
}

static REQUEST_ID: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("RequestId: "));

/// `RequestId: <uuid> …`, or a UUID among the first words.
fn request_id(text: &str) -> Option<&str> {
    if let Some(at) = REQUEST_ID.find(text.as_bytes())
        && let Some(id) = text[at + REQUEST_ID.needle().len()..].split_whitespace().next().filter(|id| is_uuid(id))
    {
        return Some(id);
    }
    text.split_whitespace().take(4).find(|word| is_uuid(word))
}

/// Node's `Invoke Error <TAB>{"errorType":…}`, Python's `ValueError: message`, Java's
/// `java.lang.RuntimeException: message`, at the start of a message.
fn set_error<'a>(line: &mut Application<'a>, message: &'a str) {
    let first = message.split(['\n', '\r']).next().unwrap_or_default();
    let told = ["Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection", "Unhandled Rejection"];
    if told.iter().any(|name| message.starts_with(name))
        && let Some(open) = message.find('{')
        && let Ok(value) = json::parse(&message[open..])
    {
        let text = |name: &str| value.get(name).and_then(|v| v.scalar()).filter(|t| !t.is_empty());
        (line.error_type, line.error_message) = (text("errorType"), text("errorMessage"));
        return;
    }
    // What a line of a lower level names is no failure.
    let failed = line
        .level
        .is_some_and(|l| ["ERROR", "FATAL", "CRITICAL", "SEVERE", "FAIL"].iter().any(|f| l.eq_ignore_ascii_case(f)));
    if line.level.is_some() && !failed {
        return;
    }
    let (name, rest) = first.split_once(':').unwrap_or((first.trim_end(), ""));
    let class = name.rsplit('.').next().unwrap_or_default();
    let word = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'));
    let error = class.starts_with(|c: char| c.is_ascii_uppercase())
        && (class.ends_with("Error") || class.ends_with("Exception") || name.starts_with("Runtime."));
    // A class of an unusual name is one where the level says so.
    if word && (error || (failed && name.contains('.') && first.contains(": "))) {
        line.error_type = Some(Cow::Borrowed(name));
        // Python pads with no-break spaces, which are white space too.
        line.error_message = Some(rest.trim()).filter(|rest| !rest.is_empty()).map(Cow::Borrowed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8f507cfc-aaaa-4bbb-8ccc-0123456789ab";

    fn error<'a>(line: &'a Application<'_>) -> (Option<&'a str>, Option<&'a str>) {
        (line.error_type.as_deref(), line.error_message.as_deref())
    }

    #[test]
    fn node_and_its_errors() {
        let text = format!(
            "2026-01-01T00:00:00.000Z\t{ID}\tERROR\tInvoke Error \t{{\"errorType\":\"TypeError\",\"errorMessage\":\"x is \\\"y\\\"\",\"stack\":[\"TypeError: x\"]}}"
        );
        let line = application(&text);
        assert_eq!((line.request_id, line.level), (Some(ID), Some("ERROR")));
        assert_eq!(error(&line), (Some("TypeError"), Some("x is \"y\"")));
        let line = application("2026-01-01T00:00:00.000Z\tundefined\tINFO\ta\tb");
        assert_eq!((line.request_id, line.level), (None, Some("INFO")));
        assert_eq!(line.time, Micros::parse_rfc3339("2026-01-01T00:00:00Z"));
    }

    #[test]
    fn python_with_returns_and_no_break_spaces() {
        let text =
            "[ERROR] ValueError: bad\u{a0}\rTraceback (most recent call last):\r\u{a0}\u{a0}File \"/var/task/a.py\"";
        let line = application(text);
        assert_eq!(line.level, Some("ERROR"));
        assert_eq!(error(&line), (Some("ValueError"), Some("bad")));
        let line = application("[ERROR] Runtime.ImportModuleError: Unable to import module 'a': No module named 'b'");
        assert_eq!(error(&line).0, Some("Runtime.ImportModuleError"));
        let line = application("[ERROR] botocore.errorfactory.Missing: gone\nTraceback");
        assert_eq!(error(&line), (Some("botocore.errorfactory.Missing"), Some("gone")));
        let text = format!("[WARNING]\t2026-01-01T00:00:00.000Z\t{ID}\tlow: disk");
        let line = application(&text);
        assert_eq!((line.level, line.request_id, error(&line)), (Some("WARNING"), Some(ID), (None, None)));
    }

    #[test]
    fn ruby_java_and_free_text() {
        let line = application("E, [2026-01-01T00:00:00.123456 #8] ERROR -- : NoMethodError: nil");
        assert_eq!((line.level, line.time), (Some("ERROR"), Micros::parse_rfc3339("2026-01-01T00:00:00.123456Z")));
        assert_eq!(error(&line), (Some("NoMethodError"), Some("nil")));
        let text = format!("2026-01-01 00:00:00 {ID} WARN  Handler - slow");
        let line = application(&text);
        assert_eq!((line.level, line.request_id), (Some("WARN"), Some(ID)));
        let line = application("java.lang.IllegalStateException: closed\n\tat a.B.c(B.java:7)");
        assert_eq!(error(&line), (Some("java.lang.IllegalStateException"), Some("closed")));
        assert_eq!(application("just: text"), Application::default());
        assert_eq!(application("[12] é"), Application::default());
    }
}

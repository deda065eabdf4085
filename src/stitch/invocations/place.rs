//! What the names of a line's group and stream say.

use crate::formats::shared::services;
use crate::stitch::Line;

/// Account, region, group, and stream as export tasks spell it: one stream may come in both spellings.
pub(super) type Place = (Option<String>, Option<String>, Option<String>, Option<String>);

/// Whether the line stands in a function's log; `None` where group and stream do not tell.
pub(super) fn is_lambda(line: &Line<'_>) -> Option<bool> {
    if let Some(service) = line.log_group.and_then(services::of_group) {
        return Some(service.id == "lambda");
    }
    // `2026/03/02/[$LATEST]<32 hex>`, with the function's name before the bracket in groups of several.
    let environment = line.log_stream.and_then(|stream| stream.rsplit_once(']')).map(|(_, environment)| environment);
    environment.is_some_and(|e| e.len() == 32 && e.bytes().all(|b| b.is_ascii_hexdigit())).then_some(true)
}

/// The function's name in `2026/03/02/name[version]…`.
pub(super) fn function_of_stream(stream: &str) -> Option<&str> {
    let (head, _) = stream.split_once('[')?;
    let date = head.get(..11)?;
    let shaped = date.bytes().enumerate().all(|(i, b)| match i {
        4 | 7 | 10 => matches!(b, b'/' | b'-'),
        _ => b.is_ascii_digit(),
    });
    Some(&head[11..]).filter(|name| shaped && !name.is_empty())
}

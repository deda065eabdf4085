//! The console's formats that are no JSON: common log format, CSV and XML, of REST, HTTP and WebSocket APIs.

use super::fields::{
    CALLER, CONNECTION, EVENT_TYPE, EXTENDED_ID, IP, LENGTH, METHOD, PROTOCOL, REQUEST_ID, REQUEST_TIME, RESOURCE_PATH,
    ROUTE_KEY, STATUS, USER,
};
use super::{REPLACED_ID, put, set};
use crate::codec::tokens;
use crate::model::{Micros, Row};
use std::borrow::Cow;

/// Cells and their texts, in the order of the line.
pub type Cells<'a> = Vec<(usize, &'a str)>;

/// Fills the row from what a line says.
pub fn fill<'r>(row: &mut Row<'r>, cells: Cells<'r>) {
    for (cell, text) in cells {
        if !text.is_empty() && text != "-" {
            set(row, Some(cell), Cow::Borrowed(text));
        }
    }
}

/// `ip caller user [time]"a b c" status length id id`, with a blank before the quote or without.
pub fn clf(line: &str) -> Option<Cells<'_>> {
    let (head, rest) = line.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let (request, rest) = rest.trim_start().strip_prefix('"')?.rsplit_once('"')?;
    let mut words = head.split_whitespace();
    let (ip, caller, user) = (words.next()?, words.next()?, words.next()?);
    Micros::parse_clf(time)?;
    tokens::ip(ip)?;
    let tail: Vec<&str> = rest.split_whitespace().collect();
    // Apache's lines end in a number of bytes or in a quoted text; here a request id ends the line.
    let known = tail.last().is_some_and(|id| is_id(id)) && is_status(tail.first()?);
    if !known || words.next().is_some() || request.contains("\" ") {
        return None;
    }
    let mut cells = vec![(IP, ip), (CALLER, caller), (USER, user), (REQUEST_TIME, time), (STATUS, tail[0])];
    let (first, rest) = request.split_once(' ')?;
    let (middle, last) = rest.rsplit_once(' ')?;
    match tail.as_slice() {
        [_, id] => cells.extend([(EVENT_TYPE, first), (ROUTE_KEY, middle), (CONNECTION, last), (REQUEST_ID, id)]),
        [_, length, ids @ ..] if ids.len() <= 2 => {
            cells.extend([(METHOD, first), (route_cell(middle), middle), (PROTOCOL, last), (LENGTH, length)]);
            cells.extend([REQUEST_ID, EXTENDED_ID].into_iter().zip(ids.iter().copied()));
        }
        _ => return None,
    }
    Some(cells)
}

/// The console's column orders. Nothing is quoted, so a route with commas is what its neighbours leave.
pub fn csv(line: &str) -> Option<Cells<'_>> {
    tokens::ip(line.split(',').next()?)?;
    let columns: Vec<&str> = line.split(',').collect();
    let is_time = |at: usize| columns.get(at).is_some_and(|text| Micros::parse_clf(text).is_some());
    let head: &[usize] = if is_time(1) {
        &[IP, REQUEST_TIME, METHOD]
    } else if is_time(3) && columns.get(4).is_some_and(|c| matches!(*c, "CONNECT" | "MESSAGE" | "DISCONNECT")) {
        &[IP, CALLER, USER, REQUEST_TIME, EVENT_TYPE]
    } else if is_time(3) {
        &[IP, CALLER, USER, REQUEST_TIME, METHOD]
    } else {
        return None;
    };
    let web_socket = head.ends_with(&[EVENT_TYPE]);
    let (tail, from): (&[usize], usize) = if web_socket {
        (&[CONNECTION, STATUS, REQUEST_ID], columns.len().checked_sub(3)?)
    } else {
        let protocol = columns.iter().rposition(|column| column.starts_with("HTTP/"))?;
        (&[PROTOCOL, STATUS, LENGTH, REQUEST_ID, EXTENDED_ID], protocol)
    };
    let last = columns.len() - from;
    let known = is_status(columns.get(from + 1)?) && is_id(columns.last()?);
    if !known || from <= head.len() || last > tail.len() || last + 1 < tail.len() {
        return None;
    }
    // The route is the text between the columns before it and those after it.
    let skip = |n: usize| columns[..n].iter().map(|c| c.len() + 1).sum::<usize>();
    let route = line.get(skip(head.len())..skip(from) - 1)?;
    let route_cell = if web_socket || head.len() == 3 { ROUTE_KEY } else { RESOURCE_PATH };
    let mut cells: Cells<'_> = head.iter().copied().zip(columns.iter().copied()).collect();
    cells.push((route_cell, route));
    cells.extend(tail.iter().copied().zip(columns[from..].iter().copied()));
    Some(cells)
}

/// Fills the row from `<request id="…"> <ip>…</ip> … </request>`.
pub fn xml<'r>(row: &mut Row<'r>, line: &'r str) -> Result<(), &'static str> {
    let (id, mut rest) = xml_request(line).ok_or("not the XML of an access log")?;
    put(row, Cow::Borrowed("requestId"), Cow::Borrowed(id));
    while let Some((_, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').ok_or("an XML element does not end")?;
        if let Some(name) = name.strip_suffix('/') {
            put(row, Cow::Borrowed(name.trim()), Cow::Borrowed(""));
            rest = after;
            continue;
        }
        let close = format!("</{name}>");
        let (text, after) = after.split_once(close.as_str()).ok_or("an XML element is not closed")?;
        put(row, Cow::Borrowed(name), Cow::Borrowed(text.trim()));
        rest = after;
    }
    Ok(())
}

/// The id and what is inside the element.
pub fn xml_request(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("<request")?.trim_start().strip_prefix("id=\"")?;
    let (id, rest) = rest.split_once('"')?;
    let inner = rest.trim_start().strip_prefix('>')?.trim_end().strip_suffix("</request>")?;
    Some((id, inner))
}

/// A routeKey is `GET /pets`: the method stands twice in an HTTP API's line.
fn route_cell(route: &str) -> usize {
    if route.contains(' ') || route == "$default" { ROUTE_KEY } else { RESOURCE_PATH }
}

fn is_id(text: &str) -> bool {
    let marked = text.len() >= 12 && text.bytes().any(|b| b == b'=' || b == b'-') && !text.contains('"');
    marked || text == REPLACED_ID
}

fn is_status(text: &str) -> bool {
    text == "-" || (text.len() == 3 && text.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::fields::FIELDS;
    use super::*;

    fn named(cells: Option<Cells<'_>>) -> Vec<(&'static str, &str)> {
        cells.unwrap().into_iter().map(|(cell, text)| (FIELDS[cell].native, text)).collect()
    }

    const ID: &str = "a1b2c3d4-0000-4111-8222-333344445555";

    #[test]
    fn csv_of_the_three_kinds_of_api() {
        let rest =
            format!("192.0.2.7,-,-,02/Mar/2026:08:15:30 +0000,GET,/a,b/{{id}},HTTP/1.1,200,12,{ID},Vwc2abcdefGHIjk=");
        let expected = [
            ("identity.sourceIp", "192.0.2.7"),
            ("identity.caller", "-"),
            ("identity.user", "-"),
            ("requestTime", "02/Mar/2026:08:15:30 +0000"),
            ("httpMethod", "GET"),
            ("resourcePath", "/a,b/{id}"),
            ("protocol", "HTTP/1.1"),
            ("status", "200"),
            ("responseLength", "12"),
            ("requestId", ID),
            ("extendedRequestId", "Vwc2abcdefGHIjk="),
        ];
        assert_eq!(named(csv(&rest)), expected);
        let http = "192.0.2.7,02/Mar/2026:08:15:30 +0000,GET,GET /pets,HTTP/1.1,404,23,JKJaXmPLvHcESHB=";
        let cells = named(csv(http));
        assert_eq!((cells[3], cells[7]), (("routeKey", "GET /pets"), ("requestId", "JKJaXmPLvHcESHB=")));
        assert_eq!(cells.len(), 8);
        let socket = "192.0.2.7,-,-,02/Mar/2026:08:15:30 +0000,MESSAGE,send,JKJaXfR8vHcCJuQ=,200,JKJaXmPLvHcESHD=";
        let cells = named(csv(socket));
        assert_eq!(
            cells[4..],
            [
                ("eventType", "MESSAGE"),
                ("routeKey", "send"),
                ("connectionId", "JKJaXfR8vHcCJuQ="),
                ("status", "200"),
                ("requestId", "JKJaXmPLvHcESHD="),
            ]
        );
    }

    #[test]
    fn other_lines_with_commas_are_no_csv_of_ours() {
        for line in [
            "192.0.2.7,1,2,3",
            "",
            "192.0.2.7,02/Mar/2026:08:15:30 +0000,GET,GET /pets,HTTP/1.1,404",
            "192.0.2.7,-,-,02/Mar/2026:08:15:30 +0000,GET,HTTP/1.1,200,12,JKJaXmPLvHcESHB=",
            "host,-,-,02/Mar/2026:08:15:30 +0000,GET,/,HTTP/1.1,200,12,JKJaXmPLvHcESHB=",
            "192.0.2.7,-,-,02/Mar/2026:08:15:30 +0000,GET,/,HTTP/1.1,200,12,34",
        ] {
            assert!(csv(line).is_none(), "{line}");
        }
    }

    #[test]
    fn xml_of_a_rest_api() {
        let line = format!(
            "<request id=\"{ID}\"> <extendedRequestId>Vwc2abcdefGHIjk=</extendedRequestId> <ip>192.0.2.7</ip> <caller>-</caller> <status>200</status> <mine>a<b</mine> <e/> </request>"
        );
        let mut row = Row::new(FIELDS.len());
        xml(&mut row, &line).unwrap();
        assert_eq!(row.native[REQUEST_ID].as_str(), Some(ID));
        assert_eq!(row.native[IP].as_str(), Some("192.0.2.7"));
        assert!(row.native[CALLER].is_null());
        assert_eq!(row.extra_json().unwrap(), r#"{"mine":"a<b"}"#);
        assert!(xml(&mut Row::new(FIELDS.len()), "<request id=\"x\"> <ip>1</request>").is_err());
    }

    #[test]
    fn clf_with_the_replaced_id_at_its_end() {
        let line = format!(r#"192.0.2.8 - - [02/Mar/2026:08:15:32 +0000]"GET / HTTP/1.1" 200 5 {REPLACED_ID}"#);
        assert_eq!(named(clf(&line)).last(), Some(&("requestId", REPLACED_ID)));
    }
}

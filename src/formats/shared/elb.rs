//! What the logs of the load balancers share: lines of tokens in a fixed order, older ones shorter and newer
//! ones longer, and the same records as JSON objects of vended delivery. Facts: AWS, "Access logs for your
//! Application Load Balancer", "Access logs for your Network Load Balancer", "Vended logs".

mod regroup;

use super::cell;
use crate::codec::json::{self, Json, JsonError};
use crate::codec::tokens;
use crate::formats::{Claim, Outcome};
use crate::model::{Common, Field, Kind, Link, Micros, Record, Reject, Row, Value};
use regroup::regroup;
use std::borrow::Cow;

/// Where the tokens and members of one of these logs go.
pub struct Layout {
    /// Cells of one native spelling stand side by side, the token's own first. The last one takes, as written,
    /// the tokens that nobody has documented yet.
    pub fields: &'static [Field],
    /// Cell of each token: [`order`] of the fields.
    pub order: &'static [usize],
    /// Tokens that lines had from the first day.
    pub fewest: usize,
    pub time: usize,
    /// Cells of addresses whose token brings a port for the next cell.
    pub pairs: &'static [usize],
    /// Names of vended members, where they are not the native spelling.
    pub aliases: &'static [(&'static str, usize)],
    /// Members that no other log has.
    pub signs: &'static [&'static str],
    /// How `elb` begins.
    pub elb: &'static str,
}

/// The cells that tokens go to: of fields with one native spelling the first, and not the last field.
pub const fn order<const TOKENS: usize>(fields: &[Field]) -> [usize; TOKENS] {
    let mut cells = [0; TOKENS];
    let mut token = 0;
    let mut cell = 0;
    while cell + 1 < fields.len() {
        if cell == 0 || !same(fields[cell].native, fields[cell - 1].native) {
            cells[token] = cell;
            token += 1;
        }
        cell += 1;
    }
    assert!(token == TOKENS);
    cells
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// How values are written where they come from.
#[derive(Clone, Copy)]
struct Source {
    /// There may be `\xhh` in it.
    escaped: bool,
    json: bool,
}

impl Layout {
    /// With nothing but fields: for functional update.
    pub const fn of_lines(fields: &'static [Field], order: &'static [usize]) -> Self {
        Self { fields, order, fewest: 1, time: 0, pairs: &[], aliases: &[], signs: &[], elb: "" }
    }

    /// Fills the native cells from a line or a JSON object. `shifted` tells a row whose quotes do not pair; then
    /// the line is read again with the tail that begins where `is_tail` says so.
    pub fn read<'r>(
        &self,
        record: &Record<'r>,
        row: &mut Row<'r>,
        shifted: fn(&Row<'_>) -> bool,
        is_tail: fn(&str) -> bool,
    ) -> Outcome {
        if record.text.trim_start().starts_with('{') {
            return self.read_object(record, row);
        }
        let line = record.text.trim_end_matches(['\n', '\r']);
        let source = Source { escaped: memchr::memchr(b'\\', line.as_bytes()).is_some(), json: false };
        let count = self.read_line(line, row, source);
        if count < self.fewest {
            let detail = format!("{count} fields, at least {} expected", self.fewest);
            return Outcome::Reject(Reject::malformed(detail));
        }
        if row.native[self.time].is_null() {
            return Outcome::Reject(Reject::malformed("the time is missing or no time"));
        }
        if shifted(row)
            && let Some((tokens, rest)) = regroup(line, self.order.len(), is_tail)
        {
            row.native.fill(Value::Null);
            row.extra.clear();
            for (cell, token) in self.order.iter().zip(tokens) {
                self.set(row, *cell, token, source);
            }
            self.set_rest(row, rest);
        }
        Outcome::Event
    }

    /// As [`Self::read`] where quotes always pair, and what is made of the cells.
    pub fn read_plain<'r>(&self, record: &Record<'r>, row: &mut Row<'r>, derive: fn(&mut Row<'_>)) -> Outcome {
        let outcome = self.read(record, row, |_| false, |_| false);
        if outcome == Outcome::Event {
            derive(row);
        }
        outcome
    }

    /// Returns how many tokens there were, at most one more than are known.
    fn read_line<'r>(&self, line: &'r str, row: &mut Row<'r>, source: Source) -> usize {
        let mut tokens = tokens::split_cut(line);
        for (count, &cell) in self.order.iter().enumerate() {
            let Some(token) = tokens.next() else {
                return count;
            };
            self.set(row, cell, token, source);
        }
        tokens.rest().map_or(self.order.len(), |rest| {
            self.set_rest(row, rest);
            self.order.len() + 1
        })
    }

    /// Keeps the tokens after the last known one as they are written, quotes included.
    fn set_rest<'r>(&self, row: &mut Row<'r>, rest: &'r str) {
        if !rest.bytes().all(|b| matches!(b, b'-' | b'"' | b' '))
            && let Some(extra) = row.native.last_mut()
        {
            *extra = Value::Str(Cow::Borrowed(rest));
        }
    }

    /// One token or scalar. What is no value of the field's kind is kept in `extra`.
    #[inline]
    fn set<'r>(&self, row: &mut Row<'r>, cell: usize, token: &'r str, source: Source) {
        if token.is_empty() || token == "-" {
            return;
        }
        let field = &self.fields[cell];
        // Each arm writes its own cell: passed on through a variable, a value costs a stall of the processor.
        match field.kind {
            Kind::Str if self.pairs.contains(&cell) => return set_pair(row, cell, token),
            Kind::Str if field.link == Some(Link::Ip) => row.native[cell] = cell::address(token),
            Kind::Str | Kind::Json if source.escaped => row.native[cell] = Value::Str(tokens::unescape_hex(token)),
            Kind::Str | Kind::Json => row.native[cell] = Value::Str(Cow::Borrowed(token)),
            Kind::Float => row.native[cell] = seconds(token),
            Kind::Time if !source.json => row.native[cell] = Value::time(Micros::parse_rfc3339(token)),
            Kind::Int => row.native[cell] = int(token),
            Kind::Bool | Kind::Time => row.native[cell] = cell::of_text(field.kind, token),
        }
        if row.native[cell].is_null() {
            misfit(row, field, token);
        }
    }

    /// Which of `order` a member goes to. They mostly come in order, so the search begins at `from`.
    fn position(&self, name: &str, from: usize) -> Option<usize> {
        let is = |n: &usize| self.fields[self.order[*n]].native == name;
        (from..self.order.len()).chain(0..from).find(is)
    }

    /// A JSON object of vended delivery: a subset of the fields, in any order.
    fn read_object<'r>(&self, record: &Record<'r>, row: &mut Row<'r>) -> Outcome {
        match self.read_members(record.text, row) {
            Err(error) => return Outcome::Reject(Reject::malformed(error.to_string())),
            Ok((known, all)) if known < 2 || known * 2 < all => {
                return Outcome::Reject(Reject::malformed("few of the members are fields of this log"));
            }
            Ok(_) => {}
        }
        // Users choose the fields, and may leave out the time.
        if row.native[self.time].is_null() {
            match record.envelope.and_then(|envelope| envelope.time) {
                Some(time) => row.set(Common::EventTime, Value::Time(time)),
                None => return Outcome::Reject(Reject::malformed("the time is missing or no time")),
            }
        }
        Outcome::Event
    }

    /// Returns how many members are known, and how many there are.
    fn read_members<'r>(&self, text: &'r str, row: &mut Row<'r>) -> Result<(usize, usize), JsonError> {
        let Json::Object(object) = json::parse(text)? else {
            return Err(JsonError { at: 0, what: "not an object" });
        };
        let source = Source { escaped: true, json: true };
        let (mut next, mut known, mut all) = (0, 0, 0);
        for member in json::members(object) {
            let (name, value) = member?;
            all += 1;
            let alias = || self.aliases.iter().find(|(alias, _)| *alias == name).map(|(_, cell)| *cell);
            let cell = match self.position(&name, next) {
                Some(n) => {
                    next = n + 1;
                    Some(self.order[n])
                }
                None => alias(),
            };
            let Some(cell) = cell else {
                if value != Json::Null {
                    row.extra.push((name, value.to_json()));
                }
                continue;
            };
            known += 1;
            match value.scalar() {
                Some(Cow::Borrowed(token)) => self.set(row, cell, token, source),
                Some(Cow::Owned(token)) => self.set_owned(row, cell, &token, source),
                None => row.native[cell] = cell::of_json(self.fields[cell].kind, &value),
            }
        }
        Ok((known, all))
    }

    /// A string that had JSON escapes does not live as long as the record.
    fn set_owned(&self, row: &mut Row<'_>, cell: usize, token: &str, source: Source) {
        let mut own = Row::new(self.fields.len());
        self.set(&mut own, cell, token, source);
        for (to, value) in row.native.iter_mut().zip(own.native).filter(|(_, value)| !value.is_null()) {
            *to = owned(value);
        }
        let misfits = own.extra.into_iter();
        row.extra.extend(misfits.map(|(name, value)| (name.into_owned().into(), value.into_owned().into())));
    }

    /// Claims a flat JSON object by its members' names: two that only this log has, or one and its `elb`.
    pub fn claims_object(&self, text: &str) -> Option<Claim> {
        if !text.trim_start().starts_with('{') {
            return None;
        }
        let Ok(Json::Object(object)) = json::parse(text) else {
            return None;
        };
        let (mut signs, mut elb) = (0, false);
        for member in json::members(object) {
            let (name, value) = member.ok()?;
            match value {
                Json::Object(_) => return None,
                Json::Str(id) if name == "elb" => elb = id.starts_with(self.elb),
                _ => signs += usize::from(self.signs.contains(&name.as_ref())),
            }
        }
        // Classic Load Balancers have no vended delivery, and no signs.
        match (signs, elb) {
            (1.., true) => Some(Claim { score: 92, reason: "a flat JSON object with elb and this log's vended names" }),
            (3.., false) => Some(Claim { score: 85, reason: "a flat JSON object with this log's vended names" }),
            (2, false) => Some(Claim { score: 70, reason: "a flat JSON object with two of this log's vended names" }),
            _ => None,
        }
    }
}

#[cold]
fn misfit(row: &mut Row<'_>, field: &Field, token: &str) {
    row.extra.push((Cow::Borrowed(field.native), Cow::Owned(serde_json::Value::from(token).to_string())));
}

/// `ip:port`, an address or a port alone.
fn set_pair<'r>(row: &mut Row<'r>, cell: usize, token: &'r str) {
    if let Some((address, port)) = tokens::ipv4_port(token) {
        row.native[cell] = Value::Str(Cow::Borrowed(address));
        row.native[cell + 1] = Value::Int(port);
        return;
    }
    let (address, port) = tokens::ip_port(token);
    let (address, port) = match (tokens::ip(address), port) {
        (Some(ip), port) => (Value::Str(ip), port),
        (None, Some(port)) => match tokens::ip(token) {
            // `2001:db8::80` has no port: its front is no address.
            Some(ip) => (Value::Str(ip), None),
            None => (Value::text(address), Some(port)),
        },
        (None, None) => match token.parse::<u16>() {
            Ok(port) => (Value::Null, Some(i64::from(port))),
            Err(_) => (Value::text(address), None),
        },
    };
    if !address.is_null() {
        row.native[cell] = address;
    }
    if let Some(port) = port {
        row.native[cell + 1] = Value::Int(port);
    }
}

/// A whole number; most have few digits.
#[inline]
fn int(text: &str) -> Value<'_> {
    if text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Value::Int(text.bytes().fold(0, |value, b| value * 10 + u32::from(b - b'0')).into());
    }
    Value::int(text)
}

/// A number of seconds, `0.012` or `-1`: short decimals are exact as a quotient of whole numbers.
fn seconds(text: &str) -> Value<'_> {
    const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    if text == "-1" {
        return Value::Float(-1.0);
    }
    let (mut digits, mut decimals, mut point) = (0u32, 0, false);
    let simple = text.len() <= 9
        && text.bytes().all(|byte| match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u32::from(byte - b'0');
                decimals += usize::from(point);
                true
            }
            b'.' if !point => {
                point = true;
                true
            }
            _ => false,
        });
    if simple && text.len() > usize::from(point) {
        return Value::Float(f64::from(digits) / POWERS[decimals]);
    }
    match Value::float(text) {
        Value::Float(number) if number.is_finite() => Value::Float(number),
        _ => Value::Null,
    }
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Str(text) => Value::owned(text.into_owned()),
        Value::Int(number) => Value::Int(number),
        Value::Float(number) => Value::Float(number),
        Value::Bool(flag) => Value::Bool(flag),
        Value::Time(time) => Value::Time(time),
    }
}

/// A part of a cell's text, borrowed where the cell borrows; null where there is none.
pub fn part<'r>(value: &Value<'r>, of: impl Fn(&str) -> Option<&str>) -> Value<'r> {
    match value {
        Value::Str(Cow::Borrowed(text)) => of(text).map_or(Value::Null, Value::text),
        Value::Str(Cow::Owned(text)) => of(text).map_or(Value::Null, |part| owned(Value::text(part))),
        _ => Value::Null,
    }
}

/// Method, URL and path of `METHOD url HTTP/x` in the cell `request`; the URL goes to the cell after it.
pub fn set_request(row: &mut Row<'_>, request: usize) {
    let method = part(&row.native[request], |text| Some(&text[..memchr::memchr(b' ', text.as_bytes())?]));
    row.native[request + 1] = part(&row.native[request], url_of);
    let path = part(&row.native[request + 1], |url| Some(tokens::url_path(url)));
    row.set(Common::EventAction, method.clone());
    row.set(Common::HttpMethod, method);
    row.set(Common::UrlPath, path.clone());
    row.set(Common::Target, path);
}

/// The URL may hold blanks, so it begins after the first and ends before the last. Of a malformed request all
/// parts may be `-`, and the host ends with one.
fn url_of(request: &str) -> Option<&str> {
    let begin = memchr::memchr(b' ', request.as_bytes())? + 1;
    let end = memchr::memrchr(b' ', request.as_bytes()).filter(|end| *end >= begin).unwrap_or(request.len());
    let url = request[begin..end].trim();
    if begin != 2 || !request.starts_with('-') {
        return Some(url);
    }
    let host = url.strip_suffix('-').filter(|host| host.ends_with(|c: char| c.is_ascii_digit()));
    host.or_else(|| url.bytes().any(|b| !matches!(b, b'-' | b' ')).then_some(url))
}

/// `failure` from status 400 on, else `success`; nothing where there is no status.
pub fn set_outcome(row: &mut Row<'_>, status: usize) {
    if let Value::Int(status) = row.native[status] {
        row.set(Common::EventOutcome, outcome(status < 400));
    }
}

pub fn outcome(success: bool) -> Value<'static> {
    Value::text(if success { "success" } else { "failure" })
}

/// Adds a cell to the pivots where it is an ARN.
pub fn link_arn<'r>(row: &mut Row<'r>, cell: usize) {
    if let Value::Str(arn) = &row.native[cell]
        && arn.starts_with("arn:")
    {
        let arn: Cow<'r, str> = arn.clone();
        row.add_link(Link::Arn, arn);
    }
}

/// Account and region as an ARN of the load balancer's own account says: the fourth and fifth of its parts.
pub fn set_owner(row: &mut Row<'_>, arn: usize) {
    let mut colons = [0; 5];
    let known = [Common::AccountId, Common::Region].iter().all(|column| !row.common(*column).is_null());
    let Some(text) = row.native[arn].as_str().filter(|text| !known && text.starts_with("arn:")) else {
        return;
    };
    for (to, colon) in colons.iter_mut().zip(memchr::memchr_iter(b':', text.as_bytes())) {
        *to = colon;
    }
    let [_, _, before, between, after] = colons;
    let region = part(&row.native[arn], |arn| arn.get(before + 1..between));
    row.set_default(Common::Region, region);
    if after.checked_sub(between) == Some(13) {
        let account = part(&row.native[arn], |arn| arn.get(between + 1..after));
        row.set_default(Common::AccountId, account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact() {
        for text in ["0.001", "3.001", "0.000041", "12", "65535.999", "0", ".5", "1.", "-1", "-0.5", "1234567.125"] {
            assert_eq!(seconds(text), Value::Float(text.parse().unwrap()), "{text}");
        }
        for text in [".", "1.2.3", "x", "NaN", "inf", "1e400"] {
            assert_eq!(seconds(text), Value::Null, "{text}");
        }
    }
}

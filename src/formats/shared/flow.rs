//! Flow logs of VPCs and of Transit Gateways: the order of the fields from a header, a flag or a default format;
//! lines of tokens, and rows of JSON as Parquet files give them. Facts: AWS, "Flow log records", "Transit Gateway
//! Flow Log records".

use super::flow_tokens::{self, Filled, Layout, Read};
use crate::codec::json::{self, Json};
use crate::codec::tokens;
use crate::formats::shared::cell;
use crate::formats::{Claim, Outcome};
use crate::model::{Common, Envelope, Field, Kind, Record, Reject, Row, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// One kind of flow log.
pub struct Dialect {
    pub(super) fields: &'static [Field],
    /// By AWS's spelling and by the one of Parquet columns, `_` for `-`.
    cells: HashMap<&'static str, usize>,
    transit: bool,
    /// The layouts that lines show by themselves, with the version each line of them begins with.
    shown: Vec<(Arc<Layout>, i64)>,
    /// Whether a row of such a layout holds what AWS writes.
    sound: fn(&Row<'_>) -> bool,
    known: Known,
}

/// Cells of the fields that every flow log has.
struct Known {
    version: usize,
    account: usize,
    dstaddr: usize,
    dstport: usize,
    start: usize,
    end: usize,
}

/// In place of an account id, for interfaces made by some AWS services.
const UNKNOWN_ACCOUNT: &str = "unknown";
/// Members that say of a JSON object that it is a flow: a DNS query has srcaddr, srcport and vpc_id as well.
const TELLING: [&str; 9] = [
    "interface-id",
    "dstaddr",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "log-status",
    "tcp-flags",
    "flow-direction",
    "traffic-path",
    "packets",
];
const FEWEST_MEMBERS: usize = 3;

impl Dialect {
    /// `fields`: the last one takes tokens beyond the layout. `shown`: how many of the first fields make a
    /// default format, with its version.
    pub fn new(fields: &'static [Field], transit: bool, shown: &[(usize, i64)], sound: fn(&Row<'_>) -> bool) -> Self {
        let mut cells = HashMap::new();
        for (cell, field) in fields.iter().enumerate().filter(|(_, f)| !f.native.starts_with('(')) {
            cells.insert(field.native, cell);
            if let Some((_, name)) = field.column.split_once('_') {
                cells.insert(name, cell);
            }
        }
        let of = |name: &str| cells.get(name).copied().unwrap_or_default();
        let known = Known {
            version: of("version"),
            account: of("account-id"),
            dstaddr: of("dstaddr"),
            dstport: of("dstport"),
            start: of("start"),
            end: of("end"),
        };
        let mut dialect = Self { fields, cells, transit, shown: Vec::new(), sound, known };
        for &(count, version) in shown {
            let names = fields.iter().take(count).map(|f| f.native);
            dialect.shown.push((Arc::new(Layout::new(&dialect, names)), version));
        }
        dialect
    }

    pub(super) fn cell(&self, name: &str) -> Option<usize> {
        self.cells.get(name).copied()
    }

    /// Why a record looks like one of this dialect. `given`: `--vpc-flow-format`.
    pub fn claims(&self, text: &str, given: Option<&str>) -> Option<Claim> {
        let text = text.trim_ascii();
        if text.starts_with('{') {
            let Ok(Json::Object(object)) = json::parse(text) else { return None };
            return match wrapped(object) {
                Some(line) => self.claims_line(&json::unescape(line), given),
                None => self.claims_object(object),
            };
        }
        self.claims_line(text, given)
    }

    fn claims_line(&self, line: &str, given: Option<&str>) -> Option<Claim> {
        let line = line.trim_ascii();
        if self.is_header(line.as_bytes(), true) {
            let ours = flow_tokens::words(line).any(is_transit) == self.transit;
            return ours.then_some(Claim { score: 95, reason: "a header line of flow log field names" });
        }
        let mut row = Row::new(self.fields.len());
        if self.shown.iter().any(|(layout, version)| self.fill_shown(layout, *version, line, &mut row, &Cow::Borrowed))
        {
            return Some(Claim { score: 90, reason: "the fields of a default flow log format, with a version first" });
        }
        let layout = self.given(given)?;
        let mut row = Row::new(self.fields.len());
        let filled = layout.fill(self, line, &mut row, &Cow::Borrowed);
        (filled.count == layout.len() && filled.misfits == 0)
            .then_some(Claim { score: 85, reason: "as many fields as the flow log format given, of the same types" })
    }

    fn claims_object(&self, object: &str) -> Option<Claim> {
        let (mut known, mut total, mut telling, mut transit) = (0, 0, false, false);
        for member in json::members(object) {
            let (name, _) = member.ok()?;
            total += 1;
            transit |= is_transit(&name);
            if let Some(cell) = self.cell(&name) {
                known += 1;
                telling |= TELLING.contains(&self.fields[cell].native);
            }
        }
        let ours = transit == self.transit && (transit || telling) && known >= FEWEST_MEMBERS && known * 2 > total;
        ours.then_some(Claim { score: 85, reason: "a JSON object of flow log fields" })
    }

    /// The layout of the flag, where it is of this dialect.
    fn given(&self, format: Option<&str>) -> Option<Layout> {
        let names: Vec<&str> = flow_tokens::format_names(format?).collect();
        let ours = names.iter().copied().any(is_transit) == self.transit;
        (ours && !names.is_empty()).then(|| Layout::new(self, names.into_iter()))
    }

    /// Words of small letters, digits and hyphens, most of them fields. `alone`: nothing else says that this is a
    /// flow log, so one of them must be no word of English.
    fn is_header(&self, line: &[u8], alone: bool) -> bool {
        // Lines of flows stop here: at the dot or colon of an address, at ACCEPT, at OK.
        if !line.first().is_some_and(u8::is_ascii_lowercase) || !line.iter().all(|&b| is_header_byte(b)) {
            return false;
        }
        let Ok(line) = std::str::from_utf8(line) else { return false };
        let (mut known, mut total, mut sure) = (0, 0, false);
        for word in flow_tokens::words(line) {
            total += 1;
            if self.cells.contains_key(word) {
                known += 1;
                sure |= word.contains('-') || word.ends_with("addr");
            }
        }
        // "start end" may be prose; "srcaddr dstaddr" is not.
        (sure || (!alone && total > 2)) && total >= 2 && known * 2 > total
    }

    fn fill_shown<'t, 'r>(
        &self,
        layout: &Layout,
        version: i64,
        line: &'t str,
        row: &mut Row<'r>,
        keep: &impl Fn(&'t str) -> Cow<'r, str>,
    ) -> bool {
        let filled = layout.fill(self, line, row, keep);
        let whole = filled.count == layout.len()
            && filled.misfits == 0
            && row.native[self.known.version] == Value::Int(version)
            && !row.native[self.known.start].is_null()
            && (self.sound)(row);
        if !whole {
            row.native.fill(Value::Null);
            row.extra.clear();
        }
        whole
    }

    /// What every flow has: account, time, target. `timed`: the record has a field for a time.
    fn finish(&self, row: &mut Row<'_>, timed: bool, envelope: Option<&Envelope>) -> Result<(), Outcome> {
        let time = [self.known.start, self.known.end].iter().map(|&cell| &row.native[cell]).find(|v| !v.is_null());
        match (time.cloned(), envelope.and_then(|e| e.time)) {
            // It feeds the column by itself.
            (Some(_), _) if !row.native[self.known.start].is_null() => {}
            (Some(time), _) => row.set(Common::EventTime, time),
            (None, Some(time)) => row.set(Common::EventTime, Value::Time(time)),
            (None, None) if timed => return reject("neither start nor end is a time"),
            (None, None) => {}
        }
        let account = &row.native[self.known.account];
        if account.as_str().is_some_and(|account| account != UNKNOWN_ACCOUNT) {
            row.set(Common::AccountId, account.clone());
        }
        if let (Some(address), Value::Int(port)) =
            (row.native[self.known.dstaddr].as_str(), &row.native[self.known.dstport])
        {
            let target = flow_tokens::target(address, *port);
            row.set(Common::Target, Value::owned(target));
        }
        Ok(())
    }

    fn fill_object<'r>(&self, row: &mut Row<'r>, object: &'r str) -> Result<bool, json::JsonError> {
        let mut timed = false;
        for member in json::members(object) {
            let (name, value) = member?;
            let Some(cell) = self.cell(&name) else {
                if value != Json::Null {
                    row.extra.push((name, value.to_json()));
                }
                continue;
            };
            let field = &self.fields[cell];
            timed |= field.kind == Kind::Time;
            row.native[cell] = match (Read::of(field), &value) {
                (_, Json::Object(_) | Json::Array(_)) => Value::Null,
                (Read::Address, _) => value.scalar().map_or(Value::Null, address),
                (Read::Text | Read::Int | Read::Time, _) => cell::of_json(field.kind, &value),
            };
            // A value of another type is kept as it stands.
            if row.native[cell].is_null() && !matches!(value, Json::Null | Json::Str("" | "-")) {
                row.extra.push((name, value.to_json()));
            }
        }
        Ok(timed)
    }
}

fn is_header_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b' ')
}

/// Fields that only Transit Gateways have, in either spelling.
fn is_transit(name: &str) -> bool {
    ["tgw-", "tgw_", "packets-lost-", "packets_lost_", "resource-type", "resource_type"]
        .iter()
        .any(|start| name.starts_with(start))
}

fn address(text: Cow<'_, str>) -> Value<'_> {
    match text {
        Cow::Borrowed(text) => cell::address(text),
        Cow::Owned(text) => Value::owned(tokens::ip(&text).map(Cow::into_owned).unwrap_or(text)),
    }
}

/// The line in Firehose's `{"message":"…"}`, escapes still in it.
fn wrapped(object: &str) -> Option<&str> {
    match json::members(object).filter_map(Result::ok).find(|(name, _)| name == "message")?.1 {
        Json::Str(raw) => Some(raw.strip_suffix("\\n").unwrap_or(raw)),
        _ => None,
    }
}

fn reject<T>(detail: impl Into<String>) -> Result<T, Outcome> {
    Err(Outcome::Reject(Reject::malformed(detail)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    /// By the lines themselves, each anew: `layout` is only the one to try first.
    Lines,
    Flag,
    Header,
}

/// Reads the records of one object; a header stays in force until the next one.
#[derive(Clone)]
pub struct FlowReader {
    dialect: &'static Dialect,
    layout: Arc<Layout>,
    version: i64,
    from: From,
}

impl FlowReader {
    /// `given`: `--vpc-flow-format`.
    pub fn new(dialect: &'static Dialect, given: Option<&str>) -> Self {
        if let Some(layout) = dialect.given(given) {
            return Self { dialect, layout: Arc::new(layout), version: 0, from: From::Flag };
        }
        let (layout, version) = dialect.shown[0].clone();
        Self { dialect, layout, version, from: From::Lines }
    }

    /// Fills the cells and the common columns every flow has; an error is the record's outcome.
    pub fn read<'r>(&mut self, record: &Record<'r>, row: &mut Row<'r>) -> Result<(), Outcome> {
        let text = record.text.trim_ascii();
        let timed = if text.starts_with('{') {
            self.read_object(text, row)?
        } else {
            self.read_line(text, row, &Cow::Borrowed)?
        };
        self.dialect.finish(row, timed, record.envelope)
    }

    fn read_object<'r>(&mut self, text: &'r str, row: &mut Row<'r>) -> Result<bool, Outcome> {
        let object = match json::parse(text) {
            Ok(Json::Object(object)) => object,
            Ok(_) => return reject("not a JSON object"),
            Err(error) => return reject(error.to_string()),
        };
        let Some(line) = wrapped(object) else {
            let filled = self.dialect.fill_object(row, object);
            if row.native.iter().all(Value::is_null) {
                return reject("a JSON object without flow log fields");
            }
            return filled.or_else(|error| reject(error.to_string()));
        };
        let timed = match json::unescape(line) {
            Cow::Borrowed(line) => self.read_line(line.trim_ascii(), row, &Cow::Borrowed)?,
            Cow::Owned(line) => self.read_line(line.trim_ascii(), row, &|word: &str| Cow::Owned(word.to_owned()))?,
        };
        let beside = json::members(object).filter_map(Result::ok).filter(|(name, _)| name != "message");
        row.extra.extend(beside.map(|(name, value)| (name, value.to_json())));
        Ok(timed)
    }

    /// Whether the line has a field for a time.
    fn read_line<'t, 'r>(
        &mut self,
        line: &'t str,
        row: &mut Row<'r>,
        keep: &impl Fn(&'t str) -> Cow<'r, str>,
    ) -> Result<bool, Outcome> {
        if line.is_empty() {
            return Err(Outcome::Ignored("empty line"));
        }
        if self.changes_layout(line.as_bytes()) {
            self.layout = Arc::new(Layout::new(self.dialect, flow_tokens::words(line)));
            self.from = From::Header;
            return Err(Outcome::Ignored("header line"));
        }
        if self.from == From::Lines {
            if self.dialect.fill_shown(&self.layout, self.version, line, row, keep) {
                return Ok(true);
            }
            return self.read_shown(line, row, keep);
        }
        let Filled { count, fits, misfits } = self.layout.fill(self.dialect, line, row, keep);
        let expected = self.layout.len();
        if self.from == From::Flag && count != expected {
            row.native.fill(Value::Null);
            row.extra.clear();
            return self.read_shown(line, row, keep);
        }
        if misfits > fits {
            return reject(format!("{misfits} fields of {count} are no numbers, times or addresses"));
        }
        Ok(self.layout.timed)
    }

    /// A line that shows its layout by itself.
    fn read_shown<'t, 'r>(
        &mut self,
        line: &'t str,
        row: &mut Row<'r>,
        keep: &impl Fn(&'t str) -> Cow<'r, str>,
    ) -> Result<bool, Outcome> {
        let dialect = self.dialect;
        match dialect.shown.iter().find(|(layout, version)| dialect.fill_shown(layout, *version, line, row, keep)) {
            Some((layout, version)) => {
                if self.from == From::Lines {
                    (self.layout, self.version) = (Arc::clone(layout), *version);
                }
                Ok(true)
            }
            None => {
                let count = flow_tokens::words(line).count();
                reject(format!("{count} fields in an unknown order; name the order with --vpc-flow-format"))
            }
        }
    }

    fn changes_layout(&self, line: &[u8]) -> bool {
        let dialect = self.dialect;
        dialect.is_header(line, false)
            && (dialect.transit || !line.split(|b| *b == b' ').any(|w| std::str::from_utf8(w).is_ok_and(is_transit)))
    }

    /// Whether a record is a header line, bare or wrapped.
    pub fn is_state(&self, record: &[u8]) -> bool {
        let record = record.trim_ascii();
        if record.first() != Some(&b'{') {
            return self.changes_layout(record);
        }
        let Some(at) = memchr::memmem::find(record, b"\"message\"") else { return false };
        let rest = record[at + 9..].trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
        let Some(rest) = rest.and_then(|rest| rest.strip_prefix(b"\"")) else { return false };
        // Only a header begins with a small letter, and few lines are one: the object is read for those alone.
        rest.trim_ascii_start().first().is_some_and(u8::is_ascii_lowercase)
            && std::str::from_utf8(record)
                .ok()
                .and_then(wrapped)
                .is_some_and(|line| self.changes_layout(json::unescape(line).trim_ascii().as_bytes()))
    }
}

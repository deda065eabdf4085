//! Encoded text inside records: found in one pass, decoded in levels, each scanned like the records themselves.
//!
//! Runs of base64 and hex, `%hh`, JSON escapes that hide characters of secrets, gzip and UTF-16 inside those. What a
//! level gives is looked through for the next one, up to [`DEPTH`].

use super::chunk::{Chunk, Last};
use super::escape::{Places, json_unit, unescaped, url_unit};
use super::runs::{GZIP, base64_text, encoded, hex_text, is_utf16};
use crate::codec::inflate;
use memchr::memmem;
use std::io::Read as _;
use std::sync::LazyLock;

/// Layers inside one another at most.
pub const DEPTH: usize = 4;
/// Bytes that one run may inflate to.
pub const INFLATED: u64 = 4 * 1024 * 1024;
/// Bytes that the levels of one chunk may have, beside twice the chunk's own.
const DECODED: usize = 16 * 1024 * 1024;
/// Bytes on either side that a `%hh` takes along.
const TOKEN: usize = 16 * 1024;

/// One layer, as it is told in a decode path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Json,
    Url,
    Base64,
    Hex,
    Gzip,
    Utf16,
}

impl Layer {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Url => "url",
            Self::Base64 => "base64",
            Self::Hex => "hex",
            Self::Gzip => "gzip+base64",
            Self::Utf16 => "utf16+base64",
        }
    }

    /// Whether rules see through it mostly, so that they found the same before.
    pub const fn is_thin(self) -> bool {
        matches!(self, Self::Json | Self::Url)
    }

    /// The bytes that the decoded ones stand for; `places` are made where there are none.
    fn outer(self, encoded: &[u8], (start, end): (usize, usize), places: &mut Option<Places>) -> (usize, usize) {
        let mut find = |unit| {
            let places = places.get_or_insert_with(|| Places::of(encoded, unit));
            (places.find(encoded, start), places.find(encoded, end))
        };
        let (start, end) = match self {
            Self::Base64 => (start * 4 / 3, (end * 4).div_ceil(3)),
            Self::Hex => (start * 2, end * 2),
            Self::Utf16 => (start * 8 / 3, (end * 8).div_ceil(3)),
            Self::Gzip => (0, encoded.len()),
            Self::Json => find(json_unit),
            Self::Url => find(url_unit),
        };
        (start.min(encoded.len()), end.min(encoded.len()))
    }
}

/// Where the text of a record of a level comes from.
#[derive(Clone, Copy, Debug)]
struct Origin {
    /// In the data of the level below.
    span: (usize, usize),
    layer: Layer,
}

/// What one layer gave.
#[derive(Debug, Default)]
pub(super) struct Level {
    pub chunk: Chunk,
    origins: Vec<Origin>,
    /// Of the record that was asked for last.
    places: (usize, Option<Places>),
}

/// The levels of one chunk; kept for their memory.
#[derive(Debug, Default)]
pub(super) struct Levels {
    levels: Vec<Level>,
    /// Levels in use.
    count: usize,
    room: usize,
    /// Runs that were left, for what they hold is beyond a limit.
    pub left: u64,
}

impl Levels {
    pub fn begin(&mut self, chunk: &Chunk) {
        self.levels.iter_mut().for_each(|level| {
            level.chunk.clear();
            level.origins.clear();
            level.places = (0, None);
        });
        (self.count, self.room) = (0, 2 * chunk.len() + DECODED);
    }

    /// Decodes what lies in the last level, or in the chunk itself; whether there was anything.
    pub fn deeper(&mut self, chunk: &Chunk) -> bool {
        if self.count == DEPTH {
            return false;
        }
        if self.levels.len() == self.count {
            self.levels.push(Level::default());
        }
        let (below, above) = self.levels.split_at_mut(self.count);
        let from = below.last().map_or(chunk, |level| &level.chunk);
        let mut into = Into { from, level: &mut above[0], room: self.room, left: 0, last: Last::default() };
        into.runs();
        into.escapes();
        (self.room, self.left) = (into.room, self.left + into.left);
        let any = !above[0].chunk.is_empty();
        self.count += usize::from(any);
        any
    }

    pub fn last(&self) -> &Level {
        &self.levels[self.count - 1]
    }

    /// The span of the chunk's data that one of the last level's data stands for; and the layers, outermost first.
    /// The span lies in one record.
    pub fn outermost(&mut self, chunk: &Chunk, mut span: (usize, usize)) -> ((usize, usize), Vec<Layer>) {
        let mut layers = Vec::new();
        for n in (0..self.count).rev() {
            let (below, above) = self.levels.split_at_mut(n);
            let Level { origins, places, chunk: own } = &mut above[0];
            let start = own.record_at(span.0).0;
            let record = own.number(start, &mut (0, 0));
            if places.0 != record {
                *places = (record, None);
            }
            let origin = origins[record];
            let encoded = below.last().map_or(chunk, |level| &level.chunk).bytes(origin.span);
            let (from, to) = origin.layer.outer(encoded, (span.0 - start, span.1 - start), &mut places.1);
            span = (origin.span.0 + from, origin.span.0 + to);
            layers.push(origin.layer);
        }
        layers.reverse();
        (span, layers)
    }
}

/// How JSON begins in base64, and gzip.
static HEADS: LazyLock<[memmem::Finder<'static>; 2]> =
    LazyLock::new(|| [memmem::Finder::new(b"eyJ"), memmem::Finder::new(b"H4sI")]);

/// One level being filled.
struct Into<'a> {
    from: &'a Chunk,
    level: &'a mut Level,
    room: usize,
    left: u64,
    last: Last,
}

impl Into<'_> {
    /// Whether the span lies in one record.
    fn is_whole(&mut self, (start, end): (usize, usize)) -> bool {
        let (from, to) = self.last.record_at(self.from, start);
        start >= from && end <= to
    }

    fn push(&mut self, span: (usize, usize), layer: Layer, text: &[u8]) {
        if text.len() > self.room {
            self.left += 1;
            return;
        }
        self.room -= text.len();
        self.level.chunk.push(text);
        self.level.origins.push(Origin { span, layer });
    }

    /// Base64, hex, and what lies in them.
    fn runs(&mut self) {
        let from = self.from;
        encoded(from.data(), |start, end| self.run(start, end));
        self.last = Last::default();
    }

    fn run(&mut self, start: usize, end: usize) {
        let run = &self.from.data()[start..end];
        if let Some(text) = hex_text(run) {
            return self.decoded(start, end, Layer::Hex, &text);
        }
        if let Some(bytes) = base64_text(run) {
            return self.decoded(start, end, Layer::Base64, &bytes);
        }
        // Behind a path or a name there may still be the beginning of JSON, or of gzip.
        for at in HEADS.iter().filter_map(|head| head.find(run)).filter(|at| *at > 0) {
            if let Some(bytes) = base64_text(&run[at..]) {
                return self.decoded(start + at, end, Layer::Base64, &bytes);
            }
        }
    }

    fn decoded(&mut self, start: usize, end: usize, layer: Layer, bytes: &[u8]) {
        let place = (start, end);
        if !self.is_whole(place) {
            return;
        }
        if bytes.starts_with(&GZIP) {
            match inflated(bytes) {
                Some((text, whole)) => {
                    self.left += u64::from(!whole);
                    self.push(place, Layer::Gzip, &text);
                }
                None => self.push(place, layer, bytes),
            }
        } else if is_utf16(bytes) {
            let text: Vec<u8> = bytes.iter().copied().step_by(2).collect();
            self.push(place, Layer::Utf16, &text);
        } else {
            self.push(place, layer, bytes);
        }
    }

    /// `%hh` and escapes of JSON that hide something, in one pass.
    fn escapes(&mut self) {
        let data = self.from.data();
        let (mut after, mut seen) = (0, 0);
        for at in memchr::memchr2_iter(b'%', b'\\', data) {
            if data[at] == b'%' {
                if at >= after && url_unit(&data[at..]).0 > 1 {
                    after = self.url(at, after);
                }
            } else if at >= seen && (data[at + 1..].starts_with(b"/") || data[at + 1..].starts_with(b"u00")) {
                let (start, end) = self.last.record_at(self.from, at);
                seen = end;
                let text = unescaped(&data[start..end], json_unit);
                self.push((start, end), Layer::Json, &text);
            }
        }
    }

    /// Decodes the token around a `%hh`; gives its end.
    fn url(&mut self, at: usize, after: usize) -> usize {
        let data = self.from.data();
        let of_token = |byte: &&u8| !matches!(**byte, b' ' | b'"' | b'\'' | b'<' | b'>' | b'\n' | b'\t' | b'\\');
        let before = data[after..at].iter().rev().take(TOKEN).take_while(of_token).count();
        let end = at + data[at..].iter().take(TOKEN).take_while(of_token).count();
        if self.is_whole((at - before, end)) {
            let text = unescaped(&data[at - before..end], url_unit);
            self.push((at - before, end), Layer::Url, &text);
        }
        end.max(at + 1)
    }
}

/// What the gzip holds, and whether that is all; none where it is no gzip.
fn inflated(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    let reader = inflate::open(Box::new(bytes)).ok()?;
    let whole = reader.take(INFLATED).read_to_end(&mut text).is_ok() && (text.len() as u64) < INFLATED;
    (!text.is_empty()).then_some((text, whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{base64, hex};
    use proptest::prelude::*;

    /// Every text that is decoded, with its layers and the bytes it stands for.
    fn decoded(record: &[u8]) -> Vec<(String, String, String)> {
        let mut chunk = Chunk::default();
        chunk.push(b"before");
        chunk.push(record);
        let mut levels = Levels::default();
        levels.begin(&chunk);
        let mut all = Vec::new();
        while levels.deeper(&chunk) {
            for span in levels.last().chunk.spans() {
                let text = levels.last().chunk.bytes(span).to_vec();
                let (outer, layers) = levels.outermost(&chunk, span);
                let path: Vec<&str> = layers.iter().map(|layer| layer.as_str()).collect();
                let outer = String::from_utf8_lossy(chunk.bytes(outer)).into_owned();
                all.push((String::from_utf8_lossy(&text).into_owned(), path.join(" "), outer));
            }
        }
        all
    }

    const TEXT: &str = "{\"user\":\"ada\",\"password\":\"made-up, 12\"}";

    #[test]
    fn layers_are_taken_off_one_by_one() {
        let once = base64::encode(TEXT.as_bytes());
        let run = once.trim_end_matches('=');
        let found = decoded(format!("GET /x?t={once} 200").as_bytes());
        assert_eq!(found, [(TEXT.to_owned(), "base64".to_owned(), run.to_owned())]);
        let twice = base64::encode(once.as_bytes());
        let paths: Vec<String> = decoded(format!("body: \"{twice}\"").as_bytes()).into_iter().map(|f| f.1).collect();
        assert_eq!(paths, ["base64", "base64 base64"]);
        let hexed = hex::encode(TEXT.as_bytes());
        assert_eq!(decoded(hexed.as_bytes())[0].1, "hex");
        // Behind a path, as far as it begins like JSON does.
        assert_eq!(decoded(format!("/v1/items/{run}").as_bytes())[0].0, TEXT);
        let wide: Vec<u8> = TEXT.bytes().flat_map(|byte| [byte, 0]).collect();
        let found = decoded(format!("powershell -enc {}", base64::encode(&wide)).as_bytes());
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), (TEXT, "utf16+base64"));
    }

    #[test]
    fn escapes_are_found_where_they_hide_something() {
        let found = decoded(br#"{"q":"a=1\u0026key=x\/y"} "#);
        assert_eq!(found[0].0, r#"{"q":"a=1&key=x/y"} "#);
        let found = decoded(b"GET /a?p=x%2Fy%3d HTTP/1.1");
        let found = (found[0].0.as_str(), found[0].1.as_str(), found[0].2.as_str());
        assert_eq!(found, ("/a?p=x/y=", "url", "/a?p=x%2Fy%3d"));
        assert!(decoded(br#"{"m":"a \"quoted\" one, 100% plain\n"}"#).is_empty());
    }

    #[test]
    fn gzip_in_base64_and_its_limit() {
        use std::io::Write as _;
        let pack = |text: &[u8]| {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            out.write_all(text).unwrap();
            base64::encode(&out.finish().unwrap())
        };
        let packed = pack(TEXT.repeat(3).as_bytes());
        let found = decoded(format!("data {packed}").as_bytes());
        assert_eq!((found[0].0.as_str(), found[0].1.as_str()), (TEXT.repeat(3).as_str(), "gzip+base64"));
        let mut chunk = Chunk::default();
        chunk.push(pack(&vec![b'a'; 5 << 20]).as_bytes());
        let mut levels = Levels::default();
        levels.begin(&chunk);
        assert!(levels.deeper(&chunk));
        assert_eq!(
            (levels.left, levels.last().chunk.bytes(levels.last().chunk.spans()[0]).len()),
            (1, INFLATED as usize)
        );
    }

    #[test]
    fn what_is_not_encoded_is_left_alone() {
        for text in [
            "arn:aws:lambda:eu-central-1:111122223333:function:orders-production-worker-with-a-long-name",
            "/aws/lambda/orders/production/worker/with/a/long/path/name/of/many/words",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "Root=1-58337262-36d228ad5d99923122bbe354 2026/11/22/[$LATEST]0123456789abcdef0123456789abcdef",
        ] {
            assert_eq!(decoded(text.as_bytes()), [], "{text}");
        }
    }

    proptest! {
        /// Wherever a run begins, and whatever stands beside it.
        #[test]
        fn every_run_is_found(before in " {0,40}", text in "[ -~]{36,200}", after in " [ -~&&[^%]]{0,40}") {
            let run = base64::encode(text.as_bytes());
            let found = decoded(format!("{before}{run}{after}").as_bytes());
            prop_assert!(found.iter().any(|(found, path, outer)| {
                *found == text && path == "base64" && *outer == run.trim_end_matches('=')
            }), "{found:?}");
        }

        #[test]
        fn any_bytes_are_no_trouble(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let mut chunk = Chunk::default();
            records.iter().for_each(|record| chunk.push(record));
            let mut levels = Levels::default();
            levels.begin(&chunk);
            while levels.deeper(&chunk) {
                for span in levels.last().chunk.spans() {
                    let ((start, end), _) = levels.outermost(&chunk, span);
                    prop_assert!(start <= end && end <= chunk.record_at(start).1);
                }
            }
        }
    }
}

//! Records that are the transport of a whole document.

use super::Framing;
use crate::codec::json::{self, Json};
use crate::codec::{base64, inflate};
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// A document inside a record is read this far; Lambda and Kinesis end at a few megabytes.
const MAX_DOCUMENT: usize = 64 * 1024 * 1024;

/// A stream to cut into records; its errors say that the document is damaged.
pub(super) type Document = Box<dyn BufRead + Send>;

/// The document inside a record: of the Lambda event `{"awslogs":{"data":…}}`, of Kinesis' and Firehose's
/// Lambda events, of a trace with its segments, of a subscription document that stands in a line. A record
/// whose inside cannot be read stays as it is.
pub(super) fn document(framing: Framing, frame: &[u8]) -> Option<Document> {
    match framing {
        Framing::JsonArray("Records") => {
            memchr::memmem::find(frame, b"\"kinesis\"")?;
            unpack(&object(frame)?.path("kinesis.data")?)
        }
        Framing::JsonArray("records") => unpack(&object(frame)?.get("data")?),
        Framing::JsonArray("Traces") => match object(frame)?.get("Segments")? {
            Json::Array(segments) if segments.contains('{') => whole(segments.as_bytes()),
            _ => None,
        },
        Framing::Lines | Framing::JsonValues => match first_member(frame)? {
            b"awslogs" => unpack(&object(frame)?.path("awslogs.data")?),
            b"messageType" => {
                let outer = object(frame)?;
                let events = outer.get("logEvents")?;
                let data = outer.get("messageType")?.as_str()? == "DATA_MESSAGE";
                if !data || events.to_json().contains('{') { whole(frame) } else { None }
            }
            _ => None,
        },
        _ => None,
    }
}

fn object(frame: &[u8]) -> Option<Json<'_>> {
    json::parse(std::str::from_utf8(frame).ok()?).ok()
}

/// The name that an object begins with; cheap, for it is asked of every line.
fn first_member(frame: &[u8]) -> Option<&[u8]> {
    let open = json::skip_space(frame, 0);
    if frame.get(open) != Some(&b'{') {
        return None;
    }
    let name = json::skip_space(frame, open + 1);
    let rest = frame.get(name..name + 16)?.strip_prefix(b"\"")?;
    rest.iter().position(|b| *b == b'"').map(|end| &rest[..end])
}

/// Base64 of text, compressed or not.
fn unpack(data: &Json<'_>) -> Option<Document> {
    let bytes = base64::decode(data.as_str()?.trim().as_bytes())?;
    if inflate::Compression::of(&bytes) == inflate::Compression::None {
        std::str::from_utf8(&bytes).ok()?;
        return whole(&bytes);
    }
    let reader = inflate::open(Box::new(Cursor::new(bytes))).ok()?;
    let mut reader = BufReader::new(Bounded { reader, left: MAX_DOCUMENT });
    let begins = reader.fill_buf().is_ok_and(|head| !head.is_empty());
    begins.then(|| Box::new(reader) as Document)
}

fn whole(text: &[u8]) -> Option<Document> {
    (!text.trim_ascii().is_empty()).then(|| Box::new(Cursor::new(text.to_vec())) as Document)
}

/// An error, not an end, where the limit is reached.
struct Bounded<R> {
    reader: R,
    left: usize,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("the document inside a record is longer than 64 MiB"));
        }
        let most = out.len().min(self.left);
        let n = self.reader.read(&mut out[..most])?;
        self.left -= n;
        Ok(n)
    }
}

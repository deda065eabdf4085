//! Records that are the transport of a whole document.

use super::Framing;
use crate::codec::base64;
use crate::codec::inflate;
use crate::codec::json::{self, Json};
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

#[cfg(test)]
mod tests {
    use super::super::tests::{DOCUMENT, EVENTS, frames, texts};
    use super::super::{Framer, Framing, MAX_FRAME};

    fn gzip(data: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn base64(data: &[u8]) -> String {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(data)
    }

    #[test]
    fn documents_inside_records_come_out_at_the_records_offset() {
        let packed = base64(&gzip(DOCUMENT.as_bytes()));
        let lambda = format!("{{\"awslogs\": {{\"data\": \"{packed}\"}}}}");
        let kinesis =
            format!("{{\"Records\":[{{\"kinesis\":{{\"data\":\"{packed}\"}},\"eventSource\":\"aws:kinesis\"}}]}}");
        let firehose = format!(
            "{{\"invocationId\":\"i\",\"region\":\"r\",\"records\":[{{\"recordId\":\"1\",\"data\":\"{packed}\"}}]}}"
        );
        let plain = format!("{{\"records\":[{{\"data\":\"{}\"}}]}}", base64(DOCUMENT.as_bytes()));
        for text in [&lambda, &kinesis, &firehose, &plain] {
            assert_eq!(texts(text).1, EVENTS, "{text}");
        }
        let two = format!("{{\"a\":1}}\n{lambda}\n{DOCUMENT}\n{{\"b\":2}}");
        let (framing, all, _) = frames(two.as_bytes(), MAX_FRAME);
        assert_eq!(framing, Framing::Lines);
        let offsets: Vec<u64> = all.iter().map(|f| f.1).collect();
        let (second, third) = (8 + lambda.len() as u64 + 1, 8 + lambda.len() as u64 + DOCUMENT.len() as u64 + 2);
        assert_eq!(offsets, [0, 8, 8, second, second, third]);
    }

    #[test]
    fn what_cannot_be_opened_stays_as_it_is() {
        for data in ["", "no base64!", "AAD/", &base64(&[0x1f, 0x8b, 0, 0])] {
            let event = format!("{{\"awslogs\":{{\"data\":\"{data}\"}}}}");
            assert_eq!(texts(&event).1, [event]);
        }
        // Damage after the first event: that comes out, and the outer record as cut.
        let mut cut = gzip(DOCUMENT.as_bytes());
        cut.truncate(cut.len() - 12);
        let event = format!("{{\"awslogs\":{{\"data\":\"{}\"}}}}\nlast", base64(&cut));
        let (_, all, _) = frames(event.as_bytes(), MAX_FRAME);
        let last = all.len() - 1;
        assert_eq!(all[last].0, b"last");
        assert!(all[last - 1].3 && all[last - 1].0.starts_with(b"{\"awslogs\""));
        assert!(all[..last - 1].iter().all(|frame| !frame.0.starts_with(b"{\"awslogs\"")));
        // A document that holds itself is opened twice and no further.
        let deep = (0..4).fold(DOCUMENT.to_owned(), |inner, _| {
            format!("{{\"awslogs\":{{\"data\":\"{}\"}}}}", base64(inner.as_bytes()))
        });
        let (_, all, _) = texts(&deep);
        assert_eq!(all.len(), 1);
        assert!(all[0].starts_with("{\"awslogs\"") && all[0].len() < deep.len());
    }

    #[test]
    fn a_bomb_is_opened_to_its_limit() {
        let bomb = gzip(&[&[b'x'; 1023][..], b"\n"].concat().repeat(70_000));
        let mut framer =
            Framer::new(Box::new(std::io::Cursor::new(format!("{{\"awslogs\":{{\"data\":\"{}\"}}}}", base64(&bomb)))));
        let (mut count, mut cut) = (0, 0);
        while let Some(frame) = framer.next_frame() {
            count += 1;
            cut += u32::from(frame.truncated);
        }
        assert_eq!((count, cut), (64 * 1024 + 1, 1));
    }

    #[test]
    fn members_of_gzip_in_gzip_are_one_stream() {
        let members = [gzip(DOCUMENT.as_bytes()), gzip(DOCUMENT.as_bytes())].concat();
        let reader = crate::codec::inflate::open(Box::new(std::io::Cursor::new(gzip(&members)))).unwrap();
        let mut framer = Framer::new(reader);
        assert_eq!(std::iter::from_fn(|| framer.next_frame().map(|_| ())).count(), 4);
    }
}

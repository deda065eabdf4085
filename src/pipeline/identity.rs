//! Which event is which, so that reading it twice adds nothing.
//!
//! AWS's own id where there is one. CloudWatch events are hash(account, region, group, stream, time, raw,
//! n), n being the ordinal among equal ones in one view (a directory of export objects, one API output):
//! two equal lines in one millisecond are two events, and a second view of them adds nothing. Where AWS gives
//! the event's id too, one that comes twice in a view, in a document delivered twice, is one event. Every other
//! record is its place in its object, whose SHA-256 is its name; of an object that has the name of one that was
//! cut short, what lies at the same place with the same bytes is known already.

use crate::codec;
use crate::model::{Envelope, Micros, Origin};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;

/// 128 bits of SHA-256: attackers write log lines, so a weaker hash would let them hide one.
pub(super) type Id = [u8; 16];

/// Lower-case hex of an id, without a heap allocation.
pub(super) fn hex(id: &Id) -> [u8; 32] {
    let mut out = [0; 32];
    for (pair, byte) in out.chunks_exact_mut(2).zip(id) {
        pair.copy_from_slice(&codec::hex::digits(*byte));
    }
    out
}

/// The digits as text.
pub(super) fn text(hex: &[u8; 32]) -> &str {
    std::str::from_utf8(hex).unwrap_or_default()
}

pub(super) fn digest(parts: &[&[u8]]) -> Id {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize()[..16]);
    id
}

/// Identity by AWS's own id.
pub(super) fn by_aws_id(table: &str, aws_id: &str) -> Id {
    digest(&[b"aws", table.as_bytes(), aws_id.as_bytes()])
}

/// A place and what lies there: an object that carries on another of its name must hold the same bytes at
/// the same place, or nothing of it is known.
pub(super) fn content_at(record: u64, segment: u32, raw: &[u8]) -> Id {
    digest(&[b"place", &record.to_le_bytes(), &segment.to_le_bytes(), raw])
}

/// Hex digits of an object's SHA-256 in the ids of its records: 96 bits, more than anybody can collide.
pub(super) const OBJECT_DIGITS: usize = 24;

/// Identity by place, as text: the object by its SHA-256, the record's number, and the segment's where it
/// has several. Neighbours differ in their last digits only, which costs the lake next to nothing.
pub(super) fn place_text<'t>(object_sha256: &str, record: u64, segment: Option<u32>, into: &'t mut String) -> &'t str {
    into.clear();
    into.push_str(object_sha256.get(..OBJECT_DIGITS).unwrap_or(object_sha256));
    into.push('-');
    push_number(into, record);
    if let Some(segment) = segment {
        into.push('.');
        push_number(into, u64::from(segment));
    }
    into
}

fn push_number(into: &mut String, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    into.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}

/// The part of a CloudWatch identity that equal lines share; `None` where group or stream are unknown.
pub(super) fn cloudwatch_base(origin: &Origin, envelope: &Envelope, time: Micros, raw: &[u8]) -> Option<Id> {
    let group = envelope.log_group.as_deref().or(origin.log_group.as_deref())?;
    let stream = envelope.log_stream.as_deref().or(origin.log_stream.as_deref())?;
    let account = origin.account_id.as_deref().or(envelope.account_id.as_deref()).unwrap_or_default();
    let region = origin.region.as_deref().unwrap_or_default();
    // Export tasks write `/` as `-`: the one spelling both views can be brought to.
    let stream = if stream.contains('/') { Cow::Owned(stream.replace('/', "-")) } else { Cow::Borrowed(stream) };
    // A message's own newline is lost in exports.
    let message = raw.trim_ascii_end();
    let time = time.0.to_le_bytes();
    Some(digest(&[
        b"cloudwatch",
        account.as_bytes(),
        region.as_bytes(),
        group.as_bytes(),
        stream.as_bytes(),
        &time,
        message,
    ]))
}

pub(super) fn parse(hex: &str) -> Option<Id> {
    codec::hex::decode(hex.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str) -> Envelope {
        Envelope { log_stream: Some(name.into()), ..Envelope::default() }
    }

    #[test]
    fn ids_differ_in_every_part_and_survive_hex() {
        let a = content_at(1, 0, b"r");
        assert_ne!(a, content_at(2, 0, b"r"));
        assert_ne!(a, content_at(1, 1, b"r"));
        let mut id = String::new();
        let sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        assert_eq!(place_text(sha256, 90, None, &mut id), "0123456789abcdef01234567-90");
        assert_eq!(place_text(sha256, u64::MAX, Some(0), &mut id), "0123456789abcdef01234567-18446744073709551615.0");
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(parse(text(&hex(&a))), Some(a));
        assert_eq!(cloudwatch_base(&Origin::default(), &stream("s"), Micros(1), b"x"), None);
    }
}

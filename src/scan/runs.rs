//! Runs of base64 and hex: where they are, and whether they are text.

use super::long_runs::{self, Ascii};
use crate::codec::base64;
use crate::codec::hex;

/// So many bytes tell whether hex is text: random ones pass once in a billion.
const LOOK: usize = 24;

static ENCODED: Ascii = Ascii::words(b"+/-_");

/// Calls `found` with every run of base64 or hex that is long. Shorter ones are left alone, fewer than 36 bytes: ids are
/// shorter, encoded tokens longer.
#[inline]
pub(super) fn encoded(data: &[u8], found: impl FnMut(usize, usize)) {
    long_runs::runs(data, &ENCODED, found);
}

/// How gzip begins, its one method included. Fact: RFC 1952.
pub(super) const GZIP: [u8; 3] = [0x1f, 0x8b, 8];

/// Bytes of base64 that are text, UTF-16 or gzip. A last group that is incomplete is left out.
pub(super) fn base64_text(run: &[u8]) -> Option<Vec<u8>> {
    let is_wanted = |bytes: &[u8]| is_text(bytes) || is_utf16(bytes) || bytes.starts_with(&GZIP);
    base64::head(run).filter(|head| is_wanted(head))?;
    let whole = if run.len() % 4 == 1 { &run[..run.len() - 1] } else { run };
    base64::decode(whole).filter(|bytes| is_wanted(bytes))
}

pub(super) fn hex_text(run: &[u8]) -> Option<Vec<u8>> {
    if !run.len().is_multiple_of(2) || !run.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let bytes = |run: &[u8]| -> Option<Vec<u8>> {
        run.chunks_exact(2).map(|pair| hex::decode::<1>(pair).map(|[byte]| byte)).collect()
    };
    bytes(&run[..run.len().min(2 * LOOK)]).filter(|head| is_text(head))?;
    bytes(run).filter(|all| is_text(all))
}

/// Whether no byte is one that text has not: the last character may be cut.
fn is_text(bytes: &[u8]) -> bool {
    let control = |byte: &u8| (*byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte == 0x7f;
    !bytes.iter().any(control)
        && match std::str::from_utf8(bytes) {
            Ok(_) => true,
            Err(error) => error.error_len().is_none(),
        }
}

/// Whether it is ASCII in UTF-16, low bytes first, as PowerShell has it.
pub(super) fn is_utf16(bytes: &[u8]) -> bool {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.len() > 3 && pairs.iter().all(|[low, high]| *high == 0 && is_text(&[*low]))
}

//! Tar: member after member, each behind its header. A file is read at any place, a stream in order.

use super::{Entry, Names};
use crate::source::SourceError;
use crate::source::object::{Body, Bytes};
use crate::source::whole::Whole;
use rawzip::ReaderAt as _;
use std::borrow::Cow;
use std::io::{self, BufRead, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tar::Header;

const BLOCK: u64 = 512;
type Block = [u8; BLOCK as usize];

/// A longer name is an attack on memory; systems end at 4 KiB.
const LONGEST_NAME: u64 = 1024 * 1024;

/// Whether something that begins so is a tar file: a header whose checksum is right. It always has zeros in it,
/// which no log has.
pub fn is_tar(head: &[u8]) -> bool {
    let first = head.first_chunk::<{ BLOCK as usize }>();
    first.is_some_and(|block| memchr::memchr(0, block).is_some() && is_header(block))
}

fn is_header(block: &Block) -> bool {
    // The checksum's own field counts as blanks.
    let sum: u32 =
        block.iter().enumerate().map(|(i, b)| u32::from(if (148..156).contains(&i) { b' ' } else { *b })).sum();
    Header::from_byte_slice(block).cksum().is_ok_and(|said| said == sum)
}

/// The archive's bytes.
pub(super) enum Source {
    At { whole: Whole, at: u64 },
    Stream(Arc<Mutex<Shared>>),
}

/// A stream that the members' readers and the walk over the headers share.
pub(super) struct Shared {
    stream: Box<dyn BufRead + Send>,
    /// Number of the member whose bytes come.
    member: u64,
    /// Of its bytes.
    left: u64,
    /// To the next block after them.
    padding: u64,
    at: u64,
    /// Why there is no more.
    failed: Option<String>,
}

impl Shared {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let result = match self.stream.read(out) {
            Ok(0) if !out.is_empty() => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends early")),
            other => other,
        };
        match result {
            Ok(n) => {
                self.at += n as u64;
                Ok(n)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed.get_or_insert_with(|| error.to_string());
                }
                Err(error)
            }
        }
    }
}

/// The bytes of one member of a stream; none once the next one has come.
struct Part {
    shared: Arc<Mutex<Shared>>,
    member: u64,
}

impl Read for Part {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut shared = lock(&self.shared);
        if shared.member != self.member {
            return Ok(0);
        }
        let room = usize::try_from(shared.left).unwrap_or(usize::MAX).min(out.len());
        let n = shared.read(&mut out[..room])?;
        shared.left -= n as u64;
        Ok(n)
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Source {
    pub fn at(whole: Whole) -> Self {
        Self::At { whole, at: 0 }
    }

    pub fn stream(stream: Box<dyn BufRead + Send>) -> Self {
        let shared = Shared { stream, member: 0, left: 0, padding: 0, at: 0, failed: None };
        Self::Stream(Arc::new(Mutex::new(shared)))
    }

    fn offset(&self) -> u64 {
        match self {
            Self::At { at, .. } => *at,
            Self::Stream(shared) => lock(shared).at,
        }
    }

    /// The next block after the member before; `None` at the archive's end.
    fn block(&mut self) -> Result<Option<Block>, String> {
        let mut block = [0; BLOCK as usize];
        match self {
            Self::At { whole, at } => {
                if *at == whole.size() {
                    return Ok(None);
                }
                whole.read_exact_at(&mut block, *at).map_err(|_| "it ends early".to_owned())?;
                *at += BLOCK;
            }
            Self::Stream(shared) => {
                let mut shared = lock(shared);
                // From here on the member before gets nothing.
                shared.member += 1;
                let mut skip = std::mem::take(&mut shared.left).saturating_add(std::mem::take(&mut shared.padding));
                let mut bin = vec![0; 64 * 1024];
                while skip > 0 && shared.failed.is_none() {
                    let room = usize::try_from(skip).unwrap_or(usize::MAX).min(bin.len());
                    skip -= shared.read(&mut bin[..room]).unwrap_or(0) as u64;
                }
                let mut filled = 0;
                while filled < block.len() && shared.failed.is_none() {
                    match shared.stream.fill_buf() {
                        Ok([]) if filled == 0 => return Ok(None),
                        Ok(_) => filled += shared.read(&mut block[filled..]).unwrap_or(0),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => shared.failed = Some(error.to_string()),
                    }
                }
                if let Some(why) = &shared.failed {
                    return Err(why.clone());
                }
            }
        }
        Ok(Some(block))
    }

    /// The next `size` bytes as a member's, and how to read them; the walk goes on behind them.
    fn data(&mut self, size: u64) -> Result<Data, String> {
        let padding = size.wrapping_neg() % BLOCK;
        match self {
            Self::At { whole, at } => {
                let start = *at;
                *at = at.checked_add(size).and_then(|at| at.checked_add(padding)).ok_or("a size beyond all bounds")?;
                Ok(Data::At { whole: whole.clone(), start, size })
            }
            Self::Stream(shared) => {
                let mut locked = lock(shared);
                (locked.left, locked.padding) = (size, padding);
                Ok(Data::Stream(Part { shared: Arc::clone(shared), member: locked.member }))
            }
        }
    }

    /// What describes the next member, such as its long name.
    fn text(&mut self, size: u64) -> Result<Vec<u8>, String> {
        if size > LONGEST_NAME {
            return Err(format!("{size} bytes that describe a member"));
        }
        let mut text = Vec::new();
        self.data(size)?.open().read_to_end(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }
}

enum Data {
    At { whole: Whole, start: u64, size: u64 },
    Stream(Part),
}

impl Data {
    fn open(self) -> Bytes {
        match self {
            Self::At { whole, start, size } => Box::new(whole.region(start, size)),
            Self::Stream(part) => Box::new(part),
        }
    }

    fn body(self) -> Body {
        match self {
            Self::At { whole, start, size } => Body::Again(Arc::new(move || Box::new(whole.region(start, size)))),
            Self::Stream(part) => Body::Once(Mutex::new(Some(Box::new(part)))),
        }
    }
}

/// What headers before a member's own say of it.
#[derive(Default)]
struct About {
    name: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

impl About {
    /// Records of a pax header: `<length> <key>=<value>\n`, the length counting all of it.
    fn read_pax(&mut self, mut text: &[u8]) -> Option<()> {
        while !text.is_empty() {
            let blank = memchr::memchr(b' ', text)?;
            let length: usize = std::str::from_utf8(&text[..blank]).ok()?.parse().ok()?;
            let record = text.get(blank + 1..length)?.strip_suffix(b"\n")?;
            let equals = memchr::memchr(b'=', record)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"size" => self.size = Some(std::str::from_utf8(value).ok()?.parse().ok()?),
                _ => self.sparse |= key.starts_with(b"GNU.sparse."),
            }
            text = &text[length..];
        }
        Some(())
    }
}

pub(super) fn each<E>(
    names: &Names,
    mut source: Source,
    each: &mut dyn FnMut(Result<Entry, SourceError>) -> Result<(), E>,
) -> Result<(), E> {
    let mut about = About::default();
    // Blocks of zeros end an archive; another one may be appended behind them.
    let mut ended = false;
    loop {
        let at = source.offset();
        let block = match source.block() {
            Ok(Some(block)) => block,
            Ok(None) if ended => return Ok(()),
            Ok(None) => return each(Err(names.damaged(format!("byte {at}: the mark of its end is missing")))),
            Err(why) => return each(Err(names.damaged(format!("byte {at}: {why}")))),
        };
        if block.iter().all(|byte| *byte == 0) {
            ended = true;
            continue;
        }
        ended = false;
        if !is_header(&block) {
            return each(Err(names.damaged(format!("byte {at}: no member's header"))));
        }
        match entry(names, &mut source, Header::from_byte_slice(&block), &mut about) {
            Ok(Some(entry)) => {
                about = About::default();
                each(entry)?;
            }
            Ok(None) => {}
            Err(why) => return each(Err(names.damaged(format!("byte {at}: {why}")))),
        }
    }
}

/// The member behind this header; `None` where it only describes the next one.
fn entry(
    names: &Names,
    source: &mut Source,
    header: &Header,
    about: &mut About,
) -> Result<Option<Result<Entry, SourceError>>, String> {
    let said = header.entry_size().map_err(|error| error.to_string())?;
    match header.entry_type().as_byte() {
        b'L' => {
            let mut name = source.text(said)?;
            name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
            about.name = Some(name);
            return Ok(None);
        }
        b'x' | b'X' => {
            let text = source.text(said)?;
            about.read_pax(&text).ok_or("a pax header that cannot be read")?;
            return Ok(None);
        }
        b'K' | b'g' => return source.text(said).map(|_| None),
        _ => {}
    }
    let path = about.name.take().map_or_else(|| header.path_bytes(), Cow::Owned);
    let folder = path.ends_with(b"/");
    let name = names.of(&path);
    let size = about.size.unwrap_or(said);
    let what = match header.entry_type().as_byte() {
        // A hard link has no bytes of its own, whatever size it says.
        b'1' => return Ok(Some(Ok(Entry::Left { name, what: "hard link" }))),
        b'0' if folder && size == 0 => "folder",
        b'0' | b'7' => "",
        b'2' => "symbolic link",
        b'3' | b'4' => "device",
        b'5' => "folder",
        b'6' => "pipe",
        b'S' => {
            sparse_blocks(source, header)?;
            about.sparse = true;
            ""
        }
        _ => "entry without bytes",
    };
    // Programs differ on whether bytes follow such a header; where there are some, they are read.
    if size == 0 && !what.is_empty() {
        return Ok(Some(Ok(Entry::Left { name, what })));
    }
    let data = source.data(size)?;
    if about.sparse {
        let why = "is a sparse file, of which only pieces are stored; unpack the archive and give the files";
        return Ok(Some(Err(Names::refused(name, why))));
    }
    Ok(Some(Ok(names.object(name, size, data.body()))))
}

/// Goes past the blocks with more pieces of a sparse file.
fn sparse_blocks(source: &mut Source, header: &Header) -> Result<(), String> {
    let mut more = header.as_bytes()[482] != 0;
    while more {
        more = source.block()?.ok_or("it ends early")?[504] != 0;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_records() {
        let mut about = About::default();
        about.read_pax(b"16 path=a\nb/c=d\n11 size=42\n11 mtime=1\n").unwrap();
        assert_eq!((about.name.as_deref(), about.size, about.sparse), (Some(&b"a\nb/c=d"[..]), Some(42), false));
        for wrong in
            [&b"x"[..], b"3 a", b"99999999999999999999 a=b\n", b"12 size=-1\n\n", b"5 ab\n", b"0 a=b\n", b"2 \n"]
        {
            assert_eq!(About::default().read_pax(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }
}

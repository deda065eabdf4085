//! One column of a row group: its pages.

use super::column::{Column, Data, Lists, Numbers};
use super::texts::{NULL, Texts};
use super::{delta, levels};
use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use std::ops::Range;

/// Bytes of values, and values, in a page, about.
const PAGE_BYTES: usize = 1024 * 1024;
const PAGE_VALUES: usize = 1 << 17;

/// Where pages go.
pub(super) struct Sink {
    pub out: TrackedWrite<Vec<u8>>,
    compressor: zstd::bulk::Compressor<'static>,
    body: Vec<u8>,
    codes: Vec<u32>,
    numbers: Vec<i64>,
}

/// A stored chunk: what the footer says about it.
#[derive(Clone, Default)]
pub(super) struct Chunk {
    pub encodings: Vec<Encoding>,
    pub values: i64,
    pub compressed: i64,
    pub uncompressed: i64,
    pub data_offset: Option<i64>,
    pub dictionary_offset: Option<i64>,
}

impl Sink {
    pub fn new() -> Result<Self, ParquetError> {
        use std::io::Write as _;
        let mut out = TrackedWrite::new(Vec::new());
        out.write_all(b"PAR1")?;
        let compressor = zstd::bulk::Compressor::new(1)?;
        Ok(Self { out, compressor, body: Vec::new(), codes: Vec::new(), numbers: Vec::new() })
    }

    fn page(&mut self, chunk: &mut Chunk, page: impl FnOnce(Bytes) -> Page) -> Result<(), ParquetError> {
        let packed = Bytes::from(self.compressor.compress(&self.body)?);
        let page = CompressedPage::new(page(packed), self.body.len());
        let dictionary = page.compressed_page().is_dictionary_page();
        let (encoding, values) = (page.encoding(), page.num_values());
        let spec = SerializedPageWriter::new(&mut self.out).write_page(page)?;
        chunk.compressed += spec.compressed_size as i64;
        chunk.uncompressed += spec.uncompressed_size as i64;
        let offset = if dictionary { &mut chunk.dictionary_offset } else { &mut chunk.data_offset };
        offset.get_or_insert(spec.offset as i64);
        if !dictionary {
            chunk.values += i64::from(values);
        }
        if !chunk.encodings.contains(&encoding) {
            chunk.encodings.push(encoding);
        }
        self.body.clear();
        Ok(())
    }

    fn data_page(&mut self, chunk: &mut Chunk, values: usize, encoding: Encoding) -> Result<(), ParquetError> {
        self.page(chunk, |buf| Page::DataPage {
            buf,
            num_values: values as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    }

    fn levels(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let at = self.body.len();
        self.body.extend_from_slice(&[0; 4]);
        write(&mut self.body);
        let length = (self.body.len() - at - 4) as u32;
        self.body[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Levels of a page's rows in a flat column that may be null.
    fn nullable(&mut self, rows: usize, nulls: bool, is_null: impl Fn(usize) -> bool) {
        if !nulls {
            self.levels(|out| levels::repeated(1, rows, 1, out));
            return;
        }
        let all: Vec<u32> = (0..rows).map(|row| u32::from(!is_null(row))).collect();
        self.levels(|out| levels::hybrid(&all, 1, out));
    }
}

/// Writes the pages of a column of `rows` rows. `required`: it has no levels.
pub(super) fn write(sink: &mut Sink, column: &Column, required: bool, rows: usize) -> Result<Chunk, ParquetError> {
    let mut chunk = Chunk { encodings: vec![Encoding::RLE], ..Chunk::default() };
    match &column.data {
        Data::Empty => {
            // A list that may be null has three levels above that of nothing, and is empty rather than null.
            let (level, width) = if matches!(column.shape(), super::Shape::List) { (1, 2) } else { (0, 1) };
            if width == 2 {
                sink.levels(|out| levels::repeated(0, rows, 1, out));
            }
            sink.levels(|out| levels::repeated(level, rows, width, out));
            sink.data_page(&mut chunk, rows, Encoding::PLAIN)?;
        }
        Data::Text(texts) => write_texts(sink, &mut chunk, texts, (required, column.shares_beginnings(), true))?,
        Data::Float(texts) => write_texts(sink, &mut chunk, texts, (required, false, false))?,
        Data::Int(numbers) => write_ints(sink, &mut chunk, numbers, required)?,
        Data::Bool(numbers) => write_bools(sink, &mut chunk, numbers, required)?,
        Data::List(lists) => write_lists(sink, &mut chunk, lists)?,
    }
    Ok(chunk)
}

fn dictionary_page(sink: &mut Sink, chunk: &mut Chunk, texts: &Texts, sized: bool) -> Result<(), ParquetError> {
    plain(&mut sink.body, texts, 0..texts.count() as u32, sized);
    let num_values = texts.count() as u32;
    sink.page(chunk, |buf| Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false })
}

fn plain(out: &mut Vec<u8>, texts: &Texts, codes: impl Iterator<Item = u32>, sized: bool) {
    for code in codes {
        let value = texts.value(code);
        if sized {
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
        }
        out.extend_from_slice(value);
    }
}

/// Values of the codes that are not null. `front`: neighbours share their beginnings; `sized`: each has its
/// length before it.
fn values(sink: &mut Sink, texts: &Texts, codes: &[u32], front: bool, sized: bool) -> Encoding {
    let present = codes.iter().copied().filter(|code| *code != NULL);
    if texts.is_dictionary() {
        let width = levels::width_of(texts.count()).max(1);
        sink.body.push(width);
        if texts.nulls() == 0 {
            levels::hybrid(codes, width, &mut sink.body);
        } else {
            sink.codes.clear();
            sink.codes.extend(present);
            levels::hybrid(&sink.codes, width, &mut sink.body);
        }
        return Encoding::RLE_DICTIONARY;
    }
    if front {
        delta::texts(present.map(|code| texts.value(code)), &mut sink.body);
        return Encoding::DELTA_BYTE_ARRAY;
    }
    plain(&mut sink.body, texts, present, sized);
    Encoding::PLAIN
}

/// How many of the codes make a page.
fn page_of(texts: &Texts, codes: &[u32]) -> usize {
    let most = codes.len().min(PAGE_VALUES);
    if texts.is_dictionary() {
        return most;
    }
    let mut bytes = 0;
    let fits = codes[..most].iter().take_while(|&&code| {
        let before = bytes;
        bytes += if code == NULL { 0 } else { texts.value(code).len() };
        before < PAGE_BYTES
    });
    fits.count()
}

fn write_texts(
    sink: &mut Sink,
    chunk: &mut Chunk,
    texts: &Texts,
    (required, front, sized): (bool, bool, bool),
) -> Result<(), ParquetError> {
    if texts.is_dictionary() {
        dictionary_page(sink, chunk, texts, sized)?;
    }
    let mut rest = texts.codes();
    while !rest.is_empty() {
        let (page, after) = rest.split_at(page_of(texts, rest));
        rest = after;
        if !required {
            sink.nullable(page.len(), texts.nulls() > 0, |row| page[row] == NULL);
        }
        let encoding = values(sink, texts, page, front, sized);
        sink.data_page(chunk, page.len(), encoding)?;
    }
    Ok(())
}

fn pages(rows: usize) -> impl Iterator<Item = Range<usize>> {
    (0..rows).step_by(PAGE_VALUES).map(move |start| start..rows.min(start + PAGE_VALUES))
}

fn write_ints(sink: &mut Sink, chunk: &mut Chunk, numbers: &Numbers, required: bool) -> Result<(), ParquetError> {
    for rows in pages(numbers.values.len()) {
        if !required {
            sink.nullable(rows.len(), numbers.nulls > 0, |row| numbers.is_null(rows.start + row));
        }
        if numbers.nulls == 0 {
            delta::numbers(&numbers.values[rows.clone()], &mut sink.body);
        } else {
            sink.numbers.clear();
            let present = rows.clone().filter(|row| !numbers.is_null(*row));
            sink.numbers.extend(present.map(|row| numbers.values[row]));
            delta::numbers(&sink.numbers, &mut sink.body);
        }
        sink.data_page(chunk, rows.len(), Encoding::DELTA_BINARY_PACKED)?;
    }
    Ok(())
}

fn write_bools(sink: &mut Sink, chunk: &mut Chunk, numbers: &Numbers, required: bool) -> Result<(), ParquetError> {
    for rows in pages(numbers.values.len()) {
        if !required {
            sink.nullable(rows.len(), numbers.nulls > 0, |row| numbers.is_null(rows.start + row));
        }
        let start = sink.body.len();
        for (i, row) in rows.clone().filter(|row| !numbers.is_null(*row)).enumerate() {
            if i % 8 == 0 {
                sink.body.push(0);
            }
            sink.body[start + i / 8] |= u8::from(numbers.values[row] != 0) << (i % 8);
        }
        sink.data_page(chunk, rows.len(), Encoding::PLAIN)?;
    }
    Ok(())
}

/// Optional lists of optional texts: level 1 is an empty list, 3 a text.
fn write_lists(sink: &mut Sink, chunk: &mut Chunk, lists: &Lists) -> Result<(), ParquetError> {
    let items = &lists.items;
    if items.is_dictionary() {
        dictionary_page(sink, chunk, items, true)?;
    }
    let (mut repetition, mut definition) = (Vec::new(), Vec::new());
    let mut row = 0;
    while row < lists.ends.len() {
        let from = lists.range(row).start;
        let mut bytes = 0;
        repetition.clear();
        definition.clear();
        while row < lists.ends.len() && repetition.len() < PAGE_VALUES && bytes < PAGE_BYTES {
            let range = lists.range(row);
            repetition.push(0);
            repetition.extend(range.clone().skip(1).map(|_| 1));
            definition.extend(range.clone().map(|_| 3));
            if range.is_empty() {
                definition.push(1);
            } else if !items.is_dictionary() {
                bytes += items.codes()[range].iter().map(|code| items.value(*code).len()).sum::<usize>();
            }
            row += 1;
        }
        let to = lists.range(row - 1).end;
        sink.levels(|out| levels::hybrid(&repetition, 1, out));
        sink.levels(|out| levels::hybrid(&definition, 2, out));
        let encoding = values(sink, items, &items.codes()[from..to], false, true);
        sink.data_page(chunk, repetition.len(), encoding)?;
    }
    Ok(())
}

//! Records joined into one buffer, as the engine reads them.

use memchr::{memchr, memrchr};

/// Bytes of records joined into one chunk; measured best between 256 KiB and 4 MiB.
pub const CHUNK: usize = 512 * 1024;

/// Records joined with one separator byte: without it `\b` breaks at a border and matches run over it.
#[derive(Debug, Default)]
pub struct Chunk {
    data: Vec<u8>,
    records: Records,
}

/// Where the records of a chunk lie.
#[derive(Debug)]
enum Records {
    /// Half-open spans in the data.
    Given(Vec<(usize, usize)>),
    /// Each line is one: found when somebody asks, for few are asked for.
    Lines,
}

impl Default for Records {
    fn default() -> Self {
        Self::Given(Vec::new())
    }
}

impl Chunk {
    pub fn push(&mut self, record: &[u8]) {
        let start = self.data.len();
        self.data.extend_from_slice(record);
        if let Records::Given(spans) = &mut self.records {
            spans.push((start, self.data.len()));
        }
        self.data.push(b'\n');
    }

    /// The lines of a buffer, which is taken as it lies in place of all before.
    pub fn lines(&mut self, text: Vec<u8>) {
        self.data = text;
        self.records = Records::Lines;
        if self.data.last().is_some_and(|last| *last != b'\n') {
            self.data.push(b'\n');
        }
    }

    /// The buffer as it is; the chunk is empty then.
    pub fn take(&mut self) -> Vec<u8> {
        self.records = Records::default();
        std::mem::take(&mut self.data)
    }

    pub fn clear(&mut self) {
        self.data.clear();
        match &mut self.records {
            Records::Given(spans) => spans.clear(),
            records => *records = Records::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.data.len()
    }

    pub fn is_empty(&self) -> bool {
        match &self.records {
            Records::Given(spans) => spans.is_empty(),
            Records::Lines => self.data.is_empty(),
        }
    }

    /// Spans of all records, in order.
    pub fn spans(&self) -> Vec<(usize, usize)> {
        match &self.records {
            Records::Given(spans) => spans.clone(),
            Records::Lines => {
                let mut start = 0;
                let line = |end| (std::mem::replace(&mut start, end + 1), end);
                memchr::memchr_iter(b'\n', &self.data).map(line).collect()
            }
        }
    }

    /// All records, and what separates them.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes of a span.
    pub fn bytes(&self, (start, end): (usize, usize)) -> &[u8] {
        &self.data[start..end]
    }

    /// The span of the record that byte `at` lies in; the separator behind a record counts as its own.
    pub(super) fn record_at(&self, at: usize) -> (usize, usize) {
        match &self.records {
            Records::Given(spans) => {
                let next = spans.partition_point(|(_, end)| *end < at);
                spans.get(next).copied().unwrap_or((self.data.len(), self.data.len()))
            }
            Records::Lines => {
                let start = memrchr(b'\n', &self.data[..at]).map_or(0, |before| before + 1);
                let end = memchr(b'\n', &self.data[at..]).map_or(self.data.len(), |after| at + after);
                (start, end)
            }
        }
    }

    /// The number of the record that begins there. `known`: beginning and number of one asked for before, (0, 0) at
    /// first; it is what the next question starts from.
    pub fn number(&self, start: usize, known: &mut (usize, usize)) -> usize {
        match &self.records {
            Records::Given(spans) => spans.partition_point(|span| span.0 < start),
            Records::Lines => {
                let lines = |from: usize, to: usize| memchr::memchr_iter(b'\n', &self.data[from..to]).count();
                let (before, number) = *known;
                let number =
                    if before <= start { number + lines(before, start) } else { number - lines(start, before) };
                *known = (start, number);
                number
            }
        }
    }
}

/// The record that was asked for last: questions mostly come in order, and a record may be long.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last(Option<(usize, usize)>);

impl Last {
    pub fn record_at(&mut self, chunk: &Chunk, at: usize) -> (usize, usize) {
        match self.0 {
            Some((start, end)) if start <= at && at <= end => (start, end),
            _ => *self.0.insert(chunk.record_at(at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_records_as_those_that_are_pushed() {
        let text = b"one\n\nthree is long\nfour";
        let (mut pushed, mut lines) = (Chunk::default(), Chunk::default());
        text.split(|byte| *byte == b'\n').for_each(|line| pushed.push(line));
        lines.lines(text.to_vec());
        assert_eq!(pushed.data(), lines.data());
        assert_eq!(pushed.spans(), lines.spans());
        assert_eq!(pushed.spans().len(), 4);
        let (mut of_pushed, mut of_lines) = ((0, 0), (0, 0));
        for at in (0..text.len()).chain((0..text.len()).rev()) {
            let span = pushed.record_at(at);
            assert_eq!(span, lines.record_at(at), "{at}");
            assert_eq!(pushed.number(span.0, &mut of_pushed), lines.number(span.0, &mut of_lines));
        }
        assert_eq!(lines.number(20, &mut (0, 0)), 3);
    }
}

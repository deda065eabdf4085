//! Long runs of certain bytes, found 64 bytes at a time: few blocks hold a part of one.

use super::lanes::{self, BLOCK, Lanes, Work, padded};

/// Bytes of a run that is long: one that lies inside a block has its middle.
pub(super) const LONG: usize = 48;

/// A set of ASCII bytes.
pub(super) struct Ascii {
    /// By byte.
    pub holds: [bool; 256],
    /// By the lower half of a byte: a bit for each upper half that it is in the set with.
    pub rows: [u8; 16],
}

impl Ascii {
    /// Digits, letters, and `others`.
    pub const fn words(others: &[u8]) -> Self {
        let mut set = Self { holds: [false; 256], rows: [0; 16] };
        let mut byte = 0;
        while byte < 0x80 {
            if (byte as u8).is_ascii_alphanumeric() {
                set.add(byte);
            }
            byte += 1;
        }
        let mut n = 0;
        while n < others.len() {
            assert!(others[n].is_ascii());
            set.add(others[n] as usize);
            n += 1;
        }
        set
    }

    const fn add(&mut self, byte: usize) {
        self.holds[byte] = true;
        self.rows[byte & 15] |= 1 << (byte >> 4);
    }

    pub fn has(&self, byte: u8) -> bool {
        self.holds[usize::from(byte)]
    }
}

/// What of a block is in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    /// Bytes at its beginning, and at its end, without a gap.
    pub head: usize,
    pub tail: usize,
    /// Whether all between [`MIDDLE`] are.
    pub middle: bool,
}

/// What a long run inside a block has of it.
pub(super) const MIDDLE: std::ops::Range<usize> = BLOCK - LONG..LONG;

/// Calls `found` with the span of every run of [`LONG`] bytes and more of the set, whole and in order.
#[inline]
pub(super) fn runs(data: &[u8], set: &Ascii, found: impl FnMut(usize, usize)) {
    lanes::run(Runs { data, set, found });
}

struct Runs<'a, F> {
    data: &'a [u8],
    set: &'a Ascii,
    found: F,
}

impl<F: FnMut(usize, usize)> Work for Runs<'_, F> {
    #[inline(always)]
    fn run(mut self, lanes: impl Lanes) {
        // Where the run begins that the block may go on with.
        let mut open = 0;
        for at in (0..self.data.len()).step_by(BLOCK) {
            let ends = match self.data[at..].first_chunk::<BLOCK>() {
                Some(block) => lanes.ends(block, self.set),
                None => lanes.ends(&padded(&self.data[at..]), self.set),
            };
            if ends.head == BLOCK {
                continue;
            }
            self.tell(open, at + ends.head);
            if ends.middle && ends.head <= MIDDLE.start && ends.tail <= BLOCK - MIDDLE.end {
                self.inside(at);
            }
            open = at + BLOCK - ends.tail;
        }
        self.tell(open, self.data.len());
    }
}

impl<F: FnMut(usize, usize)> Runs<'_, F> {
    /// Tells of the run, where it is long enough.
    #[inline(always)]
    fn tell(&mut self, start: usize, end: usize) {
        if end.saturating_sub(start) >= LONG {
            (self.found)(start, end);
        }
    }

    /// Tells of the run that has the middle of the block, and neither end.
    fn inside(&mut self, block: usize) {
        let outside = |byte: &u8| !self.set.has(*byte);
        let (from, until) = (block + MIDDLE.start, block + MIDDLE.end);
        let before = self.data[block..from].iter().rev().position(outside).unwrap_or(0);
        let behind = self.data[until..].iter().position(outside).unwrap_or(self.data.len() - until);
        self.tell(from - before, until + behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const WORDS: Ascii = Ascii::words(b"+/");

    fn plainly(data: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let mut start = 0;
        for at in 0..=data.len() {
            if at == data.len() || !(data[at].is_ascii_alphanumeric() || b"+/".contains(&data[at])) {
                if at - start >= LONG {
                    all.push((start, at));
                }
                start = at + 1;
            }
        }
        all
    }

    proptest! {
        #[test]
        fn runs_are_those_that_one_finds_byte_by_byte(text in "([0-9a-z/+]{0,90}[-_ \u{e9}]|[a-z]{40,200}[.:]){0,12}[0-9A-Z]{0,60}") {
            let mut found = Vec::new();
            runs(text.as_bytes(), &WORDS, |start, end| found.push((start, end)));
            prop_assert_eq!(found, plainly(text.as_bytes()));
        }
    }
}

//! Shapes of numbers in text, 64 bytes at a time: one bit for each byte of a kind, and shifts for what stands behind it.

use super::lanes::{self, BLOCK, Lanes, Work, padded};

/// Bytes of a shape at most: so much of a block is looked at again with the next.
const WIDEST: usize = 19;

/// A block's bytes, one bit for each, the first lowest.
pub(super) struct Bits {
    pub digits: u64,
    pub capitals: u64,
    pub spaces: u64,
    pub hyphens: u64,
}

impl Bits {
    #[inline(always)]
    fn of(block: &[u8; BLOCK], lanes: impl Lanes) -> Self {
        Self {
            digits: lanes.between(block, b'0', b'9'),
            capitals: lanes.between(block, b'A', b'Z'),
            spaces: lanes.equal(block, b' '),
            hyphens: lanes.equal(block, b'-'),
        }
    }
}

/// Where so many bits in a row begin, up to 16.
#[inline(always)]
pub(super) const fn in_a_row(bits: u64, count: u32) -> u64 {
    let (mut runs, mut known) = (bits, 1);
    while known < count {
        let more = if known < count - known { known } else { count - known };
        runs &= runs >> more;
        known += more;
    }
    runs
}

/// Calls `found` with each place where a shape of up to [`WIDEST`] bytes begins, as `shapes` tells of a block's bits.
#[inline]
pub(super) fn each(data: &[u8], shapes: impl Fn(&Bits) -> u64, found: impl FnMut(usize)) {
    lanes::run(Each { data, shapes, found });
}

struct Each<'a, S, F> {
    data: &'a [u8],
    shapes: S,
    found: F,
}

impl<S: Fn(&Bits) -> u64, F: FnMut(usize)> Work for Each<'_, S, F> {
    #[inline(always)]
    fn run(mut self, lanes: impl Lanes) {
        const NEW: usize = BLOCK - WIDEST + 1;
        let mut start = 0;
        while start < self.data.len() {
            let (block, new) = match self.data[start..].first_chunk::<BLOCK>() {
                Some(block) => (Bits::of(block, lanes), NEW),
                None => (Bits::of(&padded(&self.data[start..]), lanes), BLOCK),
            };
            let mut begins = (self.shapes)(&block);
            if new < BLOCK {
                begins &= (1 << new) - 1;
            }
            while begins != 0 {
                (self.found)(start + begins.trailing_zeros() as usize);
                begins &= begins - 1;
            }
            start += new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_of_bits() {
        assert_eq!(in_a_row(0b1111_0111_1110, 4), 0b0001_0000_1110);
        assert_eq!(in_a_row(0x1fff, 13), 1);
        assert_eq!(in_a_row(0x0fff, 13), 0);
    }

    proptest! {
        #[test]
        fn every_place_is_told_once_and_in_order(text in "([0-9]{0,30}[a-zA-Z -]{0,9}){0,12}") {
            let mut told = Vec::new();
            each(text.as_bytes(), |bits| in_a_row(bits.digits, 13), |at| told.push(at));
            let is = |at: &usize| text.as_bytes()[*at..].iter().take_while(|b| b.is_ascii_digit()).count() >= 13;
            prop_assert_eq!(told, (0..text.len()).filter(is).collect::<Vec<_>>());
            for (kind, of) in [(0, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), (1, " "), (2, "-")] {
                let mut told = Vec::new();
                let pick = |bits: &Bits| [bits.capitals, bits.spaces, bits.hyphens][kind];
                each(text.as_bytes(), pick, |at| told.push(at));
                let all: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| of.contains(char::from(*b))).map(|p| p.0).collect();
                prop_assert_eq!(told, all);
            }
        }
    }
}

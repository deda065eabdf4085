//! Shapes of numbers in text, 64 bytes at a time: one bit for each byte of a kind, and shifts for what stands behind it.

/// Bytes that are looked at together.
const BLOCK: usize = 64;
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
    fn of(block: &[u8; BLOCK]) -> Self {
        Self {
            digits: bits(block, |byte| byte.is_ascii_digit()),
            capitals: bits(block, |byte| byte.is_ascii_uppercase()),
            spaces: bits(block, |byte| byte == b' '),
            hyphens: bits(block, |byte| byte == b'-'),
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
pub(super) fn each(data: &[u8], shapes: impl Fn(&Bits) -> u64, mut found: impl FnMut(usize)) {
    const NEW: usize = BLOCK - WIDEST + 1;
    let mut start = 0;
    while start < data.len() {
        let (block, new) = match data[start..].first_chunk::<BLOCK>() {
            Some(block) => (Bits::of(block), NEW),
            None => {
                let (mut padded, rest) = ([0; BLOCK], &data[start..]);
                padded[..rest.len()].copy_from_slice(rest);
                (Bits::of(&padded), BLOCK)
            }
        };
        let mut begins = shapes(&block);
        if new < BLOCK {
            begins &= (1 << new) - 1;
        }
        while begins != 0 {
            found(start + begins.trailing_zeros() as usize);
            begins &= begins - 1;
        }
        start += new;
    }
}

/// Plain loops: compilers make vectors of them.
#[inline(always)]
fn bits(block: &[u8; BLOCK], is: impl Fn(u8) -> bool) -> u64 {
    // Sends the lowest bit of byte n to bit n of the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut ones = [0u8; BLOCK];
    for (one, byte) in ones.iter_mut().zip(block) {
        *one = u8::from(is(*byte));
    }
    let (eights, _) = ones.as_chunks::<8>();
    let word = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
    eights.iter().enumerate().fold(0, |bits, (n, eight)| bits | word(eight) << (8 * n))
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

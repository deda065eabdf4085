//! Questions about 64 bytes at a time, a bit for each: by the vector instructions of AVX2 where the CPU has them, by
//! plain loops elsewhere, and both give the same.

use super::long_runs::{Ascii, Ends, MIDDLE};

/// Bytes that are looked at together.
pub(super) const BLOCK: usize = 64;

/// The data's last bytes, fewer than a block, with zeros behind.
pub(super) fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}

/// A way to look at blocks.
pub(super) trait Lanes: Copy {
    /// Bytes of `low..=high`, the first lowest.
    fn between(self, block: &[u8; BLOCK], low: u8, high: u8) -> u64;

    fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
        self.between(block, byte, byte)
    }

    /// What of the block is in the set.
    fn ends(self, block: &[u8; BLOCK], set: &Ascii) -> Ends;
}

/// What is done with one way or the other.
pub(super) trait Work {
    fn run(self, lanes: impl Lanes);
}

/// Runs the work with the best way that the CPU has.
#[inline]
pub(super) fn run(work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    if let Some(cpu) = pulp::x86::V3::try_new() {
        return avx2::run(cpu, work);
    }
    work.run(Plain);
}

#[derive(Clone, Copy)]
struct Plain;

impl Lanes for Plain {
    /// Plain loops: compilers make vectors of them, of the size that every CPU has.
    #[inline(always)]
    fn between(self, block: &[u8; BLOCK], low: u8, high: u8) -> u64 {
        // Sends the lowest bit of byte n to bit n of the highest byte.
        const GATHER: u64 = 0x0102_0408_1020_4080;
        let mut ones = [0u8; BLOCK];
        for (one, byte) in ones.iter_mut().zip(block) {
            *one = u8::from(low <= *byte && *byte <= high);
        }
        let (eights, _) = ones.as_chunks::<8>();
        let word = |eight: &[u8; 8]| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56;
        eights.iter().enumerate().fold(0, |bits, (n, eight)| bits | word(eight) << (8 * n))
    }

    #[inline(always)]
    fn ends(self, block: &[u8; BLOCK], set: &Ascii) -> Ends {
        let outside = |byte: &u8| !set.has(*byte);
        let head = block.iter().position(outside).unwrap_or(BLOCK);
        let tail = block.iter().rev().position(outside).unwrap_or(BLOCK);
        Ends { head, tail, middle: !block[MIDDLE].iter().any(outside) }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Ascii, BLOCK, Ends, Lanes, MIDDLE, Work};
    use pulp::x86::V3;
    use std::arch::x86_64::__m256i;

    struct With<W>(V3, W);

    pub(super) fn run(cpu: V3, work: impl Work) {
        cpu.vectorize(With(cpu, work));
    }

    impl<W: Work> pulp::NullaryFnOnce for With<W> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            self.1.run(self.0);
        }
    }

    impl Lanes for V3 {
        #[inline(always)]
        fn between(self, block: &[u8; BLOCK], low: u8, high: u8) -> u64 {
            let halves: [[u8; 32]; 2] = pulp::cast(*block);
            let bits = |half: [u8; 32]| -> u64 {
                let bytes: __m256i = pulp::cast(half);
                let above = self.avx2._mm256_sub_epi8(bytes, self.avx._mm256_set1_epi8(low.cast_signed()));
                let most = self.avx._mm256_set1_epi8(high.wrapping_sub(low).cast_signed());
                let is = self.avx2._mm256_cmpeq_epi8(self.avx2._mm256_min_epu8(above, most), above);
                u64::from(self.avx2._mm256_movemask_epi8(is).cast_unsigned())
            };
            bits(halves[0]) | bits(halves[1]) << 32
        }

        #[inline(always)]
        fn equal(self, block: &[u8; BLOCK], byte: u8) -> u64 {
            let halves: [[u8; 32]; 2] = pulp::cast(*block);
            let wanted = self.avx._mm256_set1_epi8(byte.cast_signed());
            let bits = |half: [u8; 32]| -> u64 {
                let is = self.avx2._mm256_cmpeq_epi8(pulp::cast(half), wanted);
                u64::from(self.avx2._mm256_movemask_epi8(is).cast_unsigned())
            };
            bits(halves[0]) | bits(halves[1]) << 32
        }

        #[inline(always)]
        fn ends(self, block: &[u8; BLOCK], set: &Ascii) -> Ends {
            // A bit for each upper half of ASCII bytes, none for the others.
            const UPPER: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0];
            const WANTED: u64 = (1 << MIDDLE.end) - (1 << MIDDLE.start);
            let low = self.avx._mm256_set1_epi8(15);
            let outside = |half: [u8; 32]| -> u64 {
                let bytes: __m256i = pulp::cast(half);
                let upper = self.avx2._mm256_and_si256(self.avx2._mm256_srli_epi16::<4>(bytes), low);
                let lower = self.avx2._mm256_and_si256(bytes, low);
                let rows = self.avx2._mm256_shuffle_epi8(pulp::cast([set.rows; 2]), lower);
                let column = self.avx2._mm256_shuffle_epi8(pulp::cast([UPPER; 2]), upper);
                let both = self.avx2._mm256_and_si256(rows, column);
                let none = self.avx2._mm256_cmpeq_epi8(both, self.avx._mm256_setzero_si256());
                u64::from(self.avx2._mm256_movemask_epi8(none).cast_unsigned())
            };
            let halves: [[u8; 32]; 2] = pulp::cast(*block);
            let outside = outside(halves[0]) | outside(halves[1]) << 32;
            Ends {
                head: outside.trailing_zeros() as usize,
                tail: outside.leading_zeros() as usize,
                middle: outside & WANTED == 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Ask<'a>(&'a [u8; BLOCK], u8, u8, &'a mut Vec<u64>, &'a mut Vec<Ends>);

    impl Work for Ask<'_> {
        fn run(self, lanes: impl Lanes) {
            self.3.extend([lanes.between(self.0, self.1, self.2), lanes.equal(self.0, self.1)]);
            self.4.push(lanes.ends(self.0, &Ascii::words(b"+/")));
        }
    }

    proptest! {
        #[test]
        fn every_way_tells_the_same(any: [u8; BLOCK], word: [bool; BLOCK], words: bool, low: u8, high: u8) {
            let (low, high) = (low.min(high), low.max(high));
            let block: [u8; BLOCK] = std::array::from_fn(|n| if words || word[n] { b'A' + any[n] % 26 } else { any[n] });
            let (mut plainly, mut best, mut ends) = (Vec::new(), Vec::new(), Vec::new());
            Ask(&block, low, high, &mut plainly, &mut ends).run(Plain);
            run(Ask(&block, low, high, &mut best, &mut ends));
            prop_assert_eq!(ends[0], ends[1]);
            let by = |is: &dyn Fn(u8) -> bool| (0..BLOCK).filter(|n| is(block[*n])).fold(0, |bits, n| bits | 1u64 << n);
            let expected = vec![by(&|byte| low <= byte && byte <= high), by(&|byte| byte == low)];
            prop_assert_eq!(&plainly, &expected);
            prop_assert_eq!(&best, &expected);
        }
    }
}

//! Parquet's DELTA_BINARY_PACKED and, on it, DELTA_BYTE_ARRAY. Facts: Apache Parquet, "Encodings", 5 and 7.

use super::levels::varint;

const BLOCK: usize = 128;
const MINIBLOCKS: usize = 4;
const MINIBLOCK: usize = BLOCK / MINIBLOCKS;

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Appends the numbers, as differences.
pub(super) fn numbers(values: &[i64], out: &mut Vec<u8>) {
    varint(BLOCK as u64, out);
    varint(MINIBLOCKS as u64, out);
    varint(values.len() as u64, out);
    let Some((first, rest)) = values.split_first() else {
        varint(0, out);
        return;
    };
    varint(zigzag(*first), out);
    let mut last = *first;
    let mut deltas = [0i64; BLOCK];
    for block in rest.chunks(BLOCK) {
        for (delta, value) in deltas.iter_mut().zip(block) {
            *delta = value.wrapping_sub(last);
            last = *value;
        }
        let deltas = &deltas[..block.len()];
        let least = deltas.iter().copied().min().unwrap_or(0);
        varint(zigzag(least), out);
        let widths = out.len();
        out.extend_from_slice(&[0; MINIBLOCKS]);
        for (i, mini) in deltas.chunks(MINIBLOCK).enumerate() {
            let all = mini.iter().fold(0, |bits, delta| bits | delta.wrapping_sub(least) as u64);
            let width = u64::BITS - all.leading_zeros();
            out[widths + i] = width as u8;
            pack(mini, least, width, out);
        }
    }
}

/// A miniblock: 32 numbers of `width` bits, the missing ones 0.
fn pack(deltas: &[i64], least: i64, width: u32, out: &mut Vec<u8>) {
    if width == 0 {
        return;
    }
    let end = out.len() + MINIBLOCK * width as usize / 8;
    let (mut bits, mut held) = (0u128, 0);
    for delta in deltas {
        bits |= u128::from(delta.wrapping_sub(least) as u64) << held;
        held += width;
        if held >= u64::BITS {
            out.extend_from_slice(&(bits as u64).to_le_bytes());
            bits >>= u64::BITS;
            held -= u64::BITS;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes()[..held.div_ceil(8) as usize]);
    out.resize(end, 0);
}

/// Appends the texts, each as what it shares with the one before and what it does not.
pub(super) fn texts<'t>(values: impl Iterator<Item = &'t [u8]>, out: &mut Vec<u8>) {
    let (mut prefixes, mut lengths, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    let mut last: &[u8] = &[];
    for value in values {
        let shared = shared_prefix(last, value);
        prefixes.push(shared as i64);
        lengths.push((value.len() - shared) as i64);
        rest.extend_from_slice(&value[shared..]);
        last = value;
    }
    numbers(&prefixes, out);
    numbers(&lengths, out);
    out.extend_from_slice(&rest);
}

fn shared_prefix(a: &[u8], b: &[u8]) -> usize {
    const WORD: usize = 8;
    let words = a.chunks_exact(WORD).zip(b.chunks_exact(WORD)).take_while(|(a, b)| a == b).count() * WORD;
    words + a[words..].iter().zip(&b[words..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_varint(bytes: &[u8], at: &mut usize) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[*at];
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    fn read_zigzag(bytes: &[u8], at: &mut usize) -> i64 {
        let value = read_varint(bytes, at);
        (value >> 1) as i64 ^ -((value & 1) as i64)
    }

    /// Reads the format as the specification gives it: the numbers, and where they end.
    fn read(bytes: &[u8]) -> (Vec<i64>, usize) {
        let mut at = 0;
        let block = read_varint(bytes, &mut at) as usize;
        let minis = read_varint(bytes, &mut at) as usize;
        let count = read_varint(bytes, &mut at) as usize;
        let mut out = vec![read_zigzag(bytes, &mut at)];
        out.truncate(count);
        while out.len() < count {
            let least = read_zigzag(bytes, &mut at);
            let widths = bytes[at..at + minis].to_vec();
            at += minis;
            for width in widths {
                if out.len() >= count {
                    break;
                }
                let width = usize::from(width);
                for i in 0..block / minis {
                    let bit = |b: usize| u64::from(bytes[at + b / 8] >> (b % 8) & 1);
                    let delta = (0..width).fold(0u64, |v, b| v | bit(i * width + b) << b);
                    if out.len() < count {
                        out.push(out[out.len() - 1].wrapping_add(least).wrapping_add(delta as i64));
                    }
                }
                at += block / minis * width / 8;
            }
        }
        (out, at)
    }

    #[test]
    fn the_specification_s_examples() {
        // 1 to 5: differences of 1, no bits at all.
        let mut out = Vec::new();
        numbers(&[1, 2, 3, 4, 5], &mut out);
        assert_eq!(out, [0x80, 1, 4, 5, 2, 2, 0, 0, 0, 0]);
        let mut out = Vec::new();
        texts(["axis", "axle", "babble", "babyhood"].into_iter().map(str::as_bytes), &mut out);
        let (prefixes, at) = read(&out);
        let (lengths, more) = read(&out[at..]);
        assert_eq!((prefixes, lengths), (vec![0, 2, 0, 3], vec![4, 2, 6, 5]));
        assert_eq!(&out[at + more..], b"axislebabbleyhood");
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(values in prop::collection::vec(prop_oneof![any::<i64>(), -300i64..300], 0..500)) {
            let mut out = Vec::new();
            numbers(&values, &mut out);
            prop_assert_eq!(read(&out), (values, out.len()));
        }
    }
}

//! Parquet's RLE/bit-packing hybrid, of levels and of dictionary indexes. Facts: Apache Parquet, "Encodings",
//! RLE = 3.

/// Values that a run must repeat to be worth one, and that make a group of packed ones.
const GROUP: usize = 8;

/// Bits that hold every number below `count`.
pub(super) fn width_of(count: usize) -> u8 {
    (usize::BITS - count.saturating_sub(1).leading_zeros()) as u8
}

pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends the values, each of at most `width` (up to 32) bits.
pub(super) fn hybrid(values: &[u32], width: u8, out: &mut Vec<u8>) {
    // Where the values that no run has taken begin.
    let mut open = 0;
    let mut at = 0;
    while at < values.len() {
        let value = values[at];
        let run = values[at..].iter().take_while(|v| **v == value).count();
        // Packed groups are whole: those before the run are filled up from it.
        let fill = (at - open).next_multiple_of(GROUP) - (at - open);
        if run >= fill + GROUP {
            packed(&values[open..at + fill], width, out);
            repeated(value, run - fill, width, out);
            open = at + run;
        }
        at += run;
    }
    packed(&values[open..], width, out);
}

/// Appends `count` times the same value.
pub(super) fn repeated(value: u32, count: usize, width: u8, out: &mut Vec<u8>) {
    if count > 0 {
        varint((count as u64) << 1, out);
        out.extend_from_slice(&value.to_le_bytes()[..usize::from(width.div_ceil(8))]);
    }
}

fn packed(values: &[u32], width: u8, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    varint((values.len().div_ceil(GROUP) as u64) << 1 | 1, out);
    for group in values.chunks(GROUP) {
        let (mut bits, mut held, mut bytes) = (0u64, 0, width);
        for i in 0..GROUP {
            bits |= u64::from(group.get(i).copied().unwrap_or(0)) << held;
            held += u32::from(width);
            while held >= 8 {
                out.push(bits as u8);
                bits >>= 8;
                held -= 8;
                bytes -= 1;
            }
        }
        debug_assert_eq!(bytes, 0);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads the format as the specification gives it.
    pub fn read(bytes: &[u8], width: u8, count: usize) -> (Vec<u32>, usize) {
        let mut at = 0;
        let mut out = Vec::new();
        while out.len() < count {
            let (mut header, mut shift) = (0u64, 0);
            loop {
                header |= u64::from(bytes[at] & 0x7f) << shift;
                shift += 7;
                at += 1;
                if bytes[at - 1] < 0x80 {
                    break;
                }
            }
            let n = (header >> 1) as usize;
            if header & 1 == 0 {
                let size = usize::from(width).div_ceil(8);
                let mut value = [0; 4];
                value[..size].copy_from_slice(&bytes[at..at + size]);
                at += size;
                out.extend(std::iter::repeat_n(u32::from_le_bytes(value), n));
            } else {
                for i in 0..n * 8 {
                    let bit = |b: usize| u32::from(bytes[at + b / 8] >> (b % 8) & 1);
                    let from = i * usize::from(width);
                    out.push((0..usize::from(width)).map(|b| bit(from + b) << b).sum());
                }
                at += n * usize::from(width);
            }
        }
        out.truncate(count);
        (out, at)
    }

    #[test]
    fn widths_and_the_specification_s_example() {
        assert_eq!([0, 1, 2, 3, 4, 5, 256, 257].map(width_of), [0, 0, 1, 2, 2, 3, 8, 9]);
        // Numbers 0 to 7 of three bits are 10001000 11000110 11111010 there.
        let mut out = Vec::new();
        hybrid(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut out);
        assert_eq!(out, [3, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
        let mut out = Vec::new();
        hybrid(&[1; 300], 1, &mut out);
        assert_eq!(out, [0xd8, 4, 1]);
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_was_written(runs in prop::collection::vec((0u32..1 << 17, 1usize..30), 0..60), width in 1u8..=17) {
            let mask = (1u32 << width) - 1;
            let values: Vec<u32> = runs.iter().flat_map(|(v, n)| std::iter::repeat_n(v & mask, *n)).collect();
            let mut out = Vec::new();
            hybrid(&values, width, &mut out);
            prop_assert_eq!(read(&out, width, values.len()), (values, out.len()));
        }
    }
}

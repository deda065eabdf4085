//! Long runs of certain bytes, found by looking at few of the others.

/// A set of bytes.
pub(super) type Bytes = [bool; 256];

/// Digits, letters where asked for, and `others`.
pub(super) const fn bytes(upper: bool, lower: bool, others: &[u8]) -> Bytes {
    let mut table = [false; 256];
    let mut n = 0;
    while n < table.len() {
        let byte = n as u8;
        table[n] =
            byte.is_ascii_digit() || (upper && byte.is_ascii_uppercase()) || (lower && byte.is_ascii_lowercase());
        n += 1;
    }
    n = 0;
    while n < others.len() {
        table[others[n] as usize] = true;
        n += 1;
    }
    table
}

/// Bytes that are looked at together: no branch between them, for what logs hold is hard to predict.
const STEP: usize = 4;

/// Where the last of these bytes lies that is not in the set.
#[inline]
fn last_outside(window: &[u8], set: &Bytes) -> Option<usize> {
    let (head, steps) = window.as_rchunks::<STEP>();
    for (n, step) in steps.iter().enumerate().rev() {
        let outside = |i: usize| u32::from(!set[usize::from(step[i])]) << i;
        let outside = outside(0) | outside(1) | outside(2) | outside(3);
        if outside != 0 {
            return Some(head.len() + n * STEP + outside.ilog2() as usize);
        }
    }
    head.iter().rposition(|byte| !set[usize::from(*byte)])
}

/// Calls `found` with the span of every run of so many bytes and more of the set, whole. A byte that is not in it rules
/// out every run over it, so that of ordinary text few bytes are looked at.
#[inline]
pub(super) fn runs<const SHORTEST: usize>(data: &[u8], set: &Bytes, mut found: impl FnMut(usize, usize)) {
    let mut start = 0;
    while let Some(window) = data[start..].first_chunk::<SHORTEST>() {
        if !set[usize::from(window[SHORTEST - 1])] {
            start += SHORTEST;
            continue;
        }
        if let Some(outside) = last_outside(window, set) {
            start += outside + 1;
            continue;
        }
        let end = start + SHORTEST;
        let end = end + data[end..].iter().take_while(|byte| set[usize::from(**byte)]).count();
        found(start, end);
        start = data.len().min(end + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIGITS: Bytes = bytes(false, false, b"");

    fn plainly(data: &[u8], shortest: usize) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let mut start = 0;
        for at in 0..=data.len() {
            if at == data.len() || !data[at].is_ascii_digit() {
                if at - start >= shortest {
                    all.push((start, at));
                }
                start = at + 1;
            }
        }
        all
    }

    proptest! {
        #[test]
        fn runs_are_those_that_one_finds_byte_by_byte(text in "([0-9]{0,60}[a ]){0,12}[0-9]{0,60}") {
            let (mut short, mut long) = (Vec::new(), Vec::new());
            runs::<13>(text.as_bytes(), &DIGITS, |start, end| short.push((start, end)));
            runs::<48>(text.as_bytes(), &DIGITS, |start, end| long.push((start, end)));
            prop_assert_eq!(short, plainly(text.as_bytes(), 13));
            prop_assert_eq!(long, plainly(text.as_bytes(), 48));
        }
    }
}

//! Vehicle identification number (VIN): 17 characters without I, O and Q; the ninth is the weighted sum modulo 11, X for 10 (ISO 3779, North America).

use super::National;

pub(in super::super) static VIN: National = National { name: "vin", check };

fn check(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let value = |b: u8| match b {
        b'0'..=b'9' => u32::from(b - b'0'),
        b'A'..=b'H' => u32::from(b - b'A') + 1,
        b'J'..=b'R' => u32::from(b - b'J') + 1,
        _ => u32::from(b.wrapping_sub(b'S')) + 2,
    };
    let sum: u32 = text.iter().zip(WEIGHTS).map(|(b, weight)| value(*b) * weight).sum();
    let check = if sum % 11 == 10 { b'X' } else { b'0' + (sum % 11).to_le_bytes()[0] };
    text.len() == 17 && !text.iter().any(|b| b"IOQ".contains(b)) && text[8] == check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        VIN.must(&["1M8GDM9AXKP042788"], &["1M8GDM9AXKP042789", "11111111111111111"]);
    }
}

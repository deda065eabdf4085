//! Brazilian company number (CNPJ): 14 characters, since July 2026 also letters, each worth its ASCII code less 48; two check digits modulo 11.

use super::National;

pub(in super::super) static BR_CNPJ: National = National { name: "br-cnpj", check };

fn check(text: &[u8]) -> bool {
    let values: Vec<u32> = text.iter().map(|b| u32::from(*b) - 48).collect();
    let check = |count: usize| {
        // From the right: 2 to 9, over and over.
        let weights = (2..=9).cycle();
        let sum: u32 = values[..count].iter().rev().zip(weights).map(|(value, weight)| value * weight).sum();
        if sum % 11 < 2 { 0 } else { 11 - sum % 11 }
    };
    values.len() == 14 && check(12) == values[12] && check(13) == values[13]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        BR_CNPJ.must(&["16727230000197", "12ABC34501DE35"], &["16727230000198", "16727230000187"]);
    }
}

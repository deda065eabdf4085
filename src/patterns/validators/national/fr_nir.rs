//! French social security number (NIR, INSEE): 13 characters and the key 97 - N mod 97; 2A and 2B count as 19 and 18.

use super::National;

pub(in super::super) static FR_NIR: National = National { name: "fr-nir", check };

fn check(text: &[u8]) -> bool {
    let plain = String::from_utf8_lossy(text).replacen("2A", "19", 1).replacen("2B", "18", 1);
    let island = text.get(5..7).is_some_and(|at| at == b"2A" || at == b"2B");
    let plain = if island { plain } else { String::from_utf8_lossy(text).into_owned() };
    let month = plain.get(3..5).and_then(|m| m.parse::<u32>().ok()).unwrap_or(99);
    match (plain.len(), plain.get(..13).map(str::parse::<u64>), plain.get(13..).map(str::parse::<u64>)) {
        (15, Some(Ok(number)), Some(Ok(key))) => {
            matches!(plain.as_bytes()[0], b'1'..=b'4' | b'7' | b'8') && month > 0 && 97 - number % 97 == key
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        FR_NIR.must(&["295109912611193"], &["295109912611194", "595109912611193"]);
    }
}

//! A fast hash of short texts.

/// By whole words, each folded by a multiplication. Who does not know the seed cannot make values collide.
pub(super) fn hash(seed: u64, value: &[u8]) -> u64 {
    let mut hash = seed ^ value.len() as u64;
    let (words, rest) = value.as_chunks::<8>();
    for word in words {
        hash = fold(hash ^ u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = fold(hash ^ u64::from_le_bytes(word));
    }
    fold(hash ^ seed)
}

fn fold(value: u64) -> u64 {
    let wide = u128::from(value) * 0x9e37_79b9_7f4a_7c15;
    (wide as u64) ^ ((wide >> 64) as u64)
}

/// Another one in each run of the program.
pub(super) fn seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    static STATE: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *STATE.get_or_init(|| RandomState::new().hash_one(0u8))
}

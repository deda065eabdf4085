//! Decoders: compression, base64, URL encoding, and a borrowing JSON cursor. Limits are errors.

pub mod base64;
pub mod inflate;
pub mod json;
pub mod json_walk;
pub mod percent;
pub mod tokens;

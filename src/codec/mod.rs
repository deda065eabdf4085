//! Decoders: compression, base64, URL encoding, a borrowing JSON cursor, and line shapes
//! that more than one module reads. Limits are errors.

pub mod base64;
pub mod deflate;
pub mod execution_log;
pub mod hex;
pub mod inflate;
pub mod java_map;
pub mod json;
pub mod json_path;
pub mod json_walk;
pub mod percent;
mod quote;
pub mod tokens;

//! The shipped rule files, put into the binary by `build.rs`.

include!(concat!(env!("OUT_DIR"), "/embedded_patterns.rs"));

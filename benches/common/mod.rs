//! What the benches share: the sample incident's text, and how a figure is told.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Decompressed bytes of every file under a folder of `samples/incident/logs`, in order of path.
pub fn sample(folder: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/incident/logs").join(folder);
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    let mut text = Vec::new();
    for file in files {
        let reader = logsift::codec::inflate::open(Box::new(fs::File::open(file).unwrap())).unwrap();
        let mut reader = reader;
        reader.read_to_end(&mut text).unwrap();
    }
    text
}

fn collect(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, out);
        } else {
            out.push(path);
        }
    }
}

/// The fastest of five runs, and what each gave; all must give the same.
pub fn best<T: PartialEq + std::fmt::Debug>(mut run: impl FnMut() -> T) -> (Duration, T) {
    let mut best: Option<(Duration, T)> = None;
    for _ in 0..5 {
        let start = Instant::now();
        let answer = run();
        let time = start.elapsed();
        if let Some((_, before)) = &best {
            assert_eq!(*before, answer);
        }
        if best.as_ref().is_none_or(|(fastest, _)| time < *fastest) {
            best = Some((time, answer));
        }
    }
    best.unwrap()
}

pub fn megabytes_per_second(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

//! The scan against its own limit: bare first stage, and both stages, over the same chunks.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{best, megabytes_per_second, sample};
use logsift::patterns::{PatternSet, RuleSources};
use logsift::scan::{CHUNK, Chunk, Engine};

const COPIES: usize = 40;

/// The sample incident many times over, or the files of the folder that `LOGSIFT_BENCH_FILES` names once.
fn input() -> (Vec<u8>, usize) {
    let Some(folder) = std::env::var_os("LOGSIFT_BENCH_FILES") else {
        let folders = ["alb", "vpcflow", "cloudwatch", "cloudtrail"];
        return (folders.iter().flat_map(|folder| sample(folder)).collect(), COPIES);
    };
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    (files.iter().flat_map(|file| std::fs::read(file).unwrap()).collect(), 1)
}

fn main() {
    let (text, copies) = input();
    // CloudTrail files are one line each: a record a line, as the lake has them.
    let text = String::from_utf8_lossy(&text).replace("},{\"eventVersion\"", "}\n{\"eventVersion\"").into_bytes();
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut chunk = Chunk::default();
    for line in text.split(|b| *b == b'\n') {
        chunk.push(line);
        if chunk.len() >= CHUNK {
            chunks.push(std::mem::take(&mut chunk));
        }
    }
    chunks.push(chunk);
    let bytes = text.len() * copies;
    for packs in ["secrets", "all"] {
        let sources =
            RuleSources { packs: vec![logsift::patterns::Pack::parse(packs).unwrap()], ..RuleSources::default() };
        let engine = Engine::new(PatternSet::load(&sources).unwrap(), None).unwrap();
        let mut scanner = engine.scanner().unwrap();
        let (bare, hits) = best(|| {
            let mut hits = 0;
            for _ in 0..copies {
                hits += chunks.iter().map(|chunk| scanner.first_stage(chunk).unwrap()).sum::<u64>();
            }
            hits
        });
        let (both, found) = best(|| {
            let mut out = Vec::new();
            let mut found = 0;
            for _ in 0..copies {
                for chunk in &chunks {
                    scanner.scan(chunk, None, &mut out).unwrap();
                    found += out.len();
                }
            }
            found
        });
        // The answer: every copy holds what one copy holds, found row by row without the first stage.
        let checked = if copies > 1 { &chunks[..] } else { &[] };
        let exact: usize = checked
            .iter()
            .map(|c| c.spans().into_iter().map(|span| scanner.scan_exact(c.bytes(span), None).len()).sum::<usize>())
            .sum();
        assert!(copies == 1 || found == exact * copies);
        println!(
            "scan --pack {packs}: {} rules, {:.0} MB, first stage {:.0} MB/s ({hits} hits), both stages {:.0} MB/s ({found} matches), ratio {:.2}",
            engine.set().rules.len(),
            bytes as f64 / 1e6,
            megabytes_per_second(bytes, bare),
            megabytes_per_second(bytes, both),
            bare.as_secs_f64() / both.as_secs_f64(),
        );
    }
}

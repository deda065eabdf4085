//! The scan against its own limit: bare first stage, and both stages, over the same chunks.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use common::{best, megabytes_per_second, sample};
use logsift::patterns::{PatternSet, RuleSources};
use logsift::scan::{CHUNK, Chunk, Engine};

const COPIES: usize = 40;

fn main() {
    let mut text = Vec::new();
    for folder in ["alb", "vpcflow", "cloudwatch", "cloudtrail"] {
        text.extend(sample(folder));
    }
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
    let bytes = text.len() * COPIES;
    for packs in ["secrets", "all"] {
        let sources =
            RuleSources { packs: vec![logsift::patterns::Pack::parse(packs).unwrap()], ..RuleSources::default() };
        let engine = Engine::new(PatternSet::load(&sources).unwrap(), None).unwrap();
        let mut scanner = engine.scanner().unwrap();
        let (bare, hits) = best(|| {
            let mut hits = 0;
            for _ in 0..COPIES {
                hits += chunks.iter().map(|chunk| scanner.first_stage(chunk).unwrap()).sum::<u64>();
            }
            hits
        });
        let (both, found) = best(|| {
            let mut out = Vec::new();
            let mut found = 0;
            for _ in 0..COPIES {
                for chunk in &chunks {
                    scanner.scan(chunk, None, &mut out).unwrap();
                    found += out.len();
                }
            }
            found
        });
        // The answer: every copy holds what one copy holds, found row by row without the first stage.
        let exact: usize = chunks
            .iter()
            .map(|c| (0..c.records()).map(|i| scanner.scan_exact(c.record(i), None).len()).sum::<usize>())
            .sum();
        assert_eq!(found, exact * COPIES);
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

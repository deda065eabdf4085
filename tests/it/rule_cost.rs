//! What each rule costs, counted and not timed: hits of the first stage, and bytes that the exact one looks at.

use crate::env::repo;
use logsift::codec::inflate;
use logsift::patterns::{PatternSet, RuleSources};
use logsift::scan::{Chunk, Engine};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// For each megabyte of ordinary logs. Most hits has the rule for cards; most bytes are looked at for session tokens,
/// which have no greatest length: of CloudTrail's files, which are one line, everything.
const HITS: u64 = 1_000;
const LOOKED_AT: u64 = 300_000;

/// Files of the samples, without the lines that rules find something in: those cost what they are worth.
fn sample(folder: &Path, out: &mut Vec<Vec<u8>>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sample(&path, out);
        } else if path
            .extension()
            .is_some_and(|kind| ["log", "gz", "json", "jsonl", "txt", "csv"].iter().any(|k| kind == *k))
        {
            let mut text = Vec::new();
            inflate::open(Box::new(File::open(&path).unwrap())).unwrap().read_to_end(&mut text).unwrap();
            out.push(text);
        }
    }
}

#[test]
fn no_rule_costs_much_on_ordinary_logs() {
    let mut files = Vec::new();
    sample(&repo("samples"), &mut files);
    let engine = Engine::new(PatternSet::load(&RuleSources::default()).unwrap(), None).unwrap();
    let mut scanner = engine.scanner().unwrap();
    let (mut costs, mut bytes) = (vec![(0u64, 0u64); engine.set().rules.len()], 0);
    for text in files {
        let text = String::from_utf8_lossy(&text).replace("},{\"eventVersion\"", "}\n{\"eventVersion\"").into_bytes();
        bytes += text.len() as u64;
        let mut chunk = Chunk::default();
        chunk.lines(text);
        for (cost, (hits, looked_at)) in costs.iter_mut().zip(scanner.cost(&chunk).unwrap()) {
            *cost = (cost.0 + hits, cost.1 + looked_at);
        }
    }
    assert!(bytes > 1_000_000, "{bytes}");
    let a_megabyte = |n: u64| n * 1_000_000 / bytes;
    let rules = engine.set().rules.iter().zip(costs);
    let dear: Vec<String> = rules
        .filter(|(_, (hits, looked_at))| a_megabyte(*hits) > HITS || a_megabyte(*looked_at) > LOOKED_AT)
        .map(|(rule, (hits, looked_at))| {
            format!("{}: {} hits, {} bytes", rule.id, a_megabyte(hits), a_megabyte(looked_at))
        })
        .collect();
    assert!(dear.is_empty(), "for each megabyte:\n{}", dear.join("\n"));
}

//! `logsift patterns cost`: what each rule costs on a sample.

use crate::cli::context::Context;
use crate::cli::terminal;
use crate::codec::inflate;
use crate::patterns::PatternSet;
use crate::report::jsonl;
use crate::report::table::Table;
use crate::report::text::number;
use crate::scan::{CHUNK, Chunk, Engine};
use anyhow::Context as _;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::time::Instant;

/// What one rule did on the sample.
struct Cost {
    hits: u64,
    looked_at: u64,
    matches: u64,
    seconds: f64,
}

/// Prints a line for each rule, the dearest first. Counts are the same on every machine, times are not.
pub(super) fn run(set: PatternSet, paths: &[PathBuf], format: &str, context: &Context) -> anyhow::Result<()> {
    let (chunks, bytes) = read(paths)?;
    let engine = Engine::new(set, None)?;
    let mut scanner = engine.scanner()?;
    let mut costs: Vec<Cost> = Vec::new();
    let bar = context.terminal.bar("cost");
    crate::pipeline::Progress::total(&bar, engine.set().rules.len() as u64);
    for rule in 0..engine.set().rules.len() {
        let begun = Instant::now();
        scanner.first_stage_of(rule, &chunks)?;
        let seconds = begun.elapsed().as_secs_f64();
        costs.push(Cost { hits: 0, looked_at: 0, matches: 0, seconds });
        crate::pipeline::Progress::advance(&bar, 1);
    }
    bar.finish();
    let mut found = Vec::new();
    for chunk in &chunks {
        for (cost, (hits, looked_at)) in costs.iter_mut().zip(scanner.cost(chunk)?) {
            cost.hits += hits;
            cost.looked_at += looked_at;
        }
        scanner.scan(chunk, None, &mut found)?;
        found.iter().for_each(|found| costs[found.matched.rule].matches += 1);
    }
    let mut rows: Vec<(&str, Cost)> = engine.set().rules.iter().map(|rule| rule.id.as_str()).zip(costs).collect();
    rows.sort_by(|a, b| b.1.seconds.total_cmp(&a.1.seconds));
    let mut out = terminal::output(None)?;
    let mut table = Table::new(&["rule", "first stage alone", "hits", "bytes looked at", "matches"]);
    table = table.right_aligned(&["first stage alone", "hits", "bytes looked at", "matches"]);
    for (rule, cost) in rows {
        let speed = bytes as f64 / 1e6 / cost.seconds.max(1e-9);
        if format == "json" {
            let line = serde_json::json!({"rule": rule, "first_stage_mb_per_second": speed, "hits": cost.hits,
                "looked_at_bytes": cost.looked_at, "matches": cost.matches, "sample_bytes": bytes});
            jsonl::write_line(&mut out, &line)?;
        }
        let speed = format!("{speed:.0} MB/s");
        table.push(vec![rule.to_owned(), speed, number(cost.hits), number(cost.looked_at), number(cost.matches)]);
    }
    if format == "table" {
        write!(out, "{}", table.render(context.terminal.width()))?;
    }
    out.flush()?;
    context.terminal.say(&format!("{} bytes of sample", number(bytes)));
    Ok(())
}

/// Lines of plain or compressed files, and their bytes.
fn read(paths: &[PathBuf]) -> anyhow::Result<(Vec<Chunk>, u64)> {
    let (mut chunks, mut chunk, mut bytes) = (Vec::new(), Chunk::default(), 0);
    for path in paths {
        let wrong = || format!("{}: cannot be read", path.display());
        let file = std::fs::File::open(path).with_context(wrong)?;
        let mut lines = inflate::open(Box::new(std::io::BufReader::new(file))).with_context(wrong)?;
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).with_context(wrong)? > 0 {
            bytes += line.len() as u64;
            chunk.push(line.strip_suffix(b"\n").unwrap_or(&line));
            line.clear();
            if chunk.len() >= CHUNK {
                chunks.push(std::mem::take(&mut chunk));
            }
        }
    }
    chunks.push(chunk);
    Ok((chunks, bytes))
}

//! Reading `.gz` on one core, as shares of decompression: what parsing to columns adds to it.
//!
//! `decompression FILE…` takes files as they are stored and prints one line of JSON, figures in seconds: the median
//! of three rounds, wall and on the processor. Without files it packs the sample incident's own.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "the other benches use the rest")]
mod common;

use common::sample;
use logsift::codec::inflate;
use logsift::formats::Options;
use logsift::model::Tally;
use logsift::pipeline::build_parts::build_parts;
use std::fs;
use std::hint::black_box;
use std::io::{self, BufRead, Cursor, Write as _};
use std::time::Instant;

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 3;
const COPIES: usize = 20;

/// Seconds: by the clock, and on the processor where the system tells (Linux).
#[derive(Clone, Copy)]
struct Spent {
    wall: f64,
    cpu: Option<f64>,
}

fn main() {
    // `cargo bench` passes flags of its own.
    let files: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if !files.is_empty() {
        let objects: Vec<Vec<u8>> = files.iter().map(|file| fs::read(file).unwrap()).collect();
        println!("{}", measure(&objects));
        return;
    }
    for folder in ["alb", "vpcflow", "cloudwatch/apigw-access"] {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&sample(folder).repeat(COPIES)).unwrap();
        println!("decompression {folder}: {}", measure(&[encoder.finish().unwrap()]));
    }
}

/// All three ways, in turns.
fn measure(objects: &[Vec<u8>]) -> serde_json::Value {
    let mut runs: [Vec<Spent>; 3] = Default::default();
    let mut bytes = 0;
    let mut tally = Tally::default();
    for _ in 0..ROUNDS {
        bytes = 0;
        tally = Tally::default();
        runs[0].push(timed(objects, |reader| bytes += inflated(reader, &mut io::sink())));
        runs[1].push(timed(objects, |reader| {
            let mut packed = zstd::Encoder::new(io::sink(), 1).unwrap();
            inflated(reader, &mut packed);
            packed.finish().unwrap();
        }));
        runs[2].push(timed(objects, |reader| {
            tally.add(&build_parts(reader, &Options::default(), None, &mut drop).unwrap())
        }));
        assert!(tally.is_balanced() && tally.records_in > 0, "{tally:?}");
    }
    let [inflate, zstd, columns] = runs.map(|mut runs| {
        runs.sort_by(|a, b| a.wall.total_cmp(&b.wall));
        let median = runs[ROUNDS / 2];
        serde_json::json!({"wall": median.wall, "cpu": median.cpu})
    });
    serde_json::json!({
        "bytes": bytes,
        "records": tally.records_in,
        "events": Tally::total(&tally.events),
        "inflate": inflate,
        "inflate_and_zstd1": zstd,
        "inflate_and_columns": columns,
    })
}

/// Time to do something with the decompressed bytes of each object, one after the other.
fn timed(objects: &[Vec<u8>], mut each: impl FnMut(Box<dyn BufRead + Send>)) -> Spent {
    // The copies that the readers keep are made before the clock starts.
    let copies = objects.to_vec();
    let (start, cpu) = (Instant::now(), processor());
    for object in copies {
        each(inflate::open(Box::new(Cursor::new(object))).unwrap());
    }
    let wall = start.elapsed().as_secs_f64();
    Spent { wall, cpu: processor().zip(cpu).map(|(end, start)| end - start) }
}

/// Decompressed bytes, given on as they lie in the reader's own buffer.
fn inflated(mut reader: Box<dyn BufRead + Send>, out: &mut dyn io::Write) -> usize {
    let mut bytes = 0;
    loop {
        let block = reader.fill_buf().unwrap();
        let length = block.len();
        if length == 0 {
            return bytes;
        }
        out.write_all(black_box(block)).unwrap();
        reader.consume(length);
        bytes += length;
    }
}

/// Seconds that this thread was on a processor.
fn processor() -> Option<f64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<u64>().ok()? as f64 / 1e9)
}

//! `logsift lake compact`.

use super::super::context::Context;
use super::super::exit::Exit;
use crate::lake::compact::CompactConfig;
use crate::pipeline::Progress as _;
use crate::report::text::{counted, number};
use anyhow::{Context as _, bail};
use clap::Args;

/// Merge small parts of the same table and day into large ones.
///
/// Many small imports leave many small files, which make every question slower. The events stay the same, and so does
/// what was found. Replaced files stay until the next command that writes to the lake, so that whoever reads the lake
/// meanwhile can go on. An interruption leaves a whole lake, with some days compacted.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  logsift lake compact --table alb")]
pub struct CompactArgs {
    /// Of this table only
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Bytes of raw text in a part at most (KB, MB, GB, KiB, MiB, GiB); parts of half of it are left alone
    #[arg(long, value_name = "SIZE", default_value = "128MB")]
    target_size: String,
}

/// What one part may hold: a column of a batch has 2 GiB at most.
const LARGEST: u64 = 1024 * 1024 * 1024;

pub(super) fn run(args: &CompactArgs, context: &Context) -> anyhow::Result<Exit> {
    let target = size(&args.target_size)?;
    let mut lake = context.lake()?;
    super::check_table(&lake, args.table.as_deref())?;
    let _lock = super::begin_writing(&mut lake, context)?;
    let config = CompactConfig { table: args.table.as_deref(), target };
    let bar = context.terminal.bar("compact");
    bar.total(lake.compactable(&config));
    let result = lake.compact(&config, &|bytes| bar.advance(bytes));
    bar.finish();
    let report = super::clear_after(result, &lake)?;
    if report.left > 0 {
        let what = counted(report.left, "part");
        context.terminal.say(&format!("{what} left alone: a column has another type there than in the others"));
    }
    context.terminal.say(&match report.parts_before {
        0 => "nothing to compact".to_owned(),
        before => format!(
            "{} became {}: {}, {} bytes became {}",
            counted(before, "part"),
            number(report.parts_after),
            counted(report.rows, "row"),
            number(report.bytes_before),
            number(report.bytes_after)
        ),
    });
    Ok(Exit::Clean)
}

/// `128MB`, `64 MiB`, `1000000`.
fn size(text: &str) -> anyhow::Result<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim() {
        "" | "B" => 1,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => bail!("`{text}` is no size; use a number and KB, MB, GB, KiB, MiB or GiB, such as 128MB"),
    };
    let number: u64 = number.parse().with_context(|| format!("`{text}` is no size; use one such as 128MB"))?;
    match number.checked_mul(unit) {
        Some(bytes @ 1..=LARGEST) => Ok(bytes),
        _ => bail!("`{text}` is no size for a part; it must be between 1 byte and 1GiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes() {
        let good = [("128MB", 128_000_000), ("64 MiB", 67_108_864), ("1000", 1_000), ("2KB", 2_000), ("1GiB", 1 << 30)];
        for (text, bytes) in good {
            assert_eq!(size(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "MB", "0", "-1", "1.5MB", "10M", "2GiB", "99999999999999999999GB", "18446744073709551615GB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}

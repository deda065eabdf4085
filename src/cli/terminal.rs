//! stdout, stderr, progress and interrupts.

use super::settings::ColorChoice;
use crate::pipeline::Progress;
use crate::report::text;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Milliseconds that a run may take to its next safe place.
static GRACE: AtomicU64 = AtomicU64::new(500);

/// From now on the run's next safe place may be so far away.
#[cfg(feature = "pull")]
pub(super) fn grace(time: Duration) {
    GRACE.store(time.as_millis() as u64, Ordering::Relaxed);
}

/// The first Ctrl-C asks the run to stop at the next safe place, and ends it when it does not get there (a
/// read that blocks, a query); the second one ends it at once. The lake is safe either way.
pub(super) fn catch_interrupts() {
    let handler = || {
        if !INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::thread::spawn(|| {
                std::thread::sleep(Duration::from_millis(GRACE.load(Ordering::Relaxed)));
                end();
            });
            return;
        }
        end();
    };
    // Without a handler Ctrl-C still ends the process.
    let _ = ctrlc::set_handler(handler);
}

#[expect(clippy::exit, reason = "the user asked, and the run did not stop by itself")]
fn end() {
    print_line("logsift: interrupted; what was committed before is kept");
    std::process::exit(130);
}

/// What may be said, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terminal {
    pub quiet: bool,
    pub verbose: bool,
    pub progress: bool,
    pub color: bool,
}

impl Terminal {
    /// A line for people; silent with `--quiet`.
    pub fn say(&self, message: &str) {
        if !self.quiet {
            print_line(message);
        }
    }

    /// A line for the curious.
    pub fn verbose(&self, message: &str) {
        if self.verbose {
            print_line(message);
        }
    }

    /// Something that went wrong without ending the run: told even with `--quiet`.
    pub fn warn(&self, message: &str) {
        print_line(&format!("logsift: {message}"));
    }

    /// A progress bar that shows itself after a second, on a terminal only.
    pub fn bar(&self, what: &'static str) -> Bar {
        self.drawn(what, "{prefix} {bar:30} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {msg}  {eta}")
    }

    /// As [`Self::bar`], for work of which nobody knows how much there is.
    #[cfg(feature = "pull")]
    pub fn spinner(&self, what: &'static str) -> Bar {
        self.drawn(what, "{prefix} {spinner} {elapsed_precise}  {bytes}  {binary_bytes_per_sec}  {msg}")
    }

    fn drawn(&self, what: &'static str, template: &str) -> Bar {
        let shown = self.progress && !self.quiet && io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(10) } else { ProgressDrawTarget::hidden() };
        let several = MultiProgress::with_draw_target(target);
        let bar = several.add(ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(what);
        if shown {
            bar.enable_steady_tick(Duration::from_secs(1));
        }
        Bar {
            bar,
            #[cfg(feature = "pull")]
            several,
            records: AtomicU64::new(0),
        }
    }

    /// A rendered table with the words of its `severity` column coloured; files stay plain.
    pub fn paint(&self, table: String, to_stdout: bool) -> String {
        let mut painter = self.painter(to_stdout);
        if !painter.color {
            return table;
        }
        table.split_inclusive('\n').map(|line| painter.paint(line)).collect()
    }

    /// Paints a table line by line, its header first.
    pub fn painter(&self, to_stdout: bool) -> Painter {
        Painter { color: self.color && to_stdout, start: None }
    }

    /// Columns of the terminal stdout writes to; `None` when it is none.
    pub fn width(&self) -> Option<usize> {
        io::stdout().is_terminal().then(|| console_width().unwrap_or(120))
    }
}

fn console_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

#[expect(clippy::print_stderr, reason = "the one place that writes to stderr")]
fn print_line(message: &str) {
    let lines: Vec<_> = message.lines().map(|line| text::terminal(line).into_owned()).collect();
    eprintln!("{}", lines.join("\n"));
}

pub(super) fn print_plain(message: &str) {
    print_line(message);
}

pub(super) fn print_error(causes: &[String], color: Option<ColorChoice>) {
    let bold = color == Some(ColorChoice::Always)
        || (color.is_none_or(|c| c == ColorChoice::Auto) && io::stderr().is_terminal());
    let mut message = String::from("logsift: error: ");
    message.push_str(&causes.join("\n  because: "));
    if bold && std::env::var_os("NO_COLOR").is_none() {
        let (first, rest) = message.split_at("logsift: error:".len());
        let safe: Vec<_> = rest.lines().map(|line| text::terminal(line).into_owned()).collect();
        print_styled(first, &safe.join("\n"));
    } else {
        print_line(&message);
    }
}

#[expect(clippy::print_stderr, reason = "the one place that writes styled text to stderr")]
fn print_styled(first: &str, rest: &str) {
    eprintln!("\x1b[1;31m{first}\x1b[0m{rest}");
}

/// A progress bar of bytes and records.
pub(super) struct Bar {
    bar: ProgressBar,
    #[cfg(feature = "pull")]
    several: MultiProgress,
    records: AtomicU64,
}

impl Bar {
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// A line below; none where nothing is shown.
    #[cfg(feature = "pull")]
    pub fn row(&self, name: &str) -> Option<Row> {
        if self.bar.is_hidden() {
            return None;
        }
        let row = self.several.add(ProgressBar::new(1000));
        if let Ok(style) = ProgressStyle::with_template("  {bar:20} {percent:>3} %  {prefix}  {msg}") {
            row.set_style(style);
        }
        row.set_prefix(text::terminal(name).into_owned());
        Some(Row(row))
    }

    /// All records and bytes so far, and what else is to be said.
    #[cfg(feature = "pull")]
    pub fn tell(&self, records: u64, bytes: u64, more: &str) {
        self.bar.set_position(bytes);
        self.bar.set_message(format!("{} events, {more}", text::number(records)));
    }
}

/// A line below a bar, for a part of the work; gone when dropped.
#[cfg(feature = "pull")]
pub(super) struct Row(ProgressBar);

#[cfg(feature = "pull")]
impl Row {
    /// `share`: 0 to 1.
    pub fn tell(&self, share: f64, more: &str) {
        self.0.set_position((share * 1000.0) as u64);
        self.0.set_message(more.to_owned());
    }
}

#[cfg(feature = "pull")]
impl Drop for Row {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn total(&self, bytes: u64) {
        self.bar.set_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn records(&self, n: u64) {
        let all = self.records.fetch_add(n, Ordering::Relaxed) + n;
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        self.bar.set_message(format!("{} records, {:.0}/s", text::number(all), all as f64 / seconds));
    }

    fn cancelled(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}

/// See [`Terminal::painter`].
pub(super) struct Painter {
    color: bool,
    /// Column of the severity.
    start: Option<usize>,
}

impl Painter {
    pub fn paint<'l>(&mut self, line: &'l str) -> Cow<'l, str> {
        if !self.color {
            return Cow::Borrowed(line);
        }
        let Some(start) = self.start else {
            self.start = line.find("severity");
            self.color = self.start.is_some();
            return Cow::Borrowed(line);
        };
        let from = line.char_indices().nth(start).map_or(line.len(), |(at, _)| at);
        let (before, rest) = line.split_at(from);
        let word = rest.split([' ', '\n']).next().unwrap_or_default();
        let color = match word {
            "critical" => "1;31",
            "high" => "31",
            "medium" => "33",
            "low" => "36",
            _ => return Cow::Borrowed(line),
        };
        Cow::Owned(format!("{before}\x1b[{color}m{word}\x1b[0m{}", &rest[word.len()..]))
    }
}

/// Opens the output: a file (0600, for it may hold personal data) or stdout.
pub(super) fn output(path: Option<&Path>) -> anyhow::Result<Box<dyn Write + Send>> {
    match path {
        Some(path) if path != Path::new("-") => Ok(Box::new(BufWriter::new(create(path)?))),
        _ => Ok(Box::new(BufWriter::new(io::stdout()))),
    }
}

fn create(path: &Path) -> anyhow::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| anyhow::anyhow!("{}: cannot be written: {error}; give another file with -o", path.display()))
}

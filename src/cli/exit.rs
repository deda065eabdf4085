//! Exit codes, and how errors are told.

use super::settings::ColorChoice;
use super::terminal;
use crate::pipeline::PipelineError;
use std::io;
use std::process::ExitCode;

/// What the program tells its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Clean,
    /// Findings at or above `--fail-on`.
    Findings,
    /// A failure, or coverage that is incomplete.
    Failure,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Failure => 2,
            Exit::Interrupted => 130,
        })
    }
}

/// Prints an error with its causes; a closed pipe is no error.
pub(super) fn report(error: &anyhow::Error, color: Option<ColorChoice>) -> ExitCode {
    let closed = error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe));
    if closed {
        return Exit::Clean.into();
    }
    let interrupted = error.chain().any(|cause| matches!(cause.downcast_ref(), Some(PipelineError::Interrupted)));
    let text: Vec<String> = error.chain().map(ToString::to_string).collect();
    if interrupted {
        terminal::print_plain(&format!("logsift: {}", text.join(": ")));
        return Exit::Interrupted.into();
    }
    terminal::print_error(&text, color);
    Exit::Failure.into()
}

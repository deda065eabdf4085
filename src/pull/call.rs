//! One call, repeated for as long as that may help.

use super::pace::Pace;
use super::session::Login;
use aws_sdk_cloudwatchlogs::config::http::HttpResponse;
use aws_sdk_cloudwatchlogs::error::{ProvideErrorMetadata, SdkError};
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Failures of one call in a row, throttles aside.
pub(super) const FAILURES: u32 = 8;
/// Throttles of one call in a row: at the slowest pace that is minutes.
const THROTTLES: u32 = 60;
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Between two looks for new credentials.
const RENEWED_EVERY: Duration = Duration::from_secs(5);

/// What all calls of a run did; read while it runs.
#[derive(Debug, Default)]
pub struct Stats {
    pub calls: AtomicU64,
    pub retries: AtomicU64,
    pub throttles: AtomicU64,
    /// Pages without an event.
    pub empty_pages: AtomicU64,
    pub events: AtomicU64,
    /// Of messages.
    pub bytes: AtomicU64,
    /// Bytes that queries scanned, which are paid for.
    pub scanned: AtomicU64,
    /// In files that were not taken over yet.
    pub spooled: AtomicU64,
    /// Calls that wait for new credentials.
    pub waiting: AtomicU64,
    /// Set from outside: no call begins any more.
    pub stop: AtomicBool,
}

impl Stats {
    /// Whether no call begins any more.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Why a call has no answer, by what can be done about it.
#[derive(Debug)]
pub(super) enum Fault {
    /// The run was stopped.
    Stopped,
    /// Credentials are missing, wrong or expired, or the clock is off.
    Credentials(String),
    Denied(String),
    NotFound(String),
    /// The request, an old token perhaps.
    Invalid(String),
    /// Everything else, and what did not pass after all repetitions.
    Failed(String),
}

impl Fault {
    pub fn text(&self) -> &str {
        match self {
            Self::Stopped => "stopped",
            Self::Credentials(text)
            | Self::Denied(text)
            | Self::NotFound(text)
            | Self::Invalid(text)
            | Self::Failed(text) => text,
        }
    }
}

enum Remedy {
    Wait,
    Repeat(String),
    None(Fault),
}

/// An error and its causes on one line.
pub(super) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        // The SDK repeats an inner error's text in the outer one's now and then.
        if !text.contains(&inner_text) {
            let _ = write!(text, ": {inner_text}");
        }
        cause = inner.source();
    }
    text
}

fn remedy<E: ProvideErrorMetadata + Error + 'static>(error: &SdkError<E, HttpResponse>) -> Remedy {
    let service = match error {
        SdkError::ServiceError(service) => service,
        SdkError::ConstructionFailure(_) => return Remedy::None(Fault::Failed(told(error))),
        // The SDK tells a lack of credentials and a broken connection apart by their words only.
        SdkError::DispatchFailure(failure) if failure.is_other() && told(error).contains("credential") => {
            return Remedy::None(Fault::Credentials(told(error)));
        }
        // A connection that is broken, a body that is cut short or no JSON.
        _ => return Remedy::Repeat(told(error)),
    };
    let code = service.err().code().unwrap_or_default();
    let message = service.err().message().unwrap_or_default();
    let text = if message.is_empty() { told(error) } else { format!("{code}: {message}") };
    match code {
        // The SDK has learnt from this answer what time it is there, and signs the next call for it.
        _ if is_other_time(code, message) => Remedy::Repeat(format!("{text} (is the clock of this machine right?)")),
        "ThrottlingException"
        | "Throttling"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "LimitExceededException" => Remedy::Wait,
        "ExpiredTokenException"
        | "ExpiredToken"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken" => Remedy::None(Fault::Credentials(text)),
        "AccessDeniedException" | "AccessDenied" | "OptInRequired" | "Forbidden" => Remedy::None(Fault::Denied(text)),
        "ResourceNotFoundException" | "NoSuchBucket" | "NoSuchKey" | "NotFound" => Remedy::None(Fault::NotFound(text)),
        "ServiceUnavailableException"
        | "OperationAbortedException"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "InternalFailure"
        | "InternalServerError" => Remedy::Repeat(text),
        "InvalidParameterException" | "PreconditionFailed" => Remedy::None(Fault::Invalid(text)),
        _ if service.raw().status().as_u16() >= 500 || code.is_empty() => Remedy::Repeat(text),
        _ => Remedy::None(Fault::Failed(text)),
    }
}

/// Whether a signature is refused because it is for another time than it is at AWS, as the message says. AWS, "Signature
/// Version 4 troubleshooting".
fn is_other_time(code: &str, message: &str) -> bool {
    matches!(code, "RequestTimeTooSkewed" | "RequestExpired")
        || ["Signature expired", "Signature not yet current"].iter().any(|why| message.starts_with(why))
}

/// Half a second, then twice as long each time, less a random share.
pub(super) fn wait_after(failures: u32) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let most = Duration::from_millis(500).saturating_mul(1 << failures.min(10)).min(LONGEST_WAIT);
    let share = (RandomState::new().hash_one(failures) % 1000) as f64 / 1000.0;
    most.mul_f64(0.5 + share / 2.0)
}

/// Makes calls as one identity, and counts them.
#[derive(Clone)]
pub(super) struct Caller {
    pub stats: Arc<Stats>,
    pub login: Login,
    /// How long to wait for new credentials when those there were have expired.
    pub patience: Duration,
}

impl Caller {
    /// One that waits for no credentials: for what a run begins with.
    pub fn impatient(&self) -> Self {
        Self { patience: Duration::ZERO, ..self.clone() }
    }

    /// Makes the call when it is its turn, and again where that may help.
    pub async fn call<T, E, F>(&self, pace: &Pace, mut attempt: impl FnMut() -> F) -> Result<T, Fault>
    where
        E: ProvideErrorMetadata + Error + 'static,
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
    {
        let stats = &self.stats;
        let (mut failures, mut throttles) = (0, 0);
        let mut expired: Option<Expired<'_>> = None;
        loop {
            pace.turn().await;
            if stats.is_stopped() {
                return Err(Fault::Stopped);
            }
            stats.calls.fetch_add(1, Ordering::Relaxed);
            let begun = Instant::now();
            let error = match attempt().await {
                Ok(answer) => {
                    pace.went_well(begun.elapsed());
                    return Ok(answer);
                }
                Err(error) => error,
            };
            match remedy(&error) {
                Remedy::Wait => {
                    stats.throttles.fetch_add(1, Ordering::Relaxed);
                    pace.was_throttled();
                    throttles += 1;
                    if throttles == THROTTLES {
                        return Err(Fault::Failed(format!("throttled {THROTTLES} times in a row: {}", told(&error))));
                    }
                }
                Remedy::Repeat(text) => {
                    stats.retries.fetch_add(1, Ordering::Relaxed);
                    failures += 1;
                    if failures == FAILURES {
                        return Err(Fault::Failed(format!("{FAILURES} attempts failed, the last one with {text}")));
                    }
                    tokio::time::sleep(wait_after(failures)).await;
                }
                Remedy::None(Fault::Credentials(why)) => {
                    if expired.get_or_insert_with(|| Expired::now(stats)).since.elapsed() >= self.patience {
                        return Err(Fault::Credentials(why));
                    }
                    self.login.forget().await;
                    tokio::time::sleep(RENEWED_EVERY.min(self.patience)).await;
                }
                Remedy::None(fault) => return Err(fault),
            }
        }
    }
}

/// A call that waits for credentials; counted as long as it does.
struct Expired<'a> {
    since: Instant,
    stats: &'a Stats,
}

impl<'a> Expired<'a> {
    fn now(stats: &'a Stats) -> Self {
        stats.waiting.fetch_add(1, Ordering::Relaxed);
        Self { since: Instant::now(), stats }
    }
}

impl Drop for Expired<'_> {
    fn drop(&mut self) {
        self.stats.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

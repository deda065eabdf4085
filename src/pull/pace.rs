//! When the next call of an operation may begin: at an even rate, lower for a while after AWS throttled.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Calls that were late may be made up for within so long: a thread that slept too long costs no share.
const SLACK: Duration = Duration::from_millis(200);
/// Throttles within so long are one: calls that were under way know nothing of it.
const ONE_THROTTLE: Duration = Duration::from_secs(1);
const DECREASE: f64 = 0.7;
/// Of the configured rate, for each call that went well.
const INCREASE: f64 = 0.01;
/// Seconds that a call takes before one is known.
const FIRST_LATENCY: f64 = 0.5;
/// Calls a second at least.
const SLOWEST: f64 = 0.2;

/// See the module. One for each operation, account and region: that is how AWS counts.
#[derive(Debug)]
pub struct Pace {
    /// Calls a second at most.
    most: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: f64,
    /// When the next call may begin.
    next: Instant,
    throttled: Option<Instant>,
    /// Seconds to an answer, of late.
    latency: Option<f64>,
}

impl Pace {
    /// So many calls a second at most.
    pub fn new(most: f64) -> Self {
        let most = most.max(SLOWEST);
        Self { most, state: Mutex::new(State { rate: most, next: Instant::now(), throttled: None, latency: None }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the caller's turn.
    pub async fn turn(&self) {
        tokio::time::sleep_until(self.slot(Instant::now()).into()).await;
    }

    /// Takes the next turn; when it is.
    fn slot(&self, now: Instant) -> Instant {
        let mut state = self.state();
        let at = state.next.max(now.checked_sub(SLACK).unwrap_or(now));
        state.next = at + Duration::from_secs_f64(1.0 / state.rate);
        at
    }

    /// A call went well, and took so long.
    pub fn went_well(&self, took: Duration) {
        let mut state = self.state();
        let took = took.as_secs_f64();
        state.latency = Some(state.latency.map_or(took, |before| before * 0.8 + took * 0.2));
        state.rate = (state.rate + self.most * INCREASE).min(self.most);
    }

    /// AWS answered that there were too many.
    pub fn was_throttled(&self) {
        self.throttled_at(Instant::now());
    }

    fn throttled_at(&self, now: Instant) {
        let mut state = self.state();
        if state.throttled.is_none_or(|last| now.duration_since(last) > ONE_THROTTLE) {
            state.throttled = Some(now);
            state.rate = (state.rate * DECREASE).max(SLOWEST);
            state.next = state.next.max(now + Duration::from_secs_f64(1.0 / state.rate));
        }
    }

    /// How many calls are under way at a time when the pace is kept: Little's law, and a third more.
    pub fn calls_at_once(&self) -> usize {
        let state = self.state();
        let needed = state.rate * state.latency.unwrap_or(FIRST_LATENCY) * 4.0 / 3.0;
        needed.ceil() as usize + 1
    }

    /// Calls a second at present.
    pub fn rate(&self) -> f64 {
        self.state().rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_begin_at_the_rate_and_not_before() {
        let pace = Pace::new(10.0);
        let start = Instant::now();
        let last = (0..101).map(|_| pace.slot(start)).last().unwrap();
        let took = last.duration_since(start).as_secs_f64();
        assert!((9.9..10.1).contains(&took), "{took}");
        // Who pauses long does not make up for all of it.
        let later = start + Duration::from_secs(60);
        let last = (0..11).map(|_| pace.slot(later)).last().unwrap();
        let took = last.duration_since(later).as_secs_f64();
        assert!((0.79..0.81).contains(&took), "{took}");
    }

    #[test]
    fn throttling_slows_down_once_and_success_speeds_up_again() {
        let pace = Pace::new(10.0);
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        (0..20).for_each(|_| pace.throttled_at(after(1)));
        assert!((pace.rate() - 7.0).abs() < 1e-9, "{}", pace.rate());
        pace.throttled_at(after(3));
        assert!((pace.rate() - 4.9).abs() < 1e-9, "{}", pace.rate());
        (0..1000).for_each(|_| pace.went_well(Duration::from_millis(600)));
        // 6.0 and a third.
        assert_eq!(pace.calls_at_once(), 9);
        assert!((pace.rate() - 10.0).abs() < 1e-9);
        (2..100).for_each(|n| pace.throttled_at(after(n * 2)));
        assert!((pace.rate() - SLOWEST).abs() < 1e-9);
    }
}

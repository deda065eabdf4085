//! Ticks of the time axis and of the count axis.

use crate::model::Micros;
use crate::report::text::date_and_time;

const MINUTE: i128 = 60_000_000;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;
/// Distances of ticks a reader can count in; longer spans double the last one.
const STEPS: [i128; 16] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
    91 * DAY,
    364 * DAY,
];
const MOST_TICKS: i128 = 12;

/// Instants of round UTC times in the half-open `[start, end)`, in microseconds, with their labels:
/// `03-09` or, within a day, `10:30`; the first label and the first one of each year are whole dates.
/// At most twelve.
pub fn time_ticks(start: i128, end: i128) -> Vec<(i128, String)> {
    let span = end - start;
    let mut step = STEPS.into_iter().find(|step| span / step < MOST_TICKS).unwrap_or(2 * 364 * DAY);
    while span / step >= MOST_TICKS {
        step *= 2;
    }
    let mut ticks = Vec::new();
    let mut at = start.div_euclid(step) * step;
    if at < start {
        at += step;
    }
    let mut year_before = String::new();
    while at < end {
        let (date, clock) = date_and_time(instant(at));
        let (year, day) = date.split_at(date.len().saturating_sub(6));
        let label = if year != year_before {
            date.clone()
        } else if at.rem_euclid(DAY) == 0 {
            day.trim_start_matches('-').to_owned()
        } else {
            clock.get(..5).unwrap_or_default().to_owned()
        };
        year_before = year.to_owned();
        ticks.push((at, label));
        at += step;
    }
    ticks
}

/// The nearest instant there is.
pub fn instant(micros: i128) -> Micros {
    Micros(i64::try_from(micros).unwrap_or(if micros < 0 { i64::MIN } else { i64::MAX }))
}

/// Round counts up to `max`, ascending, fit for a square-root scale: at most four, each at least
/// four times the one before.
pub fn count_ticks(max: u64) -> Vec<u64> {
    let mut round = 1u64;
    while round.checked_mul(10).is_some_and(|next| next <= max) {
        round *= 10;
    }
    let mut ticks = Vec::new();
    // 5 × 10^n and 10^n beneath the maximum; the root scale makes them lie well apart.
    for tick in [round.saturating_mul(5), round, round / 10] {
        if (1..=max).contains(&tick) {
            ticks.push(tick);
        }
    }
    ticks.reverse();
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_ticks_are_round_few_and_inside() {
        let start = 1_709_979_072_000_000i128;
        for span in [1, 1_000_000, HOUR, 5 * HOUR, DAY, 7 * DAY, 400 * DAY, 9_000 * DAY, 200_000 * DAY] {
            let ticks = time_ticks(start, start + span);
            assert!(ticks.len() <= 12, "{span}: {ticks:?}");
            assert!(ticks.iter().all(|(at, _)| (start..start + span).contains(at)));
            if span >= HOUR {
                assert!(ticks.len() >= 3, "{span}: {ticks:?}");
            }
        }
        let labels: Vec<String> = time_ticks(start, start + 7 * DAY).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["2024-03-10", "03-11", "03-12", "03-13", "03-14", "03-15", "03-16"]);
        let labels: Vec<String> = time_ticks(start, start + 3 * HOUR).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["2024-03-09", "11:00", "11:30", "12:00", "12:30", "13:00"]);
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let (min, max) = (i128::from(i64::MIN), i128::from(i64::MAX));
        assert!(time_ticks(min, max).len() <= 12);
        assert_eq!(instant(max + 1), Micros::MAX);
        assert_eq!(instant(min - 1), Micros::MIN);
    }

    #[test]
    fn count_ticks_lie_within_the_scale() {
        assert_eq!(count_ticks(0), [0u64; 0]);
        assert_eq!(count_ticks(1), [1]);
        assert_eq!(count_ticks(7), [1, 5]);
        assert_eq!(count_ticks(100), [10, 100]);
        assert_eq!(count_ticks(4_321), [100, 1_000]);
        assert_eq!(count_ticks(9_999), [100, 1_000, 5_000]);
        assert!(count_ticks(u64::MAX).iter().all(|&t| t > 0));
    }
}

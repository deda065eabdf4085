//! The half-open time window a question is about.

use super::time::Micros;

/// `[from, to)`; a missing bound is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    pub from: Option<Micros>,
    pub to: Option<Micros>,
}

impl TimeRange {
    pub const fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether any instant of the closed interval `[first, last]` may lie inside.
    pub fn touches(&self, first: Micros, last: Micros) -> bool {
        self.from.is_none_or(|from| last >= from) && self.to.is_none_or(|to| first < to)
    }

    pub fn contains(&self, time: Micros) -> bool {
        self.touches(time, time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_outside() {
        let range = TimeRange { from: Some(Micros(10)), to: Some(Micros(20)) };
        assert!(range.contains(Micros(10)) && range.contains(Micros(19)));
        assert!(!range.contains(Micros(20)) && !range.contains(Micros(9)));
        assert!(range.touches(Micros(0), Micros(10)) && !range.touches(Micros(20), Micros(30)));
    }
}

//! What stands in archives and has no bytes: counted as ignored, and named as far as that helps.

use crate::model::Tally;

/// Of one archive and those in it.
#[derive(Default)]
pub(super) struct Left {
    notes: Vec<String>,
    /// Those that are counted only.
    more: u64,
}

/// A hostile archive has millions.
const NAMED: usize = 20;

impl Left {
    /// Folders are what an archive is made of; everything else is named.
    pub fn count(&mut self, name: &str, what: &str, tally: &mut Tally) {
        tally.records_in += 1;
        Tally::count(&mut tally.ignored, &format!("{what} in an archive"));
        if what == "folder" {
            return;
        }
        if self.notes.len() < NAMED {
            self.notes.push(format!("{name}: is a {what}, which has no records of its own"));
        } else {
            self.more += 1;
        }
    }

    pub fn into_notes(mut self) -> Vec<String> {
        if self.more > 0 {
            self.notes.push(format!("… and {} more links, devices or pipes in archives", self.more));
        }
        self.notes
    }
}

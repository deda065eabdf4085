//! Answers that are kept until the lake changes. They may be lost at any time: a lake that cannot be written has none.

use super::Lake;
use super::store::Store as _;

const FOLDER: &str = "_logsift/cache";

impl Lake {
    /// The answer kept for this version of the lake; `revision` is that of the code that made it.
    pub fn cached(&self, what: &str, revision: &str) -> Option<Vec<u8>> {
        self.store.get(&self.place(what, revision)).ok().flatten()
    }

    /// Keeps an answer, and lets those of other versions and revisions go.
    pub fn cache(&self, what: &str, revision: &str, answer: &[u8]) {
        let place = self.place(what, revision);
        let prefix = format!("{FOLDER}/{what}-");
        let known = self.store.list(FOLDER).unwrap_or_default();
        for old in known.iter().filter(|path| path.starts_with(&prefix) && **path != place) {
            let _ = self.store.delete(old);
        }
        let _ = self.store.put_if_absent(&place, answer);
    }

    fn place(&self, what: &str, revision: &str) -> String {
        format!("{FOLDER}/{what}-{}-{revision}.json", self.manifest.version)
    }
}

//! Who hides secrets in event text.

use std::borrow::Cow;

/// Every writer of event text (timeline, query, exports, error messages) gets one. The scan-backed
/// implementation is passed in by `cli`; [`Plain`] is what `--reveal` passes.
pub trait Masker: Sync {
    /// The text with every secret in it replaced by its mask.
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str>;
}

/// Shows everything: only for `--reveal`.
pub struct Plain;

impl Masker for Plain {
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }
}

//! Who hides secrets in event text.

use std::borrow::Cow;

/// Every writer of event text (timeline, query, exports, error messages) gets one. The scan-backed
/// implementation is passed in by `cli`; [`Plain`] is what `--reveal` passes.
pub trait Masker: Sync {
    /// The text with every secret in it replaced by its mask.
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str>;

    /// The same for many texts, in place: cheaper than one at a time.
    fn mask_all(&self, texts: &mut [&mut String]) {
        for text in texts {
            if let Cow::Owned(masked) = self.mask(text) {
                **text = masked;
            }
        }
    }
}

/// Shows everything: only for `--reveal`.
pub struct Plain;

impl Masker for Plain {
    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    fn mask_all(&self, _: &mut [&mut String]) {}
}

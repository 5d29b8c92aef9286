//! A letter on its way into a lane.

use bytes::Bytes;

/// What is shorter is copied: to keep it costs as much.
const LONG: usize = 4 * 1024;

/// A letter, in the pieces in which it is there: it is put together where it is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    /// How it begins.
    pub(crate) opening: &'a [u8],
    /// What follows.
    pub(crate) body: &'a [u8],
    /// The body once more, if it is kept as it is until the letter goes.
    pub(crate) kept: Option<&'a Bytes>,
}

impl<'a> Draft<'a> {
    /// One that is copied.
    pub(crate) const fn new(opening: &'a [u8], body: &'a [u8]) -> Draft<'a> {
        Draft { opening, body, kept: None }
    }

    /// One with a body that is kept, if it is long.
    #[inline]
    pub(crate) fn ending_in(opening: &'a [u8], body: &'a Bytes) -> Draft<'a> {
        Draft { opening, body, kept: Some(body).filter(|body| body.len() >= LONG) }
    }

    pub(crate) const fn len(&self) -> usize {
        self.opening.len() + self.body.len()
    }
}

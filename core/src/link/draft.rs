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
    pub(crate) body: Body<'a>,
}

/// What becomes of the second piece.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    /// It is copied.
    Copied(&'a [u8]),
    /// It is kept as it is until the letter goes.
    Kept(&'a Bytes),
}

impl<'a> Body<'a> {
    pub(crate) fn bytes(self) -> &'a [u8] {
        match self {
            Body::Copied(body) => body,
            Body::Kept(body) => body,
        }
    }
}

impl<'a> Draft<'a> {
    /// One that is copied.
    pub(crate) const fn new(opening: &'a [u8], body: &'a [u8]) -> Draft<'a> {
        Draft { opening, body: Body::Copied(body) }
    }

    /// One with a body that is kept, if it is long.
    #[inline]
    pub(crate) fn ending_in(opening: &'a [u8], body: &'a Bytes) -> Draft<'a> {
        let body = if body.len() < LONG { Body::Copied(body) } else { Body::Kept(body) };
        Draft { opening, body }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.opening.len() + self.body.bytes().len()
    }
}

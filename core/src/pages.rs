//! What records said, in memory that the contents of messages can keep: they need not be copied out of it.

use alloc::collections::VecDeque;
use core::fmt;
use core::ops::{Deref, Range};

use bytes::{Bytes, BytesMut};

/// What is shorter is not kept: the contents in it are copied out, and it is written over.
const WORTH: usize = 4 * 1024;

/// Pages are multiples of this: one that had a full record has room for most others.
const STEP: usize = 1024;

/// A page of more than this is not used for what fills less than half of it: one large record must not spoil all that
/// come after it.
const LARGE: usize = 24 * 1024;

/// So many bytes are lent at once, those among them that came back and were not used again yet. Whoever fills records with
/// next to nothing to keep has no more held by that than this.
const MOST: usize = 256 * 1024;

/// One plaintext after another. Each is written over the one before, unless somebody keeps a part of that: then it is
/// written to a page that nobody has anything on any more, or to a new one.
#[derive(Default)]
pub(crate) struct Pages {
    /// All of it was written once: what is about to be overwritten is not cleared first.
    page: Bytes,
    /// So much of it counts.
    len: usize,
    /// Whether parts of it may be kept.
    is_lent: bool,
    /// Those that somebody had something on, to be used again when nobody has.
    lent: VecDeque<Bytes>,
    /// How many bytes these have.
    held: usize,
}

impl Pages {
    /// Replaces the plaintext by what `write` writes to the `most` bytes that it is given, whatever is in them: as much as
    /// it says.
    ///
    /// # Errors
    /// Those of `write`. There is nothing then.
    pub(crate) fn write<E>(
        &mut self,
        most: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<(), E> {
        self.len = 0;
        let mut page = self.free(most);
        let written = write(&mut page[..most]);
        self.page = page.freeze();
        self.len = written.as_ref().map_or(0, |len| (*len).min(most));
        // Of a short plaintext on a large page, whoever keeps a part of it would keep far more.
        let is_worth_it = self.len >= WORTH && self.len >= self.page.len() / 2;
        self.is_lent = is_worth_it && self.has_room(self.page.len());
        written.map(|_| ())
    }

    fn has_room(&self, len: usize) -> bool {
        self.held + len <= MOST
    }

    /// A page with room for `least` bytes on which nobody has anything: this one, if it is such a one.
    fn free(&mut self, least: usize) -> BytesMut {
        let page = match core::mem::take(&mut self.page).try_into_mut() {
            Ok(page) => {
                if !self.has_room(page.len()) {
                    self.reclaim(page.len());
                }
                Some(page)
            }
            // The first.
            Err(page) if page.is_empty() => None,
            Err(page) => {
                self.put_aside(page);
                self.reclaim(least)
            }
        };
        let is_too_large = |page: &BytesMut| page.len() > LARGE && (WORTH..page.len() / 2).contains(&least);
        page.filter(|page| page.len() >= least && !is_too_large(page))
            .unwrap_or_else(|| BytesMut::zeroed(least.next_multiple_of(STEP)))
    }

    /// Somebody has something on this one.
    fn put_aside(&mut self, page: Bytes) {
        self.held += page.len();
        self.lent.push_back(page);
    }

    /// Takes back the oldest of those that are lent, if nobody has anything on it any more. When there is no room to lend as
    /// much as is `wanted`, it looks at another one the next time: somebody keeps this one for longer.
    fn reclaim(&mut self, wanted: usize) -> Option<BytesMut> {
        let page = self.lent.pop_front()?;
        let len = page.len();
        match page.try_into_mut() {
            Ok(page) => {
                self.held -= len;
                Some(page)
            }
            Err(page) => {
                if self.has_room(wanted) {
                    self.lent.push_front(page)
                } else {
                    self.lent.push_back(page)
                }
                None
            }
        }
    }

    /// The page, of which this part, and any other of the plaintext, can be kept as a slice; none, if it is better copied.
    #[inline]
    pub(crate) fn lent(&self, part: &Range<usize>) -> Option<&Bytes> {
        (self.is_lent && part.start <= part.end && part.end <= self.len).then_some(&self.page)
    }

    /// Has `write` change the plaintext. What somebody keeps of it stays as it is, and no more of it is lent: it would be
    /// copied for each change.
    pub(crate) fn change<R>(&mut self, write: impl FnOnce(&mut [u8]) -> R) -> R {
        let page = core::mem::take(&mut self.page).try_into_mut();
        let mut page = page.unwrap_or_else(|page| {
            let copy = BytesMut::from(&page[..]);
            if !page.is_empty() {
                self.put_aside(page);
                self.is_lent = false;
            }
            copy
        });
        let result = write(&mut page[..self.len]);
        self.page = page.freeze();
        result
    }

    /// Gives back what nobody needs now, but for the page itself.
    pub(crate) fn shrink(&mut self) {
        self.lent.retain(|page| !page.is_unique());
        self.lent.shrink_to_fit();
        self.held = self.lent.iter().map(Bytes::len).sum();
    }

    /// What it holds, with what others hold, too.
    pub(crate) fn memory(&self) -> usize {
        self.page.len() + self.held + self.lent.capacity() * size_of::<Bytes>()
    }
}

impl Deref for Pages {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.page[..self.len]
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn write(pages: &mut Pages, most: usize, byte: u8, len: usize) {
        let written = pages.write(most, |room| {
            assert_eq!(room.len(), most);
            room[..len].fill(byte);
            Ok::<usize, ()>(len)
        });
        assert!(written.is_ok() && pages[..].len() == len);
    }

    /// What `work` allocates in all, in bytes.
    fn allocated(work: impl FnOnce()) -> u64 {
        allocation_counter::measure(work).bytes_total
    }

    proptest! {
        /// Whatever is written over when, and whatever is kept however long: each is what it was.
        #[test]
        fn what_is_kept_stays_what_it_was(
            steps in proptest::collection::vec((0u8..8, 1usize..3 * WORTH, 0usize..100, any::<usize>()), 0..100),
        ) {
            let (mut pages, mut kept) = (Pages::default(), Vec::new());
            for (n, (what, most, less, which)) in (0u8..).zip(steps) {
                match what {
                    0 => {
                        let failed = pages.write(most, |room| {
                            room.fill(n);
                            Err(n)
                        });
                        prop_assert_eq!((failed, pages[..].len()), (Err(n), 0));
                    }
                    1 => {
                        pages.shrink();
                        prop_assert!(pages.lent.len() <= kept.len());
                    }
                    2 => {
                        let before = pages[..].to_vec();
                        pages.change(|bytes| {
                            assert_eq!(&before[..], bytes);
                            bytes.fill(n);
                        });
                        prop_assert!(pages.iter().all(|byte| *byte == n));
                    }
                    _ => write(&mut pages, most, n, most.saturating_sub(less)),
                }
                let (end, len) = (which % (pages.len() + 9), which % 50);
                let part = end.saturating_sub(len)..end;
                if let Some(page) = pages.lent(&part) {
                    prop_assert!(pages.len() >= WORTH && page.len() <= 2 * pages.len());
                    kept.push((page.slice(part.clone()), pages[part].to_vec()));
                }
                if which % 3 == 0 && !kept.is_empty() {
                    kept.swap_remove(which % kept.len());
                }
                prop_assert!(pages.held <= MOST);
                prop_assert_eq!(pages.held, pages.lent.iter().map(Bytes::len).sum::<usize>());
                for (part, was) in &kept {
                    prop_assert_eq!(&part[..], &was[..]);
                }
            }
        }
    }

    #[test]
    fn pages_that_nobody_has_anything_on_any_more_are_used_again() {
        let (mut pages, mut kept) = (Pages::default(), VecDeque::new());
        let mut round = |len: usize| {
            write(&mut pages, len, 7, len);
            kept.extend(pages.lent(&(1..len)).map(|page| page.slice(1..len)));
            if kept.len() > 5 {
                kept.pop_front();
            }
        };
        (0..20).for_each(|_| round(4 * WORTH));
        // What counts who is on a page, is all.
        let more = allocated(|| (0..100).for_each(|_| round(4 * WORTH - 1)));
        assert!(more <= 100 * 32, "{more} bytes");
    }

    #[test]
    fn what_is_changed_counts_as_lent_if_somebody_keeps_something_of_it() {
        let mut kept = Vec::new();
        let held = allocation_counter::measure(|| {
            let mut pages = Pages::default();
            for _ in 0..1000 {
                write(&mut pages, 4 * WORTH, 7, 4 * WORTH);
                for _ in 0..3 {
                    kept.extend(pages.lent(&(0..1)).map(|page| page.slice(..1)));
                    pages.change(|bytes| bytes.fill(8));
                }
            }
        });
        // Each was kept before the page was changed, and of each page one.
        assert!(kept.iter().all(|part| part[..] == [7]));
        assert_eq!(kept.len(), MOST / (4 * WORTH));
        assert!(held.bytes_current <= (MOST + 16 * 1024) as i64, "{} bytes", held.bytes_current);
    }

    #[test]
    fn a_small_page_that_is_kept_for_good_does_not_hide_those_behind_it() {
        let (mut pages, mut kept) = (Pages::default(), VecDeque::new());
        write(&mut pages, WORTH, 7, WORTH);
        let _for_good = pages.lent(&(0..1)).map(|page| page.slice(..1));
        let mut round = |most: usize| {
            write(&mut pages, 4 * WORTH, 7, 4 * WORTH);
            kept.extend(pages.lent(&(0..1)).map(|page| page.slice(..1)));
            kept.drain(..kept.len().saturating_sub(most));
            pages.is_lent
        };
        (0..100).for_each(|_| _ = round(2));
        assert!((0..100).filter(|_| round(2)).count() > 50, "it is lent again and again");
    }

    #[test]
    fn one_large_record_does_not_spoil_those_behind_it() {
        let mut pages = Pages::default();
        write(&mut pages, 15 * WORTH, 7, 15 * WORTH);
        for len in [1, 4 * WORTH, 100, 3 * WORTH, 4 * WORTH] {
            write(&mut pages, len, 7, len);
            assert_eq!(pages.lent(&(0..1)).is_some(), len >= WORTH, "{len}");
        }
    }

    #[test]
    fn no_more_is_lent_than_so_much_until_some_of_it_comes_back() {
        let (mut pages, mut kept) = (Pages::default(), VecDeque::new());
        let mut round = |kept: &mut VecDeque<Bytes>| {
            write(&mut pages, 4 * WORTH, 7, 4 * WORTH);
            kept.extend(pages.lent(&(0..1)).map(|page| page.slice(..1)));
            assert!(pages.held <= MOST);
        };
        (0..100).for_each(|_| round(&mut kept));
        assert_eq!(kept.len(), MOST / (4 * WORTH), "whatever is kept is one page");
        // Whichever it is that comes back.
        kept.remove(5);
        let before = kept.len();
        (0..100).for_each(|_| round(&mut kept));
        assert_eq!(kept.len(), before + 1);
        let more = allocated(|| (0..100).for_each(|_| round(&mut kept)));
        assert_eq!(more, 0, "the same page again and again");
    }
}

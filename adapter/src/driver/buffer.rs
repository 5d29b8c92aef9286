//! What is read into.

use std::cell::Cell;

/// How much is read from a link in one turn.
pub(super) const READ: usize = 64 * 1024;

thread_local! {
    /// Is read into by all drivers that this thread runs; empty until one has, and while one does.
    static BUFFER: Cell<Box<[u8]>> = Cell::default();
}

/// The buffer of this thread. Between two reads there is nothing in it, so one is enough for any number of nodes;
/// and it is in the processor's caches, where a thousand of them would not be.
pub(super) struct Lent(pub(super) Box<[u8]>);

impl Lent {
    pub(super) fn new() -> Lent {
        // There is none for a moment when a stream that is read runs another driver, and when the thread ends.
        let kept = BUFFER.try_with(Cell::take).unwrap_or_default();
        Lent(if kept.is_empty() { vec![0; READ].into_boxed_slice() } else { kept })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        // A thread that ends keeps nothing.
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that is told from a new one, which is zeros.
    fn marked(mark: u8) -> Lent {
        let mut lent = Lent::new();
        lent.0[0] = mark;
        lent
    }

    #[test]
    fn one_buffer_is_lent_again_and_again() {
        drop(marked(1));
        for _ in 0..3 {
            let again = Lent::new();
            assert_eq!((again.0[0], again.0.len()), (1, READ));
        }
    }

    #[test]
    fn whoever_asks_while_it_is_lent_has_another_and_one_is_kept() {
        let (first, second) = (marked(1), Lent::new());
        assert_eq!((second.0[0], second.0.len()), (0, READ));
        drop(second);
        drop(first);
        assert_eq!(Lent::new().0[0], 1);
    }

    #[test]
    fn what_panics_gives_it_back() {
        let panicked = std::panic::catch_unwind(|| {
            let _lent = marked(1);
            panic!("while it is lent");
        });
        assert!(panicked.is_err());
        assert_eq!(Lent::new().0[0], 1);
    }

    #[test]
    fn each_thread_has_its_own() {
        drop(marked(1));
        assert_eq!(std::thread::spawn(|| Lent::new().0[0]).join().ok(), Some(0));
    }
}

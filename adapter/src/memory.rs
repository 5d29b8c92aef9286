//! Byte streams within the process: two bounded pipes, and listeners under a name.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::Waker;

use crate::sync::lock;

/// Bytes that one direction holds before its writer must wait.
const CAPACITY: usize = 256 * 1024;
/// What an empty pipe may keep of its buffer: idle links should cost little.
const KEEP: usize = 4 * 1024;
/// Streams that wait to be accepted, per listener.
const BACKLOG: usize = 1024;

/// One direction.
#[derive(Default)]
struct Half {
    bytes: VecDeque<u8>,
    /// The writer is gone: what is left can be read, then comes the end.
    ended: bool,
    /// The reader is gone.
    broken: bool,
    /// The reader found it empty and wants to be told.
    reader_waits: bool,
    /// The writer found it full and wants to be told.
    writer_waits: bool,
}

#[derive(Default)]
struct Wire {
    /// What each side writes.
    halves: [Half; 2],
    wakers: [Option<Waker>; 2],
}

impl Wire {
    fn tell(&self, side: usize) {
        if let Some(waker) = &self.wakers[side] {
            waker.wake_by_ref();
        }
    }
}

/// One side of a stream in memory. Like a socket that does not block.
pub(crate) struct Pipe {
    wire: Arc<Mutex<Wire>>,
    side: usize,
}

impl Pipe {
    pub(crate) fn pair() -> (Pipe, Pipe) {
        let wire = Arc::new(Mutex::new(Wire::default()));
        (Pipe { wire: Arc::clone(&wire), side: 0 }, Pipe { wire, side: 1 })
    }

    /// Whom to wake from now on. What is there already is not told: look once.
    pub(crate) fn register(&self, waker: Waker) {
        lock(&self.wire).wakers[self.side] = Some(waker);
    }

    pub(crate) fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let other = 1 - self.side;
        let mut wire = lock(&self.wire);
        let half = &mut wire.halves[other];
        let n = out.len().min(half.bytes.len());
        if n == 0 {
            if half.ended || out.is_empty() {
                return Ok(0);
            }
            half.reader_waits = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        let (front, back) = half.bytes.as_slices();
        let first = n.min(front.len());
        out[..first].copy_from_slice(&front[..first]);
        out[first..n].copy_from_slice(&back[..n - first]);
        half.bytes.drain(..n);
        if half.bytes.is_empty() && half.bytes.capacity() > KEEP {
            half.bytes = VecDeque::new();
        }
        if std::mem::take(&mut half.writer_waits) {
            wire.tell(other);
        }
        Ok(n)
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wire = lock(&self.wire);
        let half = &mut wire.halves[self.side];
        if half.broken || half.ended {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let n = bytes.len().min(CAPACITY - half.bytes.len());
        if n == 0 && !bytes.is_empty() {
            half.writer_waits = true;
            return Err(ErrorKind::WouldBlock.into());
        }
        half.bytes.extend(&bytes[..n]);
        if std::mem::take(&mut half.reader_waits) {
            wire.tell(1 - self.side);
        }
        Ok(n)
    }

    /// Says that nothing more is written.
    pub(crate) fn end(&self) {
        let mut wire = lock(&self.wire);
        wire.halves[self.side].ended = true;
        wire.tell(1 - self.side);
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut wire = lock(&self.wire);
        wire.wakers[self.side] = None;
        wire.halves[self.side].ended = true;
        let unread = &mut wire.halves[1 - self.side];
        unread.broken = true;
        unread.bytes = VecDeque::new();
        wire.tell(1 - self.side);
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Pipe>,
    waker: Option<Waker>,
}

/// Accepts streams under a name, until it is dropped.
pub(crate) struct MemoryListener {
    name: String,
    queue: Arc<Mutex<Queue>>,
}

/// Who listens in this process.
fn names() -> &'static Mutex<HashMap<String, Weak<Mutex<Queue>>>> {
    static NAMES: OnceLock<Mutex<HashMap<String, Weak<Mutex<Queue>>>>> = OnceLock::new();
    NAMES.get_or_init(Mutex::default)
}

impl MemoryListener {
    pub(crate) fn bind(name: &str) -> io::Result<MemoryListener> {
        let queue = Arc::new(Mutex::new(Queue::default()));
        let mut names = lock(names());
        if names.get(name).is_some_and(|taken| taken.strong_count() > 0) {
            return Err(ErrorKind::AddrInUse.into());
        }
        names.insert(name.to_owned(), Arc::downgrade(&queue));
        Ok(MemoryListener { name: name.to_owned(), queue })
    }

    /// Whom to wake from now on when somebody waits. Who does already is not told: look once.
    pub(crate) fn register(&self, waker: Waker) {
        lock(&self.queue).waker = Some(waker);
    }

    pub(crate) fn accept(&self) -> io::Result<Pipe> {
        lock(&self.queue).waiting.pop_front().ok_or_else(|| ErrorKind::WouldBlock.into())
    }
}

impl Drop for MemoryListener {
    fn drop(&mut self) {
        lock(names()).remove(&self.name);
    }
}

/// Dials whoever listens under `name`.
pub(crate) fn connect(name: &str) -> io::Result<Pipe> {
    let queue = lock(names()).get(name).and_then(Weak::upgrade).ok_or(ErrorKind::ConnectionRefused)?;
    let mut queue = lock(&queue);
    if queue.waiting.len() >= BACKLOG {
        return Err(ErrorKind::ConnectionRefused.into());
    }
    let (ours, theirs) = Pipe::pair();
    queue.waiting.push_back(theirs);
    if let Some(waker) = &queue.waker {
        waker.wake_by_ref();
    }
    Ok(ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks<T>(result: io::Result<T>) -> bool {
        matches!(result, Err(e) if e.kind() == ErrorKind::WouldBlock)
    }

    #[test]
    fn a_pipe_is_bounded_and_ends() {
        let (mut a, mut b) = Pipe::pair();
        let mut out = [0; 8];
        assert!(blocks(b.read(&mut out)));
        let much = vec![7; CAPACITY + 1];
        assert_eq!(a.write(&much).unwrap(), CAPACITY);
        assert!(blocks(a.write(&much)));
        assert_eq!(b.read(&mut out).unwrap(), 8);
        assert_eq!(a.write(&much).unwrap(), 8);
        drop(a);
        let mut left = 0;
        loop {
            match b.read(&mut out).unwrap() {
                0 => break,
                n => left += n,
            }
        }
        assert_eq!(left, CAPACITY);
        assert_eq!(b.write(&much).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn half_a_pipe_still_carries() {
        let (mut a, mut b) = Pipe::pair();
        a.end();
        let mut out = [0; 8];
        assert_eq!(b.read(&mut out).unwrap(), 0);
        assert_eq!(b.write(b"still").unwrap(), 5);
        assert_eq!(a.read(&mut out).unwrap(), 5);
    }

    #[test]
    fn a_name_is_taken_once_and_free_again() {
        assert_eq!(connect("memory-test").err().unwrap().kind(), ErrorKind::ConnectionRefused);
        let listener = MemoryListener::bind("memory-test").unwrap();
        assert_eq!(MemoryListener::bind("memory-test").err().unwrap().kind(), ErrorKind::AddrInUse);
        let mut ours = connect("memory-test").unwrap();
        ours.write(b"x").unwrap();
        let mut theirs = listener.accept().unwrap();
        assert!(blocks(listener.accept()));
        assert_eq!(theirs.read(&mut [0; 2]).unwrap(), 1);
        drop(listener);
        assert!(connect("memory-test").is_err());
        MemoryListener::bind("memory-test").unwrap();
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(cuts in prop::collection::vec((0usize..5000, 0usize..5000), 0..200)) {
            let (mut a, mut b) = Pipe::pair();
            let (mut sent, mut seen) = (0usize, 0usize);
            for (write, read) in cuts {
                let bytes: Vec<u8> = (sent..sent + write).map(|i| i.to_le_bytes()[0]).collect();
                sent += a.write(&bytes).unwrap_or(0);
                let mut out = vec![0; read];
                let n = b.read(&mut out).unwrap_or(0);
                for byte in &out[..n] {
                    prop_assert_eq!(*byte, seen.to_le_bytes()[0]);
                    seen += 1;
                }
            }
        }
    }
}

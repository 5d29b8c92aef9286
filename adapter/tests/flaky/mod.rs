//! Streams that block whenever they like, buffer what is written, and report when they may go on.
#![allow(missing_docs, unreachable_pub, clippy::cast_possible_truncation)]

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::sync::OnceLock;
use std::task::Waker;
use std::time::Instant;

use homing_adapter::{Endpoint, Listener, Slot, Stream, System, Way};
use homing_core::LinkId;

thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Where the clock begins.
pub fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(Instant::now)
}

/// The test's time.
pub fn clock() -> Instant {
    NOW.get().unwrap_or_else(base)
}

pub fn set_clock(at: Instant) {
    NOW.set(Some(at));
}

struct Inner {
    dice: u64,
    /// How many in a hundred tries block for no reason.
    often: u32,
    at_once: usize,
    capacity: usize,
    /// Who blocked for no reason, and is to be told that it may go on.
    later: Vec<Waker>,
    waiting: VecDeque<FlakyStream>,
    door: Option<Waker>,
    open: usize,
}

/// All streams of a test, and their whims.
#[derive(Clone)]
pub struct World(Rc<RefCell<Inner>>);

impl World {
    pub fn new(seed: u64, often: u32, at_once: usize, capacity: usize) -> World {
        let (later, waiting) = (Vec::new(), VecDeque::new());
        World(Rc::new(RefCell::new(Inner {
            dice: seed | 1,
            often,
            at_once,
            capacity,
            later,
            waiting,
            door: None,
            open: 0,
        })))
    }

    pub fn roll(&self, sides: usize) -> usize {
        let mut inner = self.0.borrow_mut();
        inner.dice ^= inner.dice << 13;
        inner.dice ^= inner.dice >> 7;
        inner.dice ^= inner.dice << 17;
        (inner.dice % sides.max(1) as u64) as usize
    }

    /// Blocks for no reason, now and then; `waker` is woken later.
    fn whim(&self, waker: Option<&Waker>) -> io::Result<()> {
        let often = self.0.borrow().often as usize;
        if self.roll(100) >= often {
            return Ok(());
        }
        self.0.borrow_mut().later.extend(waker.cloned());
        Err(ErrorKind::WouldBlock.into())
    }

    fn piece(&self, most: usize) -> usize {
        let at_once = self.0.borrow().at_once;
        1 + self.roll(most.min(at_once))
    }

    /// Wakes some of those who blocked for no reason. True when there were any.
    pub fn wake_some(&self) -> bool {
        let mut woken = Vec::new();
        let mut left = std::mem::take(&mut self.0.borrow_mut().later);
        left.retain(|waker| {
            let stays = self.roll(2) == 0;
            if !stays {
                woken.push(waker.clone());
            }
            stays
        });
        self.0.borrow_mut().later.append(&mut left);
        woken.iter().for_each(Waker::wake_by_ref);
        !woken.is_empty()
    }

    pub fn wake_all(&self) -> bool {
        let woken = std::mem::take(&mut self.0.borrow_mut().later);
        woken.iter().for_each(Waker::wake_by_ref);
        !woken.is_empty()
    }

    pub fn listen(&self) -> FlakyListener {
        FlakyListener { world: self.clone(), waker: None }
    }

    /// The two ends of a new stream.
    pub fn stream(&self) -> (FlakyStream, FlakyStream) {
        let halves = Rc::new(RefCell::new([Half::default(), Half::default()]));
        self.0.borrow_mut().open += 2;
        let end = |side| FlakyStream {
            world: self.clone(),
            halves: Rc::clone(&halves),
            side,
            held: VecDeque::new(),
            wakers: None,
            stuck: Rc::default(),
        };
        (end(0), end(1))
    }

    /// Has `stream` wait at the door.
    pub fn arrive(&self, stream: FlakyStream) {
        let door = {
            let mut inner = self.0.borrow_mut();
            inner.waiting.push_back(stream);
            inner.door.take()
        };
        door.into_iter().for_each(Waker::wake);
    }

    /// How many ends of streams there are.
    pub fn open(&self) -> usize {
        self.0.borrow().open
    }
}

#[derive(Default)]
struct Half {
    bytes: VecDeque<u8>,
    ended: bool,
    broken: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub struct FlakyStream {
    world: World,
    halves: Rc<RefCell<[Half; 2]>>,
    side: usize,
    /// Written, and not flushed.
    held: VecDeque<u8>,
    wakers: Option<(Waker, Waker)>,
    stuck: Rc<Cell<bool>>,
}

const HELD: usize = 1000;

impl FlakyStream {
    pub fn never_closes(&self) {
        self.stuck.set(true);
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let capacity = self.world.0.borrow().capacity;
        let mut halves = self.halves.borrow_mut();
        let half = &mut halves[self.side];
        if half.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let n = self.held.len().min(capacity.saturating_sub(half.bytes.len()));
        half.bytes.extend(self.held.drain(..n));
        if n > 0 {
            half.reader.take().into_iter().for_each(Waker::wake);
        }
        if self.held.is_empty() {
            return Ok(());
        }
        half.writer = self.wakers.as_ref().map(|(_, write)| write.clone());
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Stream for FlakyStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let waker = self.wakers.as_ref().map(|(read, _)| read.clone());
        self.world.whim(waker.as_ref())?;
        let most = self.world.piece(out.len());
        let mut halves = self.halves.borrow_mut();
        let half = &mut halves[1 - self.side];
        let n = half.bytes.len().min(most);
        if n == 0 {
            if half.ended {
                return Ok(0);
            }
            half.reader = waker;
            return Err(ErrorKind::WouldBlock.into());
        }
        for (to, byte) in out.iter_mut().zip(half.bytes.drain(..n)) {
            *to = byte;
        }
        half.writer.take().into_iter().for_each(Waker::wake);
        Ok(n)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let waker = self.wakers.as_ref().map(|(_, write)| write.clone());
        self.world.whim(waker.as_ref())?;
        if self.held.len() >= HELD {
            match self.pass_on() {
                Err(e) if e.kind() != ErrorKind::WouldBlock || self.held.len() >= HELD => return Err(e),
                _ => {}
            }
        }
        let n = bytes.len().min(HELD - self.held.len()).min(self.world.piece(HELD));
        self.held.extend(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        let waker = self.wakers.as_ref().map(|(_, write)| write.clone());
        self.world.whim(waker.as_ref())?;
        self.pass_on()
    }

    fn close(&mut self) -> io::Result<()> {
        if self.stuck.get() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.flush()?;
        let half = &mut self.halves.borrow_mut()[self.side];
        half.ended = true;
        half.reader.take().into_iter().for_each(Waker::wake);
        Ok(())
    }
}

impl Drop for FlakyStream {
    fn drop(&mut self) {
        let mut halves = self.halves.borrow_mut();
        halves[self.side].ended = true;
        halves[1 - self.side].broken = true;
        let reader = halves[self.side].reader.take();
        let writer = halves[1 - self.side].writer.take();
        reader.into_iter().chain(writer).for_each(Waker::wake);
        self.world.0.borrow_mut().open -= 1;
    }
}

pub struct FlakyListener {
    world: World,
    waker: Option<Waker>,
}

impl Listener for FlakyListener {
    type Stream = FlakyStream;

    fn accept(&mut self) -> io::Result<FlakyStream> {
        self.world.whim(self.waker.as_ref())?;
        let mut inner = self.world.0.borrow_mut();
        inner.door = self.waker.clone();
        inner.waiting.pop_front().ok_or_else(|| ErrorKind::WouldBlock.into())
    }
}

/// Dials whoever listens: at once, or at the next turn.
pub struct Flaky {
    world: World,
    dialed: Vec<(LinkId, io::Result<FlakyStream>)>,
}

impl Flaky {
    pub fn new(world: &World) -> Flaky {
        Flaky { world: world.clone(), dialed: Vec::new() }
    }

    pub fn take_dialed(&mut self) -> Vec<(LinkId, io::Result<FlakyStream>)> {
        std::mem::take(&mut self.dialed)
    }
}

impl System for Flaky {
    type Stream = FlakyStream;
    type Listener = FlakyListener;

    fn dial(&mut self, link: LinkId, _: &Endpoint) -> Option<io::Result<FlakyStream>> {
        let (ours, theirs) = self.world.stream();
        self.world.arrive(theirs);
        if self.world.roll(2) == 0 {
            return Some(Ok(ours));
        }
        self.dialed.push((link, Ok(ours)));
        None
    }

    fn forget(&mut self, link: LinkId) {
        self.dialed.retain(|(dialed, _)| *dialed != link);
    }

    fn add_stream(&mut self, stream: &mut FlakyStream, slot: Slot<'_>) -> io::Result<()> {
        stream.wakers = Some((slot.waker(Way::Read), slot.waker(Way::Write)));
        Ok(())
    }

    fn remove_stream(&mut self, _: &mut FlakyStream) {}

    fn add_listener(&mut self, listener: &mut FlakyListener, slot: Slot<'_>) -> io::Result<()> {
        listener.waker = Some(slot.waker(Way::In));
        Ok(())
    }
}

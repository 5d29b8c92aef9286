//! One stream through the proxy.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_linger;

use super::plan::{Cutter, Direction, End, Plan};
use super::{LOOK, Shared};

const BUFFER: usize = 16 * 1024;

/// One direction of a stream.
struct Lane {
    direction: Direction,
    cutter: Cutter,
    buffer: Vec<u8>,
    /// Nothing is written before this.
    rest: Instant,
    /// The sender has finished.
    finished: bool,
    /// The receiver was told so, or takes nothing more: what still comes is thrown away.
    ended: bool,
}

/// How carrying goes on.
#[derive(PartialEq, Eq)]
enum Next {
    GoOn,
    Over,
    Reset,
}

impl Lane {
    fn new(plan: &Plan, direction: Direction) -> Lane {
        let cutter = Cutter::new(plan, direction);
        Lane { direction, cutter, buffer: Vec::new(), rest: Instant::now(), finished: false, ended: false }
    }

    fn wants_read(&self) -> bool {
        !self.finished && (self.ended || self.buffer.is_empty())
    }

    fn wants_write(&self, shared: &Shared, now: Instant) -> bool {
        !self.ended && !self.buffer.is_empty() && self.rest <= now && !shared.held(self.direction)
    }

    fn end(&mut self, to: &TcpStream) {
        if !std::mem::replace(&mut self.ended, true) {
            self.buffer.clear();
            // It fails when the stream is dead already; then there is nobody to tell.
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Moves what can be moved now.
    fn turn(&mut self, shared: &Shared, mut from: &TcpStream, mut to: &TcpStream) -> Next {
        match self.cutter.end() {
            Some(End::Half) => self.end(to),
            Some(End::Reset) => return Next::Reset,
            None => {}
        }
        if self.wants_read() {
            let mut bytes = [0; BUFFER];
            match from.read(&mut bytes) {
                Ok(0) => self.finished = true,
                Ok(_) if self.ended => {}
                Ok(n) => self.buffer.extend_from_slice(&bytes[..n]),
                Err(e) if is_pause(&e) => {}
                Err(_) => return Next::Reset,
            }
        }
        if self.wants_write(shared, Instant::now()) {
            let piece = self.cutter.piece(self.buffer.len());
            match to.write(&self.buffer[..piece]) {
                Ok(n) => {
                    self.buffer.drain(..n);
                    shared.carried(self.direction, n);
                    self.rest = Instant::now() + self.cutter.carried(n);
                }
                Err(e) if is_pause(&e) => {}
                // The other direction may still have something to say.
                Err(_) => self.end(to),
            }
        }
        if self.finished && self.buffer.is_empty() && !shared.held(self.direction) {
            self.end(to);
        }
        if self.finished && self.ended { Next::Over } else { Next::GoOn }
    }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Carries bytes between the two, as planned, until both have finished or the proxy is over.
pub(super) fn carry(shared: &Shared, plan: &Plan, near: TcpStream, far: TcpStream) {
    if let Ok(true) = carry_on(shared, plan, &near, &far) {
        // Closing now breaks the stream instead of finishing it.
        for stream in [&near, &far] {
            let _ = set_socket_linger(stream, Some(Duration::ZERO));
        }
    }
}

/// True when the stream is to break.
fn carry_on(shared: &Shared, plan: &Plan, near: &TcpStream, far: &TcpStream) -> io::Result<bool> {
    for stream in [near, far] {
        stream.set_nonblocking(true)?;
        // Or pieces would be put together again.
        stream.set_nodelay(true)?;
    }
    let before = shared.halves();
    let mut lanes = Direction::BOTH.map(|direction| Lane::new(plan, direction));
    while !shared.is_over() {
        let now = shared.halves();
        let mut over = true;
        for lane in &mut lanes {
            let (from, to) = if lane.direction == Direction::Up { (near, far) } else { (far, near) };
            let direction = lane.direction.index();
            if now[direction] > before[direction] {
                lane.end(to);
            }
            match lane.turn(shared, from, to) {
                Next::GoOn => over = false,
                Next::Over => {}
                Next::Reset => return Ok(true),
            }
        }
        if over {
            return Ok(false);
        }
        wait(shared, &lanes, near, far)?;
    }
    Ok(false)
}

/// Waits until something can be moved, or for as long as an order may wait.
fn wait(shared: &Shared, lanes: &[Lane; 2], near: &TcpStream, far: &TcpStream) -> io::Result<()> {
    let now = Instant::now();
    let mut time = LOOK;
    let mut flags = [PollFlags::empty(); 2];
    for lane in lanes {
        let (from, to) = if lane.direction == Direction::Up { (0, 1) } else { (1, 0) };
        if lane.wants_read() {
            flags[from] |= PollFlags::IN;
        }
        if lane.wants_write(shared, now) {
            flags[to] |= PollFlags::OUT;
        } else if !lane.buffer.is_empty() && lane.rest > now {
            time = time.min(lane.rest - now);
        }
    }
    let wanted = [near, far].into_iter().zip(flags).filter(|(_, flags)| !flags.is_empty());
    let mut fds: Vec<_> = wanted.map(|(stream, flags)| PollFd::new(stream, flags)).collect();
    let timeout = Timespec::try_from(time).map_err(io::Error::other)?;
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

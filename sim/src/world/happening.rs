//! What is to happen, and what it does when its time has come.

use std::time::Duration;

use homing_core::{Input, LinkId, StoreId};

use crate::fact::{HostId, What};
use crate::network::{End, Pipe, Stream};
use crate::plan::Fault;

use super::World;

/// How long a dial waits for an answer that does not come.
const CONNECT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) enum Happening {
    /// A machine's timer, or its application's.
    Wake(HostId),
    /// Bytes may have arrived at an end.
    Arrive { stream: usize, end: usize },
    /// There is room again for what an end writes.
    Room { stream: usize, end: usize },
    /// An end learns that the stream is broken.
    Broken { stream: usize, end: usize },
    /// A dial reaches whom it is for.
    DialArrives { host: HostId, start: u32, link: LinkId, target: String },
    /// Its answer comes back: a stream, or none.
    DialAnswered { host: HostId, start: u32, link: LinkId, stream: Option<usize> },
    /// An entry is on the disk.
    Stored { host: HostId, start: u32, id: StoreId },
    /// A machine is started that is down.
    Start(HostId),
    /// A machine joins again what it left.
    Rejoin { host: HostId, start: u32, which: usize },
    /// A fault is over.
    Over { host: HostId, fault: Fault },
}

/// What waits for a machine to run.
pub(crate) enum Notice {
    Accepted(LinkId),
    Stored(StoreId, bool),
}

impl World {
    /// The next happening.
    pub(super) fn step(&mut self) {
        let Some(((at, _), happening)) = self.queue.pop_first() else { return };
        self.now = at;
        match happening {
            Happening::Wake(host) => self.wake(host),
            Happening::Arrive { stream, end } => self.arrive(stream, end),
            Happening::Room { stream, end } => self.room(stream, end),
            Happening::Broken { stream, end } => self.break_end(stream, end),
            Happening::DialArrives { host, start, link, target } => {
                self.dial_arrives(host, start, link, &target)
            }
            Happening::DialAnswered { host, start, link, stream } => {
                self.dial_answered(host, start, link, stream);
            }
            Happening::Stored { host, start, id } => self.stored(host, start, id),
            Happening::Start(host) => self.switch_on(host),
            Happening::Rejoin { host, start, which } => self.rejoin(host, start, which),
            Happening::Over { host, fault } => self.over(host, &fault),
        }
    }

    fn wake(&mut self, host: HostId) {
        if self.hosts[host].armed.is_some_and(|at| at <= self.now) {
            self.hosts[host].armed = None;
            self.turn(host);
        }
    }

    fn arrive(&mut self, s: usize, end: usize) {
        let now = self.now;
        let stream = &mut self.streams[s];
        let (from, to) = (stream.ends[1 - end].host, stream.ends[end].host);
        if stream.dead || self.walls.blocked(from, to) || !stream.pipes[1 - end].arrive(now) {
            return;
        }
        if stream.ends[end].open {
            let link = stream.ends[end].link;
            self.hosts[to].readable.insert(link);
            self.turn(to);
        } else if self.hosts[to].dialing.contains(&stream.ends[end].link) {
            // It is not known yet that the stream is open: this waits.
        } else {
            // Nobody has this end any more: whoever writes to it learns that.
            let had = !stream.pipes[1 - end].ready.is_empty();
            stream.pipes[1 - end].clear();
            if had {
                self.break_later(s, 1 - end);
            }
        }
    }

    fn room(&mut self, s: usize, end: usize) {
        let End { host, link, open, .. } = self.streams[s].ends[end];
        if open && std::mem::take(&mut self.streams[s].ends[end].waits) {
            self.hosts[host].writes.push(link);
            self.turn(host);
        }
    }

    /// An end will be told that the stream is broken, when the news has travelled.
    pub(super) fn break_later(&mut self, stream: usize, end: usize) {
        let delay = self.conditions.delay(&mut self.weather);
        self.schedule(self.now + delay, Happening::Broken { stream, end });
    }

    fn break_end(&mut self, s: usize, end: usize) {
        let stream = &mut self.streams[s];
        let (from, to) = (stream.ends[1 - end].host, stream.ends[end].host);
        if stream.dead && !stream.cut || !stream.ends[end].open {
            return;
        }
        if self.walls.blocked(from, to) && !stream.cut {
            // Such news is said once, and never again.
            stream.dead = true;
            return;
        }
        stream.ends[end].broken = true;
        let link = stream.ends[end].link;
        self.hosts[to].readable.insert(link);
        self.turn(to);
    }

    fn dial_arrives(&mut self, host: HostId, start: u32, link: LinkId, target: &str) {
        let back = self.conditions.delay(&mut self.weather);
        let listens = |it: &crate::host::Host| it.spec.listens.as_deref() == Some(target);
        let found = self.hosts.iter().position(listens);
        let blocked =
            found.is_some_and(|other| self.walls.blocked(host, other) || self.walls.blocked(other, host));
        let there = found.filter(|other| self.hosts[*other].machine.node.is_some());
        let answer = |stream| Happening::DialAnswered { host, start, link, stream };
        let Some(other) = there.filter(|_| !blocked) else {
            let after = if blocked { CONNECT } else { back };
            self.schedule(self.now + after, answer(None));
            return;
        };
        let s = self.streams.len();
        self.hosts[other].accepted += 1;
        let accepted = LinkId::accepted(self.hosts[other].accepted);
        let end = |host, link| End { host, link, open: false, broken: false, waits: false };
        let ends = [end(host, link), End { open: true, ..end(other, accepted) }];
        self.streams.push(Stream {
            ends,
            pipes: [Pipe::default(), Pipe::default()],
            dead: false,
            cut: false,
        });
        self.hosts[other].links.insert(accepted, (s, 1));
        self.hosts[other].notices.push_back(Notice::Accepted(accepted));
        self.schedule(self.now + back, answer(Some(s)));
        self.turn(other);
    }

    fn dial_answered(&mut self, host: HostId, start: u32, link: LinkId, stream: Option<usize>) {
        let wanted = self.hosts[host].starts == start
            && self.hosts[host].machine.node.is_some()
            && self.hosts[host].dialing.contains(&link);
        if !wanted {
            // The stream is there, and the other end finds out that nobody wants it.
            if let Some(s) = stream {
                self.break_later(s, 1);
            }
            return;
        }
        if self.hosts[host].paused {
            // It is told when it runs again.
            let again = Happening::DialAnswered { host, start, link, stream };
            self.schedule(self.now + Duration::from_millis(50), again);
            return;
        }
        self.hosts[host].dialing.remove(&link);
        match stream {
            Some(s) => {
                self.streams[s].ends[0].open = true;
                self.hosts[host].links.insert(link, (s, 0));
                let other = (self.streams[s].ends[1].host, self.streams[s].ends[1].link);
                self.fact(host, What::Opened { link, other });
                self.hosts[host].tell(self.now, Input::Dialed { link });
                if !self.streams[s].pipes[1].ready.is_empty() || self.streams[s].pipes[1].ended {
                    self.hosts[host].readable.insert(link);
                }
                if !self.streams[s].ends[1].open {
                    self.break_later(s, 0);
                }
            }
            None => self.hosts[host].tell(self.now, Input::DialFailed { link, cause: "connection refused" }),
        }
        self.turn(host);
    }

    fn stored(&mut self, host: HostId, start: u32, id: StoreId) {
        let machine = &mut self.hosts[host];
        if machine.starts != start {
            return;
        }
        let Some(at) = machine.storing.iter().position(|(storing, _)| *storing == id) else { return };
        let ok = !machine.disk_full;
        if let Some((_, entry)) = machine.storing.remove(at)
            && ok
        {
            machine.journal.push(entry);
        }
        machine.notices.push_back(Notice::Stored(id, ok));
        self.turn(host);
    }
}

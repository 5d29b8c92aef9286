//! What is asked of machines, and what is done to them.

use std::time::Duration;

use homing_core::{Address, Command, Input, LinkId, Message, Pattern, Priority, Receipts, SendError};

use crate::fact::{HostId, What};
use crate::host::Machine;
use crate::plan::{Deed, Fault};

use super::World;
use super::happening::Happening;

/// How often somebody looks whether a machine has left.
const A_MOMENT: Duration = Duration::from_millis(500);

impl World {
    /// Asks something of a machine, or does something to it. One that is down does nothing.
    pub fn deed(&mut self, host: HostId, deed: &Deed) {
        if host >= self.hosts.len() || self.broken.is_some() {
            return;
        }
        match deed {
            Deed::Fault(fault) => return self.strike(host, fault),
            _ if self.hosts[host].paused => return,
            Deed::Poke(number) => {
                self.act_as(host, |handler, cx| handler.poke(cx, *number));
            }
            Deed::Leave { which, lasts } => self.leave(host, *which, *lasts),
            Deed::ShutDown { lasts } => self.shut_down(host, *lasts),
            asked => {
                let local = self.hosts[host].clock.local(self.now);
                // What cannot be done is among what the machine has said.
                let _ = self.hosts[host].machine.ask(local, asked);
            }
        }
        self.hosts[host].dirty = true;
        self.listen(host);
        self.turn(host);
    }

    pub(super) fn leave(&mut self, host: HostId, which: usize, lasts: u64) {
        let local = self.hosts[host].clock.local(self.now);
        let machine = &mut self.hosts[host].machine;
        if machine.uplinks.is_empty() {
            return;
        }
        let which = which % machine.uplinks.len();
        let uplink = machine.uplinks[which];
        if machine.leaving.contains(&uplink) {
            return;
        }
        if machine.node(local, |node| node.hang_up(local, uplink)).is_ok() {
            machine.leaving.insert(uplink);
            machine.say(What::Left { uplink });
            self.listen(host);
            let start = self.hosts[host].starts;
            self.schedule(self.now + Duration::from_micros(lasts), Happening::Rejoin { host, start, which });
        }
    }

    pub(super) fn rejoin(&mut self, host: HostId, start: u32, which: usize) {
        let local = self.hosts[host].clock.local(self.now);
        let machine = &mut self.hosts[host];
        let Some(dial) = machine.spec.dials.get(which).cloned() else { return };
        let old = machine.machine.uplinks.get(which);
        if machine.starts == start && old.is_some_and(|old| machine.machine.leaving.contains(old)) {
            self.schedule(self.now + A_MOMENT, Happening::Rejoin { host, start, which });
            return;
        }
        if machine.starts == start
            && let Ok(uplink) = machine.machine.node(local, |node| node.dial(local, dial))
        {
            machine.machine.uplinks[which] = uplink;
            machine.dirty = true;
        }
        self.turn(host);
    }

    fn shut_down(&mut self, host: HostId, lasts: u64) {
        let local = self.hosts[host].clock.local(self.now);
        let asked = self.hosts[host].machine.node(local, |node| {
            node.shutdown(local);
            Ok(())
        });
        if asked.is_err() {
            return;
        }
        self.fact(host, What::ShutDown);
        self.hosts[host].starts_after = Duration::from_micros(lasts);
    }

    /// A node has ended, and its machine with it.
    pub(super) fn switch_off(&mut self, host: HostId) {
        let links: Vec<LinkId> = self.hosts[host].links.keys().copied().collect();
        for link in links {
            self.drop_end(host, link);
        }
        self.forget(host);
        let after = self.hosts[host].starts_after;
        self.schedule(self.now + after, Happening::Start(host));
    }

    fn forget(&mut self, host: HostId) {
        let machine = &mut self.hosts[host];
        let trace = machine.machine.node.take().and_then(|node| node.trace());
        self.traces.extend(trace.map(|trace| (host, trace)));
        machine.machine.timers.clear();
        machine.handler = None;
        machine.links.clear();
        machine.readable.clear();
        machine.writes.clear();
        machine.dialing.clear();
        machine.notices.clear();
        machine.storing.clear();
        machine.armed = None;
    }

    // ---- faults

    pub(super) fn strike(&mut self, host: HostId, fault: &Fault) {
        self.fact(host, What::Struck(fault.clone()));
        let mut over = None;
        match *fault {
            Fault::Cut { which } => self.cut(host, which),
            Fault::HalfOpen { which } => {
                if let Some((_, s)) = self.nth_link(host, which) {
                    self.streams[s].dead = true;
                }
            }
            Fault::Partition { side, one_way, lasts } => {
                self.walls.build(side, one_way);
                over = Some(lasts);
            }
            Fault::Crash { keeps, noticed, lasts } => self.crash(host, keeps, noticed, lasts),
            Fault::Pause { lasts } => {
                self.hosts[host].paused = true;
                over = Some(lasts);
            }
            Fault::Deaf { lasts } => {
                self.hosts[host].takes = false;
                over = Some(lasts);
            }
            Fault::Drift { per_million, lasts } => {
                self.hosts[host].clock.drift(self.now, per_million);
                self.hosts[host].armed = None;
                self.turn(host);
                self.arm(host);
                over = Some(lasts);
            }
            Fault::Jump { by } => {
                self.hosts[host].clock.jump(self.now, by);
                self.hosts[host].armed = None;
                self.turn(host);
                self.arm(host);
            }
            Fault::DiskFull { lasts } => {
                self.hosts[host].disk_full = true;
                over = Some(lasts);
            }
            Fault::DiskSlow { each } => self.hosts[host].disk_delay = Duration::from_micros(each),
        }
        if let Some(lasts) = over {
            let at = self.now + Duration::from_micros(lasts);
            self.schedule(at, Happening::Over { host, fault: fault.clone() });
        }
    }

    pub(super) fn over(&mut self, host: HostId, fault: &Fault) {
        match *fault {
            Fault::Partition { side, one_way, .. } => {
                self.walls.tear_down(side, one_way);
                self.let_through();
            }
            Fault::Pause { .. } => self.hosts[host].paused = false,
            Fault::Deaf { .. } => self.listen_again(host),
            Fault::Drift { .. } => {
                self.hosts[host].clock.drift(self.now, 0);
                self.hosts[host].armed = None;
                self.arm(host);
            }
            Fault::DiskFull { .. } => self.hosts[host].disk_full = false,
            Fault::Cut { .. }
            | Fault::HalfOpen { .. }
            | Fault::Crash { .. }
            | Fault::Jump { .. }
            | Fault::DiskSlow { .. } => {}
        }
        self.hosts[host].dirty = true;
        self.turn(host);
    }

    /// An application takes its deliveries again: its node is told the time before it is asked.
    pub(super) fn listen_again(&mut self, host: HostId) {
        if !std::mem::replace(&mut self.hosts[host].takes, true) && !self.hosts[host].paused {
            self.hosts[host].tell(self.now, Input::Timeout);
        }
    }

    /// What was held up by a wall goes on.
    fn let_through(&mut self) {
        for stream in 0..self.streams.len() {
            if self.streams[stream].dead {
                continue;
            }
            for end in 0..2 {
                if !self.streams[stream].pipes[1 - end].flight.is_empty() {
                    let delay = self.conditions.delay(&mut self.weather);
                    let last = self.streams[stream].pipes[1 - end].flight.back().map(|chunk| chunk.at);
                    let at = last.unwrap_or(self.now).max(self.now + delay);
                    self.schedule(at, Happening::Arrive { stream, end });
                }
                if self.streams[stream].ends[end].waits {
                    self.schedule(self.now, Happening::Room { stream, end });
                }
            }
        }
    }

    fn nth_link(&self, host: HostId, which: usize) -> Option<(LinkId, usize)> {
        let links = &self.hosts[host].links;
        let (link, (s, _)) = links.iter().nth(which % links.len().max(1))?;
        Some((*link, *s))
    }

    fn cut(&mut self, host: HostId, which: usize) {
        let Some((_, s)) = self.nth_link(host, which) else { return };
        // Nothing that is written until it is noticed arrives: there would be a gap before it.
        (self.streams[s].dead, self.streams[s].cut) = (true, true);
        for end in 0..2 {
            self.streams[s].pipes[end].clear();
            self.break_later(s, end);
        }
    }

    fn crash(&mut self, host: HostId, keeps: bool, noticed: bool, lasts: u64) {
        if self.hosts[host].machine.node.is_none() {
            return;
        }
        self.fact(host, What::Crashed);
        let links: Vec<(usize, usize)> = self.hosts[host].links.values().copied().collect();
        for (s, end) in links {
            self.streams[s].ends[end].open = false;
            self.streams[s].pipes[end].clear();
            self.streams[s].pipes[1 - end].ready.clear();
            if noticed {
                self.break_later(s, 1 - end);
            } else {
                self.streams[s].dead = true;
            }
        }
        // What was on its way to the disk may have reached it.
        while let Some((_, entry)) = self.hosts[host].storing.pop_front() {
            if self.hosts[host].disk_full || self.weather.chance(500) {
                break;
            }
            self.hosts[host].journal.push(entry);
        }
        self.forget(host);
        self.hosts[host].paused = false;
        if !keeps {
            self.hosts[host].journal.clear();
            self.hosts[host].machine.disk.clear();
            self.hosts[host].forgot = true;
        }
        self.schedule(self.now + Duration::from_micros(lasts), Happening::Start(host));
    }

    /// Starts a machine that is down.
    pub fn switch_on(&mut self, host: HostId) {
        if self.hosts.get(host).is_some_and(|it| it.machine.node.is_none()) {
            self.boot(host);
            self.turn(host);
        }
    }

    /// From now on nothing is in anybody's way: every wall falls, every machine runs, every clock goes right. Streams
    /// that are dead stay dead: to find that out is the nodes' business.
    pub fn heal(&mut self) {
        self.walls.grow(self.hosts.len());
        self.healed = true;
        self.conditions.clear_up();
        if !self.hosts.is_empty() {
            self.fact(0, What::Healed);
        }
        self.let_through();
        for host in 0..self.hosts.len() {
            self.hosts[host].paused = false;
            self.hosts[host].disk_full = false;
            self.hosts[host].disk_delay = Duration::ZERO;
            self.hosts[host].clock.drift(self.now, 0);
            self.hosts[host].armed = None;
            self.listen_again(host);
            if self.hosts[host].machine.node.is_none() {
                self.schedule(self.now, Happening::Start(host));
            }
            self.hosts[host].dirty = true;
            self.turn(host);
        }
    }
}

impl Machine {
    /// Bytes that no other message of this size has.
    fn filler(&mut self, size: usize) -> Vec<u8> {
        self.asked += 1;
        let mut bytes = self.asked.to_be_bytes().repeat(size / 8 + 1);
        bytes.truncate(size);
        bytes
    }

    /// What a plan asks of a machine.
    fn ask(&mut self, now: homing_core::Instant, asked: &Deed) -> Result<(), SendError> {
        let invalid = |_| SendError::Unknown;
        match asked {
            Deed::Send { to, size, receipts, priority, patience, then, times } => {
                let to: Address = to.parse().map_err(invalid)?;
                for _ in 0..*times {
                    let mut message = Message::new("text/plain", self.filler(*size));
                    message.receipts = match receipts % 4 {
                        0 => Receipts::Failure,
                        1 => Receipts::Route,
                        2 => Receipts::Received,
                        _ => Receipts::Consumed,
                    };
                    message.priority = match priority % 3 {
                        0 => Priority::Bulk,
                        1 => Priority::Normal,
                        _ => Priority::Urgent,
                    };
                    message.patience = Duration::from_millis(*patience);
                    message.metadata.insert("n".into(), self.asked.to_string());
                    message.metadata.insert("then".into(), then.to_string());
                    self.send(now, &to, message)?;
                }
                Ok(())
            }
            Deed::Call { to, path, size, patience } => {
                let to: Vec<Address> =
                    to.iter().map(|one| one.parse()).collect::<Result<_, _>>().map_err(invalid)?;
                let to = match &to[..] {
                    [one] if one.is_everyone() => Pattern::All(one.network().parse().map_err(invalid)?),
                    [one] => Pattern::One(one.clone()),
                    _ => Pattern::Many(to),
                };
                let command = Command::get(path).with_body("text/plain", self.filler(*size));
                self.request(now, &to, command, Duration::from_millis(*patience)).map(|_| ())
            }
            Deed::Cancel { which } => {
                let calls = self.calls.len().max(1);
                let call = self.calls.remove(which % calls).ok_or(SendError::Unknown)?;
                self.cancel(now, call)
            }
            Deed::Poke(_) | Deed::Leave { .. } | Deed::ShutDown { .. } | Deed::Fault(_) => Ok(()),
        }
    }
}

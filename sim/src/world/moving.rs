//! Bytes between a machine and its streams.

use homing_core::{Input, LinkId};

use crate::conditions::Conditions;
use crate::fact::{HostId, What};

use super::World;
use super::happening::Happening;

impl World {
    /// Writes one piece of what is pending on a link, and comes back for the next.
    pub(super) fn write(&mut self, host: HostId, link: LinkId) {
        let Some((s, end)) = self.hosts[host].links.get(&link).copied() else { return };
        let Some(node) = &mut self.hosts[host].machine.node else { return };
        let pending = node.pending(link);
        if pending.is_empty() {
            return;
        }
        let stream = &mut self.streams[s];
        let room = pending.len().min(stream.pipes[end].room(self.conditions.capacity));
        if room == 0 {
            stream.ends[end].waits = true;
            return;
        }
        let n = Conditions::piece(self.conditions.write_most, room, &mut self.weather);
        let bytes = pending[..n].to_vec();
        let sending = self.conditions.sending(n);
        let delay = self.conditions.delay(&mut self.weather);
        self.digest.bytes(&bytes);
        // What is written to the last byte is followed by another record.
        stream.pipes[end].writes += u64::from(n == pending.len());
        let at = stream.pipes[end].push(self.now, sending, delay, bytes, false);
        self.schedule(at, Happening::Arrive { stream: s, end: 1 - end });
        self.hosts[host].tell(self.now, Input::Wrote { link, n });
        self.hosts[host].writes.push(link);
    }

    /// Gives a machine one piece of what has arrived, on one of its links; whether there was any.
    pub(super) fn read(&mut self, host: HostId) -> bool {
        let readable: Vec<LinkId> = self.hosts[host].readable.iter().copied().collect();
        for link in readable {
            let Some((s, end)) = self.hosts[host].links.get(&link).copied() else {
                self.hosts[host].readable.remove(&link);
                continue;
            };
            if self.streams[s].ends[end].broken {
                self.lose(host, link, "connection reset by peer");
                return true;
            }
            let pipe = &mut self.streams[s].pipes[1 - end];
            if pipe.ready.is_empty() {
                if pipe.ended {
                    self.lose(host, link, "closed by the other side");
                    return true;
                }
                self.hosts[host].readable.remove(&link);
                continue;
            }
            let Some(node) = &self.hosts[host].machine.node else { return false };
            let most = node.read_budget(link).min(pipe.ready.len());
            if most == 0 {
                continue;
            }
            let n = Conditions::piece(self.conditions.read_most, most, &mut self.weather);
            let bytes: Vec<u8> = pipe.ready.drain(..n).collect();
            self.hosts[host].tell(self.now, Input::Data { link, bytes: &bytes });
            self.fact(host, What::Heard { link, bytes: n });
            self.make_room(s, 1 - end);
            return true;
        }
        false
    }

    /// Who waits to write into this pipe can go on.
    fn make_room(&mut self, s: usize, end: usize) {
        let stream = &self.streams[s];
        let blocked = self.walls.blocked(stream.ends[1 - end].host, stream.ends[end].host);
        if stream.ends[end].waits && !stream.dead && !blocked {
            let delay = self.conditions.delay(&mut self.weather);
            self.schedule(self.now + delay, Happening::Room { stream: s, end });
        }
    }

    /// A machine learns that one of its streams is no more.
    fn lose(&mut self, host: HostId, link: LinkId, cause: &str) {
        self.drop_end(host, link);
        self.hosts[host].tell(self.now, Input::Gone { link, cause });
        self.fact(host, What::Gone { link });
    }

    /// A node closes a link: what it wrote still arrives, then the end.
    pub(super) fn close(&mut self, host: HostId, link: LinkId) {
        self.hosts[host].dialing.remove(&link);
        let Some((s, end)) = self.hosts[host].links.get(&link).copied() else { return };
        let unread = self.streams[s].pipes[1 - end].ready.len();
        self.drop_end(host, link);
        self.fact(host, What::Closed { link, unread });
        // Whoever closes with something unread cuts off what it has said last, on some systems.
        if unread > 0 && self.weather.chance(300) {
            self.break_later(s, 1 - end);
        }
    }

    /// A machine has an end no more; the other end hears that, behind all that was written.
    pub(super) fn drop_end(&mut self, host: HostId, link: LinkId) {
        self.hosts[host].readable.remove(&link);
        let Some((s, end)) = self.hosts[host].links.remove(&link) else { return };
        let stream = &mut self.streams[s];
        stream.ends[end].open = false;
        stream.pipes[1 - end].ready.clear();
        if stream.ends[1 - end].open {
            let delay = self.conditions.delay(&mut self.weather);
            let at = stream.pipes[end].push(self.now, std::time::Duration::ZERO, delay, Vec::new(), true);
            self.schedule(at, Happening::Arrive { stream: s, end: 1 - end });
        }
    }
}

//! A machine's turn: the driver's law.

use homing_core::{Action, Event, Input, Instant};

use crate::fact::{HostId, What};
use crate::handler::{Cx, Handler};

use super::happening::{Happening, Notice};
use super::{PROBE, World};

/// A drain that takes more is none.
const ENDLESS: usize = 200_000;

impl World {
    /// Starts a machine's node and its application.
    pub(super) fn boot(&mut self, host: HostId) {
        let kept = !std::mem::take(&mut self.hosts[host].forgot);
        let before = self.hosts[host].starts;
        self.hosts[host].record = self.record;
        self.hosts[host].boot(self.now, self.seed);
        self.fact(host, What::Started { before, kept });
        self.listen(host);
        self.act_as(host, |handler, cx| handler.start(cx));
        let local = self.hosts[host].clock.local(self.now);
        for dial in self.hosts[host].spec.dials.clone() {
            // A dial that is refused is among what the machine has said.
            let _ = self.hosts[host].machine.dial(local, dial);
        }
        self.listen(host);
    }

    /// Lets a machine's application do something.
    pub(super) fn act_as<R>(
        &mut self,
        host: HostId,
        work: impl FnOnce(&mut dyn Handler, &mut Cx<'_>) -> R,
    ) -> Option<R> {
        let machine = &mut self.hosts[host];
        let mut handler = machine.handler.take()?;
        let now = machine.clock.local(self.now);
        let mut cx = Cx { machine: &mut machine.machine, now, chooser: &mut self.weather };
        let result = work(&mut *handler, &mut cx);
        machine.handler = Some(handler);
        machine.dirty = true;
        self.listen(host);
        Some(result)
    }

    /// Lets a machine do all that it can do now: input, actions until there are none, what is to be written, what
    /// can be read, one timer.
    pub(super) fn turn(&mut self, host: HostId) {
        if self.hosts[host].machine.node.is_none() || self.hosts[host].paused {
            return;
        }
        self.tell_time(host);
        self.tell_notices(host);
        let mut actions = 0;
        while self.broken.is_none() {
            if self.hosts[host].machine.node.is_none() {
                return;
            }
            if let Some(action) = self.poll(host) {
                actions += 1;
                if actions > ENDLESS {
                    self.accuse("drain", format!("{} does not come to rest", self.identity(host).name));
                    return;
                }
                self.act(host, action);
            } else if let Some(link) = self.hosts[host].writes.pop() {
                self.write(host, link);
            } else if !self.read(host) {
                break;
            }
        }
        if std::mem::take(&mut self.hosts[host].dirty) {
            self.rest(host, actions);
        }
        self.arm(host);
    }

    fn poll(&mut self, host: HostId) -> Option<Action> {
        let takes = self.hosts[host].takes;
        let node = self.hosts[host].machine.node.as_mut()?;
        if takes { node.poll_action() } else { node.poll_duty() }
    }

    /// What is due, for the node and for its application.
    fn tell_time(&mut self, host: HostId) {
        let local = self.hosts[host].clock.local(self.now);
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= local);
        let node = self.hosts[host].machine.node.as_ref();
        if due(node.and_then(|node| node.next_deadline()).map(|deadline| deadline.at)) {
            self.hosts[host].tell(self.now, Input::Timeout);
            self.fact(host, What::Woken);
        }
        let mut timers = std::mem::take(&mut self.hosts[host].machine.timers);
        timers.sort_unstable();
        let rest = timers.partition_point(|(at, _)| *at <= local);
        self.hosts[host].machine.timers = timers.split_off(rest);
        for (_, token) in timers {
            self.act_as(host, |handler, cx| handler.timer(cx, token));
        }
    }

    fn tell_notices(&mut self, host: HostId) {
        while let Some(notice) = self.hosts[host].notices.pop_front() {
            let input = match notice {
                Notice::Accepted(link) => Input::Accepted { link },
                Notice::Stored(id, ok) => Input::Stored { id, ok },
            };
            self.hosts[host].tell(self.now, input);
        }
    }

    fn act(&mut self, host: HostId, action: Action) {
        match action {
            Action::Event(event) => self.told(host, event),
            Action::Write { link } => self.hosts[host].writes.push(link),
            Action::Close { link } => self.close(host, link),
            Action::Dial { link, target } => {
                self.hosts[host].dialing.insert(link);
                let start = self.hosts[host].starts;
                let delay = self.conditions.delay(&mut self.weather);
                self.schedule(self.now + delay, Happening::DialArrives { host, start, link, target });
            }
            Action::Store { id, entry } => {
                let machine = &mut self.hosts[host];
                machine.storing.push_back((id, entry));
                let (start, after) = (machine.starts, machine.disk_delay);
                self.schedule(self.now + after, Happening::Stored { host, start, id });
            }
        }
    }

    fn told(&mut self, host: HostId, event: Event) {
        if let Event::Down { uplink, retry: None, .. } = &event {
            self.hosts[host].machine.leaving.remove(uplink);
        }
        // Those who check hear of it before what the application does about it.
        self.fact(host, What::Told(event.clone()));
        self.act_as(host, |handler, cx| match &event {
            // A probe is between the nodes: no application has sent it.
            Event::Message(message) if message.content_type == PROBE => {}
            Event::Message(message) => handler.message(cx, message),
            Event::Request(request) => handler.request(cx, request),
            event => handler.event(cx, event),
        });
        if event == Event::Stopped {
            self.switch_off(host);
        }
    }

    /// A machine has nothing more to do.
    fn rest(&mut self, host: HostId, actions: usize) {
        let Some(node) = &self.hosts[host].machine.node else { return };
        let deadline = node.next_deadline().map(|deadline| deadline.at);
        let rested = What::Rested { memory: node.memory(), links: node.links(), actions, deadline };
        self.fact(host, rested);
    }

    /// Sees to it that a machine is woken when its node or its application wants it.
    pub(super) fn arm(&mut self, host: HostId) {
        let machine = &self.hosts[host];
        let Some(node) = &machine.machine.node else { return };
        let node = node.next_deadline().map(|deadline| deadline.at);
        let next = machine.machine.timers.iter().map(|(at, _)| *at).chain(node).min();
        let Some(at) = next.and_then(|at| machine.clock.world(at)) else { return };
        let at = at.max(self.now);
        if machine.armed.is_none_or(|armed| armed > at || armed < self.now) {
            self.hosts[host].armed = Some(at);
            self.schedule(at, Happening::Wake(host));
        }
    }
}

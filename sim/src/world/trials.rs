//! What is tried when everything is healed: one that takes nothing must not hold up the others, or make anybody lose
//! word of anything; and work must not leave anything behind.

use std::time::Duration;

use homing_core::{Address, Command, Limits, Message, Pattern, Receipts};

use crate::fact::HostId;
use crate::plan::Fault;

use super::World;

/// What a sender, a queue and a redial are given besides the times that the limits say.
const SLACK: Duration = Duration::from_secs(2);
/// Only windows up to this are filled: with larger ones it takes too long.
const SMALL_WINDOW: usize = 64 << 10;
/// Who is told of changes later than this is not waited for.
const SOON: Duration = Duration::from_millis(200);
/// The same work, done again, may leave so much more behind: tables that have just grown.
const LEFT_BEHIND: usize = 512;

/// Fills the recipient's window, the hub's queue for it and the sender's window.
fn everything(limits: &Limits) -> usize {
    2 * limits.window + limits.queue
}

/// Some machines of one network, and their addresses in it.
struct Cast {
    hub: HostId,
    limits: Limits,
    from: HostId,
    to: (HostId, Address),
    /// A third member, if there is one.
    deaf: Option<(HostId, Address)>,
}

impl World {
    /// Tries one thing for each network: which one, the seed says.
    pub(crate) fn trials(&mut self) {
        for cast in self.casts() {
            let small = cast.limits.window <= SMALL_WINDOW;
            match cast.deaf.clone().filter(|_| small) {
                None => self.repeat(&cast),
                Some(deaf) => match self.seed % 5 {
                    0 => self.repeat(&cast),
                    1 => self.stall(&cast, &deaf),
                    2 => self.cut_off(&cast, &deaf),
                    _ if cast.limits.roster_delay > SOON => self.stall(&cast, &deaf),
                    3 => self.miss(&cast, &deaf, true),
                    _ => self.miss(&cast, &deaf, false),
                },
            }
        }
    }

    fn casts(&self) -> Vec<Cast> {
        let scene = self.scene();
        let mut found = Vec::new();
        for hub in 0..self.hosts.len() {
            let config = &self.hosts[hub].spec.config;
            let Some(serving) = &config.serving else { continue };
            let network = serving.address.network();
            let mut members = (0..self.hosts.len()).filter(|host| *host != hub).filter_map(|host| {
                let own = self.identity(host).addresses.iter().find(|own| own.network() == network)?;
                scene.is_in(host, own).then(|| (host, own.clone()))
            });
            if let (Some((from, _)), Some(to)) = (members.next(), members.next()) {
                let limits = config.limits.clone();
                found.push(Cast { hub, limits, from, to, deaf: members.next() });
            }
        }
        found
    }

    /// One takes nothing from now on, and another writes so much to it, in large messages and then in so many small
    /// ones.
    fn flood(&mut self, cast: &Cast, (deaf, its): &(HostId, Address), bytes: usize, small: usize) {
        self.hosts[*deaf].takes = false;
        let sizes = std::iter::repeat_n(1_900, bytes / 2_000).chain(std::iter::repeat_n(10, small));
        for size in sizes {
            let mut message = Message::new("text/plain", vec![b'.'; size]);
            message.receipts = Receipts::Failure;
            message.metadata.insert("then".into(), "2".into());
            // It may have no room: that is as good.
            if let Some(Ok(id)) = self.act_as(cast.from, |_, cx| cx.send(its, message)) {
                self.open.insert(id);
            }
            self.turn(cast.from);
            self.run_for(Duration::from_millis(10));
        }
    }

    /// Who waits for one that takes nothing waits for so long, and no longer.
    fn stall(&mut self, cast: &Cast, deaf: &(HostId, Address)) {
        self.flood(cast, deaf, everything(&cast.limits), 0);
        self.run_for(cast.limits.stall + SLACK);
        if self.broken.is_none() && cast.limits.stall + SLACK * 2 < cast.limits.queue_time {
            self.probes.clear();
            self.probe(cast.from, &cast.to.1);
            self.turn(cast.from);
            self.await_probes(cast.from, SLACK, "fairness", "waited for one that takes nothing");
        }
        self.relent(deaf.0);
        self.run_for(cast.limits.queue_time + SLACK);
    }

    /// The link of one that takes nothing breaks: whoever wrote to it is told, and can write to others.
    fn cut_off(&mut self, cast: &Cast, deaf: &(HostId, Address)) {
        self.open.clear();
        self.flood(cast, deaf, everything(&cast.limits), 0);
        for which in 0..self.hosts[deaf.0].links.len() {
            self.strike(deaf.0, &Fault::Cut { which });
        }
        self.relent(deaf.0);
        self.run_for(SLACK * 2);
        if self.broken.is_some() {
            return;
        }
        if let Some(id) = self.open.first() {
            let why = format!("{id} was under way when a link broke, and nobody was told");
            return self.accuse("accounted", why);
        }
        self.probes.clear();
        self.probe(cast.from, &cast.to.1);
        self.turn(cast.from);
        self.await_probes(cast.from, SLACK, "recovery", "have no room since a link broke");
        self.run_for(cast.limits.redial_most);
    }

    /// One takes nothing while another leaves: it finds that out all the same. Either there is no room for the news,
    /// or they wait for too long.
    fn miss(&mut self, cast: &Cast, deaf: &(HostId, Address), full: bool) {
        if full {
            self.flood(cast, deaf, everything(&cast.limits), 0);
            self.run_for(cast.limits.stall.min(SLACK) + SLACK);
            self.flood(cast, deaf, 0, 80);
        } else {
            // Small ones leave no room in the window that the news would fit in.
            self.flood(cast, deaf, 0, cast.limits.window / 120 + 10);
        }
        let away = cast.limits.queue_time * 3 + Duration::from_secs(60);
        let to = cast.to.0;
        let network = cast.to.1.network();
        let which = self.hosts[to].spec.dials.iter().position(|dial| dial.network.as_str() == network);
        self.leave(to, which.unwrap_or(0), u64::try_from(away.as_micros()).unwrap_or(u64::MAX));
        self.turn(to);
        self.run_for(if full { SLACK } else { cast.limits.queue_time + SLACK });
        self.relent(deaf.0);
        // What is queued is taken or expires, and then the next try comes.
        self.run_for(cast.limits.queue_time + SLACK * 10);
        self.check_drained(Some("roster"));
        self.run_for(away);
        self.check_drained(None);
    }

    fn relent(&mut self, host: HostId) {
        self.listen_again(host);
        self.turn(host);
    }

    /// The same work is done several times: the nodes hold no more after the last time than after the one before.
    fn repeat(&mut self, cast: &Cast) {
        // Not the one who begins: it remembers the ids of what has ended for a while.
        let mut held = [0; 2];
        for round in 0..3 {
            self.work(cast.from, &cast.to.1);
            for (host, held) in [cast.hub, cast.to.0].into_iter().zip(&mut held) {
                let now = self.node(host).map_or(0, homing_core::Node::memory);
                if round == 2 && now > *held + LEFT_BEHIND && self.broken.is_none() {
                    let name = self.identity(host).name.clone();
                    return self.accuse(
                        "memory",
                        format!("{name} held {held} bytes, and {now} after the same again"),
                    );
                }
                *held = now;
            }
        }
    }

    /// Calls that are not answered in time, and messages.
    fn work(&mut self, from: HostId, to: &Address) {
        for _ in 0..8 {
            for _ in 0..3 {
                let call = Command::get("never").with_body("text/plain", b"anybody there?".to_vec());
                let patience = Duration::from_millis(200);
                self.act_as(from, |_, cx| cx.request(Pattern::One(to.clone()), call, patience));
            }
            let message = Message::text("anybody there?").with_receipts(Receipts::Consumed);
            self.act_as(from, |_, cx| cx.send(to, message));
            self.turn(from);
            self.run_for(Duration::from_millis(500));
        }
        self.run_for(Duration::from_secs(5));
    }
}

//! What is drawn of a run: its marks in the order of time, and what leads from one to another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use homing_core::{Event, Instant, MessageId, RequestId, Stage};

use crate::fact::{Fact, HostId, What};
use crate::plan::{Fault, Plan};
use crate::run::Outcome;
use crate::story::{Story, short};

use super::words::{self, Kind};

/// So many marks at most: each is three elements or four.
const MOST: usize = 1_500;
/// So many of them are simply those nearest to what matters; of the rest the weightiest are taken.
const NEAREST: usize = 1_000;
/// So many facts left out in one place are said there.
const WORTH_SAYING: usize = 20;

/// A place in time: the number of a moment.
pub(super) type Place = usize;

/// A moment.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at: Instant,
    pub(super) host: Option<HostId>,
    pub(super) shows: Shows,
}

/// What is seen there.
#[derive(Debug)]
pub(super) enum Shows {
    /// Nothing: something that was begun before ends here, or passes by.
    Nothing,
    /// A mark on a machine's line.
    Mark(Mark),
    /// A line across: nothing is in the way any more.
    Healed,
    /// So many facts are left out here.
    LeftOut(usize),
    /// What must hold does not.
    Violation,
}

/// Something that happened to a machine.
#[derive(Debug)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    pub(super) label: String,
    pub(super) title: String,
    pub(super) thread: String,
}

/// How an arrow looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Message,
    Receipt,
    Call,
    Answer,
    Stream,
}

/// From one mark to another.
#[derive(Debug)]
pub(super) struct Arrow {
    pub(super) way: Way,
    pub(super) from: (HostId, Place),
    pub(super) to: (HostId, Place),
    pub(super) thread: String,
    pub(super) title: String,
}

/// A message that did not arrive: from where towards whom, and why; without a why it was still under way.
#[derive(Debug)]
pub(super) struct Stray {
    pub(super) from: (HostId, Place),
    pub(super) towards: Option<HostId>,
    pub(super) why: Option<String>,
    pub(super) thread: String,
}

/// What a machine is for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Down,
    Paused,
    Deaf,
    Clock,
    Disk,
}

/// A while in which a machine is something.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) state: State,
    pub(super) host: HostId,
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) title: String,
}

/// A while in which nothing passes between some and all others.
#[derive(Debug)]
pub(super) struct Wall {
    pub(super) side: u64,
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) title: String,
}

/// All that is drawn.
#[derive(Debug, Default)]
pub(super) struct Picture {
    pub(super) begin: Instant,
    pub(super) moments: Vec<Moment>,
    /// The moments in the order of time.
    pub(super) order: Vec<Place>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) strays: Vec<Stray>,
    pub(super) bars: Vec<Bar>,
    pub(super) walls: Vec<Wall>,
    /// How many facts there were to draw, and how many of them are not drawn.
    pub(super) facts: usize,
    pub(super) left_out: usize,
}

impl Picture {
    pub(super) fn of(outcome: &Outcome, story: &Story, plan: &Plan) -> Picture {
        let facts: Vec<&Fact> = story.facts().collect();
        let last = facts.last().map_or(Instant::ZERO, |fact| fact.at);
        let last = outcome.violation.as_ref().map_or(last, |violation| last.max(violation.at));
        let drawing = Drawing {
            picture: Picture { begin: story.begin(outcome, plan), ..Picture::default() },
            hosts: addresses(&facts),
            places: vec![None; facts.len()],
            facts,
            last,
        };
        drawing.draw(outcome.violation.as_ref().map(|violation| violation.at))
    }
}

/// Which machine an address means, as far as the run tells.
fn addresses(facts: &[&Fact]) -> BTreeMap<String, HostId> {
    let mut hosts = BTreeMap::new();
    let mut admitted = BTreeMap::new();
    for fact in facts {
        match &fact.what {
            What::Told(Event::LinkUp { address, .. }) => {
                admitted.insert(address.to_string(), fact.host);
            }
            What::Told(Event::Up { address, hub, .. }) => {
                hosts.entry(address.to_string()).or_insert(fact.host);
                hosts.entry(address.bare_str().to_string()).or_insert(fact.host);
                if let Some(host) = admitted.get(&address.to_string()) {
                    hosts.entry(hub.to_string()).or_insert(*host);
                }
            }
            _ => {}
        }
    }
    hosts
}

struct Drawing<'a> {
    picture: Picture,
    facts: Vec<&'a Fact>,
    hosts: BTreeMap<String, HostId>,
    /// Where each fact is drawn.
    places: Vec<Option<Place>>,
    last: Instant,
}

impl Drawing<'_> {
    fn draw(mut self, violated: Option<Instant>) -> Picture {
        self.marks(violated.is_some());
        self.bars();
        self.messages();
        self.calls();
        if let Some(at) = violated {
            self.moment(at, None, Shows::Violation);
        }
        let mut picture = self.picture;
        picture.order = (0..picture.moments.len()).collect();
        picture.order.sort_by_key(|place| picture.moments[*place].at);
        picture
    }

    fn moment(&mut self, at: Instant, host: Option<HostId>, shows: Shows) -> Place {
        self.picture.moments.push(Moment { at, host, shows });
        self.picture.moments.len() - 1
    }

    /// Which facts are drawn: all, or those nearest to what matters and the weightiest of the others.
    fn chosen(&self, violated: bool) -> Vec<bool> {
        let ranks: Vec<Option<u8>> =
            self.facts.iter().map(|fact| words::of(&fact.what).map(|(kind, _)| kind.rank())).collect();
        let mut chosen = vec![false; ranks.len()];
        let mut room = MOST;
        // What matters is the end of a run that went wrong, and the beginning of one that did not.
        let near = |n: usize| if violated { ranks.len() - 1 - n } else { n };
        let mut choose = |most: usize, wanted: &dyn Fn(u8) -> bool| {
            let mut taken = 0;
            for at in (0..ranks.len()).map(near) {
                if room == 0 || taken == most {
                    return;
                }
                if !chosen[at] && ranks[at].is_some_and(wanted) {
                    chosen[at] = true;
                    taken += 1;
                    room -= 1;
                }
            }
        };
        choose(NEAREST, &|rank| rank < 3);
        for wanted in 0..=3 {
            choose(MOST, &|rank| rank == wanted);
        }
        chosen
    }

    fn marks(&mut self, violated: bool) {
        let chosen = self.chosen(violated);
        let mut skipped = 0;
        for (at, chosen) in chosen.into_iter().enumerate() {
            let fact = self.facts[at];
            if matches!(fact.what, What::Healed) {
                self.moment(fact.at, None, Shows::Healed);
                continue;
            }
            let Some((kind, label)) = words::of(&fact.what) else { continue };
            self.picture.facts += 1;
            if !chosen {
                self.picture.left_out += 1;
                skipped += usize::from(kind.rank() < 3);
                continue;
            }
            if kind == Kind::Roster && self.added_to_roster(fact, &label) {
                continue;
            }
            self.say_left_out(fact.at, std::mem::take(&mut skipped));
            let thread = words::thread(&fact.what).map(|id| short(&id)).unwrap_or_default();
            let mark = Mark { kind, label, title: fact.what.to_string(), thread };
            self.places[at] = Some(self.moment(fact.at, Some(fact.host), Shows::Mark(mark)));
        }
        self.say_left_out(self.last, skipped);
    }

    /// Who comes into a network sees all that are there at once: that is one mark.
    fn added_to_roster(&mut self, fact: &Fact, label: &str) -> bool {
        match self.picture.moments.last_mut() {
            Some(Moment { at, host, shows: Shows::Mark(mark) })
                if *at == fact.at && *host == Some(fact.host) && mark.kind == Kind::Roster =>
            {
                mark.label = format!("{} {label}", mark.label);
                mark.title = format!("{}; {}", mark.title, fact.what);
                true
            }
            _ => false,
        }
    }

    fn say_left_out(&mut self, at: Instant, skipped: usize) {
        if skipped >= WORTH_SAYING {
            self.moment(at, None, Shows::LeftOut(skipped));
        }
    }

    /// What machines are for a while, from the facts with which it begins.
    fn bars(&mut self) {
        for at in 0..self.facts.len() {
            let fact = self.facts[at];
            match &fact.what {
                What::Crashed | What::Told(Event::Stopped) => {
                    let again = |it: &Fact| it.host == fact.host && matches!(it.what, What::Started { .. });
                    let until = self.first_after(at, again).unwrap_or(self.last);
                    self.bar(at, State::Down, until, "is down");
                }
                What::Struck(Fault::Pause { lasts }) => {
                    self.lasting(at, State::Paused, *lasts, "stands still")
                }
                What::Struck(Fault::Deaf { lasts }) => {
                    self.lasting(at, State::Deaf, *lasts, "its application takes nothing");
                }
                What::Struck(Fault::Drift { lasts, .. }) => {
                    self.lasting(at, State::Clock, *lasts, "its clock goes wrong");
                }
                What::Struck(Fault::DiskFull { lasts }) => {
                    self.lasting(at, State::Disk, *lasts, "its disk is full");
                }
                What::Struck(Fault::DiskSlow { each }) if *each > 0 => {
                    self.lasting(at, State::Disk, u64::MAX, "its disk is slow");
                }
                What::Struck(Fault::Partition { side, one_way, lasts }) => {
                    let until = self.until(at, *lasts, false);
                    let way =
                        if *one_way { "what these say to others" } else { "between these and all others" };
                    let title =
                        format!("{way}: held up for {}", words::span(until.saturating_since(fact.at)));
                    let from = self.edge(at);
                    let to = self.moment(until, None, Shows::Nothing);
                    self.picture.walls.push(Wall { side: *side, from, to, title });
                }
                _ => {}
            }
        }
    }

    fn lasting(&mut self, at: usize, state: State, lasts: u64, words: &str) {
        let until = self.until(at, lasts, state == State::Paused);
        self.bar(at, state, until, words);
    }

    fn bar(&mut self, at: usize, state: State, until: Instant, words: &str) {
        let (host, since) = (self.facts[at].host, self.facts[at].at);
        let from = self.edge(at);
        let to = self.moment(until, None, Shows::Nothing);
        let title = format!("{words}, for {}", words::span(until.saturating_since(since)));
        self.picture.bars.push(Bar { state, host, from, to, title });
    }

    /// Where a fact is, or would be if it were drawn.
    fn edge(&mut self, at: usize) -> Place {
        match self.places[at] {
            Some(place) => place,
            None => self.moment(self.facts[at].at, None, Shows::Nothing),
        }
    }

    /// When a fault is over: its time is up, or all is healed, or what it struck crashes.
    fn until(&self, at: usize, lasts: u64, until_crash: bool) -> Instant {
        let fact = self.facts[at];
        let over = Instant::from_micros(fact.at.as_micros().saturating_add(lasts));
        let ends = |it: &Fact| {
            matches!(it.what, What::Healed)
                || until_crash && it.host == fact.host && matches!(it.what, What::Crashed)
        };
        self.first_after(at, ends).unwrap_or(self.last).min(over).min(self.last)
    }

    fn first_after(&self, at: usize, wanted: impl Fn(&Fact) -> bool) -> Option<Instant> {
        self.facts[at + 1..].iter().find(|fact| wanted(fact)).map(|fact| fact.at)
    }

    fn arrow(&mut self, way: Way, from: usize, to: usize, id: &MessageId, title: String) {
        if let (Some(a), Some(b)) = (self.places[from], self.places[to]) {
            let (from, to) = ((self.facts[from].host, a), (self.facts[to].host, b));
            self.picture.arrows.push(Arrow { way, from, to, thread: short(id), title });
        }
    }

    /// Messages, their receipts, and those that did not arrive; and streams, which are arrows too.
    fn messages(&mut self) {
        let mut sent: BTreeMap<MessageId, usize> = BTreeMap::new();
        let mut got: BTreeMap<(MessageId, HostId), usize> = BTreeMap::new();
        let mut dealt: BTreeMap<(MessageId, HostId), usize> = BTreeMap::new();
        let mut arrived: BTreeSet<MessageId> = BTreeSet::new();
        let mut failed: BTreeMap<MessageId, String> = BTreeMap::new();
        for at in 0..self.facts.len() {
            let fact = self.facts[at];
            match &fact.what {
                What::Sent { id, .. } => {
                    sent.insert(*id, at);
                }
                What::Told(Event::Message(message)) => {
                    got.insert((message.id, fact.host), at);
                    arrived.insert(message.id);
                    if let Some(from) = sent.get(&message.id).copied() {
                        let took = words::span(fact.at.saturating_since(self.facts[from].at));
                        let title = format!("{} on its way for {took}", short(&message.id));
                        self.arrow(Way::Message, from, at, &message.id, title);
                    }
                }
                What::Dealt { id, .. } => {
                    dealt.insert((*id, fact.host), at);
                }
                What::Told(Event::Receipt { id, stage: Stage::Failed(failure), .. }) => {
                    failed.entry(*id).or_insert_with(|| failure.to_string());
                }
                What::Told(Event::Receipt { id, from: Some(from), stage }) => {
                    let by = match stage {
                        Stage::Received => &got,
                        Stage::Consumed => &dealt,
                        _ => continue,
                    };
                    let host = self.hosts.get(from.as_str()).copied();
                    if let Some(from) = host.and_then(|host| by.get(&(*id, host)).copied()) {
                        let title = format!("{} {}", short(id), stage.name());
                        self.arrow(Way::Receipt, from, at, id, title);
                    }
                }
                What::Opened { other: (other, _), .. } => {
                    if let Some(place) = self.places[at] {
                        let to = self.moment(fact.at, None, Shows::Nothing);
                        let arrow = Arrow {
                            way: Way::Stream,
                            from: (fact.host, place),
                            to: (*other, to),
                            thread: String::new(),
                            title: fact.what.to_string(),
                        };
                        self.picture.arrows.push(arrow);
                    }
                }
                _ => {}
            }
        }
        for (id, at) in sent {
            let (Some(place), What::Sent { to, .. }) = (self.places[at], &self.facts[at].what) else {
                continue;
            };
            // Who sends to everybody need not have anybody.
            if arrived.contains(&id) || to.is_everyone() && !failed.contains_key(&id) {
                continue;
            }
            let towards = self.hosts.get(to.as_str()).or_else(|| self.hosts.get(to.bare_str())).copied();
            let (from, why) = ((self.facts[at].host, place), failed.remove(&id));
            self.picture.strays.push(Stray { from, towards, why, thread: short(&id) });
        }
    }

    /// Calls, and what comes back. A request does not say which call it is of: it is the last one that fits.
    fn calls(&mut self) {
        let mut called: Vec<usize> = Vec::new();
        let mut asked: BTreeMap<(HostId, RequestId), (usize, MessageId)> = BTreeMap::new();
        let mut answered: BTreeMap<(MessageId, HostId), usize> = BTreeMap::new();
        for at in 0..self.facts.len() {
            let fact = self.facts[at];
            match &fact.what {
                What::Called { .. } => called.push(at),
                What::Told(Event::Request(request)) => {
                    let caller = self.hosts.get(request.from.as_str()).copied();
                    let fits = |from: &&usize| match &self.facts[**from].what {
                        What::Called { command, .. } => {
                            let path = command.path.replace('.', "/");
                            caller.is_none_or(|caller| caller == self.facts[**from].host)
                                && path.trim_start_matches('/') == request.path.trim_start_matches('/')
                                && command.body == request.body
                        }
                        _ => false,
                    };
                    let Some(from) = called.iter().rev().find(fits).copied() else { continue };
                    let What::Called { call, .. } = &self.facts[from].what else { continue };
                    asked.insert((fact.host, request.request), (at, call.0));
                    self.arrow(Way::Call, from, at, &call.0, format!("a request for {}", request.path));
                    self.join(at, &call.0);
                }
                What::Answered { request, .. } => {
                    if let Some((_, call)) = asked.get(&(fact.host, *request)).copied() {
                        answered.insert((call, fact.host), at);
                        self.join(at, &call);
                    }
                }
                What::Told(Event::Answer { call, from, response }) => {
                    let Some(host) = self.hosts.get(from.as_str()).copied() else { continue };
                    if let Some(from) = answered.get(&(call.0, host)).copied() {
                        self.arrow(Way::Answer, from, at, &call.0, "the answer".into());
                    } else if response.is_ok() {
                        let made = called.iter().rev().find(|from| {
                            matches!(&self.facts[**from].what, What::Called { call: it, .. } if it == call)
                        });
                        self.there_and_back(made.copied(), at, host, &call.0);
                    }
                }
                _ => {}
            }
        }
    }

    /// Lets a mark belong to a call, which it does not know itself.
    fn join(&mut self, at: usize, call: &MessageId) {
        if let Some(place) = self.places[at]
            && let Shows::Mark(mark) = &mut self.picture.moments[place].shows
        {
            mark.thread = short(call);
        }
    }

    /// A call that a node has answered by itself: when it did is not known, and drawn in the middle.
    fn there_and_back(&mut self, from: Option<usize>, at: usize, host: HostId, call: &MessageId) {
        let Some(from) = from else { return };
        let (Some(a), Some(b)) = (self.places[from], self.places[at]) else { return };
        let (start, end) = (self.facts[from].at, self.facts[at].at);
        let half = Duration::from_micros(end.saturating_since(start).as_micros().try_into().unwrap_or(0) / 2);
        let middle = (host, self.moment(start + half, None, Shows::Nothing));
        let caller = self.facts[at].host;
        let title = "answered by the node itself; when, is not told".to_string();
        for (way, from, to) in [(Way::Call, (caller, a), middle), (Way::Answer, middle, (caller, b))] {
            let arrow = Arrow { way, from, to, thread: short(call), title: title.clone() };
            self.picture.arrows.push(arrow);
        }
    }
}

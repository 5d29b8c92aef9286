//! A fact in a few words: what stands beside a mark.

use std::time::Duration;

use homing_core::{CallOutcome, Event, MessageId, Pattern, Stage};

use crate::fact::What;
use crate::plan::{Deed, Fault};
use crate::story::short;

/// What a mark is, which is how it looks and with what it is hidden.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A machine starts.
    Start,
    /// It crashes, or is asked to end, or has ended.
    End,
    /// A message leaves, arrives, or is dealt with.
    Message,
    /// News of a message.
    Receipt,
    /// A message, a call or a command came to nothing.
    Failed,
    /// A call, a request, an answer.
    Call,
    /// A stream comes or goes.
    Stream,
    /// Who sees whom come and go.
    Roster,
    /// In a network, or a newcomer admitted.
    Up,
    /// Not any more.
    Down,
    /// Something is done to the machine.
    Fault,
    /// What the application notes.
    Noted,
}

impl Kind {
    /// Its class in the page's style.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Kind::Start => "start",
            Kind::End => "end",
            Kind::Message => "message",
            Kind::Receipt => "receipt",
            Kind::Failed => "failed",
            Kind::Call => "call",
            Kind::Stream => "stream",
            Kind::Roster => "roster",
            Kind::Up => "up",
            Kind::Down => "down",
            Kind::Fault => "fault",
            Kind::Noted => "noted",
        }
    }

    /// How soon it is left out, when there is too much: 0 last.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Kind::Start | Kind::End | Kind::Fault => 0,
            Kind::Message | Kind::Failed | Kind::Call | Kind::Up | Kind::Down | Kind::Noted => 1,
            Kind::Receipt | Kind::Stream => 2,
            Kind::Roster => 3,
        }
    }
}

/// What a fact is and what is said of it; nothing, when it has no place in the picture.
pub(super) fn of(what: &What) -> Option<(Kind, String)> {
    let the = |kind, text: String| Some((kind, text));
    match what {
        What::Started { before: 0, .. } => the(Kind::Start, "starts".into()),
        What::Started { kept: true, .. } => the(Kind::Start, "starts again".into()),
        What::Started { kept: false, .. } => the(Kind::Start, "starts, remembers nothing".into()),
        What::Unrestored { .. } => the(Kind::Failed, "cannot read its journal".into()),
        What::Crashed => the(Kind::End, "crashes".into()),
        What::Left { .. } => the(Kind::End, "leaves a network".into()),
        What::ShutDown => the(Kind::End, "is asked to end".into()),
        What::Sent { id, to, message } => {
            the(Kind::Message, format!("{} → {to} · {} B", short(id), message.body.len()))
        }
        What::Refused { command, error } => the(Kind::Failed, format!("cannot {command}: {error}")),
        What::Called { to, command, .. } => {
            the(Kind::Call, format!("calls {} of {}", command.path, pattern(to)))
        }
        What::Cancelled { .. } => the(Kind::Call, "gives the call up".into()),
        What::Dealt { id, refused: None, .. } => the(Kind::Receipt, format!("dealt with {}", short(id))),
        What::Dealt { id, refused: Some(_), .. } => the(Kind::Failed, format!("refuses {}", short(id))),
        What::Answered { ok: true, .. } => the(Kind::Call, "answers".into()),
        What::Answered { ok: false, .. } => the(Kind::Call, "answers: it failed".into()),
        What::Told(event) => told(event),
        What::Opened { .. } => the(Kind::Stream, "stream".into()),
        What::Closed { link, .. } => the(Kind::Stream, format!("closes {link}")),
        What::Gone { link } => the(Kind::Stream, format!("{link} is gone")),
        What::Struck(Fault::Partition { lasts, .. }) => {
            the(Kind::Fault, format!("a partition, for {}", span(Duration::from_micros(*lasts))))
        }
        What::Struck(fault) => the(Kind::Fault, fault.to_string().replacen("FAULT: ", "", 1)),
        What::Noted { word, number } => the(Kind::Noted, format!("{word} {number}")),
        // The one has its line across the page; the others are moments in which bytes are moved.
        What::Healed | What::Heard { .. } | What::Woken | What::Rested { .. } => None,
    }
}

fn told(event: &Event) -> Option<(Kind, String)> {
    Some(match event {
        Event::Up { address, .. } => (Kind::Up, format!("is {address}")),
        Event::Down { network, why, .. } => (Kind::Down, format!("not in {network}: {why}")),
        Event::PeerUp { peer } => (Kind::Roster, format!("+{}", peer.address)),
        Event::PeerDown { peer } => (Kind::Roster, format!("-{}", peer.address)),
        Event::LinkUp { address, .. } => (Kind::Up, format!("admits {address}")),
        Event::LinkDown { address: Some(address), why, .. } => {
            (Kind::Down, format!("loses {address}: {why}"))
        }
        Event::LinkDown { address: None, link, why } => (Kind::Stream, format!("loses {link}: {why}")),
        Event::Message(message) => (Kind::Message, format!("gets {}", short(&message.id))),
        Event::Request(request) => (Kind::Call, format!("is asked for {}", request.path)),
        Event::RequestEnded { .. } => (Kind::Call, "need not answer any more".into()),
        Event::Receipt { id, stage: Stage::Failed(failure), .. } => {
            (Kind::Failed, format!("{} failed: {failure}", short(id)))
        }
        Event::Receipt { id, stage, .. } => (Kind::Receipt, format!("{} {}", short(id), stage.name())),
        Event::Answer { from, response: Ok(_), .. } => (Kind::Call, format!("answer of {from}")),
        Event::Answer { from, response: Err(why), .. } => {
            (Kind::Failed, format!("no answer of {from}: {why}"))
        }
        Event::CallEnded { outcome, answered, asked, .. } => {
            let how = match outcome {
                CallOutcome::Complete => "complete",
                CallOutcome::TimedOut => "timed out",
                CallOutcome::Cancelled => "given up",
            };
            (Kind::Call, format!("call {how}: {answered} of {asked}"))
        }
        Event::Stopped => (Kind::End, "has stopped".into()),
    })
}

/// What belongs together: all that has to do with one message, or with one call.
pub(super) fn thread(what: &What) -> Option<MessageId> {
    match what {
        What::Sent { id, .. } | What::Dealt { id, .. } => Some(*id),
        What::Called { call, .. } | What::Cancelled { call } => Some(call.0),
        What::Told(Event::Message(message)) => Some(message.id),
        What::Told(Event::Receipt { id, .. }) => Some(*id),
        What::Told(Event::Answer { call, .. } | Event::CallEnded { call, .. }) => Some(call.0),
        _ => None,
    }
}

/// A step of a plan.
pub(super) fn deed(deed: &Deed) -> String {
    let for_so_long = |micros: u64| span(Duration::from_micros(micros));
    match deed {
        Deed::Poke(number) => format!("its application is poked with {number}"),
        Deed::Send { to, size, receipts, priority, patience, then, times } => {
            let receipts = ["failure", "route", "received", "consumed"][usize::from(receipts % 4)];
            let priority = ["bulk", "normal", "urgent"][usize::from(priority % 3)];
            let then = ["deals with it", "refuses it", "says nothing"][usize::from(then % 3)];
            let patience = span(Duration::from_millis(*patience));
            let often = if *times == 1 { String::new() } else { format!(", {times} times") };
            format!(
                "sends {to} {size} bytes{often}; {priority}, receipts: {receipts}, awaited for {patience}; the \
                 recipient {then}"
            )
        }
        Deed::Call { to, path, size, patience } => {
            let patience = span(Duration::from_millis(*patience));
            format!("calls {path} of {} with {size} bytes, waits {patience}", to.join(", "))
        }
        Deed::Cancel { which } => format!("gives up call {which} of its last ones"),
        Deed::Leave { which, lasts } => format!("leaves network {which} for {}", for_so_long(*lasts)),
        Deed::ShutDown { lasts } => {
            format!("is asked to end, and started again {} later", for_so_long(*lasts))
        }
        Deed::Fault(fault) => fault.to_string(),
    }
}

/// A length of time that can be read: `840 µs`, `12.4 ms`, `3.20 s`, `2 min 5 s`.
pub(super) fn span(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
        1_000_000..120_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros / 10_000 % 100),
        _ => format!("{} min {} s", micros / 60_000_000, micros / 1_000_000 % 60),
    }
}

/// The first so many letters, and a sign that there were more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// The same text in lines of at most so many letters, and at most so many lines.
pub(super) fn lines(text: &str, most: usize, count: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > most {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&cut(word, most));
        }
    }
    if lines.len() > count {
        lines.truncate(count);
        if let Some(line) = lines.last_mut() {
            line.push_str(" …");
        }
    }
    lines
}

/// Text that is nothing but text in HTML and in SVG, also within quotes. What is no character there is left out.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            // Text that runs backwards reorders what stands around it.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

fn pattern(to: &Pattern) -> String {
    match to {
        Pattern::One(one) => one.to_string(),
        Pattern::Many(many) => format!("{} peers", many.len()),
        Pattern::All(network) => format!("*@{network}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escape("<b a='\"'>&\u{1b}\u{202e}\n"),
            "&lt;b a=&#39;&quot;&#39;&gt;&amp;\u{fffd}\u{fffd}\n"
        );
        assert_eq!((cut("abcdef", 6), cut("abcdef", 4)), ("abcdef".into(), "abc…".into()));
    }

    #[test]
    fn long_text_is_broken_into_lines() {
        assert_eq!(lines("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(lines("one two three", 3, 2), ["one", "two …"]);
        assert_eq!(lines("", 3, 2), [""]);
    }

    #[test]
    fn lengths_of_time() {
        for (micros, text) in
            [(840, "840 µs"), (12_400, "12.4 ms"), (3_200_000, "3.20 s"), (125_000_000, "2 min 5 s")]
        {
            assert_eq!(span(Duration::from_micros(micros)), text);
        }
    }
}

//! The picture as SVG.

use std::fmt::Write;

use crate::fact::HostId;

use super::layout::Layout;
use super::picture::{Arrow, Bar, Mark, Picture, Shows, State, Stray, Wall, Way};
use super::words::{Kind, cut, escape};

impl Way {
    fn class(self) -> &'static str {
        match self {
            Way::Message => "message",
            Way::Receipt => "receipt",
            Way::Call | Way::Answer => "call",
            Way::Stream => "stream",
        }
    }
}

impl State {
    pub(super) const ALL: [(State, &'static str); 5] = [
        (State::Down, "is down"),
        (State::Paused, "stands still"),
        (State::Deaf, "takes nothing"),
        (State::Clock, "its clock goes wrong"),
        (State::Disk, "its disk is full or slow"),
    ];

    pub(super) fn class(self) -> &'static str {
        match self {
            State::Down => "down",
            State::Paused => "paused",
            State::Deaf => "deaf",
            State::Clock => "clock",
            State::Disk => "disk",
        }
    }

    /// How far left of the machine's line its bar is, and how wide.
    fn place(self) -> (usize, usize) {
        match self {
            State::Down | State::Paused => (5, 10),
            State::Deaf => (11, 4),
            State::Clock => (16, 4),
            State::Disk => (21, 4),
        }
    }
}

/// The whole drawing.
pub(super) fn svg(picture: &Picture, layout: &Layout, names: &[String]) -> String {
    let (width, height) = (layout.width(), layout.height);
    let mut out = format!(
        "<svg id=\"run\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width} {height:.0}\" role=\"img\" aria-label=\"what happened, from top to bottom\">\n"
    );
    out.push_str(DEFINITIONS);
    let pen = &mut Pen { out: &mut out, layout, names };
    for wall in &picture.walls {
        pen.wall(wall);
    }
    pen.grid();
    for bar in &picture.bars {
        pen.bar(bar);
    }
    for arrow in &picture.arrows {
        pen.arrow(arrow);
    }
    for stray in &picture.strays {
        pen.stray(stray, false);
    }
    for place in &picture.order {
        let moment = &picture.moments[*place];
        let y = layout.y[*place];
        match (&moment.shows, moment.host) {
            (Shows::Mark(mark), Some(host)) => pen.mark(mark, host, y),
            (Shows::Healed, _) => pen.across("healed", y, "healed: nothing is in anybody's way any more"),
            (Shows::LeftOut(n), _) => pen.across("leftout", y, &format!("{n} facts are not drawn here")),
            (Shows::Violation, _) => pen.accusation(y),
            (Shows::Nothing | Shows::Mark(_), _) => {}
        }
    }
    // Their crosses are above what is said, and their lines below it.
    for stray in &picture.strays {
        pen.stray(stray, true);
    }
    out.push_str("</svg>\n");
    out
}

/// Heads of arrows, and the hatching of machines that are down.
const DEFINITIONS: &str = "<defs>\n\
    <marker id=\"h-message\" class=\"head message\" viewBox=\"0 0 10 8\" refX=\"13\" refY=\"4\" markerWidth=\"10\" \
    markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L10 4 L0 8 z\"/></marker>\n\
    <marker id=\"h-call\" class=\"head call\" viewBox=\"0 0 10 8\" refX=\"13\" refY=\"4\" markerWidth=\"10\" \
    markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L10 4 L0 8 z\"/></marker>\n\
    <marker id=\"h-receipt\" class=\"head receipt\" viewBox=\"0 0 10 8\" refX=\"13\" refY=\"4\" markerWidth=\"7\" \
    markerHeight=\"6\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 L10 4 L0 8\"/></marker>\n\
    <pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\">\
    <rect width=\"6\" height=\"6\" class=\"hatch-back\"/><rect width=\"2.5\" height=\"6\" class=\"hatch-line\"/>\
    </pattern>\n</defs>\n";

struct Pen<'a> {
    out: &'a mut String,
    layout: &'a Layout,
    names: &'a [String],
}

impl Pen<'_> {
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(text);
    }

    /// The machines' lines, the times, and where time was left out.
    fn grid(&mut self) {
        let (width, height) = (self.layout.width(), self.layout.height);
        for host in 0..self.names.len() {
            let x = self.layout.x(host);
            self.put(format_args!("<path class=\"line\" d=\"M{x} 0V{height:.0}\"/>\n"));
        }
        for (y, time) in &self.layout.ticks {
            self.put(format_args!(
                "<path class=\"tick\" d=\"M76 {y:.1}H{width}\"/><text class=\"time\" x=\"70\" y=\"{:.1}\">{time}</text>\n",
                y + 3.5
            ));
        }
        for (y, words) in &self.layout.gaps {
            let (top, middle) = (y - 11.0, width / 2);
            self.put(format_args!(
                "<g class=\"gap\"><rect x=\"0\" y=\"{top:.1}\" width=\"{width}\" height=\"22\"/><text x=\"{middle}\" \
                 y=\"{:.1}\">{words}</text></g>\n",
                y + 4.0
            ));
        }
    }

    fn wall(&mut self, wall: &Wall) {
        let inside = |host: HostId| host < 64 && wall.side >> host & 1 == 1;
        let hosts: Vec<HostId> = (0..self.names.len()).filter(|host| inside(*host)).collect();
        if hosts.is_empty() || hosts.len() == self.names.len() {
            // It has one side only: nothing is held up.
            return;
        }
        let (top, bottom) = (self.layout.y[wall.from], self.layout.y[wall.to]);
        let (column, height) = (self.layout.column(), (bottom - top).max(4.0));
        let who: Vec<&str> =
            hosts.iter().filter_map(|host| self.names.get(*host)).map(String::as_str).collect();
        let title = escape(&format!("partition, {}: {}", wall.title, who.join(", ")));
        self.put(format_args!("<g class=\"wall\"><title>{title}</title>"));
        for host in hosts {
            let left = self.layout.left(host);
            self.put(format_args!(
                "<rect x=\"{left}\" y=\"{top:.1}\" width=\"{column}\" height=\"{height:.1}\"/>"
            ));
        }
        self.put(format_args!("</g>\n"));
    }

    fn bar(&mut self, bar: &Bar) {
        let (top, bottom) = (self.layout.y[bar.from], self.layout.y[bar.to]);
        let (left, width) = bar.state.place();
        let (x, height) = (self.layout.x(bar.host) - left, (bottom - top).max(3.0));
        let (class, title) = (bar.state.class(), escape(&bar.title));
        self.put(format_args!(
            "<rect class=\"bar b-{class}\" x=\"{x}\" y=\"{top:.1}\" width=\"{width}\" height=\"{height:.1}\" rx=\"2\">\
             <title>{title}</title></rect>\n"
        ));
    }

    fn arrow(&mut self, arrow: &Arrow) {
        let (x1, y1) = (self.layout.x(arrow.from.0), self.layout.y[arrow.from.1]);
        let (x2, y2) = (self.layout.x(arrow.to.0), self.layout.y[arrow.to.1]);
        let (class, thread, title) = (arrow.way.class(), escape(&arrow.thread), escape(&arrow.title));
        let head = if arrow.way == Way::Stream { "" } else { class };
        let head = if head.is_empty() { String::new() } else { format!(" marker-end=\"url(#h-{head})\"") };
        let back = if arrow.way == Way::Answer { " back" } else { "" };
        let path = if arrow.from.0 == arrow.to.0 {
            let out = x1 + 34;
            format!("M{x1} {y1:.1}C{out} {y1:.1} {out} {y2:.1} {x2} {y2:.1}")
        } else {
            format!("M{x1} {y1:.1}L{x2} {y2:.1}")
        };
        self.put(format_args!(
            "<path class=\"arrow {class}{back}\" data-t=\"{thread}\" d=\"{path}\"{head}><title>{title}</title></path>\n"
        ));
    }

    fn stray(&mut self, stray: &Stray, end_of_it: bool) {
        let (x, y) = (self.layout.x(stray.from.0), self.layout.y[stray.from.1]);
        let left = stray.towards.is_some_and(|host| host < stray.from.0);
        // Behind what is said of its sending; where there is no room for words, its title and the sender have them.
        let column = self.layout.column();
        let (reach, letters) = if column < 240 { (column - 12, 0) } else { (column * 62 / 100, column / 17) };
        let (end, text) = if left { (x.saturating_sub(reach), "end") } else { (x + reach, "start") };
        let beside = if left { end.saturating_sub(9) } else { end + 9 };
        // No lower than the line that it begins on: the next one has words of its own.
        let (down, thread) = (y + 5.0, escape(&stray.thread));
        let (class, sign, words) = match &stray.why {
            Some(why) => {
                let cross = format!("M{} {:.1}l8 8m0 -8l-8 8", end.saturating_sub(4), down - 4.0);
                ("stray lost", cross, if letters == 0 { String::new() } else { escape(&cut(why, letters)) })
            }
            None => {
                let circle = format!("M{} {down:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", end.saturating_sub(4));
                ("stray", circle, if letters == 0 { String::new() } else { "under way".into() })
            }
        };
        let title = stray.why.as_ref().map_or("it had not arrived, and nobody was told so", String::as_str);
        let title = escape(&format!("{}: {title}", stray.thread));
        let begin = format!("<g class=\"message {class}\" data-t=\"{thread}\"><title>{title}</title>");
        if end_of_it {
            self.put(format_args!(
                "{begin}<path class=\"sign\" d=\"{sign}\"/><text x=\"{beside}\" y=\"{:.1}\" \
                 text-anchor=\"{text}\">{words}</text></g>\n",
                down + 4.0
            ));
        } else {
            self.put(format_args!("{begin}<path class=\"way\" d=\"M{x} {y:.1}L{end} {down:.1}\"/></g>\n"));
        }
    }

    fn mark(&mut self, mark: &Mark, host: HostId, y: f64) {
        let x = self.layout.x(host);
        let (class, thread) = (mark.kind.class(), escape(&mark.thread));
        let name = self.names.get(host).map_or("", String::as_str);
        let title = escape(&cut(&format!("{name} {}", mark.title), 400));
        let label = escape(&cut(&mark.label, self.layout.letters()));
        let shape = match mark.kind {
            Kind::Fault => format!("<path d=\"M{x} {y:.1}v-11l11 4l-11 4\"/>"),
            Kind::Start => format!("<path d=\"M{} {:.1}l10 5.5l-10 5.5z\"/>", x - 4, y - 5.5),
            Kind::End => format!("<rect x=\"{}\" y=\"{:.1}\" width=\"9\" height=\"9\"/>", x - 4, y - 4.5),
            Kind::Failed => format!("<path d=\"M{} {:.1}l7 7m0 -7l-7 7\"/>", x - 3, y - 3.5),
            Kind::Roster | Kind::Stream => format!("<circle cx=\"{x}\" cy=\"{y:.1}\" r=\"2\"/>"),
            Kind::Receipt => format!("<circle cx=\"{x}\" cy=\"{y:.1}\" r=\"2.4\"/>"),
            _ => format!("<circle cx=\"{x}\" cy=\"{y:.1}\" r=\"3.6\"/>"),
        };
        self.put(format_args!(
            "<g class=\"mark {class}\" data-t=\"{thread}\"><title>{title}</title>{shape}<text x=\"{}\" y=\"{:.1}\">\
             {label}</text></g>\n",
            x + 12,
            y + 3.8
        ));
    }

    fn across(&mut self, class: &str, y: f64, words: &str) {
        let (width, words) = (self.layout.width(), escape(words));
        self.put(format_args!(
            "<g class=\"across {class}\"><path d=\"M0 {y:.1}H{width}\"/><text x=\"{}\" y=\"{:.1}\">{words}</text></g>\n",
            width / 2,
            y - 5.0
        ));
    }

    /// The violation, at its place.
    fn accusation(&mut self, y: f64) {
        let (width, lines) = (self.layout.width() - 32, &self.layout.accusation);
        let height = lines.iter().fold(16.0, |height, _| height + 18.0);
        self.put(format_args!(
            "<g class=\"accusation\" id=\"violation\"><rect x=\"16\" y=\"{y:.1}\" width=\"{width}\" height=\"{height:.1}\" \
             rx=\"6\"/>"
        ));
        let mut line_y = y + 22.0;
        for line in lines {
            self.put(format_args!("<text x=\"32\" y=\"{line_y:.1}\">{}</text>", escape(line)));
            line_y += 18.0;
        }
        self.put(format_args!("</g>\n"));
    }
}

//! A run as a page to look at.

mod draw;
mod layout;
mod picture;
mod words;

use std::fmt::Write;
use std::time::Duration;

use crate::plan::Plan;
use crate::run::Outcome;
use crate::story::Story;

use layout::Layout;
use picture::{Picture, State};
use words::{escape, span};

/// What can be hidden: its class, what it is called, and whether it is shown at first.
const LAYERS: [(&str, &str, bool); 5] = [
    ("message", "messages", true),
    ("receipt", "receipts", true),
    ("call", "calls", true),
    ("stream", "streams", true),
    ("roster", "who sees whom", false),
];
/// So many steps of a plan are listed.
const STEPS: usize = 500;
/// So many facts are told in words.
const TOLD: usize = 2_000;

/// What [`Simulation::tell`](crate::Simulation::tell) gives, as one page of HTML that needs nothing else: a line for
/// each machine, time from top to bottom, and everything that went from one to another.
///
/// The page's size is bounded: of a long run, what is nearest to the violation is drawn, or to the beginning when
/// there is none, and the page says how much is not.
///
/// ```
/// use homing_sim::{html, scenarios};
///
/// let simulation = scenarios::named("calm").unwrap();
/// let plan = simulation.plan(1);
/// let (outcome, story, names) = simulation.tell(&plan);
/// let page = html::page(&outcome, &story, &names, &plan);
/// assert!(page.starts_with("<!DOCTYPE html>"));
/// ```
pub fn page(outcome: &Outcome, story: &Story, names: &[String], plan: &Plan) -> String {
    let picture = Picture::of(outcome, story, plan);
    let layout = Layout::of(&picture, names.len(), outcome.violation.as_ref());
    let title = match &outcome.violation {
        Some(violation) => format!("seed {} violates {}", plan.seed, violation.invariant),
        None => format!("seed {}: all held", plan.seed),
    };
    let title = escape(&title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" \
         content=\"width=device-width\"/>\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body class=\"{}\">\n",
        include_str!("page.css"),
        hidden_at_first(),
    );
    let parts = [
        format!("<header>\n<h1>{title}</h1>\n"),
        banner(outcome, &picture),
        summary(outcome, names, plan, &picture),
        steps(plan, names),
        controls(),
        "</header>\n".to_string(),
        heads(&layout, names),
        draw::svg(&picture, &layout, names),
        told(story, names, &picture),
        format!("<div id=\"say\"></div>\n<script>\n{}</script>\n</body>\n</html>\n", include_str!("page.js")),
    ];
    parts.iter().for_each(|part| out.push_str(part));
    out
}

fn hidden_at_first() -> String {
    let hidden: Vec<String> =
        LAYERS.iter().filter(|(_, _, shown)| !shown).map(|(class, _, _)| format!("no-{class}")).collect();
    hidden.join(" ")
}

fn banner(outcome: &Outcome, picture: &Picture) -> String {
    let Some(violation) = &outcome.violation else {
        return "<p class=\"held\">Every invariant held, and everything drained.</p>\n".into();
    };
    let at = span(violation.at.saturating_since(picture.begin));
    format!(
        "<a class=\"violated\" href=\"#violation\"><b>{}</b> {} <span>at {at}</span></a>\n",
        escape(&violation.invariant),
        escape(&violation.why)
    )
}

fn summary(outcome: &Outcome, names: &[String], plan: &Plan, picture: &Picture) -> String {
    let conditions = &plan.conditions;
    let micros = |micros| span(Duration::from_micros(micros));
    let jitter = if plan.weather { conditions.jitter } else { 0 };
    let travel = match (conditions.latency, jitter) {
        (0, 0) => "no time".to_string(),
        (least, 0) => micros(least),
        (least, more) => format!("{} to {}", micros(least), micros(least + more)),
    };
    let mut line = format!(
        "{} machines, {} facts in {} of their time; bytes take {travel}{}; hash {:016x}.",
        names.len(),
        outcome.facts,
        span(outcome.age),
        if plan.weather { "" } else { ", without any weather" },
        outcome.hash,
    );
    if picture.left_out > 0 {
        let nearest = if outcome.violation.is_some() { "to the violation" } else { "to the beginning" };
        let _ = write!(
            line,
            " {} of {} facts are not drawn: those nearest {nearest} are.",
            picture.left_out, picture.facts
        );
    }
    format!("<p class=\"summary\">{}</p>\n", escape(&line))
}

/// The plan as a table, folded.
fn steps(plan: &Plan, names: &[String]) -> String {
    let classes: Vec<String> = plan.faults.iter().map(|class| format!("{class:?}").to_lowercase()).collect();
    let classes = if classes.is_empty() { "none".into() } else { classes.join(", ") };
    let healed = span(Duration::from_micros(plan.heal));
    let mut out = format!(
        "<details><summary>The plan: {} steps, faults allowed: {}, healed at {healed}</summary>\n<table>\n<tr><th>at</th>\
         <th>machine</th><th>what is done to it</th></tr>\n",
        plan.steps.len(),
        escape(&classes)
    );
    for step in plan.steps.iter().take(STEPS) {
        let name = names.get(step.host).map_or("nobody", String::as_str);
        let class = if matches!(step.deed, crate::Deed::Fault(_)) { " class=\"struck\"" } else { "" };
        let _ = writeln!(
            out,
            "<tr{class}><td>{}</td><td>{}</td><td>{}</td></tr>",
            span(Duration::from_micros(step.at)),
            escape(name),
            escape(&words::deed(&step.deed))
        );
    }
    if plan.steps.len() > STEPS {
        let _ = writeln!(out, "<tr><td colspan=\"3\">and {} more</td></tr>", plan.steps.len() - STEPS);
    }
    out.push_str("</table>\n</details>\n");
    out
}

/// The legend, which also hides and shows.
fn controls() -> String {
    let mut out = String::from("<div class=\"controls\">");
    for (class, name, shown) in LAYERS {
        let checked = if shown { " checked=\"checked\"" } else { "" };
        let _ = write!(
            out,
            "<label class=\"layer l-{class}\"><input type=\"checkbox\" data-layer=\"{class}\"{checked}/><i></i>{name}\
             </label>"
        );
    }
    out.push_str("<span class=\"sep\"></span>");
    for (state, name) in State::ALL {
        let _ = write!(out, "<span class=\"key\"><i class=\"k-{}\"></i>{name}</span>", state.class());
    }
    out.push_str(
        "<span class=\"key\"><i class=\"k-wall\"></i>cut off</span><span class=\"key\"><i class=\"k-fault\"></i>a \
         fault</span><span class=\"key\"><i class=\"k-lost\">×</i>lost</span><input id=\"find\" type=\"search\" \
         placeholder=\"show only what contains ..\"/></div>\n",
    );
    out
}

/// The machines' names, above their lines, and always in sight.
fn heads(layout: &Layout, names: &[String]) -> String {
    let mut out = format!("<div class=\"heads\" style=\"width:{}px\">", layout.width());
    for (host, name) in names.iter().enumerate() {
        let name = escape(name);
        let _ = write!(
            out,
            "<span style=\"left:{}px;max-width:{}px\" title=\"{name}\">{name}</span>",
            layout.x(host) - 12,
            layout.column() - 20,
        );
    }
    out.push_str("</div>\n");
    out
}

/// The last facts in words, folded.
fn told(story: &Story, names: &[String], picture: &Picture) -> String {
    let all = story.facts().len();
    let skipped = all.saturating_sub(TOLD);
    let mut out = format!("<details class=\"told\"><summary>The story in words: {all} lines");
    if skipped > 0 {
        let _ = write!(out, ", of which the last {TOLD}");
    }
    out.push_str("</summary>\n<pre>");
    for fact in story.facts().skip(skipped) {
        let at = fact.at.saturating_since(picture.begin).as_secs_f64();
        let name = names.get(fact.host).map_or("nobody", String::as_str);
        let _ = writeln!(out, "{at:>11.6} {}: {}", escape(name), escape(&fact.what.to_string()));
    }
    out.push_str("</pre>\n</details>\n");
    out
}

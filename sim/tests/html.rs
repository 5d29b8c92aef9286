//! The page of a run: whole, harmless, bounded, and it says what went wrong. HOMING_PAGES=DIR writes two of them there,
//! to be looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::cast_possible_truncation)]

use std::sync::Arc;
use std::time::Duration;

use homing_core::Event;
use homing_sim::{
    Deed, Fact, Fault, HostSpec, Invariant, Outcome, Plan, Scene, Simulation, Step, Story, What, Worker,
    html, hub, member, scenarios,
};

/// Says that something is wrong when a message arrives on a machine, for the so-manieth time.
struct NoMore {
    left: u32,
}

impl Invariant for NoMore {
    fn name(&self) -> &'static str {
        "no-more"
    }

    fn observe(&mut self, scene: &Scene<'_>, fact: &Fact) -> Result<(), String> {
        if matches!(fact.what, What::Told(Event::Message(_))) {
            self.left -= 1;
            if self.left == 0 {
                return Err(format!("<{}> got \"one\" & more", scene.identity(fact.host).name));
            }
        }
        Ok(())
    }
}

fn page_of(simulation: &Simulation, plan: &Plan) -> (String, Outcome, Story, Vec<String>) {
    let (outcome, story, names) = simulation.tell(plan);
    (html::page(&outcome, &story, &names, plan), outcome, story, names)
}

/// Every tag is closed in its order, every attribute is quoted, and no `<` or `&` stands alone. Gives back the tags.
#[track_caller]
fn well_formed(page: &str) -> Vec<String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let (mut open, mut tags): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    while let Some(at) = rest.find(['<', '&']) {
        assert!(!rest[..at].contains('>'), "{}", &rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('&') {
            let end = rest.find(';').unwrap();
            assert!(
                ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].contains(&&rest[..=end]),
                "{}",
                &rest[..=end]
            );
            rest = &rest[end..];
            continue;
        }
        let end = rest.find('>').unwrap();
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<') && tag.matches('"').count().is_multiple_of(2), "{tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap().to_string();
        if matches!(name.as_str(), "style" | "script") {
            // What is in there is no markup, up to its end.
            rest = rest.split_once(&format!("</{name}>")).unwrap().1;
        } else if !tag.ends_with('/') {
            open.push(name.clone());
        }
        tags.push(name);
    }
    assert!(open.is_empty(), "{open:?}");
    tags
}

#[test]
fn a_run_that_went_wrong_says_so_at_the_top_and_at_its_place() {
    let simulation = three().chatter(true).invariant(|| Box::new(NoMore { left: 3 }));
    let (page, outcome, _, names) = page_of(&simulation, &simulation.plan(1));
    assert_eq!(outcome.violation.as_ref().unwrap().invariant, "no-more");
    well_formed(&page);
    if let Some(folder) = std::env::var_os("HOMING_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join("bad.html"), &page).unwrap();
    }
    for name in &names {
        assert!(page.contains(&format!(">{name}</span>")), "{name}");
    }
    let said = "got &quot;one&quot; &amp; more";
    let (head, drawing) = page.split_once("<svg id=\"run\"").unwrap();
    assert!(head.contains("violates no-more") && head.contains(said));
    let place = drawing.split_once("id=\"violation\"").unwrap().1;
    assert!(place.split_once("</g>").unwrap().0.contains(said));
    assert_eq!(page.matches("http").count(), 1, "the name of SVG, and nothing from the network");
}

#[test]
fn what_is_done_to_machines_is_drawn() {
    let lasts = 2_000_000;
    let faults = [
        Fault::Pause { lasts },
        Fault::Deaf { lasts },
        Fault::Drift { per_million: 5, lasts },
        Fault::DiskFull { lasts },
        Fault::Crash { keeps: true, noticed: true, lasts },
        Fault::Partition { side: 0b10, one_way: false, lasts },
    ];
    let mut steps: Vec<Step> = faults
        .into_iter()
        .zip(1..)
        .map(|(fault, at)| Step { at: at * 10_000_000, host: 1, deed: Deed::Fault(fault) })
        .collect();
    let to = |to: &str| Deed::Send {
        to: to.into(),
        size: 7,
        receipts: 3,
        priority: 1,
        patience: 5_000,
        then: 0,
        times: 1,
    };
    steps.push(Step { at: 70_000_000, host: 1, deed: to("bob@home") });
    steps.push(Step { at: 71_000_000, host: 1, deed: to("nobody@home") });
    let call = |to: &str, path: &str| Deed::Call {
        to: vec![to.into()],
        path: path.into(),
        size: 9,
        patience: 5_000,
    };
    steps.push(Step { at: 72_000_000, host: 1, deed: call("bob@home", "work") });
    steps.push(Step { at: 73_000_000, host: 1, deed: call("hub@home", "ping") });
    let simulation = three();
    let plan = Plan { steps, heal: 80_000_000, weather: false, ..simulation.plan(3) };
    let (page, outcome, ..) = page_of(&simulation, &plan);
    assert_eq!(outcome.violation, None);
    well_formed(&page);
    if let Some(folder) = std::env::var_os("HOMING_PAGES") {
        std::fs::write(std::path::Path::new(&folder).join("faults.html"), &page).unwrap();
    }
    let drawing = page.split_once("<svg id=\"run\"").unwrap().1;
    for bar in ["paused", "deaf", "clock", "disk", "down"] {
        assert_eq!(drawing.matches(&format!("class=\"bar b-{bar}\"")).count(), 1, "{bar}");
    }
    for (what, least) in [
        ("<g class=\"wall\">", 1),
        ("class=\"mark fault\"", 6),
        ("class=\"across healed\"", 1),
        ("class=\"message stray lost\"", 1),
        ("class=\"arrow message\"", 1),
        ("class=\"arrow receipt\"", 2),
        ("class=\"arrow call\"", 2),
        ("class=\"arrow call back\"", 2),
        ("class=\"arrow stream\"", 3),
        ("of quiet</text>", 8),
    ] {
        assert!(drawing.matches(what).count() >= least, "{what}: {}", drawing.matches(what).count());
    }
    assert!(drawing.contains("no such peer"), "why it was lost");
    assert!(page.contains("sends nobody@home 7 bytes"), "the plan is told");
    assert!(page.contains("Every invariant held"));
}

fn three() -> Simulation {
    Simulation::new("three", |_| -> Vec<HostSpec> {
        let worker = || -> homing_sim::Maker { Arc::new(|_| Box::<Worker>::default()) };
        vec![hub("hub@home", worker()), member("ada@home", 1, worker()), member("bob@home", 2, worker())]
    })
    .pokes(false)
}

#[test]
fn a_long_run_makes_no_endless_page() {
    let simulation = scenarios::named("crowd").unwrap().lasting(Duration::from_secs(5)).steps(1, 5);
    let (page, _, story, names) = page_of(&simulation, &simulation.plan(1));
    assert!(names.len() > 20 && story.facts().len() > 5_000, "{}", story.facts().len());
    let tags = well_formed(&page);
    assert!(tags.len() < 10_000 && page.len() < 2_000_000, "{} {}", tags.len(), page.len());
    assert!(page.contains("facts are not drawn here") && page.contains("nearest to the beginning are"));
}

#[test]
fn names_are_text() {
    let simulation = Simulation::new("names", |_| {
        let worker: homing_sim::Maker = Arc::new(|_| Box::<Worker>::default());
        vec![HostSpec { name: "<script>\"'&".into(), ..hub("hub@home", worker) }]
    });
    let plan = Plan { steps: Vec::new(), ..simulation.plan(1) };
    let (page, ..) = page_of(&simulation, &plan);
    assert_eq!(well_formed(&page).iter().filter(|tag| *tag == "script").count(), 1);
    assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;"));
}

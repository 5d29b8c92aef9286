//! The page of rows that are made up.

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Value, json};

use super::page::page;
use super::row::Row;
use super::{Run, read};

fn line(work: &str, size: u64, metric: &str, peer: &str, value: Value) -> Value {
    json!({
        "work": work, "size": size, "metric": metric, "peer": peer, "value": value,
        "name": format!("The {peer}"), "gain": metric == "per second",
    })
}

fn with(mut line: Value, more: &[(&str, Value)]) -> Value {
    more.iter().for_each(|(key, value)| line[key] = value.clone());
    line
}

/// As if it had been read from a file.
fn rows(lines: &[Value]) -> Vec<Row> {
    read(&lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap()
}

/// Fails when it is not well-formed.
fn check<T>(rows: &[Row], look: impl FnOnce(&Document<'_>) -> T) -> T {
    let page = page(rows);
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    look(&Document::parse_with_options(&page, options).unwrap())
}

fn of_class<'a>(document: &'a Document<'_>, class: &str) -> Vec<Node<'a, 'a>> {
    document.descendants().filter(|node| node.attribute("class") == Some(class)).collect()
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect::<Vec<_>>().join(" ")
}

/// Whether every attribute that places something is a number, with or without `%`, and nothing is wider than all.
fn assert_coordinates(document: &Document<'_>) {
    const PLACES: [&str; 11] = ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height"];
    let drawn = document.descendants().filter(|node| node.ancestors().any(|node| node.has_tag_name("svg")));
    for attribute in drawn.flat_map(|node| node.attributes()).filter(|of| PLACES.contains(&of.name())) {
        let number = attribute.value().trim_end_matches('%');
        let number: f64 = number.parse().unwrap_or_else(|_| panic!("{attribute:?}"));
        assert!(number.is_finite(), "{attribute:?}");
        assert!(!attribute.value().ends_with('%') || (0.0..=100.0).contains(&number), "{attribute:?}");
    }
}

fn usual() -> Vec<Row> {
    let run = serde_json::to_value(Run::begin(7, 2.0)).unwrap();
    let mut lines = Vec::new();
    for (peer, factor) in [("homing", 1.0), ("nats-tls", 0.5)] {
        for (size, rate) in [(64, 1_234_567.0), (1024, 345_678.0)] {
            lines.push(with(
                line("one way", size, "per second", peer, json!(rate * factor)),
                &[
                    ("lowest", json!(rate * factor * 0.9)),
                    ("highest", json!(rate * factor * 1.1)),
                    ("ratio", json!(1.0 / factor)),
                    ("run", run.clone()),
                ],
            ));
        }
        for (metric, value) in [
            ("CPU of A, µs", 1.25),
            ("CPU of the hub, µs", 2.5),
            ("CPU of B, µs", 0.75),
            ("CPU of all, µs", 4.5),
        ] {
            lines.push(line("one way", 64, metric, peer, json!(value * factor)));
        }
        lines.push(line("request", 256, "p50, µs", peer, json!(31.4 * factor)));
        lines.push(line("request", 256, "p99, µs", peer, json!(271.0 * factor)));
        lines.push(line("idle", 0, "blue moons, KiB", peer, json!(17.3 * factor)));
    }
    rows(&lines)
}

#[test]
fn the_numbers_of_the_rows_are_on_the_page() {
    check(&usual(), |document| {
        assert_coordinates(document);
        let page = text(document.root_element());
        let numbers = [
            "1.23 M",
            "617 k",
            "346 k",
            "173 k",
            "1.11 M–1.36 M",
            "A 1.25 · hub 2.50 · B 0.75",
            "4.50",
            "p50, µs",
            "31.4",
            "15.7",
            "p99, µs",
            "271",
            "136",
            "blue moons, KiB",
            "17.3",
            "8.65",
            "Homing 2.00 ×",
            "7 rounds",
        ];
        numbers.into_iter().for_each(|number| assert!(page.contains(number), "{number:?} is not in {page}"));
        // One over sizes; bars for two sizes, CPU, p50, p99, and what nobody has heard of, each of two.
        assert_eq!(of_class(document, "chart").len(), 1);
        assert_eq!(of_class(document, "bar").len(), 12);
    });
}

#[test]
fn a_bar_is_as_long_as_its_number() {
    check(&usual(), |document| {
        let width = |class, nth: usize| {
            let line = of_class(document, class)[nth];
            let rects = line.descendants().filter(|node| node.has_tag_name("rect"));
            rects.map(|rect| rect.attribute("width").unwrap().to_string()).collect::<Vec<_>>()
        };
        // The whisker of the longest ends where the drawing does: at 1.1 of it.
        assert_eq!(width("own", 0), ["90.91%"]);
    });
}

#[test]
fn what_a_stack_is_made_of_lies_end_to_end() {
    check(&usual(), |document| {
        let stack = document.descendants().find(|node| {
            node.has_tag_name("svg")
                && node.children().filter(|child| child.has_tag_name("rect")).count() == 3
        });
        let places: Vec<_> = stack.unwrap().children().map(|rect| rect.attribute("x").unwrap()).collect();
        // The better comes first: half of the full scale.
        assert_eq!(places, ["0.00%", "13.89%", "41.67%"]);
    });
}

#[test]
fn goals_are_judged_in_words() {
    let judged = |ratio: f64, gain: bool, goal: f64, aim: f64| {
        let metric = if gain { "per second" } else { "p50, µs" };
        let goal = [("ratio", json!(ratio)), ("goal", json!(goal)), ("aim", json!(aim))];
        let rows = rows(&[with(line("request", 256, metric, "tonic", json!(3.0)), &goal)]);
        check(&rows, |document| {
            assert_coordinates(document);
            text(of_class(document, "result")[0])
        })
    };
    assert_eq!(judged(2.0, true, 1.5, 2.5), "met");
    assert_eq!(judged(2.5, true, 1.5, 2.5), "met, aim too");
    assert_eq!(judged(1.49, true, 1.5, 2.5), "not met");
    assert_eq!(judged(0.9, false, 1.0, 0.8), "met");
    assert_eq!(judged(0.8, false, 1.0, 0.8), "met, aim too");
    assert_eq!(judged(1.1, false, 1.0, 0.8), "not met");
}

#[test]
fn hostile_names_are_text() {
    let evil = "<script>alert(1)</script>\" onload='x' & \u{0}\u{1b}]]>-->";
    let other = "</style></title><img src=x>";
    let goal = [("name", json!(evil)), ("goal", json!(1.0)), ("ratio", json!(2.0))];
    let mut lines = Vec::new();
    for size in [64, 256] {
        lines.push(with(line(evil, size, evil, evil, json!(1.0)), &goal));
        lines.push(line(evil, size, "per second", other, json!(1.0)));
        lines.push(line(evil, size, "CPU of <b>, <i>", other, json!(1.0)));
        lines.push(line(evil, size, "CPU of <u>, <i>", other, json!(1.0)));
    }
    let mut run = Run::begin(1, 0.6);
    (run.cpu, run.date, run.system) = (Some(evil.into()), evil.into(), other.into());
    lines.push(with(line("idle", 0, "p50<, µs", "a", json!(1.0)), &[("run", json!(run))]));
    check(&rows(&lines), |document| {
        assert_coordinates(document);
        let known = [
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "header",
            "h1",
            "h2",
            "h3",
            "p",
            "section",
            "div",
            "figure",
            "figcaption",
            "span",
            "ol",
            "li",
            "svg",
            "g",
            "line",
            "rect",
            "circle",
            "text",
            "details",
            "summary",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        ];
        let elements = document.descendants().filter(Node::is_element);
        for element in elements {
            assert!(known.contains(&element.tag_name().name()), "{element:?}");
            assert!(element.attributes().all(|of| !of.name().starts_with("on")), "{element:?}");
        }
        assert!(text(document.root_element()).contains("<script>alert(1)</script>\" onload='x' & "));
    });
}

#[test]
fn zeros_and_gaps_have_a_place() {
    let mut lines = Vec::new();
    for value in [json!(0.0), json!(null), json!(-1.0), json!(f64::MAX), json!(f64::MIN_POSITIVE)] {
        for (n, metric) in
            ["per second", "CPU of A, µs", "CPU of B, µs", "p50, µs", "p99, µs", "else"].iter().enumerate()
        {
            for size in [0, 64, u64::MAX] {
                let goal = [
                    ("ratio", value.clone()),
                    ("goal", value.clone()),
                    ("aim", value.clone()),
                    ("lowest", json!(-1.0)),
                    ("highest", value.clone()),
                ];
                lines.push(with(line("one way", size, metric, &format!("peer{n}"), value.clone()), &goal));
            }
        }
    }
    check(&rows(&lines), assert_coordinates);
    for line in &lines {
        check(&rows(std::slice::from_ref(line)), assert_coordinates);
    }
}

#[test]
fn an_empty_run_is_a_page_too() {
    check(&[], |document| {
        let page = text(document.root_element());
        assert!(page.contains("Nothing was measured."), "{page}");
        assert!(!document.descendants().any(|node| node.has_tag_name("svg")));
    });
}

#[test]
fn nothing_comes_from_elsewhere() {
    let page = page(&usual());
    for word in ["http:", "https:", "url(", "@import", "<script", "<link", "src="] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn a_line_that_is_not_one_is_named() {
    assert!(read("{\"work\": 1}\n").unwrap_err().to_string().contains("line 1"));
    let short =
        r#"{"work":"login","size":0,"metric":"per second","homing":2.0,"peer":"a","value":1.0,"ratio":2.0}"#;
    assert_eq!(read(&format!("\n{short}\n")).unwrap().len(), 1);
}

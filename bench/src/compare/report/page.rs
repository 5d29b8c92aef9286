//! The whole page.

use super::Run;
use super::chart::{Series, over_sizes};
use super::figure::figures;
use super::goals::{summary, table};
use super::numbers::numbers;
use super::row::{Row, groups, size};
use super::svg::Escaped;

const STYLE: &str = include_str!("style.css");

/// What is drawn of these rows.
pub(super) fn page(rows: &[Row]) -> String {
    let works = groups(rows, |row| row.work.as_str());
    let runs = runs(rows);
    let when = runs.iter().map(|run| run.date.as_str()).collect::<Vec<_>>().join(", ");
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
        <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
        <meta name=\"color-scheme\" content=\"light dark\"/>\n\
        <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
        <title>Homing beside others</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
        <header>\n<p class=\"when\">{}</p>\n<h1>Homing beside others</h1>\n<p class=\"summary\">{}</p>\n</header>\n\
        {}{}{}</main>\n</body>\n</html>\n",
        Escaped(&when),
        summary(rows),
        table(rows),
        works.iter().map(|(name, rows)| work(name, rows)).collect::<String>(),
        method(&runs),
    )
}

/// The runs that the rows are of: one, but for those who have put files together.
fn runs(rows: &[Row]) -> Vec<&Run> {
    let mut runs: Vec<&Run> = Vec::new();
    for run in rows.iter().filter_map(|row| row.run.as_ref()) {
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    runs
}

/// What is done in a piece of work.
fn about(name: &str) -> Option<&'static str> {
    match name {
        "one way" => Some("A sends to B through the hub, as fast as it can."),
        "request" => Some("A asks B through the hub, one request after the other."),
        "login" => Some("A comes in and goes again, one time after the other."),
        _ if name.starts_with("fan-out") => Some("A sends to many through the hub, the same to each."),
        _ if name.ends_with(" idle links") => Some("So many are in, and do nothing."),
        _ if name.ends_with(" requests") => {
            Some("A asks B through the hub, with so many requests open at once.")
        }
        _ => None,
    }
}

/// A section: the work over its sizes, and each of them.
fn work(name: &str, rows: &[&Row]) -> String {
    let sizes = groups(rows.iter().copied(), |row| row.size);
    let about = about(name).map(|about| format!("<p class=\"note\">{about}</p>\n")).unwrap_or_default();
    let over = if sizes.len() > 1 { over(rows) } else { String::new() };
    let pieces = sizes.iter().map(|(bytes, rows)| {
        let heading = if *bytes == 0 { String::new() } else { format!("<h3>{}</h3>\n", size(*bytes)) };
        format!(
            "<div class=\"piece\">\n{heading}<div class=\"figures\">\n{}</div>\n{}</div>\n",
            figures(rows),
            numbers(rows)
        )
    });
    format!("<section>\n<h2>{}</h2>\n{about}{over}{}</section>\n", Escaped(name), pieces.collect::<String>())
}

/// What is gained, over sizes. A chart for each metric of that kind.
fn over(rows: &[&Row]) -> String {
    let gains = groups(rows.iter().copied().filter(|row| row.is_gain()), |row| row.metric.as_str());
    let chart = |(metric, rows): &(&str, Vec<&Row>)| {
        let contenders = groups(rows.iter().copied(), |row| row.peer.as_str());
        let series: Vec<_> = contenders
            .iter()
            .filter_map(|(peer, rows)| {
                let first = rows.first()?;
                let points = rows.iter().filter_map(|row| Some((row.size, row.value?))).collect();
                // Keys are short; what they stand for is in the bars.
                let label = if first.is_own() { first.name() } else { peer };
                Some(Series { own: first.is_own(), label, name: first.name(), points })
            })
            .collect();
        let chart = over_sizes(&series)?;
        Some(format!(
            "<figure class=\"over\">\n<figcaption>{} over size<span class=\"better\">both by their logarithms</span>\
            </figcaption>\n{chart}\n</figure>\n",
            Escaped(metric)
        ))
    };
    gains.iter().filter_map(chart).collect()
}

/// How it was measured.
fn method(runs: &[&Run]) -> String {
    let machines = runs.iter().map(|run| {
        let rounds = match run.rounds {
            1 => "1 round".into(),
            n => format!("{n} rounds"),
        };
        let cores = if run.cores == 1 { "1 core".into() } else { format!("{} cores", run.cores) };
        let cpu = run.cpu.as_deref().unwrap_or("a processor without a name");
        let text = format!(
            "{}: {cpu}, {cores}, {}; Homing {}; {rounds} of about {:.1} s each.",
            run.date, run.system, run.version, run.seconds
        );
        format!("<p class=\"machine\">{}</p>\n", Escaped(&text))
    });
    format!(
        "<section id=\"method\">\n<h2>How it was measured</h2>\n{}\
        <p>Each contender does the same work, in turns, with a broker of its own in each round and clients that are \
        processes of their own, all on one machine. A bar is the median of the rounds, the best on top; the whisker on it reaches from \
        the lowest round to the highest. The machine’s mood changes and all share it, so what counts is the ratio. A CPU bar is made of \
        the parts written below it, in that order.</p>\n\
        <p>Rates: from the word to begin until the last has arrived. CPU: of each process, for each message, request or \
        login; A and B are the clients, the hub is the broker between them. Latency: from asking until the answer is in \
        the program’s hands; half of the requests took at most p50, 99 of 100 at most p99.</p>\n\
        <p>A contender that could not be started, or that cannot do a piece of work, is not drawn there.</p>\n\
        </section>\n",
        machines.collect::<String>()
    )
}

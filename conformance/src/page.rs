//! Several reports as one page of Markdown.

use std::fmt::Write;

use crate::{Report, cases};

/// What the page begins with.
pub const INTRODUCTION: &str = "\
# Conformance

Whatever an adapter waits with, whoever uses it may rely on the same things. Here is each of them, and
whether it was so when all adapters were put through the same suite, over real sockets of one machine:
✓ the promise was kept, ✗ it was not, — it does not apply to this adapter.

This page is made by a program, of what the tests have found:

```sh
cargo test -p homing-std -p homing-smol -p homing-tokio -p homing-async-std --test conformance
cargo test -p homing-conformance --test own_executor
cargo run -p homing-conformance -- side-by-side target/tmp/conformance --bless docs/CONFORMANCE.md
```

With `--check` in place of `--bless` it says where the page is not true any more; what was measured, and how long
it took, may be otherwise on another day.
";

/// How somebody puts an adapter of their own through the suite. The code in it is that of a test.
pub fn own_executor() -> String {
    include_str!("own_executor.md")
        .replace("{main.rs}", include_str!("../tests/own_executor/main.rs").trim_end())
        .replace("{executor.rs}", include_str!("../tests/own_executor/executor.rs").trim_end())
        .replace("{timer.rs}", include_str!("../tests/own_executor/timer.rs").trim_end())
}

/// A table, with a row for each case and a column for each report.
pub fn to_markdown(reports: &[Report]) -> String {
    let mut table = String::from("| |");
    for report in reports {
        let _ = write!(table, " {} |", report.adapter);
    }
    let _ = write!(table, "\n|---|{}", ":-:|".repeat(reports.len()));
    for case in cases() {
        let _ = write!(table, "\n| {} |", case.name);
        for report in reports {
            let _ = write!(table, " {} |", report.row(case.name).map_or("?", |row| row.outcome.mark()));
        }
    }
    table + "\n"
}

/// The whole page: introduction, table, what each case promises and what was measured, and how to put
/// an adapter of one's own through it.
pub fn whole(reports: &[Report]) -> String {
    let mut page = format!("{INTRODUCTION}\n{}\n## The promises\n", to_markdown(reports));
    for case in cases() {
        let _ = write!(page, "\n### {}\n\n{}\n\n", case.name, case.promise);
        for report in reports {
            if let Some(row) = report.row(case.name) {
                let (mark, detail) = (row.outcome.mark(), row.outcome.detail().replace('\n', " "));
                let _ = writeln!(page, "- {}: {mark} {detail} ({:.1} s)", report.adapter, row.seconds);
            }
        }
    }
    let _ = write!(page, "\n## Your own executor\n\n{}", own_executor());
    page
}

/// Where `page`, which stands somewhere, says other than the whole page of `reports`: the first such line. What
/// was measured and how long it took is not looked at.
pub fn departs(page: &str, reports: &[Report]) -> Option<String> {
    let is = whole(reports);
    let said: Vec<_> = page.lines().map(without_measure).collect();
    let is: Vec<_> = is.lines().map(without_measure).collect();
    let at = (0..said.len().max(is.len())).find(|at| said.get(*at) != is.get(*at))?;
    let line = |lines: &[&str]| lines.get(at).map_or("the end".into(), |line| format!("{line:?}"));
    Some(format!("line {}: {} stands there, but it is {}", at + 1, line(&said), line(&is)))
}

/// The line of one adapter's case as far as its verdict; any other as it is.
fn without_measure(line: &str) -> &str {
    let verdict = line.starts_with("- ").then(|| line.find(['✓', '✗', '—'])).flatten();
    verdict.and_then(|at| line.get(..at + line[at..].chars().next()?.len_utf8())).unwrap_or(line)
}

/// What is wrong with `reports`: promises that were broken, cases that were not tried, and those of
/// `adapters` of which there is no report.
pub fn faults(reports: &[Report], adapters: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for report in reports {
        for row in report.failures() {
            faults.push(format!("{}: {}: {}", report.adapter, row.case, row.outcome.detail()));
        }
        for case in cases().iter().filter(|case| report.row(case.name).is_none()) {
            faults.push(format!("{}: {}: not tried", report.adapter, case.name));
        }
    }
    for adapter in adapters.iter().filter(|name| !reports.iter().any(|report| report.adapter == **name)) {
        faults.push(format!("{adapter}: there is no report of it"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, Row};

    fn report(adapter: &str, outcome: Outcome) -> Report {
        let rows =
            cases().iter().map(|case| Row { case: case.name.into(), outcome: outcome.clone(), seconds: 1.0 });
        Report { adapter: adapter.into(), rows: rows.collect() }
    }

    #[test]
    fn reports_stand_side_by_side() {
        let mut partly = report("tokio", Outcome::Failed("it\nfell".into()));
        partly.rows.retain(|row| row.case != "echo");
        let reports = [report("std", Outcome::Passed("well".into())), partly];
        let table = to_markdown(&reports);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), cases().len() + 2);
        assert_eq!(
            lines[..4],
            ["| | std | tokio |", "|---|:-:|:-:|", "| echo | ✓ | ? |", "| every chunking | ✓ | ✗ |"]
        );
        let page = whole(&reports);
        assert!(page.contains(&table) && page.contains("- tokio: ✗ it fell (1.0 s)\n"));
        for case in cases() {
            assert!(page.contains(case.promise), "{}", case.name);
        }
    }

    #[test]
    fn a_page_departs_in_its_verdicts_and_not_in_its_measures() {
        let report = |outcome| [report("std", outcome)];
        let page = whole(&report(Outcome::Passed("in 3 ms".into())));
        assert_eq!(departs(&page, &report(Outcome::Passed("in 4 ms".into()))), None);
        let other = departs(&page, &report(Outcome::Failed("in 3 ms".into())));
        assert!(other.is_some_and(|line| line.contains("| echo | ✗ |")));
        assert!(departs(&page, &[]).is_some());
        let cut_off = page.trim_end().trim_end_matches("commas.");
        assert!(departs(cut_off, &report(Outcome::Passed(String::new()))).is_some());
    }

    #[test]
    fn the_page_in_docs_says_what_is_promised_and_shows_what_is_run() {
        let page = include_str!("../../docs/CONFORMANCE.md");
        for part in [INTRODUCTION, &own_executor()] {
            assert!(page.contains(part), "bless the page again: it does not contain\n{part}");
        }
        for case in cases() {
            let section = format!("\n### {}\n\n{}\n\n", case.name, case.promise);
            assert!(page.contains(&section), "bless the page again: it does not contain\n{section}");
            let row = page.lines().find(|line| line.starts_with(&format!("| {} |", case.name)));
            assert!(row.is_some_and(|row| !row.contains(['✗', '?'])), "{}: {row:?}", case.name);
        }
    }

    #[test]
    fn what_failed_and_what_is_missing_is_a_fault() {
        let good = report("std", Outcome::Passed(String::new()));
        assert_eq!(faults(std::slice::from_ref(&good), &["std".into()]), Vec::<String>::new());
        assert_eq!(faults(std::slice::from_ref(&good), &["smol".into()]).len(), 1);
        assert_eq!(faults(&[report("smol", Outcome::Failed(String::new()))], &[]).len(), cases().len());
        assert_eq!(faults(&[Report { adapter: "none".into(), rows: Vec::new() }], &[]).len(), cases().len());
        assert!(faults(&[report("smol", Outcome::DoesNotApply(String::new()))], &[]).is_empty());
    }

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<_> = cases().iter().map(|case| case.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), cases().len());
    }
}

//! Puts the reports of several adapters side by side.

use std::path::PathBuf;
use std::process::ExitCode;

use homing_conformance::{Report, cases, page};

const USAGE: &str = "\
usage: homing-conformance side-by-side DIR [--adapter NAME].. [--bless FILE] [--check FILE]
           prints the reports in DIR as a table, those that are named first;
           FILE becomes the whole page, unless something is wrong with them, or
           is looked at whether it still is that page.
           Exits with 1 when a promise was broken, a case was not tried, there
           is no report of an adapter that is named, or FILE says otherwise.
       homing-conformance cases
           prints what is promised";

struct SideBySide {
    folder: PathBuf,
    adapters: Vec<String>,
    bless: Option<PathBuf>,
    check: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    match (args.next().as_deref(), args.collect::<Vec<_>>()) {
        (Some("cases"), rest) if rest.is_empty() => {
            for case in cases() {
                println!("{}: {}", case.name, case.promise);
            }
            ExitCode::SUCCESS
        }
        (Some("side-by-side"), rest) => match parse(rest) {
            Some(asked) => side_by_side(&asked).unwrap_or_else(|e| {
                eprintln!("{e}");
                ExitCode::FAILURE
            }),
            None => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::from(2)
}

fn parse(args: Vec<String>) -> Option<SideBySide> {
    let mut args = args.into_iter();
    let folder = args.next()?.into();
    let mut asked = SideBySide { folder, adapters: Vec::new(), bless: None, check: None };
    while let Some(arg) = args.next() {
        match &*arg {
            "--adapter" => asked.adapters.push(args.next()?),
            "--bless" => asked.bless = Some(args.next()?.into()),
            "--check" => asked.check = Some(args.next()?.into()),
            _ => return None,
        }
    }
    Some(asked)
}

fn side_by_side(asked: &SideBySide) -> std::io::Result<ExitCode> {
    let told = |e: std::io::Error| std::io::Error::new(e.kind(), format!("{}: {e}", asked.folder.display()));
    let mut reports = Report::read_all(&asked.folder).map_err(told)?;
    let place = |report: &Report| asked.adapters.iter().position(|name| *name == report.adapter);
    reports.sort_by_key(|report| place(report).unwrap_or(usize::MAX));
    print!("{}", page::to_markdown(&reports));
    let mut faults = page::faults(&reports, &asked.adapters);
    if reports.is_empty() {
        faults.push(format!("{}: no report in it", asked.folder.display()));
    }
    if let Some(file) = &asked.check {
        let page = std::fs::read_to_string(file)
            .map_err(|e| std::io::Error::new(e.kind(), format!("{}: {e}", file.display())))?;
        faults.extend(page::departs(&page, &reports).map(|line| format!("{}: {line}", file.display())));
    }
    for fault in &faults {
        eprintln!("{fault}");
    }
    if let (Some(file), true) = (&asked.bless, faults.is_empty()) {
        std::fs::write(file, page::whole(&reports))?;
    }
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

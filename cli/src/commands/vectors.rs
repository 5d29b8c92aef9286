//! `homing vectors`: the frozen vectors, written and compared.

use std::fs;
use std::path::Path;

use homing_sim::vectors::{self, Report};

use crate::Context;
use crate::args::Vectors;
use crate::exit::{End, Exit, Fault};
use crate::json::Line;
use crate::out::Look;
use crate::text::harmless;

/// Checks files, or writes ours.
pub(crate) fn run(context: &Context, args: &Vectors) -> Result<(), End> {
    match args {
        Vectors::Check { files } => {
            let mut failed = 0;
            for file in files {
                failed += check(context, file)?;
            }
            match failed {
                0 => Ok(()),
                1 => Err(not_held("1 case does not hold").into()),
                n => Err(not_held(&format!("{n} cases do not hold")).into()),
            }
        }
        Vectors::Write { folder } => write(context, folder),
    }
}

fn not_held(what: &str) -> Fault {
    Fault::new(Exit::Protocol, what, "docs/vectors/README.md says what the fields mean")
}

/// Prints what does not hold in one file, and a summary; how many cases that are.
fn check(context: &Context, file: &Path) -> Result<usize, End> {
    context.interrupt.check()?;
    let shown = file.display().to_string();
    let contents = fs::read_to_string(file).map_err(|e| {
        Fault::machine(
            format!("cannot read {shown}: {e}"),
            "give files as in docs/vectors: homing vectors write DIR",
        )
    })?;
    let report = vectors::check(&contents);
    let out = &context.out;
    for case in report.failed() {
        let line = Line::Case { file: shown.clone(), name: case.name.clone(), why: case.why.clone() };
        let bad = out.paint(Look::Bad, "fails");
        let (name, why) = (harmless(&case.name), harmless(&case.why));
        out.data(&line, format_args!("{shown}: {bad}: {name}: {why}"))?;
    }
    let (cases, failed) = (report.cases.len(), report.failed().count());
    let line = Line::Vectors {
        file: shown.clone(),
        vectors: report.vectors.clone(),
        cases,
        failed,
        missing: report.missing.len(),
    };
    out.data(&line, format_args!("{shown}: {}", summary(&report, cases, failed)))?;
    Ok(failed)
}

fn summary(report: &Report, cases: usize, failed: usize) -> String {
    let text = format!("{} of {cases} cases hold", cases - failed);
    match report.missing.len() {
        0 => text,
        n => format!("{text}, {n} of the frozen ones are not there"),
    }
}

/// Writes the frozen files into a folder, which is made if it is not there.
fn write(context: &Context, folder: &Path) -> Result<(), End> {
    let cannot = |what: &Path, e| {
        Fault::machine(format!("cannot write {}: {e}", what.display()), "choose a folder that is yours")
    };
    let files = vectors::generate().map_err(|why| {
        Fault::new(Exit::Protocol, format!("the vectors and this program have parted: {why}"), "report it")
    })?;
    fs::create_dir_all(folder).map_err(|e| cannot(folder, e))?;
    for file in files {
        let path = folder.join(&file.name);
        fs::write(&path, &file.text).map_err(|e| cannot(&path, e))?;
        let report = vectors::check(&file.text);
        let (cases, failed) = (report.cases.len(), report.failed().count());
        let (shown, vectors) = (path.display().to_string(), report.vectors);
        let line = Line::Vectors { file: shown.clone(), vectors, cases, failed, missing: 0 };
        context.out.data(&line, format_args!("{shown}: {cases} cases"))?;
    }
    Ok(())
}

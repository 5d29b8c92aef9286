//! What came of all cases of one adapter, for people and as lines of JSON.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// What came of the cases that one adapter was put through.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// The adapter's name.
    pub adapter: String,
    /// A row for each case, in the order of [`cases`](crate::cases).
    pub rows: Vec<Row>,
}

/// What came of one case.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The case's name.
    pub case: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How long it took.
    pub seconds: f64,
}

/// A row, as a line has it.
#[derive(Serialize, Deserialize)]
struct Line {
    adapter: String,
    #[serde(flatten)]
    row: Row,
}

impl Report {
    /// The rows of promises that were broken.
    pub fn failures(&self) -> Vec<&Row> {
        self.rows.iter().filter(|row| row.outcome.is_failure()).collect()
    }

    /// The row of a case.
    pub fn row(&self, case: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.case == case)
    }

    /// A line of JSON for each row.
    pub fn to_json_lines(&self) -> String {
        let lines = self.rows.iter().map(|row| Line { adapter: self.adapter.clone(), row: row.clone() });
        lines.filter_map(|line| serde_json::to_string(&line).ok()).map(|line| line + "\n").collect()
    }

    /// The report that such lines make.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] when a line cannot be read, or belongs to another adapter than the
    /// first, or there is none.
    pub fn from_json_lines(text: &str) -> io::Result<Report> {
        let mut report: Option<Report> = None;
        for (number, line) in text.lines().enumerate() {
            let bad =
                |why: String| io::Error::new(ErrorKind::InvalidData, format!("line {}: {why}", number + 1));
            let Line { adapter, row } = serde_json::from_str(line).map_err(|e| bad(e.to_string()))?;
            let report = report.get_or_insert_with(|| Report { adapter: adapter.clone(), rows: Vec::new() });
            if report.adapter != adapter {
                return Err(bad(format!("{adapter} in the report of {}", report.adapter)));
            }
            report.rows.push(row);
        }
        report.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no line in it"))
    }

    /// Writes `NAME.json` into the folder that `HOMING_CONFORMANCE_DIR` names, or `folder` when it
    /// names none. Where it is.
    ///
    /// # Errors
    /// When the folder cannot be made or the file not written.
    pub fn write(&self, folder: impl AsRef<Path>) -> io::Result<PathBuf> {
        let named = std::env::var_os("HOMING_CONFORMANCE_DIR").filter(|name| !name.is_empty());
        self.write_into(&named.map_or_else(|| folder.as_ref().to_path_buf(), PathBuf::from))
    }

    fn write_into(&self, folder: &Path) -> io::Result<PathBuf> {
        std::fs::create_dir_all(folder)?;
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String = self.adapter.chars().map(word).collect();
        let path = folder.join(format!("{name}.json"));
        std::fs::write(&path, self.to_json_lines())?;
        Ok(path)
    }

    /// All reports in a folder, in the order of their files' names.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read.
    pub fn read_all(folder: &Path) -> io::Result<Vec<Report>> {
        let files = std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
        let mut files: Vec<PathBuf> = files.collect::<io::Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|end| end == "json"));
        files.sort();
        let read = |file: &PathBuf| {
            Report::from_json_lines(&std::fs::read_to_string(file)?)
                .map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", file.display())))
        };
        files.iter().map(read).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.adapter)?;
        for Row { case, outcome, seconds } in &self.rows {
            writeln!(f, "  {} {case:<28} {seconds:>6.2} s  {}", outcome.mark(), outcome.detail())?;
        }
        let seconds: f64 = self.rows.iter().map(|row| row.seconds).sum();
        writeln!(f, "  {} of {} failed, {seconds:.1} s", self.failures().len(), self.rows.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(adapter: &str) -> Report {
        let row = |case: &str, outcome, seconds| Row { case: case.into(), outcome, seconds };
        Report {
            adapter: adapter.into(),
            rows: vec![
                row("echo", Outcome::Passed("40 sizes".into()), 0.5),
                row("idle", Outcome::Failed("line one\nline \"two\"".into()), 1.25),
                row("dropped futures", Outcome::DoesNotApply("none".into()), 0.0),
            ],
        }
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let report = report("std");
        let lines = report.to_json_lines();
        assert_eq!(lines.lines().count(), 3);
        assert!(
            lines.starts_with(r#"{"adapter":"std","case":"echo","outcome":"passed","detail":"40 sizes""#)
        );
        assert_eq!(Report::from_json_lines(&lines).unwrap(), report);
        assert_eq!(report.failures().len(), 1);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        assert!(Report::from_json_lines("").is_err());
        assert!(Report::from_json_lines("{}").is_err());
        let two = report("std").to_json_lines() + &report("smol").to_json_lines();
        assert!(Report::from_json_lines(&two).unwrap_err().to_string().contains("line 4"));
    }

    #[test]
    fn a_folder_of_reports_is_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["tokio, one thread", "Std"] {
            std::fs::write(folder.path().join("other.txt"), "not read").unwrap();
            report(name).write_into(folder.path()).unwrap();
        }
        assert!(folder.path().join("tokio--one-thread.json").exists());
        let names: Vec<_> = Report::read_all(folder.path()).unwrap().into_iter().map(|r| r.adapter).collect();
        assert_eq!(names, ["Std", "tokio, one thread"]);
    }
}

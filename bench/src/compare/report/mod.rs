//! A page to look at: what `--json` writes, drawn.

mod chart;
mod figure;
mod goals;
mod numbers;
mod page;
mod row;
mod run;
mod svg;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use crate::Result;
use row::Row;
pub(super) use run::Run;

/// Which run is drawn, and where to.
#[derive(Clone, Debug, Args)]
pub(crate) struct Report {
    /// What `compare --json` wrote.
    #[arg(value_name = "IN.json")]
    lines: PathBuf,
    /// Where the page goes.
    #[arg(value_name = "OUT.html")]
    page: PathBuf,
}

impl Report {
    /// Draws it.
    pub(crate) fn run(&self) -> Result<()> {
        let text = fs::read_to_string(&self.lines).map_err(|e| format!("{:?}: {e}", self.lines))?;
        fs::write(&self.page, page::page(&read(&text)?)).map_err(|e| format!("{:?}: {e}", self.page).into())
    }
}

/// Draws the lines of a run that has just been.
pub(super) fn write(lines: &[Value], path: &Path) -> Result<()> {
    let rows = lines.iter().map(Row::deserialize).collect::<std::result::Result<Vec<_>, _>>()?;
    fs::write(path, page::page(&rows)).map_err(|e| format!("{path:?}: {e}").into())
}

fn read(text: &str) -> Result<Vec<Row>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(n, line)| serde_json::from_str(line).map_err(|e| format!("line {}: {e}", n + 1).into()))
        .collect()
}

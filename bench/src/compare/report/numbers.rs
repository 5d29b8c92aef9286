//! All numbers of one piece of work, for those who want to read.

use super::row::{Row, groups};
use super::svg::Escaped;
use crate::compare::table::short;

/// A table that is opened by those who want it.
pub(super) fn numbers(rows: &[&Row]) -> String {
    let metrics = groups(rows.iter().copied(), |row| row.metric.as_str());
    let bodies = metrics.iter().map(|(metric, rows)| {
        let rows = rows.iter().map(|row| line(row)).collect::<String>();
        format!(
            "<tbody>\n<tr><th colspan=\"4\" scope=\"rowgroup\">{}</th></tr>\n{rows}</tbody>\n",
            Escaped(metric)
        )
    });
    format!(
        "<details>\n<summary>Numbers</summary>\n<div class=\"wide\"><table class=\"numbers\">\n\
        <thead><tr><th scope=\"col\">contender</th><th scope=\"col\">median</th><th scope=\"col\">range</th>\
        <th scope=\"col\">Homing</th></tr></thead>\n{}</table></div>\n</details>\n",
        bodies.collect::<String>()
    )
}

fn line(row: &Row) -> String {
    let range = row.range().map(|(lowest, highest)| format!("{}–{}", short(lowest), short(highest)));
    let ratio = row.ratio.filter(|_| !row.is_own()).map(|ratio| format!("{ratio:.2} ×"));
    format!(
        "<tr{}><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        if row.is_own() { " class=\"own\"" } else { "" },
        Escaped(row.name()),
        row.value.map_or("–".into(), short),
        range.unwrap_or_default(),
        ratio.unwrap_or_default(),
    )
}

//! When and where it was measured.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::thread::available_parallelism;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// What there is to know of a run beside its numbers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(in crate::compare) struct Run {
    /// When it began, in UTC.
    pub(super) date: String,
    pub(super) cpu: Option<String>,
    pub(super) cores: usize,
    pub(super) system: String,
    /// The version of Homing.
    pub(super) version: String,
    pub(super) rounds: usize,
    /// About how long each round was.
    pub(super) seconds: f64,
}

impl Run {
    /// One that begins here and now.
    pub(in crate::compare) fn begin(rounds: usize, seconds: f64) -> Run {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Run {
            date: date(now.as_secs()),
            cpu: fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| model(&text)),
            cores: available_parallelism().map_or(1, usize::from),
            system: format!("{OS} {} {ARCH}", kernel.trim()),
            version: env!("CARGO_PKG_VERSION").into(),
            rounds,
            seconds,
        }
    }
}

/// The first processor that has a name.
fn model(cpuinfo: &str) -> Option<String> {
    let names = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let name = names.into_iter().find(|(key, _)| key.trim() == "model name");
    name.map(|(_, name)| name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// `1970-01-01 00:00 UTC` and so on.
fn date(seconds: u64) -> String {
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut days, minutes) = (seconds / 86_400, seconds % 86_400 / 60);
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    for length in [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02} {:02}:{:02} UTC", days + 1, minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::{date, model};

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_827_696), "2000-02-29 12:34 UTC");
        assert_eq!(date(1_735_689_599), "2024-12-31 23:59 UTC");
        assert_eq!(date(1_735_689_600), "2025-01-01 00:00 UTC");
    }

    #[test]
    fn the_processor_is_the_first_that_is_named() {
        let text = "processor\t: 0\nmodel name\t: Some  CPU @ 2.5GHz\n\nmodel name\t: Another\n";
        assert_eq!(model(text).as_deref(), Some("Some CPU @ 2.5GHz"));
        assert_eq!(model("processor: 0"), None);
    }
}

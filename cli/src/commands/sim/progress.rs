//! How far it is, on stderr, when somebody looks there.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::text::human;

/// How often the line is written anew.
const ANEW: Duration = Duration::from_millis(200);
/// How wide the bar is.
const WIDTH: u64 = 24;

/// Counts seeds.
pub(super) struct Progress {
    begin: Instant,
    total: u64,
    done: AtomicU64,
    seen: Mutex<Seen>,
    shown: bool,
}

struct Seen {
    /// When the line was last written.
    written: Option<Instant>,
    /// When a seed failed: what comes then is not counted as running seeds.
    failed: Option<Instant>,
}

impl Progress {
    pub(super) fn of(total: u64) -> Progress {
        let seen = Mutex::new(Seen { written: None, failed: None });
        let shown = io::stderr().is_terminal();
        Progress { begin: Instant::now(), total, done: AtomicU64::new(0), seen, shown }
    }

    /// A seed was run.
    pub(super) fn seed(&self, failed: bool) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let now = Instant::now();
        let Ok(mut seen) = self.seen.lock() else { return };
        if failed && seen.failed.is_none() {
            seen.failed = Some(now);
        }
        let due = seen.written.is_none_or(|written| now.duration_since(written) >= ANEW);
        if self.shown && (failed || seen.failed.is_none() && due) {
            seen.written = Some(now);
            let text = match seen.failed {
                Some(_) => "a seed failed: it is made smaller, for a minute at most ..".to_string(),
                None => line(done, self.total, now.duration_since(self.begin)),
            };
            // Nobody may be reading: that is no error.
            let _ = io::stderr().lock().write_all(format!("\r\x1b[K{text}").as_bytes());
        }
    }

    /// How long the seeds took, until one failed; none, if none did.
    pub(super) fn took(&self) -> Option<Duration> {
        let failed = self.seen.lock().ok()?.failed?;
        Some(failed.duration_since(self.begin))
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if self.shown {
            let _ = io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}

/// A bar, how many, how fast, how long still.
fn line(done: u64, total: u64, gone: Duration) -> String {
    let done = done.min(total);
    let full = (u128::from(done) * u128::from(WIDTH) / u128::from(total.max(1))).try_into().unwrap_or(0);
    let bar: String = (0..WIDTH).map(|at| if at < full { '#' } else { '.' }).collect();
    #[allow(clippy::cast_precision_loss)]
    let (rate, left) = (done as f64 / gone.as_secs_f64().max(1e-3), (total - done) as f64);
    let left = Duration::try_from_secs_f64(left / rate.max(1e-3)).unwrap_or(Duration::MAX);
    let left = if left < Duration::from_secs(100) {
        human(left)
    } else {
        format!("{} min", left.as_secs().div_ceil(60))
    };
    format!("[{bar}] {done} of {total} seeds, {rate:.0} a second, {left} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let said = line(250, 1000, Duration::from_secs(5));
        assert_eq!(said, "[######..................] 250 of 1000 seeds, 50 a second, 15.0 s left");
        assert!(line(1, 100_000, Duration::from_secs(1)).ends_with("1667 min left"));
        assert!(line(3, 0, Duration::ZERO).starts_with("[........................] 0 of 0"));
    }
}

//! When a client begins, and what it costs.

use std::error::Error;
use std::io::{Write, stdin, stdout};

use rustix::time::{ClockId, clock_gettime};

use crate::Report;

/// The line between a client and the stand.
#[derive(Debug)]
pub struct Stage {
    cpu: f64,
}

/// The CPU time that this process has used, in seconds.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage { cpu: cpu() }
    }

    /// Says that all is set up, and waits for the word to begin.
    ///
    /// # Errors
    /// When the stand has gone, or says something else.
    pub fn ready(&mut self) -> Result<(), Box<dyn Error>> {
        println!("ready");
        stdout().flush()?;
        self.wait_for("go")?;
        self.cpu = cpu();
        Ok(())
    }

    /// Waits until nothing is expected of this client any more.
    ///
    /// # Errors
    /// When the stand has gone, or says something else.
    pub fn stopped(&mut self) -> Result<(), Box<dyn Error>> {
        self.wait_for("stop")
    }

    /// Keeps the connections that `connect` makes until it is stopped: the work of
    /// [`Role::Idle`](crate::Role::Idle).
    ///
    /// # Errors
    /// Of `connect`, and when the stand has gone.
    pub fn keep<C>(
        &mut self,
        connect: impl FnOnce() -> Result<C, Box<dyn Error>>,
    ) -> Result<Report, Box<dyn Error>> {
        let links = connect()?;
        self.ready()?;
        self.stopped()?;
        drop(links);
        Ok(Report::default())
    }

    /// Has `connect` come in and go again, `count` times: the work of [`Role::Login`](crate::Role::Login).
    ///
    /// # Errors
    /// Of `connect`, and when the stand has gone.
    pub fn log_in(
        &mut self,
        count: u64,
        mut connect: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<Report, Box<dyn Error>> {
        self.ready()?;
        for _ in 0..count {
            connect()?;
        }
        Ok(Report::default())
    }

    fn wait_for(&mut self, word: &str) -> Result<(), Box<dyn Error>> {
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        if line.trim() == word { Ok(()) } else { Err(format!("{line:?} instead of {word:?}").into()) }
    }

    pub(crate) fn report(&self, report: Report) -> Result<(), Box<dyn Error>> {
        let report = Report { cpu: cpu() - self.cpu, ..report };
        println!("{}", serde_json::to_string(&report)?);
        Ok(stdout().flush()?)
    }
}

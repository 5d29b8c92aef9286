//! Counts the instructions of the hot path, and compares them with those that are committed.
//!
//! A count does not depend on the machine's mood. So that it depends on its processor as little as can be, ciphers do
//! nothing here: they choose their instructions by the processor, and `homing-bench floor` measures them.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::{env, fmt};

use clap::{Parser, ValueEnum};
use homing_bench::trio::{Part, Trio};
use homing_core::Config;
use homing_core::crypto::{Aead, CipherKind, Digest, Fake, Forged, HashKind, KeyPair, Provider};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// By how many percent a count may differ from the committed one, more or less: compilers place code a little differently when
/// something else is changed.
const TOLERANCE: u64 = 3;

/// Counts the instructions of the hot path by valgrind, and compares them with bench/instructions.txt.
#[derive(Parser)]
#[command(
    version,
    after_help = "Example: cargo run --release -p homing-bench --bin homing-instructions -- --bless"
)]
struct Arguments {
    /// Writes what is counted to bench/instructions.txt: less must be committed as well as more.
    #[arg(long)]
    bless: bool,
    /// Does this work, for valgrind to count it.
    #[arg(long, hide = true, requires = "size")]
    work: Option<Work>,
    /// The bytes of each message.
    #[arg(long, hide = true)]
    size: Option<usize>,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
enum Work {
    /// A's node takes a message.
    Send,
    /// The same, many at once.
    SendMany,
    /// It becomes a record's.
    Seal,
    /// The hub passes it on.
    Hub,
    /// B's node gives it to the application.
    Receive,
    /// One comes into the network and goes again: both sides, and two others who hear of it.
    Visit,
}

/// All of it, with the bytes of a message.
const ALL: [(Work, usize); 11] = [
    (Work::Send, 64),
    (Work::SendMany, 64),
    (Work::Seal, 64),
    (Work::Hub, 64),
    (Work::Receive, 64),
    (Work::Send, 256),
    (Work::SendMany, 256),
    (Work::Seal, 256),
    (Work::Hub, 256),
    (Work::Receive, 256),
    (Work::Visit, 0),
];

/// So much of it comes first, uncounted, so that buffers have their size.
const WARM: u64 = 1000;
const MESSAGES: u64 = 3000;
const VISITS: u64 = 20;

impl Work {
    fn word(self) -> &'static str {
        match self {
            Work::Send => "send",
            Work::SendMany => "send-many",
            Work::Seal => "seal",
            Work::Hub => "hub",
            Work::Receive => "receive",
            Work::Visit => "visit",
        }
    }

    /// The part of a message's way, if it is one.
    fn part(self) -> Option<Part> {
        match self {
            Work::Send | Work::SendMany => Some(Part::Send),
            Work::Seal => Some(Part::Seal),
            Work::Hub => Some(Part::Hub),
            Work::Receive => Some(Part::Receive),
            Work::Visit => None,
        }
    }

    /// How often it is done while it is counted.
    fn times(self) -> u64 {
        if self == Work::Visit { VISITS } else { MESSAGES }
    }

    /// Does it, all that counts by [`counted_here`].
    fn run(self, size: usize) -> Result<()> {
        let config = || Config::with_provider(Arc::new(Weightless));
        let mut trio = Trio::new(config)?;
        if self == Work::SendMany {
            trio = trio.with_many();
        }
        let Some(counted) = self.part() else {
            trio.visit(config())?;
            let mut done = Ok(());
            for _ in 0..VISITS {
                counted_here(&mut || done = trio.visit(config()));
                done?;
                done = Ok(());
            }
            return Ok(());
        };
        trio.run(WARM, size, |_, work| work())?;
        trio.run(MESSAGES, size, |part, work| if part == counted { counted_here(work) } else { work() })
    }
}

/// Valgrind counts from its beginning to its end, and knows it by its name.
#[inline(never)]
fn counted_here(work: &mut dyn FnMut()) {
    work();
    black_box(());
}

/// The handshake of [`Fake`], and ciphers that do nothing.
#[derive(Debug)]
struct Weightless;

impl Provider for Weightless {
    fn prefers_aes(&self) -> bool {
        true
    }

    fn is_canonical(&self, public: &[u8; 32]) -> bool {
        Fake.is_canonical(public)
    }

    fn key_pair(&self, secret: &[u8; 32]) -> Arc<dyn KeyPair> {
        Fake.key_pair(secret)
    }

    fn aead(&self, _: CipherKind, _: &[u8; 32]) -> Box<dyn Aead> {
        Box::new(Weightless)
    }

    fn digest(&self, kind: HashKind) -> Box<dyn Digest> {
        Fake.digest(kind)
    }
}

impl Aead for Weightless {
    fn seal(&self, _: &[u8; 12], _: &[u8], _: &mut [u8]) -> [u8; 16] {
        [0; 16]
    }

    fn open(&self, _: &[u8; 12], _: &[u8], _: &mut [u8], tag: &[u8; 16]) -> std::result::Result<(), Forged> {
        if *tag == [0; 16] { Ok(()) } else { Err(Forged) }
    }
}

/// Counts, and the compiler and processor that they hold for.
#[derive(PartialEq, Debug)]
struct Figures {
    holds_for: String,
    counts: BTreeMap<String, u64>,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Instructions for each message and its bytes, without encryption; written by")?;
        writeln!(f, "# cargo run --release -p homing-bench --bin homing-instructions -- --bless")?;
        writeln!(f, "for: {}", self.holds_for)?;
        self.counts.iter().try_for_each(|(name, count)| writeln!(f, "{name}: {count}"))
    }
}

impl Figures {
    fn read(text: &str) -> Result<Figures> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut lines = lines.map(|line| line.split_once(": ").ok_or(format!("{line:?} is no figure")));
        let holds_for = match lines.next().transpose()? {
            Some(("for", what)) => what.to_string(),
            _ => return Err("it does not say what it holds for".into()),
        };
        let counts = lines.map(|line| {
            let (name, count) = line?;
            Ok((name.to_string(), count.parse()?))
        });
        Ok(Figures { holds_for, counts: counts.collect::<Result<_>>()? })
    }

    fn count() -> Result<Figures> {
        let mut counts = BTreeMap::new();
        for (work, size) in ALL {
            counts.insert(format!("{} {size}", work.word()), count(work, size)?);
        }
        Ok(Figures { holds_for: here()?, counts })
    }

    /// What is not what it was, in words.
    fn differences(&self, was: &Figures) -> Vec<String> {
        let names: std::collections::BTreeSet<_> = self.counts.keys().chain(was.counts.keys()).collect();
        let difference = |name: &String| match (was.counts.get(name), self.counts.get(name)) {
            (Some(was), Some(is)) => {
                let percent = (*is as f64 / *was as f64 - 1.0) * 100.0;
                let differs = is.abs_diff(*was) * 100 > TOLERANCE * was;
                differs.then(|| format!("{name}: {is} instead of {was}, {percent:+.1} %"))
            }
            (was, is) => Some(format!("{name}: {is:?} instead of {was:?}")),
        };
        names.into_iter().filter_map(difference).collect()
    }
}

/// The compiler and the processor, as far as a count depends on them.
fn here() -> Result<String> {
    let version = Command::new("rustc").arg("--version").output()?;
    let version = String::from_utf8(version.stdout)?;
    // Ids are drawn by ChaCha20, which goes by the processor.
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    let features = if std::is_x86_feature_detected!("avx2") { " with AVX2" } else { "" };
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
    let features = "";
    Ok(format!("{}, {}{features}", version.trim(), env::consts::ARCH))
}

/// The instructions of one time of `work`.
fn count(work: Work, size: usize) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("counts");
    let mut command = Command::new("valgrind");
    // What a process finds in its environment is nothing by chance, and the C library copies bytes the same way on
    // all processors of a kind: each version has its own names for that.
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env(
        "GLIBC_TUNABLES",
        "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM,-AVX512F,-AVX512VL",
    );
    command.args(["--tool=callgrind", "--collect-atstart=no", "--toggle-collect=*counted_here*"]);
    command.arg(format!("--callgrind-out-file={}", out.display())).arg(env::current_exe()?);
    command.args(["--work", work.word(), "--size", &size.to_string()]);
    let done = command.output().map_err(|e| format!("valgrind, a package of Debian's: {e}"))?;
    if !done.status.success() {
        return Err(format!("valgrind: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    let text = fs::read_to_string(out)?;
    let total =
        text.lines().find_map(|line| line.strip_prefix("totals: ")).ok_or("valgrind counted nothing")?;
    match total.trim().parse::<u64>()? / work.times() {
        0 => Err("valgrind counted nothing: it did not find the function that is counted".into()),
        count => Ok(count),
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(work) = arguments.work {
        return work.run(arguments.size.unwrap_or_default());
    }
    let figures = Figures::count()?;
    print!("{figures}");
    if arguments.bless {
        return Ok(fs::write(path(), figures.to_string())?);
    }
    let committed = Figures::read(&fs::read_to_string(path())?)?;
    if figures.holds_for != committed.holds_for {
        println!("what is committed holds for {}: it is not compared", committed.holds_for);
        return Ok(());
    }
    match &figures.differences(&committed)[..] {
        [] => Ok(()),
        differences => Err(format!(
            "{}\nless or more, what it costs now is committed:\n\
             cargo run --release -p homing-bench --bin homing-instructions -- --bless",
            differences.join("\n")
        )
        .into()),
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn figures(counts: &[(&str, u64)]) -> Figures {
        let counts = counts.iter().map(|(name, count)| (name.to_string(), *count)).collect();
        Figures { holds_for: "rustc 1, x".into(), counts }
    }

    #[test]
    fn what_is_written_is_read() {
        let figures = figures(&[("hub 64", 1000), ("send 64", 200)]);
        assert_eq!(Figures::read(&figures.to_string()).unwrap(), figures);
        assert!(Figures::read("hub 64: 1").is_err());
        assert!(Figures::read("for: x\nhub 64: many").is_err());
    }

    #[test]
    fn more_and_less_and_none_are_differences() {
        let was = figures(&[("hub 64", 1000), ("send 64", 1000)]);
        let differences = |hub, send| figures(&[("hub 64", hub), ("send 64", send)]).differences(&was);
        assert_eq!(differences(1030, 970), Vec::<String>::new());
        assert_eq!(differences(1031, 969).len(), 2);
        assert_eq!(figures(&[("hub 64", 1000)]).differences(&was).len(), 1);
        assert_eq!(was.differences(&figures(&[])).len(), 2);
    }

    #[test]
    fn each_work_is_done() {
        for (work, size) in ALL {
            work.run(size).unwrap();
        }
    }
}

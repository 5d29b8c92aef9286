//! The command line. Each command's help begins with an example.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{Resettable, StyledStr};
use clap::{Parser, Subcommand, ValueEnum};
use homing_core::{Instance, Invite, Name, Network, PeerId, Receipts};
use homing_std::Endpoint;

use crate::text::{parse_duration, parse_size};

/// Where the help lists what every command takes.
const EVERYWHERE: &str = "Everywhere";

/// The whole command line.
#[derive(Parser, Debug)]
#[command(
    name = "homing",
    version,
    about = "Secure messaging between named peers: messages with receipts, commands to one or to all.",
    before_help = "Example:\n  homing demo                 see it all in 15 seconds, on this machine\n\n  \
                   homing hub --open           on one machine; prints an invite\n  \
                   homing join INVITE --name ada && homing listen\n  \
                   homing send ada 'hello'     on another, after joining as somebody else",
    after_help = "Data goes to stdout, everything else to stderr. With --json, stdout is one JSON object a line.\n\
                  NO_COLOR is respected.\n\n\
                  Exit codes: 0 done, 1 this machine failed, 2 usage, 3 refused, 4 banned, 5 unreachable,\n\
                  6 timeout, 7 not delivered, 8 protocol, 130 interrupted.",
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that may stand before or after the command.
#[derive(clap::Args, Debug)]
pub(crate) struct Global {
    /// Where keys and state live [default: homing in the XDG data directory]
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    pub(crate) home: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub(crate) json: bool,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Show everything on this machine: a hub, three peers, receipts, commands, a crash
    #[command(before_help = "Example:\n  homing demo")]
    Demo(Demo),
    /// Make this machine's key and print its public half
    #[command(before_help = "Example:\n  homing keygen")]
    Keygen,
    /// Be the hub of a network: admit peers and pass their messages on
    #[command(before_help = "Example:\n  homing hub --name hub --network home --open\n  \
                       homing hub --allow KEY --allow KEY --listen 0.0.0.0:4702\n  \
                       homing hub --open --record hub.trace    (for homing replay)\n  \
                       homing hub --allow KEY --quiet          (as a service)")]
    Hub(Hub),
    /// Join a network and remember it
    #[command(before_help = "Example:\n  homing join homing://KEY@192.168.1.7:4702/home --name ada")]
    Join(Join),
    /// Stay in the network and print what arrives
    #[command(before_help = "Example:\n  homing listen\n  homing listen --json | jq .text")]
    Listen(Listen),
    /// Send a message and say what became of it
    #[command(before_help = "Example:\n  homing send bob 'hello' --wait consumed\n  \
                       date | homing send bob -")]
    Send(Send),
    /// Call a command of one peer, several or all, and print the answers
    #[command(before_help = "Example:\n  homing call bob echo '{\"n\":1}'\n  \
                       homing call '*' ping\n  \
                       homing call bob,cy commands")]
    Call(Call),
    /// Print who is in the network now
    #[command(before_help = "Example:\n  homing peers")]
    Peers(Peers),
    /// Measure the way to a peer and back
    #[command(before_help = "Example:\n  homing ping bob")]
    Ping(Ping),
    /// Say by which way a message would go, and which rule chose it
    #[command(before_help = "Example:\n  homing why bob")]
    Why(Why),
    /// Talk: lines typed go to everyone, or to one with @name
    #[command(before_help = "Example:\n  homing chat\n  @bob only you can read this    (typed in the chat)")]
    Chat(Chat),
    /// Compare another implementation with this one, by the frozen vectors
    #[command(subcommand, before_help = "Example:\n  homing vectors check docs/vectors/*.json")]
    Vectors(Vectors),
    /// Run again what hub or listen --record kept, to the same bytes, or say where it departs
    #[command(
        before_help = "Example:\n  homing replay hub.trace\n  homing replay hub.trace --step | less\n  \
                       homing replay hub.trace --redact to-give-away.trace"
    )]
    Replay(Replay),
    /// Run Homing in a simulated world under many seeds, with every fault, and see that all holds
    #[command(
        before_help = "Example:\n  homing sim\n  homing sim --scenario links --from 1000 --seeds 10000 --save bad.json\n  \
                       homing sim --scenario links --plan bad.json --html bad.html\n  homing sim --scenario list"
    )]
    Sim(Sim),
}

/// `homing demo`
#[derive(clap::Args, Debug)]
pub(crate) struct Demo {
    /// Without the pauses for reading
    #[arg(long)]
    pub(crate) fast: bool,
}

/// `homing hub`
#[derive(clap::Args, Debug)]
pub(crate) struct Hub {
    /// The hub's own name
    #[arg(long, default_value = "hub")]
    pub(crate) name: Name,
    /// The network's name
    #[arg(long, default_value = "home")]
    pub(crate) network: Network,
    /// Where to listen; port 0 picks a free one. All interfaces by default: only admitted keys get in
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:4702")]
    pub(crate) listen: Endpoint,
    /// What the invite says others should dial [default: this machine's likely address]
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(crate) advertise: Option<String>,
    /// Admit anybody who has the invite; the first key that takes a name keeps it
    #[arg(long)]
    pub(crate) open: bool,
    /// Admit this public key (see homing keygen); may be given again
    #[arg(long, value_name = "KEY")]
    pub(crate) allow: Vec<PeerId>,
    /// How soon a silent peer is given up: after 45 s, or 3 s on a lan
    #[arg(long, value_enum, default_value_t)]
    pub(crate) heartbeat: Pace,
    /// Print no messages. Those for the hub itself, and those for everybody, are confirmed all the same: for a service,
    /// whose output is kept
    #[arg(long)]
    pub(crate) quiet: bool,
    /// End when stdin ends, for programs that start this one
    #[arg(long)]
    pub(crate) until_eof: bool,
    /// What to keep of it.
    #[command(flatten)]
    pub(crate) record: Record,
}

/// `homing join`
#[derive(clap::Args, Debug)]
pub(crate) struct Join {
    /// What homing hub printed
    pub(crate) invite: Invite,
    /// The name to be known by
    #[arg(long)]
    pub(crate) name: Name,
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing listen`
#[derive(clap::Args, Debug)]
pub(crate) struct Listen {
    /// Which of several nodes of one name this is [default: made up]
    #[arg(long)]
    pub(crate) instance: Option<Instance>,
    /// How soon a silent hub is given up: after 45 s, or 3 s on a lan
    #[arg(long, value_enum, default_value_t)]
    pub(crate) heartbeat: Pace,
    /// End when stdin ends, for programs that start this one
    #[arg(long)]
    pub(crate) until_eof: bool,
    /// What to keep of it.
    #[command(flatten)]
    pub(crate) record: Record,
}

/// What is kept of a node that stays.
#[derive(clap::Args, Debug)]
pub(crate) struct Record {
    /// Keep what the node was told in this file, for homing replay; written when it ends. It will hold
    /// the private key and every message
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// How much of it to hold in memory; when there is more, only the end is kept, and cannot be replayed
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_size, requires = "record")]
    pub(crate) record_most: usize,
}

/// `homing replay`
#[derive(clap::Args, Debug)]
pub(crate) struct Replay {
    /// What --record wrote
    pub(crate) file: PathBuf,
    /// Print each entry: when, what was told, what came out
    #[arg(long)]
    pub(crate) step: bool,
    /// Write a copy without private keys and without what was said, which can be given away
    #[arg(long, value_name = "OUT")]
    pub(crate) redact: Option<PathBuf>,
}

/// `homing send`
#[derive(clap::Args, Debug)]
pub(crate) struct Send {
    /// To whom: name, name@network, name@network/instance, or * for everyone
    pub(crate) to: String,
    /// What to send; - reads it from stdin
    #[arg(allow_hyphen_values = true)]
    pub(crate) text: String,
    /// Its media type
    #[arg(long = "type", value_name = "TYPE", default_value = "text/plain")]
    pub(crate) content_type: String,
    /// Until when to wait: accepted by the hub, dispatched to the peer, received by its program,
    /// consumed by its user
    #[arg(long, value_enum, default_value_t)]
    pub(crate) wait: Wait,
    /// How long to wait for that
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing call`
#[derive(clap::Args, Debug)]
pub(crate) struct Call {
    /// Whom: a name, several with commas between, or * for everyone
    pub(crate) to: String,
    /// Which command: echo, a.b.c or /a/b/c. Every peer knows ping, echo, commands, peers and why
    pub(crate) path: String,
    /// The argument, if the command takes one
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    pub(crate) argument: Option<String>,
    /// How long to wait for the answers
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing peers`
#[derive(clap::Args, Debug)]
pub(crate) struct Peers {
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing ping`
#[derive(clap::Args, Debug)]
pub(crate) struct Ping {
    /// Whom
    pub(crate) to: String,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// How long to wait for each answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing why`
#[derive(clap::Args, Debug)]
pub(crate) struct Why {
    /// To whom
    pub(crate) to: String,
    /// How long to wait for the hub's part of the answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing chat`
#[derive(clap::Args, Debug)]
pub(crate) struct Chat {
    /// How to connect.
    #[command(flatten)]
    pub(crate) connect: Connect,
}

/// `homing vectors`
#[derive(Subcommand, Debug)]
pub(crate) enum Vectors {
    /// Hold every case of these files against this program: yours, or those of docs/vectors
    #[command(before_help = "Example:\n  homing vectors check docs/vectors/frames.json mine.json")]
    Check {
        /// Files in the shape of docs/vectors
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Write the frozen files into a folder
    #[command(before_help = "Example:\n  homing vectors write /tmp/vectors")]
    Write {
        /// Where to
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// `homing sim`
#[derive(clap::Args, Debug)]
pub(crate) struct Sim {
    /// How many seeds: each is a run of its own
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) from: u64,
    /// Which machines, and what befalls them; list names them all
    #[arg(long, value_name = "NAME", default_value = "mixed")]
    pub(crate) scenario: String,
    /// On how many threads [default: as many as this machine has cores]
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// With real cryptography, which is slower, in place of one that costs nothing
    #[arg(long)]
    pub(crate) real: bool,
    /// Draw a run as a page for the browser: of the seed that failed, made smaller, or else of the first
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Run this plan again instead, twice, and tell what happens in it, line by line
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "from", "jobs", "save"])]
    pub(crate) plan: Option<PathBuf>,
    /// Keep the plan of the seed that failed, made smaller, or else of the first: for --plan
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
}

/// How a command comes into the network.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Connect {
    /// How long connecting may take
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = parse_duration)]
    pub(crate) connect_timeout: Duration,
    /// How soon a silent hub is given up: after 45 s, or 3 s on a lan
    #[arg(long, value_enum, default_value_t)]
    pub(crate) heartbeat: Pace,
}

/// The option itself explains its values: the help stays short.
const NO_HELP: Resettable<StyledStr> = Resettable::Reset;

/// A heartbeat by name.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Pace {
    /// Asked after 15 s, given up after 45 s.
    #[value(help = NO_HELP)]
    #[default]
    Internet,
    /// Asked after 1 s, given up after 3 s.
    #[value(help = NO_HELP)]
    Lan,
}

/// Which receipt ends the waiting.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Wait {
    /// The hub took it.
    #[value(help = NO_HELP)]
    Accepted,
    /// It was passed on to the recipient.
    #[value(help = NO_HELP)]
    Dispatched,
    /// The recipient's program has it.
    #[value(help = NO_HELP)]
    #[default]
    Received,
    /// The recipient has dealt with it.
    #[value(help = NO_HELP)]
    Consumed,
}

impl Wait {
    /// The receipts to ask for.
    pub(crate) const fn receipts(self) -> Receipts {
        match self {
            Wait::Accepted | Wait::Dispatched => Receipts::Route,
            Wait::Received => Receipts::Received,
            Wait::Consumed => Receipts::Consumed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_are_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_help_begins_with_an_example() {
        let mut command = Args::command();
        command.build();
        let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_string()).collect();
        assert_eq!(names.len(), 14, "{names:?}");
        for name in names {
            let sub = command.find_subcommand_mut(&name).unwrap();
            for help in [sub.render_help(), sub.render_long_help()] {
                assert!(
                    help.to_string().starts_with(&format!("Example:\n  homing {name}")),
                    "{name}: {help}"
                );
            }
        }
    }

    #[test]
    fn global_options_stand_before_and_after() {
        for line in ["homing --home /x --json peers", "homing peers --home /x --json"] {
            let args = Args::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(args.global.home, Some(PathBuf::from("/x")), "{line}");
            assert!(args.global.json);
        }
    }
}

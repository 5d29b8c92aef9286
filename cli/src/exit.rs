//! How the program ends: exit codes, and errors that say in one line what to do.

use std::ffi::OsString;
use std::fmt::Display;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use homing_core::{CloseReason, Failure, Reason, SendError};
use homing_std::Error;

use crate::args::Args;
use crate::out::Out;

/// The exit codes. `homing --help` lists them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// It was done.
    Done = 0,
    /// A file, a port or a process of this machine could not be used.
    Machine = 1,
    /// The command line, or what the profile holds, is not right.
    Usage = 2,
    /// The hub or the peer refused.
    Refused = 3,
    /// The key or the name is banned.
    Banned = 4,
    /// Nobody there, or the connection broke.
    Unreachable = 5,
    /// Nothing came in time.
    Timeout = 6,
    /// The message came back.
    NotDelivered = 7,
    /// What answered speaks something else, or has another key or network; or vectors do not hold, or a
    /// simulation.
    Protocol = 8,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.number())
    }
}

/// Why a command did not do all it should.
#[derive(Debug)]
pub(crate) enum End {
    /// Something failed.
    Fault(Fault),
    /// Whoever read stdout has left: there is nobody to print for.
    BrokenPipe,
    /// The user wanted it.
    Interrupted,
}

/// An error for people: what happened, and what to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// How the program ends.
    pub(crate) exit: Exit,
    /// The reason's number, when the network gave one.
    pub(crate) reason: Option<Reason>,
    /// What happened.
    pub(crate) what: String,
    /// What to do.
    pub(crate) advice: String,
}

impl Fault {
    /// A fault without a reason from the network.
    pub(crate) fn new(exit: Exit, what: impl Display, advice: impl Display) -> Fault {
        Fault { exit, reason: None, what: what.to_string(), advice: advice.to_string() }
    }

    /// The command line is not right.
    pub(crate) fn usage(what: impl Display, advice: impl Display) -> Fault {
        Fault::new(Exit::Usage, what, advice)
    }

    /// A file, a port or a process of this machine could not be used.
    pub(crate) fn machine(what: impl Display, advice: impl Display) -> Fault {
        Fault::new(Exit::Machine, what, advice)
    }

    /// What `reason` means to the user, said as `what`.
    fn because(reason: Reason, what: impl Display) -> Fault {
        let (exit, advice) = meaning(reason);
        Fault { exit, reason: Some(reason), what: what.to_string(), advice: advice.into() }
    }

    /// A link ended.
    pub(crate) fn closed(why: &CloseReason) -> Fault {
        Fault::because(why.reason(), why)
    }

    /// A message came back.
    pub(crate) fn not_delivered(to: impl Display, failure: &Failure) -> Fault {
        Fault::because(failure.reason, format!("not delivered to {to}: {failure}"))
    }

    /// A command was not answered as wished: `from` says why.
    pub(crate) fn command(doing: &str, from: impl Display, failure: &Failure) -> Fault {
        let fault = Fault::because(failure.reason, format!("cannot {doing}: {from} says: {failure}"));
        if fault.exit == Exit::NotDelivered {
            // It was not there to say anything.
            return Fault { what: format!("cannot {doing}: not delivered to {from}: {failure}"), ..fault };
        }
        fault
    }

    /// The text of the one line.
    pub(crate) fn line(&self) -> String {
        one_line(&format!("{} : {}", self.what, self.advice))
    }
}

/// The exit code of a reason, and what the user can do about it.
fn meaning(reason: Reason) -> (Exit, &'static str) {
    match reason {
        Reason::NOT_ADMITTED => (
            Exit::Refused,
            "give your key (homing keygen prints it) to the hub's keeper, for homing hub --allow KEY",
        ),
        Reason::NAME_TAKEN => (Exit::Refused, "join under another name: homing join INVITE --name OTHER"),
        Reason::NAME_RESERVED => (Exit::Refused, "join under another name: homing join INVITE --name OTHER"),
        Reason::SCHEME => (Exit::Refused, "this hub lets nobody in in this way: ask its keeper"),
        Reason::REPLACED => {
            (Exit::Refused, "another program took this instance over: give each its own --instance")
        }
        Reason::FORBIDDEN | Reason::FORGED_SENDER => (Exit::Refused, "ask the hub's keeper"),
        Reason::REFUSED | Reason::COMMAND_FAILED => {
            (Exit::Refused, "look at the peer's own output for the cause")
        }
        Reason::RESOURCE_NOT_FOUND => (Exit::Refused, "homing call NAME commands lists what it knows"),
        Reason::METHOD | Reason::ARGUMENT => (Exit::Refused, "homing call NAME commands says what it takes"),
        Reason::STORAGE => (Exit::Refused, "tell the hub's keeper: its disk may be full"),
        Reason::BANNED => (Exit::Banned, "only the hub's keeper can change that"),
        Reason::UNREACHABLE => {
            (Exit::Unreachable, "start the hub there (homing hub), or check the invite's host and port")
        }
        Reason::BUSY => (Exit::Unreachable, "try again later"),
        Reason::GONE | Reason::SILENCE | Reason::FINISHED => {
            (Exit::Unreachable, "try again; homing peers says who is there")
        }
        Reason::HANDSHAKE_TIMEOUT => {
            (Exit::Timeout, "check that the invite's port is a hub's, or give --connect-timeout more")
        }
        Reason::TIMEOUT => {
            (Exit::Timeout, "give it more time with --timeout, or see who is there with homing peers")
        }
        Reason::NO_RECEIPT => {
            (Exit::Timeout, "ask the peer before you send it again, or give it more --timeout")
        }
        Reason::CANCELLED => (Exit::Interrupted, "call again"),
        Reason::NOT_FOUND => (Exit::NotDelivered, "homing peers says who is there"),
        Reason::NOT_AVAILABLE => (Exit::NotDelivered, "start homing listen there"),
        Reason::NO_ROUTE => (Exit::NotDelivered, "check the network's name behind the @"),
        Reason::HOPS | Reason::LOOP => {
            (Exit::NotDelivered, "the hubs point at each other: tell their keepers")
        }
        Reason::QUEUE_FULL | Reason::EXPIRED => {
            (Exit::NotDelivered, "the peer does not keep up: try again later")
        }
        Reason::LINK_LOST => (Exit::NotDelivered, "ask the peer before you send it again"),
        Reason::TOO_LARGE => (Exit::Usage, "Homing carries messages, not yet files"),
        Reason::WRONG_KEY | Reason::HANDSHAKE => (
            Exit::Protocol,
            "the hub has another key or network than the invite says: ask its keeper for a new one",
        ),
        Reason::VERSION => (Exit::Protocol, "update the older of the two programs"),
        Reason::NOT_HOMING => {
            (Exit::Protocol, "another program has that port: check the invite's host and port")
        }
        _ => (Exit::Protocol, "try again; if it stays, both sides should run the same version"),
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> End {
        End::Fault(fault)
    }
}

/// Ends a command because of `error`, which came up while it was about to `doing`.
pub(crate) fn fault_of(doing: &str, error: &Error) -> Fault {
    match error {
        Error::Io(e) => {
            Fault::machine(format!("cannot {doing}: {e}"), "see what this machine's limits and logs say")
        }
        Error::Refused(why) | Error::Unreachable(why) => {
            Fault::because(why.reason(), format!("cannot {doing}: {why}"))
        }
        Error::Timeout(Some(why)) => {
            let (_, advice) = meaning(why.reason());
            Fault {
                exit: if why.reason() == Reason::UNREACHABLE { Exit::Unreachable } else { Exit::Timeout },
                reason: Some(why.reason()),
                what: format!("cannot {doing} in time: {why}"),
                advice: advice.into(),
            }
        }
        Error::Timeout(None) => Fault::because(Reason::TIMEOUT, format!("cannot {doing}: no answer in time")),
        Error::NotDelivered(failure) => Fault::because(failure.reason, format!("cannot {doing}: {failure}")),
        Error::Command(failure) => Fault::because(failure.reason, format!("cannot {doing}: {failure}")),
        Error::Send(error) => unsendable(doing, error),
        other => Fault::new(Exit::Unreachable, format!("cannot {doing}: {other}"), "try again"),
    }
}

/// Ends a command because the network could not be joined.
pub(crate) fn not_joined(doing: &str, error: &Error) -> Fault {
    let fault = fault_of(doing, error);
    match error {
        // Something is there and says nothing.
        Error::Timeout(None) => Fault { advice: meaning(Reason::HANDSHAKE_TIMEOUT).1.into(), ..fault },
        _ => fault,
    }
}

/// The node would not take it.
fn unsendable(doing: &str, error: &SendError) -> Fault {
    let fault = Fault::because(error.reason(), format!("cannot {doing}: {error}"));
    match error {
        SendError::Invalid(_) => Fault { exit: Exit::Usage, advice: "see --help".into(), ..fault },
        SendError::NotConnected(_) => Fault { advice: "try again in a moment".into(), ..fault },
        _ => fault,
    }
}

/// What clap says, in one line; help and version as they are.
pub(crate) fn bad_arguments(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let asked = error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
        let _ = error.print();
        return if asked { Exit::Done } else { Exit::Usage }.into();
    }
    let fault = clap_fault(error, std::env::args_os().skip(1));
    Out::new(std::env::args_os().any(|arg| arg == "--json")).fault(&fault);
    fault.exit.into()
}

/// What clap says of this command line, as one of our errors.
fn clap_fault(error: &clap::Error, line: impl Iterator<Item = OsString>) -> Fault {
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let what = one_line(first.trim_start_matches("error: "));
    let suggestion = error.context().find_map(|(kind, value)| match (kind, value) {
        (ContextKind::SuggestedSubcommand | ContextKind::SuggestedArg, ContextValue::String(s)) => {
            Some(s.clone())
        }
        (ContextKind::SuggestedSubcommand | ContextKind::SuggestedArg, ContextValue::Strings(s)) => {
            s.first().cloned()
        }
        _ => None,
    });
    let commands = Args::command();
    let command = line.into_iter().find_map(|word| Some(commands.find_subcommand(word)?.get_name()));
    let advice = match (suggestion, command) {
        (Some(similar), _) => format!("did you mean {similar}?"),
        (None, Some(command)) => format!("see homing {command} --help"),
        (None, None) => "see homing --help".into(),
    };
    Fault::usage(what, advice)
}

/// Puts everything on one line.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn every_reason_has_an_exit_code_and_advice() {
        for reason in Reason::ALL {
            let (exit, advice) = meaning(*reason);
            assert!(exit != Exit::Done && !advice.is_empty(), "{reason}");
        }
        assert_eq!(meaning(Reason::BANNED).0, Exit::Banned);
        assert_eq!(meaning(Reason::from_code(999)).0, Exit::Protocol);
    }

    #[test]
    fn bad_command_lines_in_one_line() {
        for (line, what, advice) in [
            ("homing", "", ""),
            ("homing sned bob x", "unrecognized subcommand 'sned'", "did you mean send?"),
            ("homing send bob", "<TEXT>", "see homing send --help"),
            ("homing peers --jsn", "'--jsn'", "did you mean --json?"),
            ("homing join nonsense --name ada", "an invite has the form homing://", "see homing join --help"),
            ("homing hub --name Ada", "'A'", "see homing hub --help"),
            ("homing --home x send bob x --wait long", "'long'", "see homing send --help"),
            ("homing help", "'help'", "see homing --help"),
        ] {
            let error = Args::try_parse_from(line.split(' ')).unwrap_err();
            let fault = clap_fault(&error, line.split(' ').skip(1).map(OsString::from));
            assert_eq!(fault.exit, Exit::Usage);
            assert!(fault.what.contains(what) && !fault.what.contains('\n'), "{line}: {fault:?}");
            assert!(fault.advice.contains(advice), "{line}: {fault:?}");
        }
    }
}

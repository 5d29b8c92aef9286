//! `homing`: secure messaging between named peers, from the command line.

mod args;
mod commands;
mod demo;
mod exit;
mod home;
mod interrupt;
mod json;
mod out;
mod session;
mod text;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use exit::{End, Exit};
use home::Home;
use interrupt::Interrupt;
use out::Out;

/// What every command is given.
pub(crate) struct Context {
    /// Where it prints.
    pub(crate) out: Out,
    /// Where its state lives.
    pub(crate) home: Home,
    /// How it learns of Ctrl-C.
    pub(crate) interrupt: Interrupt,
}

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::bad_arguments(&error),
    };
    let out = Out::new(args.global.json);
    let stays = matches!(args.command, Command::Hub(_) | Command::Listen(_) | Command::Chat(_));
    let interrupt = Interrupt::new(if stays { Exit::Done } else { Exit::Interrupted });
    let result = run(args, out, interrupt.clone());
    match result {
        Ok(()) | Err(End::BrokenPipe) => Exit::Done.into(),
        Err(End::Interrupted) => interrupt.exit().into(),
        // What failed while everything was being taken down failed because of it.
        Err(End::Fault(_)) if interrupt.hit() => interrupt.exit().into(),
        Err(End::Fault(fault)) => {
            out.fault(&fault);
            fault.exit.into()
        }
    }
}

/// Does what the command line says.
fn run(args: Args, out: Out, interrupt: Interrupt) -> Result<(), End> {
    interrupt.install()?;
    let context = Context { out, home: Home::at(args.global.home)?, interrupt };
    match args.command {
        Command::Demo(args) => demo::run(&context, &args),
        Command::Keygen => commands::keygen::run(&context),
        Command::Hub(args) => commands::hub::run(&context, &args),
        Command::Join(args) => commands::join::run(&context, &args),
        Command::Listen(args) => commands::listen::run(&context, &args),
        Command::Send(args) => commands::send::run(&context, &args),
        Command::Call(args) => commands::call::run(&context, &args),
        Command::Peers(args) => commands::peers::run(&context, &args),
        Command::Ping(args) => commands::ping::run(&context, &args),
        Command::Why(args) => commands::why::run(&context, &args),
        Command::Chat(args) => commands::chat::run(&context, &args),
        Command::Vectors(args) => commands::vectors::run(&context, &args),
        Command::Replay(args) => commands::replay::run(&context, &args),
        Command::Sim(args) => commands::sim::run(&context, &args),
    }
}

//! The hub of the ideal pipe: what one of two clients sends, the other gets.

use std::io::{Write, stdin};
use std::net::{Shutdown, TcpListener};
use std::thread;

use super::{Input, Output, Side, shake, split};
use crate::Result;

/// Says where it listens, and passes on until its input is closed.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening {}", listener.local_addr()?);
    thread::spawn(move || {
        if let Err(e) = serve(&listener) {
            eprintln!("ideal hub: {e}");
        }
    });
    for line in stdin().lines() {
        line?;
    }
    Ok(())
}

fn serve(listener: &TcpListener) -> Result<()> {
    let (from_a, to_a) = shake(listener.accept()?.0, Side::Hub)?;
    let (from_b, to_b) = shake(listener.accept()?.0, Side::Hub)?;
    thread::spawn(move || pass_all(from_a, to_b));
    pass_all(from_b, to_a);
    Ok(())
}

/// Passes on until that ends, and stays: what a thread has cost is forgotten when it is gone.
fn pass_all(mut from: Input, mut to: Output) {
    if let Err(e) = pass(&mut from, &mut to) {
        eprintln!("ideal hub: {e}");
    }
    let _ = to.stream.shutdown(Shutdown::Write);
    loop {
        thread::park();
    }
}

fn pass(from: &mut Input, to: &mut Output) -> Result<()> {
    loop {
        let (cipher, whole) = from.records()?;
        if whole.is_empty() {
            return Ok(());
        }
        let mut records = &mut *whole;
        while let Some((record, rest)) = split(records) {
            cipher.open(record)?;
            to.cipher.seal(record)?;
            records = rest;
        }
        to.stream.write_all(whole)?;
    }
}

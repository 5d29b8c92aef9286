//! What bytes cost on their way through loopback TCP, many at once.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::cpu;
use super::pipe::BUFFER;
use crate::Result;

/// The µs of CPU that a byte costs who writes it, and who reads it.
pub(super) fn measure() -> Result<[f64; 2]> {
    const TIMES: usize = 20_000;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stream = TcpStream::connect(listener.local_addr()?)?;
    let (mut other, _) = listener.accept()?;
    let reading = thread::spawn(move || {
        let (before, mut buffer) = (cpu(), vec![0; BUFFER]);
        while other.read(&mut buffer)? > 0 {}
        std::io::Result::Ok(cpu() - before)
    });
    let (before, buffer) = (cpu(), vec![0x5a; BUFFER]);
    for _ in 0..TIMES {
        stream.write_all(&buffer)?;
    }
    let wrote = cpu() - before;
    drop(stream);
    let read = reading.join().map_err(|_| "the reader failed")??;
    Ok([wrote, read].map(|time| time.as_secs_f64() * 1e6 / (TIMES * BUFFER) as f64))
}

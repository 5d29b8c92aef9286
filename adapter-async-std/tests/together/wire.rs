//! A wire between two nodes that remembers every byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;

use homing_std::Endpoint;

/// Carries one stream, and keeps what goes through it.
pub struct Wire {
    at: Endpoint,
    carrier: JoinHandle<Bytes>,
}

/// Everything that was written, from the first byte to the end of the stream.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes {
    /// By who dialed.
    pub up: Vec<u8>,
    /// By who listened.
    pub down: Vec<u8>,
}

impl Wire {
    /// Listens, and carries the first stream that comes on to `upstream`, at most `most` bytes at a time.
    pub fn to(upstream: &Endpoint, most: usize) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = Endpoint::Tcp(listener.local_addr().unwrap().to_string());
        let upstream = upstream.to_string();
        let carrier = std::thread::spawn(move || {
            let (near, _) = listener.accept().unwrap();
            let far = TcpStream::connect(upstream).unwrap();
            for stream in [&near, &far] {
                // Or pieces would be put together again.
                stream.set_nodelay(true).unwrap();
            }
            std::thread::scope(|scope| {
                let up = scope.spawn(|| carry(&near, &far, most));
                let down = carry(&far, &near, most);
                Bytes { up: up.join().unwrap(), down }
            })
        });
        Wire { at, carrier }
    }

    /// Where it listens.
    pub fn at(&self) -> &Endpoint {
        &self.at
    }

    /// What went through it, when both sides have ended the stream in good order.
    pub fn bytes(self) -> Bytes {
        self.carrier.join().unwrap()
    }
}

fn carry(mut from: &TcpStream, mut to: &TcpStream, most: usize) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match from.read(&mut buffer).unwrap() {
            0 => break,
            n => {
                all.extend_from_slice(&buffer[..n]);
                buffer[..n].chunks(most).for_each(|piece| to.write_all(piece).unwrap());
            }
        }
    }
    // It fails when the other side has ended it, too.
    let _ = to.shutdown(Shutdown::Write);
    all
}

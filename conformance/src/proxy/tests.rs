use std::io::{Read, Write};
use std::net::Shutdown;

use super::*;
use crate::dice::Dice;
use crate::wait::until;

const PATIENCE: Duration = Duration::from_secs(60);

/// Both ends of a stream through a proxy.
fn pair(plan: Plan) -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind(TCP).unwrap();
    let upstream = Endpoint::Tcp(listener.local_addr().unwrap().to_string());
    let proxy = Proxy::start(&upstream, move |_| plan).unwrap();
    let near = TcpStream::connect(proxy.at().to_string()).unwrap();
    let (far, _) = listener.accept().unwrap();
    for stream in [&near, &far] {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
    }
    (proxy, near, far)
}

fn read_all(mut stream: &TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).err();
    (bytes, error.map(|e| e.kind()))
}

#[test]
fn whatever_the_pieces_the_bytes_are_the_same() {
    let pause = Some((50, Duration::from_millis(1)));
    let stall = Some((5_000, Duration::from_millis(20)));
    for way in [
        Way::default(),
        Way { piece: 1, ..Way::default() },
        Way { piece: 700, ragged: true, pause, ..Way::default() },
        Way { piece: 200, stall, ..Way::default() },
    ] {
        let (proxy, near, far) = pair(Plan::both(way));
        let (up, down) = (Dice::new(1).bytes(20_000), Dice::new(2).bytes(30_000));
        scope(|scope| {
            for (mut from, bytes) in [(&near, &up), (&far, &down)] {
                scope.spawn(move || {
                    from.write_all(bytes).unwrap();
                    from.shutdown(Shutdown::Write).unwrap();
                });
            }
            let other = scope.spawn(|| read_all(&near));
            assert_eq!(read_all(&far), (up.clone(), None));
            assert_eq!(other.join().unwrap(), (down.clone(), None));
        });
        assert_eq!(Direction::BOTH.map(|direction| proxy.bytes(direction)), [20_000, 30_000]);
        assert_eq!(proxy.streams(), 1);
    }
}

#[test]
fn half_a_stream_ends_and_the_other_half_goes_on() {
    for (direction, by_order) in [Direction::Up, Direction::Down].into_iter().zip([false, true]) {
        let plan = if by_order { Plan::default() } else { Plan::ending(direction, 100, End::Half) };
        let (proxy, near, far) = pair(plan);
        let (mut from, mut to) = if direction == Direction::Up { (&near, &far) } else { (&far, &near) };
        from.write_all(&[1; 100]).unwrap();
        to.read_exact(&mut [0; 100]).unwrap();
        if by_order {
            proxy.half_close(direction);
        }
        assert_eq!(read_all(to), (vec![], None));
        from.write_all(&[2; 100]).unwrap();
        to.write_all(b"still").unwrap();
        let mut still = [0; 5];
        from.read_exact(&mut still).unwrap();
        assert_eq!(&still, b"still");
        assert_eq!(proxy.bytes(direction), 100);
    }
}

#[test]
fn a_stream_breaks_at_its_byte() {
    for after in [0, 1, 777] {
        let (_proxy, mut near, far) = pair(Plan::ending(Direction::Up, after, End::Reset));
        // It may break while it is written to, and says so once.
        let wrote = near.write_all(&[1; 2_000]);
        let (bytes, error) = read_all(&far);
        assert_eq!((bytes.len() as u64, error), (after, Some(ErrorKind::ConnectionReset)));
        let (bytes, error) = read_all(&near);
        assert!(bytes.is_empty() && (wrote.is_err() || error == Some(ErrorKind::ConnectionReset)));
    }
}

#[test]
fn what_is_held_comes_later() {
    let (proxy, mut near, mut far) = pair(Plan::default());
    proxy.hold(Direction::Up, true);
    near.write_all(b"up").unwrap();
    far.write_all(b"down").unwrap();
    near.read_exact(&mut [0; 4]).unwrap();
    assert_eq!(proxy.bytes(Direction::Up), 0);
    proxy.hold(Direction::Up, false);
    far.read_exact(&mut [0; 2]).unwrap();
    until("it is counted", PATIENCE, || proxy.bytes(Direction::Up) == 2).unwrap();
}

#[test]
fn nobody_upstream_is_a_broken_stream() {
    let closed = TcpListener::bind(TCP).unwrap().local_addr().unwrap();
    let proxy = Proxy::start(&Endpoint::Tcp(closed.to_string()), |_| Plan::default()).unwrap();
    let near = TcpStream::connect(proxy.at().to_string()).unwrap();
    assert_eq!(read_all(&near), (vec![], Some(ErrorKind::ConnectionReset)));
}

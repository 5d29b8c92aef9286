use std::cell::{Cell, RefCell};
use std::future::{pending, ready};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::*;

/// Due when the test says so, until it is armed anew.
#[derive(Clone, Default)]
struct Turn(Rc<Cell<bool>>);

impl Timer for Turn {
    fn set(&mut self, _: Instant) {
        self.0.set(false);
    }

    fn poll_due(&mut self, _: &mut Context<'_>) -> Poll<()> {
        if self.0.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// Addresses at ports 1 to `n`.
fn ports(n: u16) -> Vec<SocketAddr> {
    (1..=n).map(|port| ([127, 0, 0, 1], port).into()).collect()
}

fn poll<F: Future>(future: &mut std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn an_address_that_never_answers_costs_a_head_start() {
    let tried = RefCell::new(Vec::new());
    let connect = |address: SocketAddr| {
        let port = address.port();
        tried.borrow_mut().push(port);
        async move { if port == 3 { Ok(port) } else { pending().await } }
    };
    let turn = Turn::default();
    let mut first = pin!(connect_first(ports(4), connect, turn.clone()));

    assert!(poll(&mut first).is_pending());
    assert_eq!(*tried.borrow(), [1], "nobody else before its turn");
    turn.0.set(true);
    assert!(poll(&mut first).is_pending());
    assert_eq!(*tried.borrow(), [1, 2]);
    turn.0.set(true);
    assert!(matches!(poll(&mut first), Poll::Ready(Ok(3))));
    assert_eq!(*tried.borrow(), [1, 2, 3], "and nobody after one that answered");
}

#[test]
fn the_next_need_not_wait_for_one_that_failed() {
    let connect = |address: SocketAddr| async move {
        match address.port() {
            3 => Ok(3),
            port => Err(io::Error::other(port.to_string())),
        }
    };
    let mut first = pin!(connect_first(ports(3), connect, Turn::default()));
    assert!(matches!(poll(&mut first), Poll::Ready(Ok(3))));

    let mut none = pin!(connect_first(ports(2), connect, Turn::default()));
    let Poll::Ready(Err(error)) = poll(&mut none) else { panic!("both have failed") };
    assert_eq!(error.to_string(), "2", "the last error");
}

#[test]
fn an_early_one_may_answer_late() {
    let first_answers = Cell::new(false);
    let waker = RefCell::new(Waker::noop().clone());
    let connect = |address: SocketAddr| {
        let (first_answers, waker) = (&first_answers, &waker);
        poll_fn(move |cx| match address.port() {
            1 if first_answers.get() => Poll::Ready(Ok(1)),
            1 => {
                waker.replace(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(Err(io::Error::from(ErrorKind::ConnectionRefused))),
        })
    };
    let turn = Turn::default();
    let mut first = pin!(connect_first(ports(2), connect, turn.clone()));
    assert!(poll(&mut first).is_pending());
    turn.0.set(true);
    assert!(poll(&mut first).is_pending(), "the second has failed, the first has not");
    first_answers.set(true);
    waker.borrow().wake_by_ref();
    assert!(matches!(poll(&mut first), Poll::Ready(Ok(1))));
}

#[test]
fn without_an_address_the_error_names_the_target() {
    let none = addresses("hub.example:1", Ok(Vec::new())).unwrap_err();
    assert_eq!(
        (none.kind(), none.to_string()),
        (ErrorKind::NotFound, "no address found for hub.example:1".into())
    );

    let failed = addresses::<Vec<_>>("hub.example:1", Err(io::Error::other("down"))).unwrap_err();
    assert_eq!(
        (failed.kind(), failed.to_string()),
        (ErrorKind::NotFound, "no address found for hub.example:1: down".into())
    );
}

#[cfg(unix)]
#[test]
fn the_file_goes_before_the_listener() {
    struct Listener(std::path::PathBuf);
    impl Drop for Listener {
        fn drop(&mut self) {
            assert!(!self.0.exists());
        }
    }

    let path = std::env::temp_dir().join(format!("homing-bind-{}", std::process::id()));
    let bind = || {
        std::fs::write(&path, "").unwrap();
        ready(Ok(Listener(path.clone())))
    };
    let mut bound = pin!(bind_unix(&path, bind, pending::<io::Result<()>>));
    let Poll::Ready(Ok(socket)) = poll(&mut bound) else { panic!("it was free") };
    assert!(path.exists());
    drop(socket);
    assert!(!path.exists());
}

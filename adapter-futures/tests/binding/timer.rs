//! The timer.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use futures_util::future::{Either, select};
use homing_futures::Timer;

use super::{due, sleep};

const SHORT: Duration = Duration::from_millis(15);
const LONG: Duration = Duration::from_secs(3600);

fn is_due(timer: &mut impl Timer) -> bool {
    timer.poll_due(&mut Context::from_waker(Waker::noop())).is_ready()
}

/// Polls `timer` as a driver does that waits for other things besides.
async fn not_due_for<T: Timer + Default>(timer: &mut T, time: Duration) {
    if let Either::Left(_) = select(pin!(due(timer)), pin!(sleep::<T>(time))).await {
        panic!("it must not be due yet");
    }
}

pub(crate) async fn not_armed_it_is_never_due<T: Timer + Default>() {
    not_due_for(&mut T::default(), SHORT).await;
}

pub(crate) async fn what_is_past_is_due_at_once<T: Timer + Default>() {
    let mut timer = T::default();
    let past = T::now();
    timer.set(past);
    assert!(is_due(&mut timer));

    timer.set(T::now() + LONG);
    assert!(!is_due(&mut timer));
    sleep::<T>(SHORT).await;
    timer.set(past);
    assert!(is_due(&mut timer));
}

pub(crate) async fn armed_later_it_is_not_due_before<T: Timer + Default>() {
    let mut timer = T::default();
    timer.set(T::now() + SHORT);
    assert!(!is_due(&mut timer));
    let later = T::now() + 4 * SHORT;
    timer.set(later);
    due(&mut timer).await;
    assert!(T::now() >= later);
}

pub(crate) async fn armed_earlier_it_wakes<T: Timer + Default>() {
    let mut timer = T::default();
    timer.set(T::now() + LONG);
    not_due_for(&mut timer, SHORT).await;
    timer.set(T::now() + SHORT);
    due(&mut timer).await;
}

pub(crate) async fn it_stays_due_until_armed_anew<T: Timer + Default>() {
    let mut timer = T::default();
    timer.set(T::now() + SHORT);
    due(&mut timer).await;
    for _ in 0..3 {
        assert!(is_due(&mut timer));
    }
    timer.set(T::now() + SHORT);
    due(&mut timer).await;
    timer.set(T::now() + LONG);
    assert!(!is_due(&mut timer));
}

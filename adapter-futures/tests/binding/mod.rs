//! What every binding of an executor must do, on real sockets. The crates that bind one run it
//! (`tests/net.rs` there).

pub(crate) mod sockets;
pub(crate) mod timer;
#[cfg(unix)]
pub(crate) mod unix_file;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use homing_futures::Timer;

/// One test for each of them, in which `$run` drives a future to its end.
macro_rules! binding_tests {
    ($run:path, $net:ty, $timer:ty) => {
        binding_tests!(@each $run, $timer, sockets, $net:
            echoes_over_tcp, gives_the_real_port, connects_by_host_name, what_is_refused_says_so,
            an_unknown_host_is_named, tcp_closes_one_way, a_dropped_tcp_listener_frees_its_address,
            a_dropped_dial_leaves_nothing, memory_is_not_supported);
        #[cfg(unix)]
        binding_tests!(@each $run, $timer, unix_file, $net:
            echoes_over_unix, unix_closes_one_way, the_file_goes_with_the_listener,
            a_dead_file_is_replaced, a_live_socket_is_not, nor_is_a_regular_file);
        binding_tests!(@each $run, $timer, timer, $timer:
            not_armed_it_is_never_due, what_is_past_is_due_at_once, armed_later_it_is_not_due_before,
            armed_earlier_it_wakes, it_stays_due_until_armed_anew);
    };
    (@each $run:path, $timer:ty, $module:ident, $subject:ty: $($test:ident),*) => {
        $(#[test]
        fn $test() {
            $run($crate::binding::in_time::<$timer>($crate::binding::$module::$test::<$subject>()));
        })*
    };
}

/// A test that waits for what never comes fails, instead of standing still.
pub(crate) async fn in_time<T: Timer + Default>(test: impl Future<Output = ()>) {
    if let Either::Right(_) = select(pin!(test), pin!(sleep::<T>(Duration::from_secs(30)))).await {
        panic!("it waits for something that does not come");
    }
}

pub(crate) async fn sleep<T: Timer + Default>(time: Duration) {
    let mut timer = T::default();
    timer.set(T::now() + time);
    due(&mut timer).await;
}

pub(crate) async fn due(timer: &mut impl Timer) {
    poll_fn(|cx| timer.poll_due(cx)).await;
}

/// The binding, and all that it gives, may be used on any thread of the executor.
pub(crate) fn all_is_send<N, T>()
where
    N: homing_futures::Net<
            Stream: Send,
            Listener: Send,
            Connecting: Send + 'static,
            Listening: Send + 'static,
        > + Send
        + Sync,
    T: Timer + Send,
{
}

//! The adapters that are measured, and how each runs a program's own work.

use std::future::Future;
use std::sync::LazyLock;

use futures_util::future::{BoxFuture, FutureExt};
use homing_futures::{Error, Options, Peer};

/// What a peer runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    Std,
    Smol,
    TokioMany,
    TokioOne,
    AsyncStd,
}

impl Runtime {
    pub(crate) const ALL: [Runtime; 5] =
        [Runtime::Std, Runtime::Smol, Runtime::TokioMany, Runtime::TokioOne, Runtime::AsyncStd];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Runtime::Std => "std",
            Runtime::Smol => "smol",
            Runtime::TokioMany => "tokio-many",
            Runtime::TokioOne => "tokio-one",
            Runtime::AsyncStd => "async-std",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Runtime> {
        Runtime::ALL.into_iter().find(|runtime| runtime.name() == name)
    }

    /// Starts a peer on it. Std's handle is another: there it fails.
    pub(crate) fn start(self, options: Options) -> Result<Peer, Error> {
        match self {
            Runtime::Std => Err(Error::Closed),
            Runtime::Smol => homing_smol::start(options),
            Runtime::AsyncStd => homing_async_std::start(options),
            Runtime::TokioMany | Runtime::TokioOne => {
                let _within = self.tokio().enter();
                homing_tokio::start(options)
            }
        }
    }

    /// Runs `work` as a task beside the peer's, as a program on it would, and blocks until it is done.
    pub(crate) fn run<T: Send + 'static>(self, work: impl Future<Output = T> + Send + 'static) -> T {
        let task: BoxFuture<'static, T> = match self {
            Runtime::Std => work.boxed(),
            Runtime::Smol => smol::spawn(work).boxed(),
            Runtime::AsyncStd => async_std::task::spawn(work).boxed(),
            Runtime::TokioMany | Runtime::TokioOne => self.tokio().spawn(work).map(Result::unwrap).boxed(),
        };
        smol::future::block_on(task)
    }

    fn tokio(self) -> &'static tokio::runtime::Handle {
        static MANY: LazyLock<tokio::runtime::Runtime> =
            LazyLock::new(|| tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap());
        static ONE: LazyLock<tokio::runtime::Handle> = LazyLock::new(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let handle = runtime.handle().clone();
            std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
            handle
        });
        if self == Runtime::TokioOne { &ONE } else { MANY.handle() }
    }
}

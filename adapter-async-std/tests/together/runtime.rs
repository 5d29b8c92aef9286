//! The five ways to run a node, and one handle that blocks, whichever it is.

use std::sync::LazyLock;
use std::time::Duration;

use homing_smol as futures;
use homing_std::{
    Address, Command, Dial, Endpoint, Error, Event, Failure, Handle, Joined, Message, Options, Pattern,
    Received, Request, Response, Stage,
};
use smol::future::{block_on, or};
use smol::stream::StreamExt;

/// What a node's driver runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runtime {
    Std,
    Smol,
    TokioMany,
    TokioOne,
    AsyncStd,
}

impl Runtime {
    pub const ALL: [Runtime; 5] =
        [Runtime::Std, Runtime::Smol, Runtime::TokioMany, Runtime::TokioOne, Runtime::AsyncStd];

    pub fn name(self) -> &'static str {
        match self {
            Runtime::Std => "std",
            Runtime::Smol => "smol",
            Runtime::TokioMany => "tokio, many threads",
            Runtime::TokioOne => "tokio, one thread",
            Runtime::AsyncStd => "async-std",
        }
    }

    /// Starts a node.
    pub fn start(self, options: Options) -> Result<Node, Error> {
        match self {
            Runtime::Std => homing_std::Peer::start(options).map(Node::Blocking),
            _ => self.start_polled(options).map(Node::Polled),
        }
    }

    /// The same for all but std, whose handle is another.
    fn start_polled(self, options: Options) -> Result<futures::Peer, Error> {
        match self {
            Runtime::Std => Err(Error::Closed),
            Runtime::Smol => homing_smol::start(options),
            Runtime::AsyncStd => homing_async_std::start(options),
            Runtime::TokioMany | Runtime::TokioOne => {
                let _within = self.tokio().map(tokio::runtime::Handle::enter);
                homing_tokio::start(options)
            }
        }
    }

    fn tokio(self) -> Option<&'static tokio::runtime::Handle> {
        static MANY: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
        });
        static ONE: LazyLock<tokio::runtime::Handle> = LazyLock::new(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let handle = runtime.handle().clone();
            std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
            handle
        });
        match self {
            Runtime::TokioMany => Some(MANY.handle()),
            Runtime::TokioOne => Some(&ONE),
            Runtime::Std | Runtime::Smol | Runtime::AsyncStd => None,
        }
    }
}

/// A running node. Its calls block.
pub enum Node {
    Blocking(homing_std::Peer),
    Polled(futures::Peer),
}

/// The receipts of one message, as they come.
pub type Notes = Box<dyn Iterator<Item = (Option<Address>, Stage)>>;

/// What several peers have answered.
pub type Answers = Vec<(Address, Result<Response, Failure>)>;

impl std::ops::Deref for Node {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        match self {
            Node::Blocking(peer) => peer,
            Node::Polled(peer) => peer,
        }
    }
}

impl Node {
    pub fn listen(&self, on: &Endpoint) -> Result<Endpoint, Error> {
        match self {
            Node::Blocking(peer) => peer.listen(on),
            Node::Polled(peer) => block_on(peer.listen(on)),
        }
    }

    pub fn connect(&self, dial: Dial, timeout: Duration) -> Result<Joined, Error> {
        match self {
            Node::Blocking(peer) => peer.connect(dial, timeout),
            Node::Polled(peer) => block_on(peer.connect(dial, timeout)),
        }
    }

    pub fn track(&self, to: &Address, message: Message) -> Result<Notes, Error> {
        Ok(match self {
            Node::Blocking(peer) => Box::new(peer.track(to, message)?),
            Node::Polled(peer) => Box::new(smol::stream::block_on(block_on(peer.track(to, message))?)),
        })
    }

    pub fn request(&self, to: &Address, command: Command, timeout: Duration) -> Result<Response, Error> {
        match self {
            Node::Blocking(peer) => peer.request(to, command, timeout),
            Node::Polled(peer) => block_on(peer.request(to, command, timeout)),
        }
    }

    pub fn request_many(&self, to: &Pattern, command: Command, timeout: Duration) -> Result<Answers, Error> {
        match self {
            Node::Blocking(peer) => peer.request_many(to, command, timeout).map(Iterator::collect),
            Node::Polled(peer) => {
                block_on(async { Ok(peer.request_many(to, command, timeout).await?.collect().await) })
            }
        }
    }

    /// `handler` does not block.
    pub fn serve(
        &self,
        path: &str,
        handler: impl Fn(&Request) -> Result<Response, Failure> + Send + Sync + 'static,
    ) -> Result<(), Error> {
        match self {
            Node::Blocking(peer) => peer.serve(path, "for the test", handler),
            Node::Polled(peer) => {
                peer.serve(path, "for the test", move |request| std::future::ready(handler(&request)))
            }
        }
    }

    /// The next event; none when there is none within `timeout`, or the node is closed.
    pub fn next_event(&self, timeout: Duration) -> Option<Event> {
        match self {
            Node::Blocking(peer) => peer.events().next_timeout(timeout),
            Node::Polled(peer) => {
                let too_late = async {
                    smol::Timer::after(timeout).await;
                    None
                };
                block_on(or(async { peer.events().next().await }, too_late))
            }
        }
    }

    pub fn consume(&self, message: &Received) -> Result<(), Error> {
        match self {
            Node::Blocking(peer) => peer.consume(message),
            Node::Polled(peer) => block_on(peer.consume(message)),
        }
    }

    pub fn refuse(&self, message: &Received, failure: Failure) -> Result<(), Error> {
        match self {
            Node::Blocking(peer) => peer.refuse(message, failure),
            Node::Polled(peer) => block_on(peer.refuse(message, failure)),
        }
    }

    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        match self {
            Node::Blocking(peer) => peer.close(timeout),
            Node::Polled(peer) => block_on(peer.close(timeout)),
        }
    }
}

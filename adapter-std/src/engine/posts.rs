//! What other threads give the driver.

use std::io;
use std::sync::{Arc, Mutex};

use homing_adapter::Mailbox;
use homing_core::LinkId;

use crate::engine::lock;
use crate::listener::Listener;
use crate::stream::Stream;

/// Things that other threads give the driver. The mailbox is rung after it.
pub(crate) enum Post {
    /// Accept from this one too.
    Listen(Listener),
    /// A dial has ended.
    Dialed { link: LinkId, result: io::Result<Stream> },
}

/// None when all is over: what comes too late is dropped.
#[derive(Clone)]
pub(crate) struct Posts(Arc<Mutex<Option<Vec<Post>>>>);

impl Posts {
    pub(crate) fn new() -> Posts {
        Posts(Arc::new(Mutex::new(Some(Vec::new()))))
    }

    /// False when all is over.
    pub(crate) fn put(&self, post: Post, mailbox: &Mailbox) -> bool {
        let taken = lock(&self.0).as_mut().map(|posts| posts.push(post));
        mailbox.wake();
        taken.is_some()
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).as_ref().is_none_or(Vec::is_empty)
    }

    pub(super) fn take(&self) -> Vec<Post> {
        lock(&self.0).as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn close(&self) {
        let posts = lock(&self.0).take();
        drop(posts);
    }
}

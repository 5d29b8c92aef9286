//! Dropped before it is ready, it does not listen.

use std::net::TcpListener;
#[cfg(unix)]
use std::path::Path;

use homing_adapter::Endpoint;

use super::calls;
use super::steps::{at_each, give_up};
use crate::lab::{Lab, TCP, hub_options, options};
use crate::node::Node;
use crate::wait::{Check, Saying, until};

pub(super) fn check(lab: &Lab) -> Check<u32> {
    let hub = lab.start("hub", hub_options())?;
    let free = TcpListener::bind(TCP).and_then(|listener| listener.local_addr()).saying("a free port")?;
    let tcp = Endpoint::Tcp(free.to_string());
    let mut dropped = given_up(lab, &hub, &tcp, || {
        until(&format!("{free} is free"), lab.patience, || TcpListener::bind(free).is_ok())
    })?;
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().saying("a folder for sockets")?;
        let path = folder.path().join("hub");
        dropped += given_up(lab, &hub, &Endpoint::Unix(path.clone()), || is_gone(lab, &path))?;
    }
    let name = lab.memory();
    dropped += given_up(lab, &hub, &name.parse().saying(&name)?, || {
        let other = lab.start("another hub", hub_options())?;
        other.listen(&name)?;
        other.close()
    })?;
    Ok(dropped)
}

/// Gives up listening on `on` at each moment; then really listens there, and somebody comes.
fn given_up(lab: &Lab, hub: &Node, on: &Endpoint, is_free: impl Fn() -> Check) -> Check<u32> {
    let dropped = at_each(&format!("listen on {on}"), |at| {
        if let Some(listens) = give_up(calls(hub)?.listen(on), at, lab.patience, || Ok(()))? {
            listens.saying("listening")?;
            return Ok(true);
        }
        // What is asked for after it is heard after it.
        hub.listen(TCP)?;
        is_free()?;
        Ok(false)
    })?;
    let guest = lab.join(options(2), hub, on, "guest")?;
    guest.close()?;
    until("the guest has left", lab.patience, || hub.links() == 0)?;
    Ok(dropped)
}

/// Nobody listens at `path`, and nothing is left there.
#[cfg(unix)]
fn is_gone(lab: &Lab, path: &Path) -> Check {
    until(&format!("{} is gone", path.display()), lab.patience, || !path.exists())?;
    std::os::unix::net::UnixListener::bind(path).saying("a socket of another's")?;
    std::fs::remove_file(path).saying("removing it")
}

//! An invite: one line of text with all that a newcomer needs to reach a hub and to know it.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::Ipv6Addr;
use core::str::FromStr;

use crate::{AddressError, KeyError, Network, PeerId};

/// `homing://KEY@HOST:PORT/NETWORK`: where a hub listens, which network it serves, and its key.
///
/// Who has an invite cannot be led to an impostor: the key is pinned. A query (`?..`) is kept for
/// later versions and ignored.
///
/// ```
/// use homing_core::{Invite, Seed, StaticKey};
///
/// let key = StaticKey::generate(&Seed::from_bytes([1; 32])).peer_id();
/// let invite: Invite = format!("homing://{key}@127.0.0.1:4702/home").parse().unwrap();
/// assert_eq!((invite.target.as_str(), invite.network.as_str()), ("127.0.0.1:4702", "home"));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Invite {
    /// The hub's key.
    pub key: PeerId,
    /// `HOST:PORT`, for the driver to dial.
    pub target: String,
    /// The network that the hub serves.
    pub network: Network,
}

/// The port of a hub when none is named.
pub const DEFAULT_PORT: u16 = 4702;

/// The longest host name that DNS knows (RFC 1035, section 2.3.4), with a port behind it.
const MAX_TARGET: usize = 253 + 6;

/// Why a text is no invite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum InviteError {
    /// It does not have the form `homing://KEY@HOST:PORT/NETWORK`.
    Form,
    /// The key is not a key.
    Key(KeyError),
    /// The host is missing or too long, or the port is no number.
    Target,
    /// The network's name is none.
    Network(AddressError),
}

impl fmt::Display for InviteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InviteError::Form => f.write_str("an invite has the form homing://KEY@HOST:PORT/NETWORK"),
            InviteError::Key(e) => write!(f, "the invite's key: {e}"),
            InviteError::Target => f.write_str("the invite's host and port: write HOST:PORT"),
            InviteError::Network(e) => write!(f, "the invite's network: {e}"),
        }
    }
}

impl core::error::Error for InviteError {}

impl FromStr for Invite {
    type Err = InviteError;

    fn from_str(text: &str) -> Result<Invite, InviteError> {
        let rest = text.trim().strip_prefix("homing://").ok_or(InviteError::Form)?;
        let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
        let (key, rest) = rest.split_once('@').ok_or(InviteError::Form)?;
        let (target, network) = rest.split_once('/').ok_or(InviteError::Form)?;
        let key = key.parse().map_err(InviteError::Key)?;
        let network = network.parse().map_err(InviteError::Network)?;
        Ok(Invite { key, target: check_target(target)?, network })
    }
}

/// `HOST`, `HOST:PORT` or `[IPV6]:PORT`; the default port where there is none.
fn check_target(target: &str) -> Result<String, InviteError> {
    let (host, port) = match target.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (target, None),
    };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let well_formed = match bracketed {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.chars().all(plain)
        }
    };
    let whole = match port {
        None => alloc::format!("{host}:{DEFAULT_PORT}"),
        // Digits only, and none too many: a port has one form.
        Some(port) if port.parse::<u16>().is_ok_and(|p| p > 0 && p.to_string() == port) => target.to_string(),
        Some(_) => return Err(InviteError::Target),
    };
    // With its port: what is read here must be read again from what it is written as.
    if well_formed && whole.len() <= MAX_TARGET { Ok(whole) } else { Err(InviteError::Target) }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "homing://{}@{}/{}", self.key, self.target, self.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StaticKey;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let key = StaticKey::from_bytes([3; 32]).peer_id();
        let parse = |rest: &str| alloc::format!("homing://{key}@{rest}").parse::<Invite>();
        assert_eq!(parse("hub.example/home").unwrap().target, "hub.example:4702");
        assert_eq!(parse("[::1]:9/home").unwrap().target, "[::1]:9");
        assert_eq!(parse("[::1]/home").unwrap().target, "[::1]:4702");
        assert_eq!(parse("h:1/home?later=1").unwrap().network.as_str(), "home");
        for target in [
            "", ":1", "h:", "h:0", "h:65536", "h:x", "::1:4", "h h:1", "a@b:1", "[zz]:1", "[]:1", "h#:1",
            "h:+1", "h:01",
        ] {
            assert_eq!(parse(&alloc::format!("{target}/home")), Err(InviteError::Target), "{target}");
        }
        assert_eq!(parse("h:1/"), Err(InviteError::Network(AddressError::Empty)));
        assert_eq!("homing://x@h:1/home".parse::<Invite>(), Err(InviteError::Key(KeyError::Form)));
        for text in ["", "http://x", "homing://", "homing://h:1/home"] {
            assert_eq!(text.parse::<Invite>(), Err(InviteError::Form), "{text}");
        }
        let invite = parse("h:1/home").unwrap();
        assert_eq!(invite.to_string().parse(), Ok(invite));
    }

    /// A host without a port gets one, and the two together must not be longer than what is read.
    #[test]
    fn the_longest_host_is_read_again_with_the_port_that_it_got() {
        let key = StaticKey::from_bytes([3; 32]).peer_id();
        let parse = |host: usize, rest: &str| {
            alloc::format!("homing://{key}@{}{rest}/home", "h".repeat(host)).parse::<Invite>()
        };
        for (host, rest) in [(254, ""), (253, ":65535"), (254, ":4702"), (1, "")] {
            let invite = parse(host, rest).unwrap();
            assert_eq!(invite.to_string().parse(), Ok(invite));
        }
        for (host, rest) in [(255, ""), (259, ""), (254, ":65535")] {
            assert_eq!(parse(host, rest), Err(InviteError::Target), "{host}{rest}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(homing://)?\\PC{0,80}") {
            let _ = text.parse::<Invite>();
        }
    }
}

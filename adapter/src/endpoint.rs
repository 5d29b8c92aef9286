//! Where to listen and what to dial, as text.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use homing_core::DEFAULT_PORT;

/// Where a peer listens, or what it dials: the form of [`Dial::target`](homing_core::Dial::target).
///
/// ```
/// use homing_adapter::Endpoint;
///
/// assert_eq!("127.0.0.1:0".parse(), Ok(Endpoint::Tcp("127.0.0.1:0".into())));
/// assert_eq!("unix:/run/hub".parse(), Ok(Endpoint::Unix("/run/hub".into())));
/// assert_eq!("memory:hub".parse(), Ok(Endpoint::Memory("hub".into())));
/// // Without a port it is the usual one.
/// assert_eq!("hub.example".parse::<Endpoint>().unwrap().to_string(), "hub.example:4702");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Endpoint {
    /// TCP, `HOST:PORT` or `[IPV6]:PORT`; the host may be a name. Port 0 listens on any free one.
    Tcp(String),
    /// A Unix socket at this path. Only on Unix.
    Unix(PathBuf),
    /// Within this process, under a name of one's choice.
    Memory(String),
}

/// Why a text is no [`Endpoint`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndpointError {
    /// The host, the path or the name is missing.
    Empty,
    /// What stands behind the last colon is no port from 0 to 65535.
    Port,
    /// An IPv6 address without brackets.
    Brackets,
    /// A character that no host name has.
    Host,
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            EndpointError::Empty => "nothing to dial: write HOST:PORT, unix:/PATH or memory:NAME",
            EndpointError::Port => "the port is a number from 0 to 65535: write HOST:PORT",
            EndpointError::Brackets => "write an IPv6 address in brackets: [::1]:4702",
            EndpointError::Host => "a host has no spaces, slashes or control characters: write HOST:PORT",
        })
    }
}

impl std::error::Error for EndpointError {}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let some = |rest: &str| if rest.is_empty() { Err(EndpointError::Empty) } else { Ok(rest.to_owned()) };
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Endpoint::Unix(some(path)?.into()));
        }
        if let Some(name) = text.strip_prefix("memory:") {
            return Ok(Endpoint::Memory(some(name)?));
        }
        tcp(text).map(Endpoint::Tcp)
    }
}

/// `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`; the default port where there is none.
fn tcp(text: &str) -> Result<String, EndpointError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let bracketed = host.starts_with('[') && host.ends_with(']');
    if host.is_empty() {
        return Err(EndpointError::Empty);
    }
    if !bracketed && host.contains(':') {
        return Err(EndpointError::Brackets);
    }
    if host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
        return Err(EndpointError::Host);
    }
    match port {
        None => Ok(format!("{host}:{DEFAULT_PORT}")),
        Some(port) if port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        Some(_) => Err(EndpointError::Port),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Tcp(target) => f.write_str(target),
            Endpoint::Unix(path) => write!(f, "unix:{}", path.display()),
            Endpoint::Memory(name) => write!(f, "memory:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_refused_and_why() {
        for (text, error) in [
            ("", EndpointError::Empty),
            (":80", EndpointError::Empty),
            ("unix:", EndpointError::Empty),
            ("memory:", EndpointError::Empty),
            ("h:", EndpointError::Port),
            ("h:x", EndpointError::Port),
            ("h:65536", EndpointError::Port),
            ("::1", EndpointError::Brackets),
            ("::1:4", EndpointError::Brackets),
            ("h h:1", EndpointError::Host),
            ("a/b:1", EndpointError::Host),
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(error), "{text:?}");
        }
        assert_eq!("[::1]".parse::<Endpoint>().unwrap().to_string(), "[::1]:4702");
        assert_eq!("[::1]:0".parse::<Endpoint>().unwrap().to_string(), "[::1]:0");
    }

    proptest! {
        #[test]
        fn what_is_taken_is_written_the_same(text in "\\PC{0,40}|(unix:|memory:)?[a-z0-9:.\\[\\]]{0,30}") {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
            }
        }
    }
}

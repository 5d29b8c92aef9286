//! Who a message is for: `name@network/instance`, parsed once and never checked again.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// The longest text of an [`Address`], in bytes.
pub const MAX_ADDRESS: usize = 255;
const MAX_NAME: usize = 64;
const MAX_NETWORK: usize = 128;
const MAX_INSTANCE: usize = 61;
const _: () = assert!(MAX_NAME + MAX_NETWORK + MAX_INSTANCE + 2 == MAX_ADDRESS);

/// Why a text is no address, or no part of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressError {
    /// A part is missing or empty.
    Empty,
    /// A part, or the whole, is too long.
    TooLong,
    /// A character that may not stand there.
    Character(char),
    /// There is no `@network`, and none to take its place.
    NoNetwork,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AddressError::Empty => f.write_str("a part is empty; an address is name@network/instance"),
            AddressError::TooLong => write!(
                f,
                "too long: a name has at most {MAX_NAME} characters, a network {MAX_NETWORK}, an instance {MAX_INSTANCE}"
            ),
            AddressError::Character(c) => write!(
                f,
                "{c:?} may not stand there: parts are of a-z, 0-9, '-', '_', '.', and begin with a letter or digit"
            ),
            AddressError::NoNetwork => f.write_str("no network: write name@network"),
        }
    }
}

impl core::error::Error for AddressError {}

/// Checks one part: 1 to `max` characters of a-z, 0-9, `-`, `_`, `.`, a letter or digit first.
/// ASCII and one case only: no two addresses look alike and differ.
fn check_part(part: &str, max: usize) -> Result<(), AddressError> {
    let first = part.chars().next().ok_or(AddressError::Empty)?;
    if !(first.is_ascii_lowercase() || first.is_ascii_digit()) {
        return Err(AddressError::Character(first));
    }
    match part.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.')) {
        Some(c) => Err(AddressError::Character(c)),
        None if part.len() > max => Err(AddressError::TooLong),
        None => Ok(()),
    }
}

macro_rules! part {
    ($(#[$doc:meta])* $name:ident, $max:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = AddressError;

            fn from_str(text: &str) -> Result<Self, AddressError> {
                check_part(text, $max)?;
                Ok($name(text.into()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

part! {
    /// A peer's name within its network: `ada`. At most 64 characters of a-z, 0-9, `-`, `_`, `.`,
    /// a letter or digit first.
    Name, MAX_NAME
}
part! {
    /// A network's name: `home`, `office.example`. At most 128 characters, as in [`Name`].
    Network, MAX_NETWORK
}
part! {
    /// Which of several nodes of one name: `laptop`. At most 61 characters, as in [`Name`].
    Instance, MAX_INSTANCE
}

/// Where a message goes or comes from: `name@network` or `name@network/instance`, or everybody in
/// a network: `*@network`.
///
/// ```
/// use homing_core::Address;
///
/// let ada: Address = "ada@home/laptop".parse().unwrap();
/// assert_eq!((ada.name(), ada.network(), ada.instance()), ("ada", "home", Some("laptop")));
/// assert_eq!(ada.bare().to_string(), "ada@home");
/// assert!("*@home".parse::<Address>().unwrap().is_everyone());
/// assert!("Ada@home".parse::<Address>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    text: Arc<str>,
    /// Where the `@` stands. An address has at most 255 bytes.
    at: u8,
    /// Where the `/` stands; the length, when there is none.
    slash: u8,
}

impl Address {
    /// Puts an address together from its parts.
    pub fn new(name: &Name, network: &Network, instance: Option<&Instance>) -> Address {
        Address::compose(name.as_str(), network.as_str(), instance.map(Instance::as_str))
    }

    /// Everybody in `network`: `*@network`.
    pub fn everyone(network: &Network) -> Address {
        Address::compose("*", network.as_str(), None)
    }

    /// The parts have been checked: together they are at most 255 bytes.
    #[allow(clippy::cast_possible_truncation)]
    fn compose(name: &str, network: &str, instance: Option<&str>) -> Address {
        let mut text = String::with_capacity(name.len() + network.len() + 1);
        text.push_str(name);
        text.push('@');
        text.push_str(network);
        let slash = text.len() as u8;
        if let Some(instance) = instance {
            text.push('/');
            text.push_str(instance);
        }
        Address { text: text.into(), at: name.len() as u8, slash }
    }

    /// An address that no peer has and none can be parsed to: for what comes from this node itself.
    pub(crate) fn nobody() -> Address {
        Address::compose("", "", None)
    }

    /// Parses `text`; a bare `name` or `*` is taken to be in `network`.
    pub fn parse_in(text: &str, network: &Network) -> Result<Address, AddressError> {
        if text.contains('@') {
            return text.parse();
        }
        let (name, instance) = match text.split_once('/') {
            Some((name, instance)) => (name, Some(instance)),
            None => (text, None),
        };
        Address::checked(name, network.as_str(), instance)
    }

    fn checked(name: &str, network: &str, instance: Option<&str>) -> Result<Address, AddressError> {
        if name != "*" {
            check_part(name, MAX_NAME)?;
        } else if instance.is_some() {
            return Err(AddressError::Character('/'));
        }
        check_part(network, MAX_NETWORK)?;
        if let Some(instance) = instance {
            check_part(instance, MAX_INSTANCE)?;
        }
        Ok(Address::compose(name, network, instance))
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name, or `*`.
    pub fn name(&self) -> &str {
        &self.text[..usize::from(self.at)]
    }

    /// The network.
    pub fn network(&self) -> &str {
        &self.text[usize::from(self.at) + 1..usize::from(self.slash)]
    }

    /// The instance, when one is named.
    pub fn instance(&self) -> Option<&str> {
        self.text.get(usize::from(self.slash) + 1..)
    }

    /// `name@network`, as text.
    pub fn bare_str(&self) -> &str {
        &self.text[..usize::from(self.slash)]
    }

    /// The address without its instance.
    pub fn bare(&self) -> Address {
        if self.instance().is_none() {
            return self.clone();
        }
        Address { text: self.bare_str().into(), at: self.at, slash: self.slash }
    }

    /// Whether this is `*@network`.
    pub fn is_everyone(&self) -> bool {
        self.name() == "*"
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let (name, rest) = text.split_once('@').ok_or(AddressError::NoNetwork)?;
        match rest.split_once('/') {
            Some((network, instance)) => Address::checked(name, network, Some(instance)),
            None => Address::checked(name, rest, None),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.text)
    }
}

/// Whom a command is for: one peer, a list, or all of a network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pattern {
    /// One peer.
    One(Address),
    /// Each of these.
    Many(Vec<Address>),
    /// Everybody who is in the network when the hub passes the command on, but the caller.
    All(Network),
}

impl From<Address> for Pattern {
    /// `*@network` becomes [`Pattern::All`].
    fn from(address: Address) -> Pattern {
        if address.is_everyone() {
            Pattern::All(Network(address.network().into()))
        } else {
            Pattern::One(address)
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::One(address) => address.fmt(f),
            Pattern::Many(list) => {
                f.write_str(&list.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
            }
            Pattern::All(network) => write!(f, "*@{network}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_refused_and_why() {
        use AddressError::*;
        for (text, error) in [
            ("", NoNetwork),
            ("ada", NoNetwork),
            ("@home", Empty),
            ("ada@", Empty),
            ("ada@home/", Empty),
            ("ada@/x", Empty),
            ("Ada@home", Character('A')),
            ("a da@home", Character(' ')),
            ("ada@ho@me", Character('@')),
            ("ada@home/x/y", Character('/')),
            ("-ada@home", Character('-')),
            (".@home", Character('.')),
            ("аda@home", Character('а')),
            ("a*@home", Character('*')),
            ("*@home/x", Character('/')),
            ("ada@home\0", Character('\0')),
        ] {
            assert_eq!(text.parse::<Address>(), Err(error), "{text:?}");
        }
        let long = |n: usize| "x".repeat(n);
        assert!(alloc::format!("{}@{}/{}", long(64), long(128), long(61)).parse::<Address>().is_ok());
        for (n, w, i) in [(65, 1, 1), (1, 129, 1), (1, 1, 62)] {
            assert_eq!(
                alloc::format!("{}@{}/{}", long(n), long(w), long(i)).parse::<Address>(),
                Err(TooLong)
            );
        }
    }

    #[test]
    fn a_bare_name_is_of_the_network_at_hand() {
        let home: Network = "home".parse().unwrap();
        for (text, full) in
            [("ada", "ada@home"), ("ada/x", "ada@home/x"), ("*", "*@home"), ("ada@work/y", "ada@work/y")]
        {
            assert_eq!(Address::parse_in(text, &home).unwrap().as_str(), full);
        }
        assert_eq!(Address::parse_in("", &home), Err(AddressError::Empty));
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_kept_as_it_is(text in "\\PC{0,40}|[a-z0-9@/.*]{0,300}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.as_str(), &*text);
                let again = Address::compose(address.name(), address.network(), address.instance());
                prop_assert_eq!(&again, &address);
                prop_assert!(address.bare().instance().is_none());
                prop_assert!(text.len() <= MAX_ADDRESS);
            }
        }
    }
}

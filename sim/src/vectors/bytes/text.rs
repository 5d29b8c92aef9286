//! PROTOCOL.md, section 13: text forms.

use homing_core::{Address, AddressError, Invite, InviteError, KeyError, PeerId, StaticKey};
use serde::{Deserialize, Serialize};

use crate::vectors::Hex;
use crate::vectors::bytes::{Cases, Codec};
use crate::vectors::case::{Reject, error_name};

fn utf8(input: &[u8]) -> Result<&str, Reject> {
    std::str::from_utf8(input).map_err(|_| Reject::local("Utf8"))
}

// ---- addresses

pub(in crate::vectors) struct Addresses;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct AddressValue {
    name: String,
    network: String,
    instance: Option<String>,
    everyone: bool,
}

impl Codec for Addresses {
    const ABOUT: &'static str = "Section 13: addresses. A text that is none has no reason of its own: it depends on where \
         it stands (a `to`: NOT_FOUND; a name in a hello: MALFORMED).";
    const TEXT: bool = true;
    type Value = AddressValue;

    fn decode(input: &[u8]) -> Result<AddressValue, Reject> {
        let address: Address =
            utf8(input)?.parse().map_err(|e: AddressError| Reject::local(&error_name(&e)))?;
        Ok(AddressValue {
            name: address.name().into(),
            network: address.network().into(),
            instance: address.instance().map(Into::into),
            everyone: address.is_everyone(),
        })
    }

    fn encode(value: &AddressValue) -> Option<Vec<u8>> {
        let network = value.network.parse().ok()?;
        let address = if value.everyone {
            Address::everyone(&network)
        } else {
            let instance = value.instance.as_ref().map(|instance| instance.parse()).transpose().ok()?;
            Address::new(&value.name.parse().ok()?, &network, instance.as_ref())
        };
        Some(address.to_string().into_bytes())
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value = |name: &str, network: &str, instance: Option<&str>| AddressValue {
            name: name.into(),
            network: network.into(),
            instance: instance.map(Into::into),
            everyone: name == "*",
        };
        let long = |n: usize| "x".repeat(n);
        let mut both = |name: &str, why: &str, value: AddressValue| {
            cases.both(name, why, Self::encode(&value).unwrap_or_default(), value);
        };
        both("with an instance", "one node", value("ada", "home", Some("laptop")));
        both("without", "whichever instance", value("ada", "home", None));
        both("everybody", "`*` for a name", value("*", "home", None));
        both("short", "one character each", value("a", "b", Some("c")));
        both("digits first", "a letter or digit", value("1", "2", Some("3")));
        both("all characters", "a-z 0-9 - _ .", value("a-b_c.d", "office.example", Some("k3-_.")));
        both(
            "the longest",
            "64, 128 and 61: 255 with the marks",
            value(&long(64), &long(128), Some(&long(61))),
        );
        let error = Reject::local;
        for (name, text, reject) in [
            ("nothing", "", error("NoNetwork")),
            ("no network", "ada", error("NoNetwork")),
            ("an empty name", "@home", error("Empty")),
            ("an empty network", "ada@", error("Empty")),
            ("an empty network, an instance", "ada@/x", error("Empty")),
            ("an empty instance", "ada@home/", error("Empty")),
            ("a capital", "Ada@home", error("Character")),
            ("a space", "a da@home", error("Character")),
            ("white space around", " ada@home", error("Character")),
            ("a newline behind", "ada@home\n", error("Character")),
            ("two @", "ada@ho@me", error("Character")),
            ("two /", "ada@home/x/y", error("Character")),
            ("a dash first", "-ada@home", error("Character")),
            ("a dot first", "ada@.home", error("Character")),
            ("a letter that looks like a", "\u{430}da@home", error("Character")),
            ("everybody and an instance", "*@home/x", error("Character")),
            ("a star inside", "a*@home", error("Character")),
            ("a zero byte", "ada@home\0", error("Character")),
        ] {
            cases.reject(name, "see the grammar", text, reject);
        }
        for (name, [a, b, c]) in [
            ("a name of 65", [65, 1, 1]),
            ("a network of 129", [1, 129, 1]),
            ("an instance of 62", [1, 1, 62]),
        ] {
            let text = format!("{}@{}/{}", long(a), long(b), long(c));
            cases.reject(name, "one more than there may be", text, error("TooLong"));
        }
        cases.reject("bad UTF-8", "ASCII only", b"ad\xff@home", error("Utf8"));
        cases
    }
}

// ---- keys

pub(in crate::vectors) struct Keys;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct KeyValue {
    public: Hex,
    fingerprint: String,
}

impl Codec for Keys {
    const ABOUT: &'static str = "Section 13: the text of a public key (base32 of the key and three bytes of \
         checksum), the key, and its fingerprint. The cases named `private ..` are of the key pair whose private half \
         is that byte 32 times.";
    const TEXT: bool = true;
    type Value = KeyValue;

    fn decode(input: &[u8]) -> Result<KeyValue, Reject> {
        let key: PeerId = utf8(input)?.parse().map_err(|e: KeyError| Reject::local(&error_name(&e)))?;
        Ok(KeyValue { public: Hex::from(key.as_bytes()), fingerprint: key.fingerprint() })
    }

    fn encode(value: &KeyValue) -> Option<Vec<u8>> {
        Some(PeerId::from_bytes(value.public.array().ok()?).to_string().into_bytes())
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let value =
            |key: PeerId| KeyValue { public: Hex::from(key.as_bytes()), fingerprint: key.fingerprint() };
        for byte in [0x11, 0x22, 0x33, 0x44, 0xff] {
            let key = StaticKey::from_bytes([byte; 32]).peer_id();
            cases.both(&format!("private {byte:02x}"), "a key pair", key.to_string(), value(key));
        }
        for (name, byte) in [("zeros", 0), ("ones", 0xff)] {
            let key = PeerId::from_bytes([byte; 32]);
            cases.both(
                name,
                "any 32 bytes have a text; a handshake refuses these",
                key.to_string(),
                value(key),
            );
        }
        let key = StaticKey::from_bytes([0x33; 32]).peer_id();
        let text = key.to_string();
        cases.read("capitals", "a reader takes upper case, too", text.to_uppercase(), value(key));
        let mixed = text.replace('m', "M");
        cases.read("mixed", "capitals anywhere", mixed, value(key));
        let first = text.replacen('p', "q", 1);
        cases.reject("a typing error", "the checksum finds it", first, Reject::local("Checksum"));
        let last = format!("{}a", &text[..55]);
        cases.reject("a typing error in the checksum", "the same", last, Reject::local("Checksum"));
        let form = || Reject::local("Form");
        cases.reject("nothing", "56 characters", "", form());
        cases.reject("one too few", "56 characters", &text[..55], form());
        cases.reject("one too many", "56 characters", format!("{text}a"), form());
        cases.reject("padding", "there is none", format!("{text}===="), form());
        cases.reject("a 1", "digits are 2-7", format!("{}1", &text[..55]), form());
        cases.reject("a space", "none between", format!("{} {}", &text[..4], &text[5..]), form());
        cases.reject("a fingerprint", "is no key", key.fingerprint(), form());
        cases
    }
}

// ---- invites

pub(in crate::vectors) struct Invites;

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::vectors) struct InviteValue {
    key: String,
    target: String,
    network: String,
}

impl Codec for Invites {
    const ABOUT: &'static str = "Section 13: invites. `target` is HOST:PORT, the port filled in.";
    const TEXT: bool = true;
    type Value = InviteValue;

    fn decode(input: &[u8]) -> Result<InviteValue, Reject> {
        let invite: Invite = utf8(input)?.parse().map_err(|e: InviteError| Reject::local(&error_name(&e)))?;
        let (key, network) = (invite.key.to_string(), invite.network.to_string());
        Ok(InviteValue { key, target: invite.target, network })
    }

    fn encode(value: &InviteValue) -> Option<Vec<u8>> {
        let (key, network) = (value.key.parse().ok()?, value.network.parse().ok()?);
        Some(Invite { key, target: value.target.clone(), network }.to_string().into_bytes())
    }

    fn cases() -> Cases<Self> {
        let mut cases = Cases::<Self>::new();
        let key = StaticKey::from_bytes([0x33; 32]).peer_id().to_string();
        let value =
            |target: &str| InviteValue { key: key.clone(), target: target.into(), network: "home".into() };
        let text = |target: &str| format!("homing://{key}@{target}/home");
        for (name, target) in [
            ("a name", "hub.example:4702"),
            ("an IPv4 address", "192.168.1.7:1"),
            ("an IPv6 address", "[2001:db8::1]:65535"),
            ("underscores and dashes", "my_hub-2:80"),
        ] {
            cases.both(name, "HOST:PORT", text(target), value(target));
        }
        let longest = format!("{}:65535", "h".repeat(253));
        cases.both("the longest target", "259 characters", text(&longest), value(&longest));
        cases.read("no port", "it is 4702 then", text("hub"), value("hub:4702"));
        cases.read("no port, IPv6", "it is 4702 then", text("[::1]"), value("[::1]:4702"));
        cases.read("a query", "passed over", format!("{}?later=1&x", text("hub:1")), value("hub:1"));
        cases.read(
            "an odd query",
            "anything behind the ?",
            format!("{}?/@ ?", text("hub:1")),
            value("hub:1"),
        );
        cases.read("white space around", "passed over", format!(" \t{}\r\n", text("hub:1")), value("hub:1"));
        let upper = text("hub:1").replace(&key, &key.to_uppercase());
        cases.read("a key in capitals", "a reader takes upper case, too", upper, value("hub:1"));

        for (name, target) in [
            ("no host", ":1"),
            ("no target", ""),
            ("an empty port", "h:"),
            ("port 0", "h:0"),
            ("port 65536", "h:65536"),
            ("a port with a plus", "h:+1"),
            ("a port with a zero before", "h:01"),
            ("a port in letters", "h:http"),
            ("a space in the host", "h h:1"),
            ("a second @", "a@b:1"),
            ("IPv6 without brackets", "::1:4"),
            ("no IPv6 in the brackets", "[zz]:1"),
            ("nothing in the brackets", "[]:1"),
            ("a zone", "[fe80::1%eth0]:1"),
            ("a host beyond ASCII", "höst:1"),
        ] {
            cases.reject(name, "HOST:PORT has its form", text(target), Reject::local("Target"));
        }
        let long = format!("{}:65535", "h".repeat(254));
        cases.reject("a target of 260", "259 at most", text(&long), Reject::local("Target"));
        for (name, text) in [
            ("nothing", String::new()),
            ("another scheme", text("h:1").replace("homing", "https")),
            ("a scheme in capitals", text("h:1").replace("homing", "Homing")),
            ("no key", "homing://h:1/home".into()),
            ("no network", format!("homing://{key}@h:1")),
        ] {
            cases.reject(name, "homing://KEY@HOST:PORT/NETWORK", text, Reject::local("Form"));
        }
        let typo = text("h:1").replacen("pmgu", "pmgo", 1);
        cases.reject("a typing error in the key", "its checksum finds it", typo, Reject::local("Key"));
        cases.reject(
            "an empty network",
            "a name of a network",
            text("h:1").replace("/home", "/"),
            Reject::local("Network"),
        );
        cases.reject(
            "a path behind",
            "a name of a network",
            format!("{}/x", text("h:1")),
            Reject::local("Network"),
        );
        cases
    }
}

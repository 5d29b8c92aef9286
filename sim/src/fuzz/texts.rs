//! The decoders of texts: addresses, invites, keys; and the numbers of reasons.

use homing_core::wire::MessageId;
use homing_core::wire::frame::{self, Frame};
use homing_core::wire::letter::ReasonJson;
use homing_core::{Address, DEFAULT_PORT, Failure, Invite, Name, Network, Pattern, PeerId, Reason, Receipts};

/// Any bytes as a text: those that are not UTF-8 are replaced, as programs do that show them.
fn as_text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// The grammar of PROTOCOL.md, section 13, once more: what a part of an address is.
fn is_part(text: &str, most: usize) -> bool {
    let first = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9');
    let next = |b: u8| first(b) || matches!(b, b'-' | b'_' | b'.');
    text.len() <= most && text.bytes().next().is_some_and(first) && text.bytes().all(next)
}

fn is_address(text: &str) -> bool {
    let Some((name, rest)) = text.split_once('@') else { return false };
    if name == "*" {
        return is_part(rest, 128);
    }
    match rest.split_once('/') {
        Some((network, instance)) => is_part(name, 64) && is_part(network, 128) && is_part(instance, 61),
        None => is_part(name, 64) && is_part(rest, 128),
    }
}

/// A text, as an address.
///
/// It is one when the grammar says so; then it is kept as it is, and is the sum of its parts.
pub fn address(data: &[u8]) {
    let text = &*as_text(data);
    let home: Network = "home".parse().unwrap();
    let read = text.parse::<Address>();
    assert_eq!(read.is_ok(), is_address(text), "{text:?}: {read:?}");
    assert_eq!(text.parse::<Name>().is_ok(), is_part(text, 64));
    assert_eq!(text.parse::<Network>().is_ok(), is_part(text, 128));

    // A bare name is of the network at hand.
    let there = Address::parse_in(text, &home);
    if text.contains('@') {
        assert_eq!(there, read);
    } else {
        let (name, instance) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let whole = instance.map_or(format!("{name}@home"), |instance| format!("{name}@home/{instance}"));
        assert_eq!(there.ok(), whole.parse().ok(), "{text:?}");
    }

    let Ok(address) = read else { return };
    assert!(text.len() <= homing_core::address::MAX_ADDRESS);
    assert_eq!(address.as_str(), text);
    assert_eq!(address.to_string(), text);
    let bare = address.bare();
    assert_eq!((bare.as_str(), bare.instance()), (address.bare_str(), None));
    assert_eq!(bare.bare(), bare);
    assert_eq!(bare.as_str(), format!("{}@{}", address.name(), address.network()));
    let network: Network = address.network().parse().unwrap();
    if address.is_everyone() {
        assert_eq!(address, Address::everyone(&network));
    } else {
        let instance = address.instance().map(|instance| instance.parse().unwrap());
        assert_eq!(address, Address::new(&address.name().parse().unwrap(), &network, instance.as_ref()));
    }
    let pattern = Pattern::from(address.clone());
    assert_eq!(pattern.to_string(), text);
    assert_eq!(matches!(pattern, Pattern::All(_)), address.is_everyone());
}

/// A text, as an invite.
///
/// What is read has one form, which is read as the same: no longer than what came, but for the port
/// where there was none.
pub fn invite(data: &[u8]) {
    let text = &*as_text(data);
    match text.parse::<Invite>() {
        Ok(invite) => {
            let form = invite.to_string();
            assert_eq!(form.parse(), Ok(invite.clone()), "{form:?}");
            assert!(form.bytes().all(|b| b.is_ascii_graphic() && b != b'?'));
            assert!(form.len() <= text.len() + format!(":{DEFAULT_PORT}").len());
            assert!(invite.target.len() <= 259);
            let (host, port) = invite.target.rsplit_once(':').expect("no port");
            assert!(!host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
            assert_eq!(format!(" {form}?{text}\n").parse(), Ok(invite), "what is passed over");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A text, as a public key and as the id of a message; and bytes as both.
///
/// A key has one form but for the case of its letters, an id one form.
pub fn key(data: &[u8]) {
    let text = &*as_text(data);
    if let Ok(id) = text.parse::<PeerId>() {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
        assert_eq!(text.to_ascii_uppercase().parse(), Ok(id));
    }
    if let Ok(id) = text.parse::<MessageId>() {
        assert_eq!(id.to_string(), text);
    }
    if let Ok(receipts) = text.parse::<Receipts>() {
        assert!(receipts != Receipts::Failure || text == "failed");
    }
    if let Some(bytes) = data.first_chunk::<32>() {
        let id = PeerId::from_bytes(*bytes);
        let form = id.to_string();
        assert_eq!((form.len(), form.parse()), (56, Ok(id)));
        let print = id.fingerprint();
        assert_eq!(print.replace('-', ""), form[..20]);
        assert_eq!(print.len(), 24);
        // One letter that is another one is found.
        let at = usize::from(data.get(32).copied().unwrap_or(0)) % 56;
        let mut wrong = form.clone().into_bytes();
        wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
        assert!(String::from_utf8(wrong).unwrap().parse::<PeerId>().is_err());
    }
    if let Some(bytes) = data.first_chunk::<16>() {
        assert_eq!(MessageId(*bytes).to_string().parse(), Ok(MessageId(*bytes)));
    }
}

/// A number, as a reason, and a text with it: in a refusal, in a close frame, in a notification.
///
/// The number stays what it was; the text is cut between two characters, and no shorter than it must be.
pub fn reason(data: &[u8]) {
    let (code, text) = match data {
        [high, low, text @ ..] => (u16::from_be_bytes([*high, *low]), as_text(text)),
        _ => (0, as_text(data)),
    };
    let reason = Reason::from_code(code);
    assert_eq!(reason.code(), code);
    let known = Reason::ALL.contains(&reason);
    assert_eq!(known, !reason.text().is_empty());
    assert!(known || !reason.is_permanent(), "nobody knows what another dial would change");
    assert!(!reason.to_string().is_empty());

    let mut out = Vec::new();
    frame::write_close(&mut out, reason, &text);
    let Ok(Frame::Close { reason: read, text: cut }) = frame::read(&mut &out[..]) else {
        panic!("a close frame that cannot be read: {out:?}")
    };
    assert_eq!(read, reason);
    assert!(text.starts_with(cut) && cut.len() <= frame::MAX_CLOSE_TEXT);
    let next = text[cut.len()..].chars().next();
    assert!(next.is_none_or(|next| cut.len() + next.len_utf8() > frame::MAX_CLOSE_TEXT), "cut too short");

    let failure = Failure { reason, text: text.to_string() };
    assert!(!failure.to_string().is_empty());
    let json = ReasonJson::from(&failure);
    let read = Failure::from(json.clone());
    assert_eq!((read.reason, &*read.text), (reason, cut));
    assert_eq!(ReasonJson::from(&read), json);
}

//! The label: what a relay needs, and no more. PROTOCOL.md, section 5.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;

/// 16 random bytes by which receipts, answers and duplicates are matched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub [u8; 16]);

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for MessageId {
    type Err = LabelError;

    /// 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<MessageId, LabelError> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| LabelError::Truncated)?;
        bytes.try_into().map(MessageId).map_err(|_| LabelError::Truncated)
    }
}

/// What an envelope is: two bits of the label's flags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// Content for the recipient's application.
    Message = 0,
    /// What became of the envelope with the same id.
    Notification = 1,
    /// A command.
    Request = 2,
    /// The answer to the request with the same id.
    Response = 3,
}

/// What goes first when a link is busy: two bits of the label's flags.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Priority {
    /// When nothing else waits.
    Bulk = 0,
    /// What nobody thought about.
    #[default]
    Normal = 1,
    /// Before everything else of the application's.
    Urgent = 2,
}

/// Which receipts the sender wants: two bits of the label's flags. Each includes those before it;
/// a failure is always reported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Receipts {
    /// Only when it fails.
    #[default]
    Failure = 0,
    /// From the hub: accepted, and dispatched to the recipient's link.
    Route = 1,
    /// From the recipient's node: received.
    Received = 2,
    /// From the recipient's application: consumed.
    Consumed = 3,
}

/// The outside of an envelope. `to` and `from` are texts as they came: empty, or an address if
/// whoever looks it up finds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label<'a> {
    /// What it is.
    pub kind: Kind,
    /// What goes first.
    pub priority: Priority,
    /// Whether the letter is encrypted for its recipient.
    pub sealed: bool,
    /// Whether more of the letter follows in other frames.
    pub more: bool,
    /// Which receipts the sender wants.
    pub receipts: Receipts,
    /// How often it may still be passed on.
    pub hops: u8,
    /// The id of this envelope, or of the one that it speaks of or answers.
    pub id: MessageId,
    /// The recipient; empty for the neighbour itself.
    pub to: &'a str,
    /// The sender; empty on the sender's own link, where the hub writes it.
    pub from: &'a str,
}

/// Why bytes are no label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LabelError {
    /// They end too early.
    Truncated,
    /// A priority that does not exist.
    Flags(u8),
    /// An address that is no ASCII text.
    Text,
}

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelError::Truncated => f.write_str("a label ends too early"),
            LabelError::Flags(flags) => write!(f, "a label's flags {flags:#04x} mean nothing"),
            LabelError::Text => f.write_str("a label's address is not ASCII"),
        }
    }
}

impl core::error::Error for LabelError {}

/// What every label begins with: flags, hops, id.
pub(crate) const FIXED: usize = 2 + 16;
const SEALED: u8 = 1 << 4;
const MORE: u8 = 1 << 5;

impl<'a> Label<'a> {
    /// Splits an envelope into its label and its letter, which is not looked at.
    ///
    /// # Errors
    /// What is wrong with the label.
    pub fn read(envelope: &'a [u8]) -> Result<(Label<'a>, &'a [u8]), LabelError> {
        let (fixed, rest) = envelope.split_first_chunk().ok_or(LabelError::Truncated)?;
        let (to, rest) = read_text(rest)?;
        let (from, letter) = read_text(rest)?;
        Ok((Label::new(fixed, to, from)?, letter))
    }

    /// The label that the fixed part and two texts make.
    pub(crate) fn new(fixed: &[u8; FIXED], to: &'a str, from: &'a str) -> Result<Label<'a>, LabelError> {
        let [flags, hops, id @ ..] = *fixed;
        Ok(Label {
            kind: match flags & 3 {
                0 => Kind::Message,
                1 => Kind::Notification,
                2 => Kind::Request,
                _ => Kind::Response,
            },
            priority: match flags >> 2 & 3 {
                0 => Priority::Bulk,
                1 => Priority::Normal,
                2 => Priority::Urgent,
                _ => return Err(LabelError::Flags(flags)),
            },
            sealed: flags & SEALED != 0,
            more: flags & MORE != 0,
            receipts: match flags >> 6 {
                0 => Receipts::Failure,
                1 => Receipts::Route,
                2 => Receipts::Received,
                _ => Receipts::Consumed,
            },
            hops,
            id: MessageId(id),
            to,
            from,
        })
    }

    /// The flags' byte.
    pub const fn flags(&self) -> u8 {
        self.kind as u8
            | (self.priority as u8) << 2
            | if self.sealed { SEALED } else { 0 }
            | if self.more { MORE } else { 0 }
            | (self.receipts as u8) << 6
    }

    /// The bytes that [`write`](Label::write) appends.
    pub const fn len(&self) -> usize {
        Label::len_with(self.to.len(), self.from.len())
    }

    /// The bytes of a label whose addresses are so long.
    pub(crate) const fn len_with(to: usize, from: usize) -> usize {
        FIXED + 2 + to + from
    }

    /// Never: a label has at least its fixed part.
    pub const fn is_empty(&self) -> bool {
        false
    }

    /// Appends the label. `to` and `from` are addresses, of at most 255 bytes, or empty.
    pub fn write(&self, out: &mut Vec<u8>) {
        let length = |text: &str| {
            debug_assert!(text.len() <= crate::address::MAX_ADDRESS);
            u8::try_from(text.len()).unwrap_or(0)
        };
        let mut fixed = [0; FIXED + 1];
        (fixed[0], fixed[1], fixed[FIXED]) = (self.flags(), self.hops, length(self.to));
        fixed[2..FIXED].copy_from_slice(&self.id.0);
        out.extend_from_slice(&fixed);
        out.extend_from_slice(self.to.as_bytes());
        out.push(length(self.from));
        if !self.from.is_empty() {
            out.extend_from_slice(self.from.as_bytes());
        }
    }
}

impl MessageId {
    /// The one in the fixed part of a label.
    pub(crate) const fn of(fixed: &[u8; FIXED]) -> MessageId {
        let [_, _, id @ ..] = *fixed;
        MessageId(id)
    }
}

/// Whether an envelope may be passed on once more.
pub(crate) fn may_go_on(envelope: &[u8]) -> bool {
    envelope.get(1).is_some_and(|hops| *hops > 0)
}

/// The fixed part of a label as it is passed on.
pub(crate) const fn once_more(fixed: &[u8; FIXED]) -> [u8; FIXED] {
    let mut fixed = *fixed;
    fixed[1] = fixed[1].saturating_sub(1);
    fixed
}

/// The fixed part of a label, with this id in it.
pub(crate) fn with_id(fixed: &[u8; FIXED], id: MessageId) -> [u8; FIXED] {
    let mut with = *fixed;
    with[2..].copy_from_slice(&id.0);
    with
}

/// Two texts as they stand in a label.
pub(crate) fn texts(to: &str, from: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 + to.len() + from.len());
    for text in [to, from] {
        out.push(u8::try_from(text.len()).unwrap_or(0));
        out.extend_from_slice(text.as_bytes());
    }
    out
}

/// The first of them, unread.
pub(crate) fn first_text(texts: &[u8]) -> Option<&[u8]> {
    split_text(texts).map(|(text, _)| text)
}

fn split_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(length))
}

fn read_text(bytes: &[u8]) -> Result<(&str, &[u8]), LabelError> {
    let (text, rest) = split_text(bytes).ok_or(LabelError::Truncated)?;
    match core::str::from_utf8(text) {
        Ok(text) if text.is_ascii() => Ok((text, rest)),
        _ => Err(LabelError::Text),
    }
}

impl Kind {
    /// The name in logs and in PROTOCOL.md.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Message => "message",
            Kind::Notification => "notification",
            Kind::Request => "request",
            Kind::Response => "response",
        }
    }
}

impl FromStr for Receipts {
    type Err = String;

    /// `accepted` and `dispatched` are both given by the route.
    fn from_str(text: &str) -> Result<Receipts, String> {
        match text {
            "failed" => Ok(Receipts::Failure),
            "accepted" | "dispatched" => Ok(Receipts::Route),
            "received" => Ok(Receipts::Received),
            "consumed" => Ok(Receipts::Consumed),
            _ => Err(alloc::format!("{text:?} is none of accepted, dispatched, received, consumed")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_layout_is_this() {
        let label = Label {
            kind: Kind::Request,
            priority: Priority::Normal,
            sealed: false,
            more: false,
            receipts: Receipts::Received,
            hops: 8,
            id: MessageId([0xAA; 16]),
            to: "b@n",
            from: "",
        };
        let mut out = Vec::new();
        label.write(&mut out);
        let expected = [&[0b1000_0110, 8][..], &[0xAA; 16], b"\x03b@n", b"\x00"].concat();
        assert_eq!(out, expected);
        assert_eq!(out.len(), label.len());
        out.extend_from_slice(b"letter");
        assert_eq!(Label::read(&out), Ok((label, &b"letter"[..])));
        for cut in 0..expected.len() {
            assert_eq!(Label::read(&out[..cut]), Err(LabelError::Truncated));
        }
        out[0] |= 0b1100;
        assert_eq!(Label::read(&out), Err(LabelError::Flags(0b1000_1110)));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok((label, letter)) = Label::read(&bytes) {
                let mut out = Vec::new();
                label.write(&mut out);
                out.extend_from_slice(letter);
                prop_assert_eq!(out, bytes);
            }
        }
    }
}

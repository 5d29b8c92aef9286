//! The label: what a relay needs, and no more. PROTOCOL.md, section 5.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;

/// 16 bytes, to others as good as random, by which receipts, answers and duplicates are matched.
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
/// The most that both texts have, each behind its length.
pub(crate) const TEXTS: usize = 2 * (1 + 255);
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

    /// The same as it is written; `room` is for its texts.
    pub(crate) fn pack<'b>(&self, room: &'b mut [u8; TEXTS]) -> Packed<'b> {
        Packed { flags: self.flags(), hops: self.hops, id: self.id, texts: texts(self.to, self.from, room) }
    }

    /// Appends the label. `to` and `from` are addresses, of at most 255 bytes, or empty.
    pub fn write(&self, out: &mut Vec<u8>) {
        self.pack(&mut [0; TEXTS]).write(out);
    }
}

/// A label as it is written: what stands in front of its id and behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packed<'a> {
    pub(crate) flags: u8,
    pub(crate) hops: u8,
    pub(crate) id: MessageId,
    /// `to` and `from`, each behind its length.
    pub(crate) texts: &'a [u8],
}

impl Packed<'_> {
    /// The bytes of the label.
    pub(crate) const fn len(&self) -> usize {
        FIXED + self.texts.len()
    }

    /// Whether an envelope begins with this label, but for the id.
    #[inline]
    pub(crate) fn is_alike(&self, envelope: &[u8]) -> bool {
        envelope.get(FIXED..self.len()).is_some_and(|texts| {
            is_same(texts, self.texts) && [envelope[0], envelope[1]] == [self.flags, self.hops]
        })
    }

    /// Appends the label, in the pieces in which it is there: put together first, it would be read while it is written.
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.flags, self.hops]);
        out.extend_from_slice(&self.id.0);
        out.extend_from_slice(self.texts);
    }
}

/// The bytes of the label that `envelope` begins with, if it is there in whole.
pub(crate) fn length(envelope: &[u8]) -> Option<usize> {
    let (_, letter) = split_text(split_text(envelope.get(FIXED..)?)?.1)?;
    Some(envelope.len() - letter.len())
}

/// The envelope that is alike to the one `before` it, with this id and letter; none, if that has no whole label.
/// PROTOCOL.md, section 4.
///
/// ```
/// use homing_core::MessageId;
/// use homing_core::wire::{Label, label};
///
/// let before = b"\x04\x08one of sixteen b\x03b@n\x00letter";
/// let (id, letter) = (MessageId(*b"another of these"), b"another letter");
/// let envelope = label::alike(before, &id, letter).unwrap();
/// assert_eq!(envelope, b"\x04\x08another of these\x03b@n\x00another letter");
/// assert_eq!(Label::read(&envelope).unwrap().0.to, "b@n");
/// ```
pub fn alike(before: &[u8], id: &MessageId, letter: &[u8]) -> Option<Vec<u8>> {
    let mut envelope = before.get(..length(before)?)?.to_vec();
    envelope[2..FIXED].copy_from_slice(&id.0);
    envelope.extend_from_slice(letter);
    Some(envelope)
}

/// Writes the label that stands at `like` once more, with another id, so that it ends at `end`: where it begins then.
/// What stood there is overwritten, be it that label. None, if there is no whole label, or no room in front of `end`;
/// nothing has changed then.
pub(crate) fn write_again(bytes: &mut [u8], like: usize, id: MessageId, end: usize) -> Option<usize> {
    let length = length(bytes.get(like..)?)?;
    let start = end.checked_sub(length).filter(|_| end <= bytes.len())?;
    bytes.copy_within(like..like + length, start);
    bytes.get_mut(start + 2..start + FIXED)?.copy_from_slice(&id.0);
    Some(start)
}

impl MessageId {
    /// The one in the fixed part of a label.
    pub(crate) const fn of(fixed: &[u8; FIXED]) -> MessageId {
        let [_, _, id @ ..] = *fixed;
        MessageId(id)
    }
}

/// Equality, of texts so short that calling for it costs more than it.
#[inline]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    let ((a_words, a_rest), (b_words, b_rest)) = (a.as_chunks(), b.as_chunks());
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    a.len() == b.len()
        && a_words.iter().zip(b_words).all(|(a, b)| word(a) == word(b))
        && match (a.last_chunk(), b.last_chunk()) {
            // Some bytes once more, instead of each by itself.
            (Some(a), Some(b)) => word(a) == word(b),
            _ => a_rest == b_rest,
        }
}

/// Two texts as they stand in a label, each behind its length.
pub(crate) fn texts<'a>(to: &str, from: &str, room: &'a mut [u8; TEXTS]) -> &'a [u8] {
    let mut end = 0;
    for text in [to, from] {
        debug_assert!(text.len() <= crate::address::MAX_ADDRESS);
        let length = u8::try_from(text.len()).unwrap_or(0);
        let text = &text.as_bytes()[..usize::from(length)];
        room[end] = length;
        room[end + 1..][..text.len()].copy_from_slice(text);
        end += 1 + text.len();
    }
    &room[..end]
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
pub(crate) mod tests {
    use super::*;
    use crate::wire::frame::{self, Frame};
    use proptest::prelude::*;

    /// One of three labels, with an id.
    pub(crate) const fn of(which: u8, id: u8) -> Label<'static> {
        Label {
            kind: Kind::Message,
            priority: Priority::Normal,
            sealed: false,
            more: false,
            receipts: Receipts::Failure,
            hops: 8,
            id: MessageId([id; 16]),
            to: if which == 0 { "" } else { "b@n" },
            from: if which == 2 { "ada@n/laptop" } else { "" },
        }
    }

    /// An envelope in whole.
    pub(crate) fn whole(label: &Label<'_>, letter: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        label.write(&mut whole);
        whole.extend_from_slice(letter);
        whole
    }

    /// The envelopes of a record, in whole.
    pub(crate) fn all_in(mut record: &[u8]) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = Vec::new();
        while !record.is_empty() {
            all.push(match frame::read(&mut record) {
                Ok(Frame::Envelope(envelope)) => envelope.to_vec(),
                Ok(Frame::Alike { id, letter }) => alike(all.last().unwrap(), &id, letter).unwrap(),
                other => panic!("{other:?}"),
            });
        }
        all
    }

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

    /// A label of a few, so that two are often alike.
    fn any_label() -> impl Strategy<Value = Vec<u8>> {
        const TEXTS: &[&[u8]] = &[b"\x00", b"\x03b@n", b"\x03c@n", b"\x0Cada@n/laptop"];
        let text = prop::sample::select(TEXTS);
        (0u8..2, 0u8..2, any::<[u8; 16]>(), text.clone(), text)
            .prop_map(|(flags, hops, id, to, from)| [&[flags, hops][..], &id, to, from].concat())
    }

    proptest! {
        /// In place, whatever stands between them and is overwritten, and put together anew: the same envelope.
        #[test]
        fn a_label_is_written_again(
            label in any_label(),
            before in 0usize..9,
            between in 0usize..60,
            id in any::<[u8; 16]>(),
            letter in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let id = MessageId(id);
            prop_assert_eq!(length(&label), Some(label.len()));
            let mut bytes = [&alloc::vec![9; before][..], &label, &alloc::vec![9; between], &letter].concat();
            let end = bytes.len() - letter.len();
            let start = write_again(&mut bytes, before, id, end);
            prop_assert_eq!(start, Some(before + between));
            let anew = alike(&label, &id, &letter);
            prop_assert_eq!(Some(&bytes[before + between..]), anew.as_deref());
            let was = bytes.clone();
            prop_assert!(write_again(&mut bytes, before + between + 1 + label.len(), id, end).is_none());
            prop_assert!(write_again(&mut bytes, before + between, id, label.len() - 1).is_none());
            prop_assert!(write_again(&mut bytes, before + between, id, was.len() + 1).is_none());
            prop_assert_eq!(bytes, was);
        }

        /// Those are alike that are the same but for their ids, and no others.
        #[test]
        fn alike_is_the_same_but_for_the_id(a in any_label(), b in any_label()) {
            let mut room = [0; TEXTS];
            let label = Label::read(&a).unwrap().0.pack(&mut room);
            prop_assert_eq!([&[label.flags, label.hops][..], &label.id.0, label.texts].concat(), &a[..]);
            let same = a[..2] == b[..2] && a[FIXED..] == b[FIXED..];
            prop_assert_eq!(label.is_alike(&b), same);
            prop_assert!(label.is_alike(&[&a[..], b"letter"].concat()));
            (0..a.len()).for_each(|cut| assert!(!label.is_alike(&a[..cut])));
        }

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

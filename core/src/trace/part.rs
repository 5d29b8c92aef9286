//! The values that calls are made of, each with its one form.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;
use core::time::Duration;

use bytes::Bytes;

use crate::node::{Dial, UplinkId};
use crate::trace::bytes::{Reader, Sink, TraceError};
use crate::wire::letter::{ContentType, Method};
use crate::wire::{MessageId, Priority, Receipts};
use crate::{
    Address, CallId, Command, Failure, Heartbeat, Instance, Limits, LinkId, Message, Name, Network, Pattern,
    PeerId, Reason, RequestId, Response, Serving, StoreId, Suite,
};

/// A value of the format.
pub(super) trait Part: Sized {
    fn write(&self, out: &mut impl Sink);

    /// Reads what [`write`](Part::write) wrote, and nothing else.
    fn read(input: &mut Reader<'_>) -> Result<Self, TraceError>;
}

impl Part for bool {
    fn write(&self, out: &mut impl Sink) {
        out.byte((*self).into());
    }

    fn read(input: &mut Reader<'_>) -> Result<bool, TraceError> {
        match input.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(input.wrong("neither yes nor no")),
        }
    }
}

impl Part for u64 {
    fn write(&self, out: &mut impl Sink) {
        out.number(*self);
    }

    fn read(input: &mut Reader<'_>) -> Result<u64, TraceError> {
        input.number()
    }
}

impl Part for usize {
    fn write(&self, out: &mut impl Sink) {
        out.number(*self as u64);
    }

    fn read(input: &mut Reader<'_>) -> Result<usize, TraceError> {
        input.size()
    }
}

/// Whole seconds, then nanoseconds.
impl Part for Duration {
    fn write(&self, out: &mut impl Sink) {
        out.number(self.as_secs());
        out.number(self.subsec_nanos().into());
    }

    fn read(input: &mut Reader<'_>) -> Result<Duration, TraceError> {
        let seconds = input.number()?;
        match u32::try_from(input.number()?) {
            Ok(nanos) if nanos < 1_000_000_000 => Ok(Duration::new(seconds, nanos)),
            _ => Err(input.wrong("more nanoseconds than a second has")),
        }
    }
}

impl Part for String {
    fn write(&self, out: &mut impl Sink) {
        out.blob(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<String, TraceError> {
        input.text().map(ToString::to_string)
    }
}

/// As its text.
impl Part for ContentType {
    fn write(&self, out: &mut impl Sink) {
        out.blob(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<ContentType, TraceError> {
        String::read(input).map(ContentType::Owned)
    }
}

impl Part for Vec<u8> {
    fn write(&self, out: &mut impl Sink) {
        out.blob(self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Vec<u8>, TraceError> {
        input.blob().map(<[u8]>::to_vec)
    }
}

impl Part for Bytes {
    fn write(&self, out: &mut impl Sink) {
        out.blob(self);
    }

    fn read(input: &mut Reader<'_>) -> Result<Bytes, TraceError> {
        input.blob().map(Bytes::copy_from_slice)
    }
}

impl Part for Vec<Address> {
    fn write(&self, out: &mut impl Sink) {
        self.len().write(out);
        self.iter().for_each(|address| address.write(out));
    }

    /// Nothing is reserved for what is only said to come.
    fn read(input: &mut Reader<'_>) -> Result<Vec<Address>, TraceError> {
        let (length, mut list) = (input.size()?, Vec::new());
        for _ in 0..length {
            list.push(Address::read(input)?);
        }
        Ok(list)
    }
}

impl Part for BTreeMap<String, String> {
    fn write(&self, out: &mut impl Sink) {
        self.len().write(out);
        for (key, value) in self {
            key.write(out);
            value.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, TraceError> {
        let (length, mut map) = (input.size()?, BTreeMap::new());
        for _ in 0..length {
            let key = String::read(input)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(input.wrong("keys out of order"));
            }
            map.insert(key, String::read(input)?);
        }
        Ok(map)
    }
}

impl Part for BTreeSet<PeerId> {
    fn write(&self, out: &mut impl Sink) {
        self.len().write(out);
        self.iter().for_each(|key| key.write(out));
    }

    fn read(input: &mut Reader<'_>) -> Result<Self, TraceError> {
        let (length, mut set) = (input.size()?, BTreeSet::new());
        for _ in 0..length {
            let key = PeerId::read(input)?;
            if set.last().is_some_and(|last| *last >= key) {
                return Err(input.wrong("keys out of order"));
            }
            set.insert(key);
        }
        Ok(set)
    }
}

impl<T: Part> Part for Option<T> {
    fn write(&self, out: &mut impl Sink) {
        self.is_some().write(out);
        if let Some(part) = self {
            part.write(out);
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Option<T>, TraceError> {
        Ok(if bool::read(input)? { Some(T::read(input)?) } else { None })
    }
}

impl<T: Part, E: Part> Part for Result<T, E> {
    fn write(&self, out: &mut impl Sink) {
        self.is_ok().write(out);
        match self {
            Ok(part) => part.write(out),
            Err(part) => part.write(out),
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Result<T, E>, TraceError> {
        Ok(if bool::read(input)? { Ok(T::read(input)?) } else { Err(E::read(input)?) })
    }
}

fn parsed<T: FromStr>(input: &mut Reader<'_>, what: &'static str) -> Result<T, TraceError> {
    input.text()?.parse().map_err(|_| input.wrong(what))
}

macro_rules! names {
    ($($name:ident, $what:literal;)*) => {$(
        impl Part for $name {
            fn write(&self, out: &mut impl Sink) {
                out.blob(self.as_str().as_bytes());
            }

            fn read(input: &mut Reader<'_>) -> Result<$name, TraceError> {
                parsed(input, $what)
            }
        }
    )*};
}

names! {
    Name, "not a name";
    Network, "not a network";
    Instance, "not an instance";
    Address, "not an address";
}

impl Part for PeerId {
    fn write(&self, out: &mut impl Sink) {
        out.put(self.as_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<PeerId, TraceError> {
        input.array().map(PeerId::from_bytes)
    }
}

impl Part for MessageId {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.0);
    }

    fn read(input: &mut Reader<'_>) -> Result<MessageId, TraceError> {
        input.array().map(MessageId)
    }
}

impl Part for CallId {
    fn write(&self, out: &mut impl Sink) {
        self.0.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Result<CallId, TraceError> {
        MessageId::read(input).map(CallId)
    }
}

impl Part for LinkId {
    fn write(&self, out: &mut impl Sink) {
        out.number(self.as_u64());
    }

    fn read(input: &mut Reader<'_>) -> Result<LinkId, TraceError> {
        let n = input.number()?;
        Ok(if n & 1 == 1 { LinkId::accepted(n >> 1) } else { LinkId::dialed(n >> 1) })
    }
}

macro_rules! numbered {
    ($($name:ident)*) => {$(
        impl Part for $name {
            fn write(&self, out: &mut impl Sink) {
                out.number(self.0);
            }

            fn read(input: &mut Reader<'_>) -> Result<$name, TraceError> {
                input.number().map($name)
            }
        }
    )*};
}

numbered! { UplinkId RequestId StoreId }

macro_rules! words {
    ($($name:ident: $($word:ident = $byte:literal),*;)*) => {$(
        impl Part for $name {
            fn write(&self, out: &mut impl Sink) {
                out.byte(match self {
                    $($name::$word => $byte,)*
                });
            }

            fn read(input: &mut Reader<'_>) -> Result<$name, TraceError> {
                match input.byte()? {
                    $($byte => Ok($name::$word),)*
                    _ => Err(input.wrong(concat!("not a ", stringify!($name)))),
                }
            }
        }
    )*};
}

words! {
    Receipts: Failure = 0, Route = 1, Received = 2, Consumed = 3;
    Priority: Bulk = 0, Normal = 1, Urgent = 2;
    Method: Get = 0, Set = 1, Delete = 2, Subscribe = 3, Unsubscribe = 4, Observe = 5, Merge = 6;
    Suite: XxChaChaPoly = 1, XxAesGcm = 2;
}

impl Part for Reason {
    fn write(&self, out: &mut impl Sink) {
        out.number(self.code().into());
    }

    fn read(input: &mut Reader<'_>) -> Result<Reason, TraceError> {
        let code = u16::try_from(input.number()?).map_err(|_| input.wrong("a reason above 65535"))?;
        Ok(Reason::from_code(code))
    }
}

/// A structure is its fields, one after the other. Each is named: a field that is added does not compile.
macro_rules! structures {
    ($($name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Part for $name {
            fn write(&self, out: &mut impl Sink) {
                let $name { $($field),* } = self;
                $($field.write(out);)*
            }

            fn read(input: &mut Reader<'_>) -> Result<$name, TraceError> {
                Ok($name { $($field: Part::read(input)?),* })
            }
        }
    )*};
}

/// As a byte in two's complement.
impl Part for i8 {
    fn write(&self, out: &mut impl Sink) {
        out.put(&self.to_le_bytes());
    }

    fn read(input: &mut Reader<'_>) -> Result<i8, TraceError> {
        input.array().map(i8::from_le_bytes)
    }
}

impl Part for u8 {
    fn write(&self, out: &mut impl Sink) {
        out.byte(*self);
    }

    fn read(input: &mut Reader<'_>) -> Result<u8, TraceError> {
        input.byte()
    }
}

structures! {
    Failure { reason, text }
    Response { content_type, body }
    Message { content_type, metadata, body, receipts, priority, patience }
    Command { method, path, content_type, body }
    Dial { target, network, pin, name, instance, priority, redial }
    Heartbeat { idle, silence }
    Serving { address, open, allow }
    Limits {
        links, handshakes, handshake_time, handshake_record, goodbye, letter, head, window, queue, ahead,
        replies, queue_time, stall, ack_delay, roster_delay, roster, names, names_per_key, instances,
        receipts, calls, recipients, requests, patience, deliveries, uplinks, commands, rekey_records,
        rekey_bytes, redial_first, redial_most, hops,
    }
}

impl Part for Pattern {
    fn write(&self, out: &mut impl Sink) {
        match self {
            Pattern::One(address) => {
                out.byte(0);
                address.write(out);
            }
            Pattern::Many(list) => {
                out.byte(1);
                list.write(out);
            }
            Pattern::All(network) => {
                out.byte(2);
                network.write(out);
            }
        }
    }

    fn read(input: &mut Reader<'_>) -> Result<Pattern, TraceError> {
        match input.byte()? {
            0 => Address::read(input).map(Pattern::One),
            1 => Part::read(input).map(Pattern::Many),
            2 => Network::read(input).map(Pattern::All),
            _ => Err(input.wrong("not a pattern")),
        }
    }
}

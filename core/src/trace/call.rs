//! The calls that change a node, one by one.

use crate::node::UplinkId;
use crate::trace::bytes::{Reader, Sink, TraceError};
use crate::trace::part::Part;
use crate::{
    Address, CallId, Command, Dial, Failure, Input, Instant, LinkId, Message, MessageId, Pattern, Receipts,
    RequestId, Response, StoreId,
};
use core::time::Duration;

/// The first byte of an entry.
pub(super) mod op {
    pub(crate) const END: u8 = 0x00;
    pub(crate) const DIALED: u8 = 0x01;
    pub(crate) const DIAL_FAILED: u8 = 0x02;
    pub(crate) const ACCEPTED: u8 = 0x03;
    pub(crate) const DATA: u8 = 0x04;
    pub(crate) const WROTE: u8 = 0x05;
    pub(crate) const GONE: u8 = 0x06;
    pub(crate) const STORED: u8 = 0x07;
    pub(crate) const NOT_STORED: u8 = 0x08;
    pub(crate) const TIMEOUT: u8 = 0x09;
    pub(crate) const RESTORE: u8 = 0x10;
    pub(crate) const DIAL: u8 = 0x11;
    pub(crate) const HANG_UP: u8 = 0x12;
    pub(crate) const SEND: u8 = 0x13;
    pub(crate) const CONSUME: u8 = 0x14;
    pub(crate) const REFUSE: u8 = 0x15;
    pub(crate) const REQUEST: u8 = 0x16;
    pub(crate) const CANCEL: u8 = 0x17;
    pub(crate) const RESPOND: u8 = 0x18;
    pub(crate) const SERVE: u8 = 0x19;
    pub(crate) const UNSERVE: u8 = 0x1A;
    pub(crate) const SHUTDOWN: u8 = 0x1B;
    pub(crate) const PENDING: u8 = 0x20;
    pub(crate) const PENDING_NOTHING: u8 = 0x21;
    /// From here on: polls. The lowest five bits are how many, less one.
    pub(crate) const POLLS: u8 = 0x80;
    /// They were of [`poll_duty`](crate::Node::poll_duty).
    pub(crate) const DUTY: u8 = 0x40;
    /// None of them gave anything.
    pub(crate) const QUIET: u8 = 0x20;
    /// The most polls in one entry.
    pub(crate) const MOST_POLLS: u8 = 0x20;
}

/// One call that changed a node, with what it was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call<'a> {
    /// [`Node::handle`](crate::Node::handle).
    Handle(Input<'a>),
    /// [`Node::restore`](crate::Node::restore), with the entry.
    Restore(&'a [u8]),
    /// [`Node::dial`](crate::Node::dial).
    Dial(Dial),
    /// [`Node::hang_up`](crate::Node::hang_up).
    HangUp(UplinkId),
    /// [`Node::send`](crate::Node::send).
    Send {
        /// To whom.
        to: Address,
        /// What.
        message: Message,
    },
    /// [`Node::consume`](crate::Node::consume). Of the message there is what the node looks at.
    Consume(About),
    /// [`Node::refuse`](crate::Node::refuse).
    Refuse(About, Failure),
    /// [`Node::request`](crate::Node::request).
    Request {
        /// Whom.
        to: Pattern,
        /// What.
        command: Command,
        /// For how long the answers are awaited.
        patience: Duration,
    },
    /// [`Node::cancel`](crate::Node::cancel).
    Cancel(CallId),
    /// [`Node::respond`](crate::Node::respond).
    Respond {
        /// Which request is answered.
        request: RequestId,
        /// The answer.
        response: Result<Response, Failure>,
    },
    /// [`Node::serve`](crate::Node::serve).
    Serve {
        /// Which path.
        path: &'a str,
        /// What it does, for people.
        description: &'a str,
    },
    /// [`Node::unserve`](crate::Node::unserve), with the path.
    Unserve(&'a str),
    /// [`Node::shutdown`](crate::Node::shutdown).
    Shutdown,
    /// [`Node::poll_action`](crate::Node::poll_action), so many times.
    Polls(u8),
    /// [`Node::poll_duty`](crate::Node::poll_duty), so many times.
    PollsOfDuty(u8),
    /// [`Node::pending`](crate::Node::pending).
    Pending(LinkId),
}

/// What a node looks at of a message that was dealt with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct About {
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub from: Address,
    /// Which receipts the sender wants.
    pub receipts: Receipts,
}

/// What the checksum of an entry must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// Such a call gives nothing.
    Nothing,
    /// It could have given something, and did not.
    Quiet,
    /// It gave what has this checksum.
    Check(u32),
}

/// One entry of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// Its number; the first of a whole trace has 0.
    pub number: u64,
    /// The time that the node was told with it, or with the last one that told any.
    pub now: Instant,
    /// What was called.
    pub call: Call<'a>,
    /// What came of it.
    pub expected: Expected,
}

/// Writes an input without its time.
pub(super) fn write_input(out: &mut impl Sink, input: &Input<'_>) {
    match input {
        Input::Dialed { link } | Input::Accepted { link } => link.write(out),
        Input::DialFailed { link, cause } | Input::Gone { link, cause } => {
            link.write(out);
            out.blob(cause.as_bytes());
        }
        Input::Data { link, bytes } => {
            link.write(out);
            out.blob(bytes);
        }
        Input::Wrote { link, n } => {
            link.write(out);
            n.write(out);
        }
        Input::Stored { id, ok: _ } => id.write(out),
        Input::Timeout => {}
    }
}

/// The first byte of an input's entry.
pub(super) const fn op_of(input: &Input<'_>) -> u8 {
    match input {
        Input::Dialed { .. } => op::DIALED,
        Input::DialFailed { .. } => op::DIAL_FAILED,
        Input::Accepted { .. } => op::ACCEPTED,
        Input::Data { .. } => op::DATA,
        Input::Wrote { .. } => op::WROTE,
        Input::Gone { .. } => op::GONE,
        Input::Stored { ok: true, .. } => op::STORED,
        Input::Stored { ok: false, .. } => op::NOT_STORED,
        Input::Timeout => op::TIMEOUT,
    }
}

/// From one time to the next, which may be an earlier one: zigzag, so that small steps are short.
pub(super) fn write_step(out: &mut impl Sink, from: u64, to: u64) {
    let step = to.wrapping_sub(from).cast_signed();
    out.number((step << 1 ^ step >> 63).cast_unsigned());
}

fn read_step(input: &mut Reader<'_>, from: u64) -> Result<u64, TraceError> {
    let n = input.number()?;
    let step = (n >> 1).cast_signed() ^ -(n & 1).cast_signed();
    Ok(from.wrapping_add(step.cast_unsigned()))
}

impl Part for About {
    fn write(&self, out: &mut impl Sink) {
        write_about(out, self.id, &self.from, self.receipts);
    }

    fn read(input: &mut Reader<'_>) -> Result<About, TraceError> {
        Ok(About { id: Part::read(input)?, from: Part::read(input)?, receipts: Part::read(input)? })
    }
}

pub(super) fn write_about(out: &mut impl Sink, id: MessageId, from: &Address, receipts: Receipts) {
    id.write(out);
    from.write(out);
    receipts.write(out);
}

/// Reads the next entry after `clock`; none at the end mark.
pub(super) fn read_entry<'a>(
    input: &mut Reader<'a>,
    number: u64,
    clock: Instant,
) -> Result<Option<Entry<'a>>, TraceError> {
    let op = input.byte()?;
    if op & op::POLLS != 0 {
        let n = (op & (op::MOST_POLLS - 1)) + 1;
        let expected = if op & op::QUIET != 0 { Expected::Quiet } else { read_check(input)? };
        let call = if op & op::DUTY != 0 { Call::PollsOfDuty(n) } else { Call::Polls(n) };
        return Ok(Some(Entry { number, now: clock, call, expected }));
    }
    let timeless =
        matches!(op, op::END | op::RESTORE | op::SERVE | op::UNSERVE | op::PENDING | op::PENDING_NOTHING);
    let now = if timeless { clock } else { Instant::from_micros(read_step(input, clock.as_micros())?) };
    let call = match op {
        op::END => return Ok(None),
        op::DIALED => Call::Handle(Input::Dialed { link: Part::read(input)? }),
        op::DIAL_FAILED => Call::Handle(Input::DialFailed { link: Part::read(input)?, cause: input.text()? }),
        op::ACCEPTED => Call::Handle(Input::Accepted { link: Part::read(input)? }),
        op::DATA => Call::Handle(Input::Data { link: Part::read(input)?, bytes: input.blob()? }),
        op::WROTE => Call::Handle(Input::Wrote { link: Part::read(input)?, n: Part::read(input)? }),
        op::GONE => Call::Handle(Input::Gone { link: Part::read(input)?, cause: input.text()? }),
        op::STORED => Call::Handle(Input::Stored { id: StoreId::read(input)?, ok: true }),
        op::NOT_STORED => Call::Handle(Input::Stored { id: StoreId::read(input)?, ok: false }),
        op::TIMEOUT => Call::Handle(Input::Timeout),
        op::RESTORE => Call::Restore(input.blob()?),
        op::DIAL => Call::Dial(Part::read(input)?),
        op::HANG_UP => Call::HangUp(Part::read(input)?),
        op::SEND => Call::Send { to: Part::read(input)?, message: Part::read(input)? },
        op::CONSUME => Call::Consume(Part::read(input)?),
        op::REFUSE => Call::Refuse(Part::read(input)?, Part::read(input)?),
        op::REQUEST => Call::Request {
            to: Part::read(input)?,
            command: Part::read(input)?,
            patience: Part::read(input)?,
        },
        op::CANCEL => Call::Cancel(Part::read(input)?),
        op::RESPOND => Call::Respond { request: Part::read(input)?, response: Part::read(input)? },
        op::SERVE => Call::Serve { path: input.text()?, description: input.text()? },
        op::UNSERVE => Call::Unserve(input.text()?),
        op::SHUTDOWN => Call::Shutdown,
        op::PENDING | op::PENDING_NOTHING => Call::Pending(Part::read(input)?),
        _ => return Err(input.wrong("no call has this number")),
    };
    let expected = match call {
        Call::Handle(_) | Call::Shutdown => Expected::Nothing,
        Call::Pending(_) if op == op::PENDING_NOTHING => Expected::Quiet,
        _ => read_check(input)?,
    };
    Ok(Some(Entry { number, now, call, expected }))
}

fn read_check(input: &mut Reader<'_>) -> Result<Expected, TraceError> {
    input.array().map(u32::from_le_bytes).map(Expected::Check)
}

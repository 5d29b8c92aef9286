//! What it takes to write and read what is in a record.

use std::hint::black_box;

use homing_core::wire::frame::{self, types};
use homing_core::wire::letter::{self, Letter, MessageHead};
use homing_core::wire::{Frame, Kind, Label, MessageId};
use homing_core::{Priority, Receipts};

use super::nanoseconds;
use crate::Result;

const EACH: usize = 10_000;
/// The longest head that is taken.
const MOST: usize = 4096;

/// Prints nanoseconds for each.
pub(super) fn print() -> Result<()> {
    println!("\nns each, of the envelope of a message");
    let label = Label {
        kind: Kind::Message,
        priority: Priority::Normal,
        sealed: false,
        more: false,
        receipts: Receipts::Failure,
        hops: 8,
        id: MessageId([7; 16]),
        to: "bob@home",
        from: "ada@home",
    };
    let mut out = Vec::new();
    let mut write = || {
        out.clear();
        frame::write_header(&mut out, types::ENVELOPE, label.len());
        black_box(&label).write(&mut out);
        black_box(&out);
    };
    row("frame and label, written", &mut write);
    row("frame and label, read", &mut || {
        if let Ok(Frame::Envelope(envelope)) = frame::read(&mut black_box(&out[..])) {
            let _ = black_box(Label::read(envelope));
        }
    });

    // Homing writes and reads the head of a message of bytes, which is `{}`, without JSON: this is any other.
    let metadata = [("thread".to_string(), "17".to_string())].into();
    let head = MessageHead { content_type: "text/plain".to_string().into(), metadata };
    let mut bytes = Vec::new();
    letter::write(&mut bytes, &head, b"", MOST)?;
    let mut out = Vec::new();
    row("JSON head of two fields, written", &mut || {
        out.clear();
        let _ = black_box(letter::write(&mut out, black_box(&head), b"", MOST));
    });
    row("JSON head of two fields, read", &mut || {
        let _ = black_box(Letter::read(black_box(&bytes), MOST).map(|letter| letter.head::<MessageHead>()));
    });
    Ok(())
}

fn row(name: &str, work: &mut dyn FnMut()) {
    println!("  {name:38} {:>8.0}", nanoseconds(EACH, || (), |()| (0..EACH).for_each(|_| work())));
}

//! Numbered messages, and taking them in order: what the cases with much to carry have in common.

use homing_core::{Message, Received, SendError};

use crate::node::{Node, address};
use crate::wait::{Check, Until, ensure};

/// A message of `size` bytes, 4 at least, that knows its number.
pub(super) fn numbered(n: u32, size: usize) -> Message {
    let mut body = n.to_be_bytes().to_vec();
    body.resize(size.max(4), 7);
    Message::new("application/octet-stream", body)
}

pub(super) fn number(message: &Received) -> Check<u32> {
    match message.body.first_chunk() {
        Some(bytes) => Ok(u32::from_be_bytes(*bytes)),
        None => Err(format!("a message of {} bytes that nobody sent", message.body.len())),
    }
}

/// Takes the messages with these numbers, which must come in order and once.
pub(super) fn take(node: &Node, numbers: std::ops::Range<u32>) -> Check {
    for n in numbers {
        let came = number(&node.message()?)?;
        ensure(came == n, || format!("{node:?}: message {n} was next, {came} came"))?;
    }
    Ok(())
}

/// Sends numbered messages, waiting when the queue is full.
pub(super) fn send(from: &Node, to: &str, numbers: std::ops::Range<u32>, size: usize) -> Check {
    for n in numbers {
        from.send(to, numbered(n, size))?;
    }
    Ok(())
}

/// Sends numbered messages until the queue is full and stays so, and says how many; fails when that
/// does not happen within `most`.
pub(super) fn fill(from: &Node, to: &str, most: u32, size: usize) -> Check<u32> {
    let to = address(to)?;
    let (mut sent, mut full) = (0, 0);
    let end = Until::after(from.patience);
    // Full for so long that whatever is on its way has come to rest.
    while full < 150 {
        match from.try_send(&to, numbered(sent, size)) {
            Ok(_) => (sent, full) = (sent + 1, 0),
            Err(SendError::Full) => {
                full += 1;
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            Err(e) => return Err(format!("{from:?}: message {sent}: {e:?}")),
        }
        ensure(sent < most && !end.is_over(), || {
            format!(
                "{from:?}: nobody takes anything, but after {sent} messages of {size} bytes there is room"
            )
        })?;
    }
    Ok(sent)
}

//! The bytes: pure functions over slices, from the outside in. PROTOCOL.md, sections 2 to 6.
//!
//! Nothing here holds state, allocates more than its input is long, or panics on any input.

pub mod frame;
pub mod label;
pub mod letter;
pub mod record;

pub use frame::{Frame, FrameError};
pub use label::{Kind, Label, LabelError, MessageId, Priority, Receipts};
pub use letter::{Letter, LetterError};

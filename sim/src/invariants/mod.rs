//! What must hold in every world of Homing's nodes, whoever uses them for what.

mod accounted;
mod admission;
mod calls;
mod close_reason;
mod deadline;
mod heartbeat;
mod memory;
mod order;
mod origin;
mod parting;
mod receipts;
mod recipient;
mod recovery;
mod requests;
mod roster;

pub use accounted::Accounted;
pub use admission::Admission;
pub use calls::Calls;
pub use close_reason::CloseReasons;
pub use deadline::Deadlines;
pub use heartbeat::Heartbeats;
pub use memory::Memory;
pub use order::Order;
pub use origin::Origin;
pub use parting::Parting;
pub use receipts::ReceiptsInOrder;
pub use recipient::Recipient;
pub use recovery::Recovery;
pub use requests::Requests;
pub use roster::Roster;

use crate::invariant::Invariant;

/// All of them, fresh.
pub fn all() -> Vec<Box<dyn Invariant>> {
    vec![
        Box::new(Origin::default()),
        Box::new(Recipient::default()),
        Box::new(Order::default()),
        Box::new(ReceiptsInOrder::default()),
        Box::new(Accounted::default()),
        Box::new(Calls::default()),
        Box::new(Requests::default()),
        Box::new(Admission::default()),
        Box::new(Parting::default()),
        Box::new(Roster::default()),
        Box::new(CloseReasons),
        Box::new(Deadlines::default()),
        Box::new(Heartbeats::default()),
        Box::new(Memory),
        Box::new(Recovery),
    ]
}

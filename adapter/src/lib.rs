//! What every adapter of Homing is made of, whatever it waits with.

#![forbid(unsafe_code)]

mod endpoint;
mod error;
mod journal;
mod key_file;
mod options;
mod store;

pub use endpoint::{Endpoint, EndpointError};
pub use error::Error;
pub use journal::Journal;
pub use key_file::{create_key, key_file, load_key};
pub use options::Options;
pub use store::{Forget, Store};

//! What the clients of others share.

#[cfg(feature = "libp2p")]
pub mod streams;
#[cfg(feature = "rustls")]
pub mod tls;
pub mod wire;

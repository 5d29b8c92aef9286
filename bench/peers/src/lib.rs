//! What the clients of others share.

#[cfg(any(feature = "mosquitto", feature = "nats", feature = "redis"))]
pub mod crowd;
#[cfg(feature = "libp2p")]
pub mod streams;
#[cfg(feature = "rustls")]
pub mod tls;
pub mod wire;

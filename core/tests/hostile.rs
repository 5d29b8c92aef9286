//! Whoever is at the other end may say anything: what a node does about it, over real bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // tests
#![allow(clippy::cast_possible_truncation)] // of what the tests themselves count
#![allow(unreachable_pub)]

#[path = "hostile/alike.rs"]
mod alike;
#[path = "hostile/faults.rs"]
mod faults;
#[path = "hostile/floods.rs"]
mod floods;
#[path = "hostile/frames.rs"]
mod frames;
#[path = "hostile/handshake.rs"]
mod handshake;
#[path = "hostile/hub.rs"]
mod hub;
#[path = "hostile/raw.rs"]
mod raw;
#[path = "hostile/routes.rs"]
mod routes;

//! # Homing, simulated
//!
//! Real nodes and your own application in one thread, on a virtual clock, over links that delay, cut, stall and
//! break: a thousand runs, each from one number, and a run that fails can be repeated.

pub mod fuzz;
pub mod vectors;

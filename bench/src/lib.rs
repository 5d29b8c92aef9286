//! What the program and its tests share.

#![forbid(unsafe_code)]

pub mod trio;

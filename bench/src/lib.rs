//! What the program, its benches and its tests share.

#![forbid(unsafe_code)]

use homing_core::crypto::{Provider, Pure};
use homing_native::{AwsLc, Ring};

pub mod trio;

/// Who does cryptography, by name: all of them are measured.
pub const PROVIDERS: &[(&str, &dyn Provider)] = &[("AWS-LC", &AwsLc), ("ring", &Ring), ("pure Rust", &Pure)];

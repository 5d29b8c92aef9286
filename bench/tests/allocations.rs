//! What passes through a hub is not allocated for.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use homing_bench::trio::{Part, Trio};
use homing_core::Config;
use homing_native::Native;

#[test]
fn a_hub_allocates_nothing_for_an_envelope_that_it_passes_on() {
    for size in [64, 1024, 8192] {
        let mut trio = Trio::new(|| Config::with_provider(Arc::new(Native))).unwrap();
        // Its buffers grow to what this work needs.
        trio.run(20_000, size, |_, work| work()).unwrap();
        let mut allocated: BTreeMap<Part, u64> = BTreeMap::new();
        trio.run(10_000, size, |part, work| {
            let seen = allocation_counter::measure(work);
            *allocated.entry(part).or_default() += seen.count_total;
        })
        .unwrap();
        // A deadline that is armed now and then takes a place in a table; no envelope takes any.
        assert!(allocated[&Part::Hub] < 10, "{size} B: {allocated:?}");
        // A long body is kept until it goes, instead of being copied: what is known of it has a place of its own.
        let kept = if size <= 1024 { 0..10 } else { 10_000..10_010 };
        assert!(kept.contains(&allocated[&Part::Send]), "{size} B: {allocated:?}");
        // A message that the application is given has a body of its own, unless that is short: such share pages.
        let bodies = if size <= 1024 { 10..10_000 } else { 10_000..20_000 };
        assert!(bodies.contains(&allocated[&Part::Receive]), "{size} B: {allocated:?}");
    }
}

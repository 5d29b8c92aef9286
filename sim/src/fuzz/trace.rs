//! The decoder of traces, and a node that is told what one says.

use std::sync::Arc;

use homing_core::trace::{Ciphers, Replay, Trace, Unsealed, redact, replay};

/// A file, as a trace of what a node was told.
///
/// It is read to its end or refused. What is read is kept as it is, has as many entries as it says, is run without
/// a panic until the node does something else than the file says, always the same, and can be redacted if it is run to its
/// end. Only with the fake cryptography: real handshakes would be all that a fuzzer does.
pub fn trace(data: &[u8]) {
    let trace = match Trace::from_bytes(data) {
        Ok(trace) => trace,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert_eq!(trace.as_bytes(), data);
    assert_eq!(trace.entries().count() as u64, trace.len());
    if trace.ciphers() == Ciphers::Real {
        return;
    }
    let provider = trace.ciphers().provider();
    let Ok(steps) = Replay::new(&trace, provider.clone()) else {
        return assert!(!trace.is_whole(), "a whole trace that cannot be begun");
    };
    let agreed = steps.take_while(homing_core::trace::Step::agrees).count() as u64;
    let whole = replay(&trace, provider.clone());
    assert_eq!(whole.is_ok(), agreed == trace.len());
    assert_eq!(replay(&trace, provider.clone()), whole, "another run of the same trace");
    if whole.is_err() || trace.ciphers() == Ciphers::Unsealed {
        return;
    }
    if let Ok(redacted) = redact(&trace, provider) {
        let again = replay(&redacted, Arc::new(Unsealed)).expect("what was redacted is not run to its end");
        // Not as many entries: a recorder puts polls together that a file may have apart.
        let whole = whole.unwrap();
        assert_eq!((again.written, again.events), (whole.written, whole.events));
    }
}

//! What the fuzzers run, as functions of bytes.

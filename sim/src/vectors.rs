//! Frozen vectors: bytes and what they mean, for whoever writes another Homing.

//! Cutting a stream into prefaces and records, however the bytes come.

use alloc::vec::Vec;

use crate::buffer::append;
use crate::link::connection::Phase;
use crate::link::handshake::Refusal;
use crate::link::session::State;
use crate::wire::record::{self, Header, Preface};
use crate::{Config, Reason};

/// A whole preface or record.
pub(super) enum Unit<'a> {
    Suite(u8),
    Record(&'a [u8]),
    Refusal(Reason),
}

/// Cuts the next unit off `partial` and `bytes` together; nothing, when it is not whole yet, and
/// then all of `bytes` is in `partial`. Never holds more than the state allows.
pub(super) fn next_unit<'a, 'b: 'a>(
    phase: &Phase,
    config: &Config,
    state: State,
    partial: &'a mut Vec<u8>,
    bytes: &mut &'b [u8],
) -> Result<Option<Unit<'a>>, Refusal> {
    if matches!(phase, Phase::Preface(..)) {
        while !bytes.is_empty() || !partial.is_empty() {
            match record::read_preface(partial) {
                Preface::Suite(suite) => return Ok(Some(Unit::Suite(suite))),
                Preface::OtherVersion(version) => {
                    return Err(Refusal::new(Reason::VERSION, alloc::format!("version {version}")));
                }
                Preface::NotHoming => return Err(Refusal::new(Reason::NOT_HOMING, "")),
                Preface::More => {}
            }
            let Some((&byte, rest)) = bytes.split_first() else { break };
            partial.push(byte);
            *bytes = rest;
        }
        return Ok(None);
    }
    // A stranger gets a small buffer. A hub whose key is proven does not: it may begin with a roster.
    let proven = matches!(phase, Phase::Records { expecting: Some(_), .. }) && !planted!(FirstRecordSmall);
    let most =
        if proven || state.was_admitted() { record::MAX_RECORD } else { config.limits.handshake_record };
    let refusable = match phase {
        Phase::First(..) | Phase::Third(..) | Phase::Second(..) => true,
        Phase::Records { expecting, heard, .. } => expecting.is_some() && !heard,
        Phase::Preface(..) | Phase::Over => false,
    };
    loop {
        let from_partial = !partial.is_empty();
        let have: &[u8] = if from_partial { partial } else { bytes };
        let needed = match record::read_header(have) {
            Header::More(needed) => needed,
            Header::Refusal(reason) if refusable => {
                if !from_partial {
                    *bytes = &bytes[2 * record::HEADER..];
                }
                return Ok(Some(Unit::Refusal(reason)));
            }
            Header::Refusal(_) => return Err(Refusal::new(Reason::MALFORMED, "an empty record")),
            Header::Record(length) if length > most => {
                let initiator = matches!(phase, Phase::Second(..));
                let reason = if initiator { Reason::NOT_HOMING } else { Reason::LIMIT };
                return Err(Refusal::new(reason, alloc::format!("a record of {length} bytes")));
            }
            Header::Record(length) => {
                let whole = record::HEADER + length;
                if have.len() >= whole
                    && !(planted!(RecordWaitsForMore)
                        && from_partial
                        && bytes.is_empty()
                        && state.was_admitted())
                {
                    return Ok(Some(Unit::Record(if from_partial {
                        &partial[record::HEADER..whole]
                    } else {
                        let (unit, rest) = bytes.split_at(whole);
                        *bytes = rest;
                        &unit[record::HEADER..]
                    })));
                }
                whole
            }
        };
        if bytes.is_empty() {
            return Ok(None);
        }
        let here = if planted!(TakesTooMuch) { 0 } else { partial.len() };
        let take = (needed - here).min(bytes.len());
        append(partial, &bytes[..take]);
        *bytes = &bytes[take..];
    }
}

//! Heads of requests and responses as this implementation writes them: read and written without a parser. Whatever else is
//! JSON is for the parser.

use alloc::string::ToString;
use alloc::vec::Vec;

use super::{
    ContentType, Method, RequestHead, ResponseHead, Status, is_octets, is_plain, known_type, octets,
};

pub(super) const METHOD: &[u8] = b"{\"method\":\"";
pub(super) const URI: &[u8] = b"\",\"uri\":\"";
const TYPE: &[u8] = b",\"type\":\"";
pub(super) const PATIENCE: &[u8] = b",\"patience\":";
pub(super) const SUCCESS: &[u8] = b"{\"status\":\"success\"";

/// What a method is called.
pub(super) const fn word(method: Method) -> &'static [u8] {
    match method {
        Method::Get => b"get",
        Method::Set => b"set",
        Method::Delete => b"delete",
        Method::Subscribe => b"subscribe",
        Method::Unsubscribe => b"unsubscribe",
        Method::Observe => b"observe",
        Method::Merge => b"merge",
    }
}

fn method(word: &[u8]) -> Option<Method> {
    Some(match word {
        b"get" => Method::Get,
        b"set" => Method::Set,
        b"delete" => Method::Delete,
        b"subscribe" => Method::Subscribe,
        b"unsubscribe" => Method::Unsubscribe,
        b"observe" => Method::Observe,
        b"merge" => Method::Merge,
        _ => return None,
    })
}

/// Writes the media type of a body, a plain text, unless it is what is meant without one.
pub(super) fn write_type(out: &mut Vec<u8>, content_type: &ContentType) {
    if !is_octets(content_type) {
        out.extend_from_slice(TYPE);
        out.extend_from_slice(content_type.as_bytes());
        out.push(b'"');
    }
}

pub(super) fn write_number(out: &mut Vec<u8>, number: u64) {
    let (mut digits, mut at, mut rest) = ([0; 20], 20, number);
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// The head of a request; nothing, if it is not one of the usual.
pub(super) fn request(head: &[u8]) -> Option<RequestHead> {
    let (word, rest) = text(head.strip_prefix(METHOD)?)?;
    let method = method(word.as_bytes())?;
    // The quotation mark that ends the word is the first of this.
    let (uri, rest) = text(rest.strip_prefix(&URI[1..])?)?;
    let (content_type, rest) = content_type(rest)?;
    let (patience, rest) = match rest.strip_prefix(PATIENCE) {
        Some(rest) => number(rest).map(|(number, rest)| (Some(number), rest))?,
        None => (None, rest),
    };
    (rest == b"}").then(|| RequestHead { method, uri: uri.to_string(), content_type, patience })
}

/// The head of a response; nothing, if it is not one of the usual, as when it says why something failed.
pub(super) fn response(head: &[u8]) -> Option<ResponseHead> {
    let (content_type, rest) = content_type(head.strip_prefix(SUCCESS)?)?;
    (rest == b"}").then_some(ResponseHead { status: Status::Success, reason: None, content_type })
}

/// A text that stands in JSON as it is, and what follows the quotation mark at its end.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'"')?;
    let (text, rest) = bytes.split_at_checked(end)?;
    let text = core::str::from_utf8(text).ok().filter(|text| is_plain(text.as_bytes()))?;
    Some((text, rest.get(1..)?))
}

fn content_type(bytes: &[u8]) -> Option<(ContentType, &[u8])> {
    match bytes.strip_prefix(TYPE) {
        Some(rest) => text(rest).map(|(text, rest)| (known_type(text), rest)),
        None => Some((octets(), bytes)),
    }
}

/// A number, written as briefly as it can be.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at_checked(length)?;
    if digits.is_empty() || digits.len() > 1 && digits[0] == b'0' {
        return None;
    }
    let mut digits = digits.iter().map(|digit| u64::from(digit - b'0'));
    let number = digits.try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(digit))?;
    Some((number, rest))
}

//! `homing keygen`: make this machine's key.

use crate::Context;
use crate::exit::End;
use crate::json::Line;
use crate::out::Look;

/// Draws a key, keeps the private half and prints the public one.
pub(crate) fn run(context: &Context) -> Result<(), End> {
    let id = context.home.new_key()?.peer_id();
    let (out, file) = (&context.out, context.home.key_path().display().to_string());
    let line = Line::Key { key: id.to_string(), fingerprint: id.fingerprint(), file: file.clone() };
    out.data(&line, out.paint(Look::Bold, id))?;
    out.note(format!("fingerprint {}; the private half is in {file}", id.fingerprint()));
    Ok(())
}

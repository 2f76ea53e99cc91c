//! A bug of the program, told to the person who met it.

use std::panic::PanicHookInfo;

use super::visible::visible_line;

/// Tells about a bug in one sentence, and how to report it.
#[expect(clippy::print_stderr, reason = "the printer may be what is broken")]
pub(crate) fn report(panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    eprintln!("keepstep has a bug: {}{place}", visible_line(message));
    eprintln!(
        "Please report it with the command that you typed and this version ({}): {}/issues",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_REPOSITORY")
    );
}

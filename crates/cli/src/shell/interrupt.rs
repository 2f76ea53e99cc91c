//! Ctrl-C.
//!
//! Outside of a prompt the process ends at once with the documented exit code: every file is written as a whole, so there
//! is nothing to tidy up. In a prompt Ctrl-C is a key like others (see `keyboard`), and `serve` finishes what it is doing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use crate::shell::exit;

static ENDS_AT_ONCE: LazyLock<Arc<AtomicBool>> = LazyLock::new(|| Arc::new(AtomicBool::new(true)));

/// Makes Ctrl-C end the process with the documented exit code.
pub(crate) fn install() {
    let signal = signal_hook::consts::SIGINT;
    // Without it the system's own answer to the signal stays, which is nearly the same.
    let _ = signal_hook::flag::register_conditional_shutdown(signal, i32::from(exit::INTERRUPTED), Arc::clone(&ENDS_AT_ONCE));
}

/// While it lives, Ctrl-C is for somebody else to handle.
#[derive(Debug)]
pub(crate) struct Pause(());

/// Leaves Ctrl-C to somebody else.
pub(crate) fn pause() -> Pause {
    ENDS_AT_ONCE.store(false, Ordering::SeqCst);
    Pause(())
}

impl Drop for Pause {
    fn drop(&mut self) {
        ENDS_AT_ONCE.store(true, Ordering::SeqCst);
    }
}

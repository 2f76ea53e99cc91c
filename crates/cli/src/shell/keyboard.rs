//! The keyboard while a question is open.

/// Gives every key to the question, from before it is drawn until it is answered: nothing is echoed, and Ctrl-C is a key.
/// What draws the questions does so for one key at a time, and between two keys Ctrl-C would be a signal that nothing
/// waits for. Dropping it gives the terminal back as it was.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Keyboard {
    before: Option<(std::fs::File, rustix::termios::Termios)>,
}

#[cfg(unix)]
impl Keyboard {
    /// Takes the keyboard. Without a terminal nothing changes.
    pub(crate) fn take() -> Self {
        Self { before: Self::taken().ok() }
    }

    fn taken() -> std::io::Result<(std::fs::File, rustix::termios::Termios)> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

        let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN);
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        Ok((terminal, before))
    }
}

#[cfg(unix)]
impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some((terminal, before)) = &self.before {
            // A terminal that is gone needs nothing back.
            let _ = rustix::termios::tcsetattr(terminal, rustix::termios::OptionalActions::Drain, before);
        }
    }
}

/// Gives every key to the question.
#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Keyboard;

#[cfg(not(unix))]
impl Keyboard {
    /// Takes the keyboard, which such a system does by itself.
    pub(crate) fn take() -> Self {
        Self
    }
}

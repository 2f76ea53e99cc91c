//! How commands connect: whom they trust, how long they wait, and what surrounds them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keepstep_client::{Options, Surroundings, Waiting};

use crate::session::checkout::git;
use crate::session::context::Context;
use crate::shell::printer::Printer;

/// Returns how to connect. There is one policy of waiting, for all commands.
pub(crate) fn options(context: &Context) -> Options {
    let variable = |name| context.environment.get(name).map(PathBuf::from);
    let defaults = Options::default();
    Options {
        certificate_file: variable("SSL_CERT_FILE"),
        certificate_folder: variable("SSL_CERT_DIR"),
        silence: context.timeout.unwrap_or(defaults.silence),
        waiting: Some(Arc::new(Notice { printer: context.printer.clone(), is_said: AtomicBool::new(false) })),
        silent: Arc::clone(&context.silent),
        ..defaults
    }
}

/// Says that a server keeps us waiting: in a line that counts, or once where nobody looks.
struct Notice {
    printer: Arc<Printer>,
    is_said: AtomicBool,
}

impl Waiting for Notice {
    fn still(&self, server: &str, waited: Duration) {
        let line = format!("  waiting for {server} … {} s", waited.as_secs());
        if self.printer.has_progress() {
            self.printer.progress(&line);
        } else if !self.is_said.swap(true, Ordering::Relaxed) {
            self.printer.status(format!("  waiting for {server} …"));
        }
    }

    fn over(&self) {
        if self.printer.has_progress() {
            self.printer.progress("");
        }
    }
}

/// Returns what surrounds a command, without any project.
pub(crate) fn surroundings(context: &Context) -> Surroundings {
    Surroundings {
        variables: context.environment.all().clone(),
        home: context.environment.home(),
        config_dir: config_folder(context),
        project: None,
        scenario: None,
        is_ci: context.environment.is_ci(),
        is_tracked: Some(git::is_tracked),
    }
}

/// Returns the folder of keepstep's own settings.
pub(crate) fn config_folder(context: &Context) -> Option<PathBuf> {
    context.environment.config_folder().map(|folder| folder.join("keepstep"))
}

//! How far an upload is, on a terminal.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use keepstep_base::human::size_text;
use keepstep_client::upload::Progress;

use crate::shell::printer::Printer;

/// How often the line is drawn anew.
const EVERY: Duration = Duration::from_millis(100);
const WIDTH: u64 = 24;

/// A line that grows. It is gone when this is dropped.
pub(super) struct Bar<'a> {
    printer: &'a Printer,
    state: Mutex<State>,
}

struct State {
    begun: Instant,
    drawn: Option<Instant>,
    sent: u64,
    total: u64,
}

impl<'a> Bar<'a> {
    /// Returns a bar that is not drawn before something is sent.
    pub(super) fn new(printer: &'a Printer) -> Self {
        let state = State { begun: Instant::now(), drawn: None, sent: 0, total: 0 };
        Self { printer, state: Mutex::new(state) }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let Ok(mut state) = self.state.lock() else { return };
        change(&mut state);
        let is_due = state.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY);
        if is_due && state.total > 0 {
            state.drawn = Some(Instant::now());
            self.printer.progress(&line(state.sent, state.total, state.begun.elapsed()));
        }
    }
}

impl Progress for Bar<'_> {
    fn begin(&self, bytes: u64) {
        self.change(|state| (state.begun, state.total) = (Instant::now(), bytes));
    }

    fn sent(&self, bytes: u64) {
        self.change(|state| state.sent += bytes);
    }
}

impl Drop for Bar<'_> {
    fn drop(&mut self) {
        if self.state.lock().is_ok_and(|state| state.drawn.is_some()) {
            self.printer.progress("");
        }
    }
}

fn line(sent: u64, total: u64, time: Duration) -> String {
    let filled = (sent.min(total) * WIDTH).checked_div(total).unwrap_or(WIDTH);
    let bar: String = (0..WIDTH).map(|at| if at < filled { '█' } else { '░' }).collect();
    let rate = (sent as f64 / time.as_secs_f64().max(0.001)) as u64;
    format!("Uploading {bar} {} of {}  {}/s", size_text(sent), size_text(total), size_text(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_bytes_and_rate() {
        insta::assert_snapshot!(line(0, 0, Duration::ZERO), @"Uploading ████████████████████████ 0 B of 0 B  0 B/s");
        insta::assert_snapshot!(line(3 << 20, 4 << 20, Duration::from_secs(2)), @"Uploading ██████████████████░░░░░░ 3.0 MiB of 4.0 MiB  1.5 MiB/s");
        assert_eq!(size_text(u64::MAX), "16777216.0 TiB");
    }
}

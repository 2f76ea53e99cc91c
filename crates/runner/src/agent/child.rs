//! A process under test: in a group of its own, with everything that it writes taken away from it in bounded memory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keepstep_base::lines::Splitter;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::fork_server::Forked;
use super::printed::Printed;

/// The longest line that is kept.
pub(crate) const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// How many pieces of standard error are read at once, at most.
const MOST_CHUNKS: usize = 64;

/// How long a dead process's pipes are still read: something that it left behind may hold them open for ever.
const AFTERLIFE: Duration = Duration::from_millis(250);

/// A process that was started.
#[derive(Debug)]
pub(crate) struct Child {
    process: Process,
    group: Option<Pid>,
    outbox: Outbox,
    lines: Lines,
    errors: Arc<Errors>,
    error_reader: JoinHandle<()>,
}

/// Standard error, which is read all the time, and what was read.
#[derive(Debug)]
struct Errors {
    pipe: Receiver,
    printed: Mutex<Printed>,
}

/// Who can tell how a process ended.
#[derive(Debug)]
enum Process {
    /// The system: it is our own child.
    Own(tokio::process::Child),
    /// The fork server, whose child it is.
    Forked(Forked),
}

/// A line of standard output.
#[derive(Debug)]
pub(crate) enum Line {
    /// Without its line feed.
    Whole(Vec<u8>),
    /// There was one, and it was too long to keep.
    TooLong,
    /// There are no more.
    End,
}

impl Child {
    /// Starts a process.
    pub(crate) fn start(
        program: &OsStr,
        arguments: &[impl AsRef<OsStr>],
        directory: &Path,
        environment: &BTreeMap<String, String>,
    ) -> io::Result<Self> {
        let mut process = Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group, so that all of it can be ended, and so that Ctrl-C in the terminal is not for it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let group = process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        match (process.stdin.take(), process.stdout.take(), process.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Self::of(Process::Own(process), group, stdin, stdout, stderr),
            _ => Err(io::Error::other("the process has no pipes")),
        }
    }

    /// Takes over a process that the fork server has started, in its own group.
    pub(super) fn forked(process: Forked, stdin: ChildStdin, stdout: ChildStdout, stderr: ChildStderr) -> io::Result<Self> {
        let group = Some(process.pid());
        Self::of(Process::Forked(process), group, stdin, stdout, stderr)
    }

    fn of(process: Process, group: Option<Pid>, stdin: ChildStdin, stdout: ChildStdout, stderr: ChildStderr) -> io::Result<Self> {
        let pipe = Receiver::from_owned_fd(stderr.into_owned_fd()?)?;
        let errors = Arc::new(Errors { pipe, printed: Mutex::default() });
        let error_reader = tokio::spawn(Arc::clone(&errors).keep());
        let outbox = Outbox { stdin: Some(stdin), ..Outbox::default() };
        Ok(Self { process, group, outbox, lines: Lines::of(stdout), errors, error_reader })
    }

    /// Takes a line for standard input. It is written while somebody waits for a line of output, so that a process which
    /// writes much before it reads and one which reads much before it writes are never waited for in vain.
    pub(crate) fn send_line(&mut self, line: &str) {
        self.outbox.bytes.extend_from_slice(line.as_bytes());
        self.outbox.bytes.push(b'\n');
    }

    /// Ends standard input behind what it was given.
    pub(crate) fn end_input(&mut self) {
        self.outbox.ends = true;
        if self.outbox.is_empty() {
            self.outbox.stdin = None;
        }
    }

    /// Returns the next line of standard output, or [`Line::End`] shortly after the process has ended, whoever still holds its
    /// output open.
    pub(crate) async fn line(&mut self) -> io::Result<Line> {
        let Self { lines, process, outbox, .. } = self;
        loop {
            tokio::select! {
                biased;
                () = outbox.send(), if outbox.has_work() => {}
                line = lines.next() => return line,
                // Of a process that nobody knows the end of, the end of its output is all that there is.
                Ok(_) = process.wait() => return timeout(AFTERLIFE, lines.next()).await.unwrap_or(Ok(Line::End)),
            }
        }
    }

    /// Returns the next line of standard output if it is there already.
    pub(crate) async fn line_at_hand(&mut self) -> Option<Line> {
        tokio::select! {
            biased;
            line = self.lines.next() => line.ok(),
            () = std::future::ready(()) => None,
        }
    }

    /// Waits for the end of the process.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let Self { process, outbox, .. } = self;
        loop {
            tokio::select! {
                biased;
                () = outbox.send(), if outbox.has_work() => {}
                status = process.wait() => return status,
            }
        }
    }

    /// Waits for the end of the process as long as what it left behind is waited for.
    pub(crate) async fn wait_a_little(&mut self) -> Option<ExitStatus> {
        timeout(AFTERLIFE, self.wait()).await.ok()?.ok()
    }

    /// Returns how the process ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        match &mut self.process {
            Process::Own(process) => process.try_wait().ok().flatten(),
            Process::Forked(process) => process.ended(),
        }
    }

    /// Asks the whole group to end, waits, and then ends it. Returns how the process ended.
    pub(crate) async fn end(&mut self, signal: Signal, patience: Duration) -> Option<ExitStatus> {
        self.outbox.stdin = None;
        if signal != Signal::KILL && self.ended().is_none() {
            self.signal(signal);
            let _ = timeout(patience, self.process.wait()).await;
        }
        self.signal(Signal::KILL);
        self.process.wait().await.ok()
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // The only error is that nobody is left.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Returns what the process wrote to standard error before its end, since it was asked for the last time.
    pub(crate) async fn tail(&mut self) -> String {
        let _ = timeout(AFTERLIFE, &mut self.error_reader).await;
        self.errors.printed.lock().ok().and_then(|printed| printed.text()).unwrap_or_default()
    }

    /// Returns what the process has written to standard error since this was asked for the last time, all that is in the pipe
    /// included: what a process prints before it answers is there when its answer is.
    pub(crate) fn printed(&mut self) -> Option<String> {
        let mut printed = self.errors.printed.lock().ok()?;
        let mut chunk = [0; 16 * 1024];
        // A process that never stops is not waited for.
        for _ in 0..MOST_CHUNKS {
            match rustix::io::read(&self.errors.pipe, &mut chunk) {
                Ok(read @ 1..) => printed.add(&chunk[..read]),
                Ok(0) | Err(_) => break,
            }
        }
        std::mem::take(&mut *printed).text()
    }

    /// Notes a line of standard output that is no answer: it was printed for people.
    pub(crate) fn note(&self, line: &[u8]) {
        if let Ok(mut printed) = self.errors.printed.lock() {
            printed.add(line);
            printed.add(b"\n");
        }
    }
}

impl Process {
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self {
            Self::Own(process) => process.wait().await,
            Self::Forked(process) => process.wait().await,
        }
    }
}

/// What is still to be written to standard input.
#[derive(Debug, Default)]
struct Outbox {
    stdin: Option<ChildStdin>,
    bytes: Vec<u8>,
    sent: usize,
    /// True if nothing more comes.
    ends: bool,
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    fn has_work(&self) -> bool {
        self.stdin.is_some() && !self.is_empty()
    }

    /// Writes as much as the process takes now. Nothing is lost when nobody waits for it any more.
    async fn send(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.write(&self.bytes[self.sent..]).await {
            Ok(written) => self.sent += written,
            // A process that does not want its input may still answer.
            Err(_) => self.stdin = None,
        }
        if self.is_empty() {
            self.bytes.clear();
            self.sent = 0;
            if self.ends {
                self.stdin = None;
            }
        }
    }
}

/// The lines of standard output. A line of which only a part was read is not lost when nobody waits for it any more.
#[derive(Debug)]
struct Lines {
    reader: BufReader<ChildStdout>,
    part: Vec<u8>,
    splitter: Splitter,
}

impl Lines {
    fn of(stdout: ChildStdout) -> Self {
        Self { reader: BufReader::with_capacity(64 * 1024, stdout), part: Vec::new(), splitter: Splitter::new(LONGEST_LINE) }
    }

    async fn next(&mut self) -> io::Result<Line> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            let at_end = chunk.is_empty();
            let (used, mut line) = self.splitter.take(chunk, &mut self.part);
            self.reader.consume(used);
            if at_end {
                line = self.splitter.end(&mut self.part);
            }
            match line {
                Some(line) if line.is_too_long => {
                    self.part = Vec::new();
                    return Ok(Line::TooLong);
                }
                Some(_) => return Ok(Line::Whole(std::mem::take(&mut self.part))),
                None if at_end => return Ok(Line::End),
                None => {}
            }
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        self.error_reader.abort();
    }
}

impl Errors {
    /// Reads until the end.
    async fn keep(self: Arc<Self>) {
        let mut chunk = vec![0; 16 * 1024];
        while self.pipe.readable().await.is_ok() {
            // Nobody else reads between this read and its being noted.
            let Ok(mut printed) = self.printed.lock() else { return };
            match self.pipe.try_read(&mut chunk) {
                Ok(0) => return,
                Ok(read) => printed.add(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// Returns how a process ended, for people.
pub(crate) fn how_it_ended(status: Option<ExitStatus>) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match status {
        Some(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("with exit code {code}"),
            (None, Some(signal)) => format!("by signal {signal}"),
            (None, None) => "without an exit code".to_owned(),
        },
        None => "without an exit code".to_owned(),
    }
}

/// Returns the path of a program: as it is given where it has a folder, else the first of that name in the search path.
pub(crate) fn find_program(name: &str, directory: &Path, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    if name.contains('/') {
        let path = directory.join(name);
        return is_program(&path).then_some(path);
    }
    let search = environment.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
    std::env::split_paths(search).map(|folder| directory.join(folder).join(name)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

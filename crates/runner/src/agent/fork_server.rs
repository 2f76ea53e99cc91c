//! One interpreter that forks the workers of a run.
//!
//! An interpreter takes 40 ms of a core to start, and a hundred slots would keep two cores busy for seconds before most of
//! them answer. A fork of one that has started and has loaded nothing but the worker takes two. The project's code is
//! imported in each worker, never before the fork: its threads, connections and locks are no worker's but its own.
//!
//! A worker opens its pipes, which this process made, under `/proc`. It has its own process group, and the fork server
//! keeps its number taken until nobody here can signal it any more. When the fork server ends before its time, its
//! workers go on, and the next ones are started one by one.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::Pid;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{OnceCell, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::child::{Child, Line};

/// How long the interpreter may take to start.
const START: Duration = Duration::from_secs(30);

/// The interpreter, once there is a worker to start.
#[derive(Debug, Default)]
pub(super) struct ForkServer {
    /// Where requests go; `None` where workers cannot be forked.
    requests: OnceCell<Option<mpsc::UnboundedSender<Request>>>,
}

/// A worker, as its process is known here.
#[derive(Debug)]
pub(super) struct Forked {
    pid: Pid,
    ended: watch::Receiver<Option<ExitStatus>>,
    requests: mpsc::UnboundedSender<Request>,
}

#[derive(Debug)]
enum Request {
    /// To start a worker with these pipes.
    Fork { files: Value, told: oneshot::Sender<Forked> },
    /// To give up the number of a worker, now or when it ends.
    Forget(Pid),
}

/// What the fork server says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ForkMessage {
    Ready,
    /// In the order of the requests.
    Started {
        pid: i32,
    },
    /// In the order of the requests.
    Refused,
    Exited {
        pid: i32,
        /// As the system has it.
        status: i32,
    },
}

impl ForkServer {
    /// Returns a worker that has not been told anything, or `None` if it must be started in another way. `start` starts an
    /// interpreter with the worker's text.
    pub(super) async fn worker(&self, start: impl FnOnce() -> io::Result<Child>) -> Option<Child> {
        let requests = self.requests.get_or_init(|| launched(start)).await.as_ref()?;
        let Pipes { stdin, stdout, stderr, theirs } = Pipes::new().ok()?;
        let files = theirs.iter().map(described).collect::<io::Result<Value>>().ok()?;
        let (told, hears) = oneshot::channel();
        requests.send(Request::Fork { files, told }).ok()?;
        let forked = hears.await.ok()?;
        // From here on only the worker holds its ends, so that both sides notice when the other is gone.
        drop(theirs);
        Child::forked(forked, stdin, stdout, stderr).ok()
    }
}

impl Forked {
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Returns how the worker ended; an error if nobody knows any more.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let ended = self.ended.wait_for(Option::is_some).await.ok().and_then(|ended| *ended);
        ended.ok_or_else(|| io::Error::other("the fork server has ended"))
    }

    /// Returns how the worker ended, if it did.
    pub(super) fn ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        // Without a fork server, the system has given it up already.
        let _ = self.requests.send(Request::Forget(self.pid));
    }
}

/// The pipes of a worker.
struct Pipes {
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    theirs: [File; 3],
}

impl Pipes {
    fn new() -> io::Result<Self> {
        let ([in_read, out_read, error_read], [in_write, out_write, error_write]): ([PipeReader; 3], [PipeWriter; 3]) = {
            let (stdin, stdout, stderr) = (io::pipe()?, io::pipe()?, io::pipe()?);
            ([stdin.0, stdout.0, stderr.0], [stdin.1, stdout.1, stderr.1])
        };
        Ok(Self {
            stdin: ChildStdin::from_std(OwnedFd::from(in_write).into())?,
            stdout: ChildStdout::from_std(OwnedFd::from(out_read).into())?,
            stderr: ChildStderr::from_std(OwnedFd::from(error_read).into())?,
            theirs: [OwnedFd::from(in_read), OwnedFd::from(out_write), OwnedFd::from(error_write)].map(File::from),
        })
    }
}

/// Returns where another process finds an end of a pipe, and how it knows that it has found the right one: an interpreter
/// in a container may see other processes under the same numbers.
fn described(file: &File) -> io::Result<Value> {
    let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
    Ok(json!({"path": path, "inode": file.metadata()?.ino()}))
}

/// Starts the interpreter, and what talks to it.
async fn launched(start: impl FnOnce() -> io::Result<Child>) -> Option<mpsc::UnboundedSender<Request>> {
    let mut child = start().ok()?;
    child.send_line(r#"{"type": "serve"}"#);
    let ready = timeout(START, next_message(&mut child)).await;
    if !matches!(ready, Ok(Some(ForkMessage::Ready))) {
        return None;
    }
    let (requests, inbox) = mpsc::unbounded_channel();
    tokio::spawn(talk(child, inbox, requests.downgrade()));
    Some(requests)
}

async fn next_message(child: &mut Child) -> Option<ForkMessage> {
    match child.line().await {
        Ok(Line::Whole(line)) => serde_json::from_slice(&line).ok(),
        _ => None,
    }
}

/// Passes requests to the interpreter and what it says to those whom it concerns, until one side is gone.
async fn talk(mut child: Child, mut inbox: mpsc::UnboundedReceiver<Request>, requests: mpsc::WeakUnboundedSender<Request>) {
    let mut asked: VecDeque<oneshot::Sender<Forked>> = VecDeque::new();
    let mut running = HashMap::new();
    loop {
        tokio::select! {
            request = inbox.recv() => match request {
                Some(Request::Fork { files, told }) => {
                    child.send_line(&json!({"type": "fork", "files": files}).to_string());
                    asked.push_back(told);
                }
                Some(Request::Forget(pid)) => {
                    child.send_line(&json!({"type": "forget", "pid": pid.as_raw_nonzero().get()}).to_string());
                }
                None => return,
            },
            heard = next_message(&mut child) => match heard {
                Some(ForkMessage::Started { pid }) => {
                    let (Some(told), Some(pid), Some(requests)) = (asked.pop_front(), Pid::from_raw(pid), requests.upgrade()) else { return };
                    let (ends, ended) = watch::channel(None);
                    running.insert(pid, ends);
                    // Whoever does not wait any more has closed its pipes, which ends it.
                    let _ = told.send(Forked { pid, ended, requests });
                }
                Some(ForkMessage::Refused) => drop(asked.pop_front()),
                Some(ForkMessage::Exited { pid, status }) => {
                    if let Some(ends) = Pid::from_raw(pid).and_then(|pid| running.remove(&pid)) {
                        ends.send_replace(Some(ExitStatus::from_raw(status)));
                    }
                }
                Some(ForkMessage::Ready) | None => return,
            },
        }
    }
}

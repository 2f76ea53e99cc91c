//! A client that asks for one thing again and again, and notes how long each answer took.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client saw.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) answers: Vec<Duration>,
    pub(super) failures: usize,
}

/// A client over a connection that it keeps, and makes anew where it was closed.
#[derive(Debug)]
pub(super) struct Normal {
    address: SocketAddr,
    request: String,
    connection: Option<BufReader<TcpStream>>,
}

impl Normal {
    pub(super) fn new(address: SocketAddr, path: &str, key: &str) -> Self {
        let key = if key.is_empty() { String::new() } else { format!("authorization: Bearer {key}\r\n") };
        Self { address, request: format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{key}\r\n"), connection: None }
    }

    /// Asks until it is over, with a pause after each answer.
    pub(super) fn ask_until(&mut self, is_over: &AtomicBool, pause: Duration) -> Answers {
        let mut answers = Answers::default();
        while !is_over.load(Ordering::SeqCst) {
            let began = Instant::now();
            match self.ask() {
                Ok(()) => answers.answers.push(began.elapsed()),
                Err(_) => answers.failures += 1,
            }
            std::thread::sleep(pause);
        }
        answers
    }

    /// Asks once. A connection that was closed between two requests is made anew, as every client does.
    pub(super) fn ask(&mut self) -> Result<()> {
        let is_kept = self.connection.is_some();
        match self.ask_here() {
            Err(_) if is_kept => {
                self.connection = None;
                self.ask_here()
            }
            outcome => outcome,
        }
    }

    fn ask_here(&mut self) -> Result<()> {
        let outcome = self.exchange();
        if outcome.is_err() {
            self.connection = None;
        }
        outcome
    }

    fn exchange(&mut self) -> Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                self.connection.insert(BufReader::new(stream))
            }
        };
        connection.get_mut().write_all(self.request.as_bytes())?;
        let mut line = String::new();
        connection.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200") {
            bail!("answered {line:?}");
        }
        let mut length = None;
        loop {
            line.clear();
            connection.read_line(&mut line)?;
            let line = line.trim().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let mut body = vec![0; length.context("an answer without a length")?];
        Ok(connection.read_exact(&mut body)?)
    }
}

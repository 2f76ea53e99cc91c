//! The program's own platform as a child process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use crate::PATIENCE;
use crate::canned::lock;
use crate::port::wait_for_port;
use crate::world::World;

/// A running `keepstep serve` on a port and a data folder of its own. Dropping it ends that process, and no other.
pub struct Platform {
    binary: PathBuf,
    world: World,
    data: PathBuf,
    options: Vec<String>,
    address: SocketAddr,
    output: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
    child: Option<Child>,
}

impl Platform {
    /// Starts a platform on new data and waits until it answers.
    pub fn start(binary: &Path) -> Self {
        Self::start_with(binary, &[])
    }

    /// Starts a platform on new data with more options for `serve`.
    pub fn start_with(binary: &Path, options: &[&str]) -> Self {
        let world = World::new();
        let data = world.path().join("data");
        Self::start_in(binary, world, data, options)
    }

    /// Starts a platform on the data in a folder of the test's own.
    pub fn start_on(binary: &Path, data: &Path) -> Self {
        Self::start_in(binary, World::new(), data.to_owned(), &[])
    }

    fn start_in(binary: &Path, world: World, data: PathBuf, options: &[&str]) -> Self {
        let mut platform = Self {
            binary: binary.to_owned(),
            world,
            data,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            output: Arc::default(),
            readers: Vec::new(),
            child: None,
        };
        platform.restart();
        platform
    }

    /// Starts the platform again on the same data and, once it had one, the same port. A running one is killed first.
    pub fn restart(&mut self) {
        let command = self.world.command(&self.binary);
        self.restart_as(command);
    }

    /// Starts the platform again where no file can grow beyond so many units of 512 bytes, as on a disk without room.
    pub fn restart_with_small_files(&mut self, units: u32) {
        let mut command = self.world.command(Path::new("/bin/sh"));
        command.args(["-c", &format!("ulimit -f {units}; trap '' XFSZ; exec \"$@\""), "sh"]).arg(&self.binary);
        self.restart_as(command);
    }

    fn restart_as(&mut self, mut command: Command) {
        self.kill();
        lock(&self.output).clear();
        let mut child = command
            .args(["serve", "--listen", &self.address.to_string(), "--data"])
            .arg(self.data_dir())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        let (sender, receiver) = mpsc::channel();
        if let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) {
            self.listen_to(stdout, sender.clone());
            self.listen_to(stderr, sender);
        }
        self.child = Some(child);
        let start = Instant::now();
        loop {
            match receiver.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(line) => {
                    if let Some(address) = address_in(&line) {
                        self.address = address;
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("the platform printed no address:\n{}", self.output()),
                Err(RecvTimeoutError::Disconnected) => panic!("the platform ended at once:\n{}", self.output()),
            }
        }
        wait_for_port(self.address);
    }

    fn listen_to(&mut self, stream: impl Read + Send + 'static, sender: Sender<String>) {
        let output = Arc::clone(&self.output);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                lock(&output).push(line.clone());
                // Nobody waits for the later lines; they are read so that the pipe does not fill up.
                drop(sender.send(line));
            }
        });
        self.readers.push(reader);
    }

    /// Has the next start take any free port.
    pub fn leave_port(&mut self) {
        self.address.set_port(0);
    }

    /// Returns `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address, to put a [`crate::Proxy`] before it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the folder with the data.
    pub fn data_dir(&self) -> PathBuf {
        self.data.clone()
    }

    /// Returns what the process printed since it was started, both streams line by line.
    pub fn output(&self) -> String {
        lock(&self.output).join("\n")
    }

    /// Returns all that the process printed before it ended, which it has.
    pub fn whole_output(&mut self) -> String {
        assert!(self.child.is_none(), "the platform still runs");
        for reader in self.readers.drain(..) {
            drop(reader.join());
        }
        self.output()
    }

    /// Returns the first printed address that has a path: the link that makes the owner.
    pub fn owner_link(&self) -> Option<String> {
        let start = format!("{}/", self.url());
        let output = self.output();
        let mut words = output.split_whitespace().filter_map(|word| Some(&word[word.find(&start)?..]));
        words.find(|word| word.len() > start.len()).map(str::to_owned)
    }

    /// Runs `keepstep admin …` on the data and returns what it printed on standard output, without the white space
    /// around. The options for the data are added.
    pub fn admin(&self, arguments: &[&str]) -> String {
        let mut command = self.command();
        command.arg("admin").args(arguments).arg("--data").arg(self.data_dir());
        let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        assert!(output.status.success(), "admin {arguments:?}:\n{}", crate::transcript(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Makes a key with a role and returns it.
    pub fn key(&self, role: &str) -> String {
        self.admin(&["key", "create", "--name", &format!("test {role}"), "--role", role])
    }

    /// Makes an agent and returns its id and its organization's.
    pub fn agent(&self, name: &str) -> (String, String) {
        let printed = self.admin(&["agent", "create", "--name", name]);
        let (agent, org) = printed.split_once(' ').unwrap_or_else(|| panic!("not two ids: {printed:?}"));
        (agent.to_owned(), org.to_owned())
    }

    /// Returns a command of the same program in the platform's own world.
    pub fn command(&self) -> Command {
        self.world.command(&self.binary)
    }

    /// Kills the process without a warning, as a crash or a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself; then there is nothing to kill.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Asks the process to end, waits for it, and returns how it ended.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the platform runs");
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(pid, Signal::TERM).expect("it is our own child");
        child.wait().expect("it is our own child")
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the address in the first `http://` or `https://` of a line.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://").or_else(|| line.split_once("https://"))?;
    let end = rest.find(|character: char| !(character.is_ascii_digit() || ".:[]".contains(character))).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_sentence() {
        assert_eq!(address_in("keepstep listens at http://127.0.0.1:4747/ now"), "127.0.0.1:4747".parse().ok());
        assert_eq!(address_in("\u{1b}[1mhttp://127.0.0.1:1\u{1b}[0m"), "127.0.0.1:1".parse().ok());
        assert_eq!(address_in("https://127.0.0.1:2"), "127.0.0.1:2".parse().ok());
        assert_eq!(address_in("no address"), None);
    }

    #[test]
    fn it_reads_what_the_process_prints_and_ends_it() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/platform.sh");
        let mut platform = Platform::start_with(&program, &[&address.to_string()]);
        assert_eq!(platform.url(), format!("http://{address}"));
        assert_eq!(platform.agent("x"), ("a_1".to_owned(), "o_1".to_owned()));
        assert!(!platform.terminate().success());
        platform.restart();
        platform.kill();
    }
}

//! A proxy that fails on purpose.
//!
//! Each connection carries one request: the proxy reads it whole, decides what goes wrong, and opens a connection of its
//! own to the server. Faults are therefore about requests, which is what a test wants to talk about.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use crate::PATIENCE;
use crate::canned::lock;
use crate::message::{Reply, Request};

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// The connection is closed without an answer; the server sees nothing.
    Drop,
    /// The server gets only so many bytes of the request, then both connections end.
    CutRequest(usize),
    /// The server does its work, but the client gets only so many bytes of the answer.
    CutResponse(usize),
    /// The request waits at the proxy until [`Proxy::release`].
    Hold,
    /// The server does its work; the answer waits at the proxy until [`Proxy::release`].
    HoldResponse,
    /// The server gets the request twice; the client gets the second answer.
    Duplicate,
    /// The server gets the request again after the next one, as when a line was slow: it comes late and out of order.
    Again,
    /// The client gets this answer; the server sees nothing.
    Answer(Reply),
    /// The client gets this answer although the server did its work.
    AnswerAfter(Reply),
    /// The client gets something that is not HTTP.
    Garbage,
    /// The proxy stops sending after so many bytes of the answer, but leaves its ear open until the client goes.
    HalfClose(usize),
}

impl Fault {
    /// Returns the fault of an overloaded server: an answer with a status and, if given, a `Retry-After`.
    pub fn status(status: u16, retry_after: Option<&str>) -> Self {
        let reply = Reply::new(status, &[("content-type", "text/plain")], "");
        Self::Answer(match retry_after {
            Some(value) => reply.header("retry-after", value),
            None => reply,
        })
    }

    /// Returns the fault of a company's gateway: a page for people, with status 200.
    pub fn html_page(title: &str) -> Self {
        Self::Answer(Reply::html(200, &format!("<!doctype html><html><head><title>{title}</title></head><body></body></html>")))
    }
}

/// A proxy on a port of its own. It ends when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    upstream: Mutex<SocketAddr>,
    plan: Mutex<Plan>,
    gate: Mutex<Gate>,
    gate_moved: Condvar,
    /// Requests that come to the server once more after the next one.
    late: Mutex<Vec<Vec<u8>>>,
    is_over: AtomicBool,
}

#[derive(Default)]
struct Plan {
    seen: Vec<Request>,
    script: VecDeque<Fault>,
    matching: Vec<(String, String, Fault)>,
    otherwise: Option<Fault>,
}

#[derive(Default)]
struct Gate {
    held: usize,
    released: usize,
}

impl Proxy {
    /// Starts a proxy before the server at the address. It passes everything until it is told otherwise.
    pub fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream),
            plan: Mutex::default(),
            gate: Mutex::default(),
            gate_moved: Condvar::new(),
            late: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Says where the server is now, for one that came back at another port.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        *lock(&self.shared.upstream) = upstream;
    }

    /// Adds faults for the next requests, one each, in this order.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        lock(&self.shared.plan).script.extend(faults);
    }

    /// Adds a fault for the next request with this method whose target contains the text. Several for the same request
    /// are used one after the other. These come before the script.
    pub fn on(&self, method: &str, target_contains: &str, fault: Fault) {
        lock(&self.shared.plan).matching.push((method.to_owned(), target_contains.to_owned(), fault));
    }

    /// Says what happens to every request that no other rule is for.
    pub fn otherwise(&self, fault: Fault) {
        lock(&self.shared.plan).otherwise = Some(fault);
    }

    /// Returns the requests that arrived so far, also those that were not passed on.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.plan).seen.clone()
    }

    /// Waits until a request, or its answer, waits at the proxy.
    pub fn wait_until_held(&self) {
        let gate = lock(&self.shared.gate);
        let waiting = |gate: &mut Gate| gate.held <= gate.released;
        let result = self.shared.gate_moved.wait_timeout_while(gate, PATIENCE, waiting);
        let (gate, timeout) = result.expect("no thread of the proxy panics with the gate in its hands");
        drop(gate);
        assert!(!timeout.timed_out(), "no request came to be held");
    }

    /// Lets one held request or answer go on, also one that is still to come.
    pub fn release(&self) {
        lock(&self.shared.gate).released += 1;
        self.shared.gate_moved.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        // Whoever looked at the flag too early is waiting by the time that this has the lock.
        drop(lock(&self.shared.gate));
        self.shared.gate_moved.notify_all();
        // The listener waits in `accept`; a connection wakes it up.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // What fails here looks to the client like one more fault of the network.
        std::thread::spawn(move || drop(serve(stream, &shared)));
    }
}

fn serve(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let Some(request) = Request::read(&mut client)? else { return Ok(()) };
    let fault = lock(&shared.plan).next(&request);
    let upstream = *lock(&shared.upstream);
    let bytes = request.to_bytes();
    let late = std::mem::take(&mut *lock(&shared.late));
    let outcome = fail_as_told(fault, upstream, &bytes, client, shared);
    for bytes in late {
        // Nobody waits for the answer.
        drop(whole(upstream, &bytes));
    }
    outcome
}

fn fail_as_told(fault: Fault, upstream: SocketAddr, bytes: &[u8], mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    match fault {
        Fault::Pass => copy(&mut send(upstream, bytes)?, &mut client)?,
        Fault::Drop => return Ok(()),
        Fault::CutRequest(after) => {
            let mut server = TcpStream::connect(upstream)?;
            server.write_all(&bytes[..after.min(bytes.len())])?;
            server.shutdown(Shutdown::Both)?;
            return Ok(());
        }
        Fault::CutResponse(after) => {
            let answer = whole(upstream, bytes)?;
            client.write_all(&answer[..after.min(answer.len())])?;
        }
        Fault::Hold => {
            shared.hold();
            copy(&mut send(upstream, bytes)?, &mut client)?;
        }
        Fault::HoldResponse => {
            let answer = whole(upstream, bytes)?;
            shared.hold();
            client.write_all(&answer)?;
        }
        Fault::Duplicate => {
            whole(upstream, bytes)?;
            client.write_all(&whole(upstream, bytes)?)?;
        }
        Fault::Again => {
            let answer = whole(upstream, bytes)?;
            lock(&shared.late).push(bytes.to_vec());
            client.write_all(&answer)?;
        }
        Fault::Answer(reply) => reply.write(&mut client)?,
        Fault::AnswerAfter(reply) => {
            whole(upstream, bytes)?;
            reply.write(&mut client)?;
        }
        Fault::Garbage => client.write_all(b"\x16\x03\x01 this is no HTTP \x00\xff\r\n\r\n")?,
        Fault::HalfClose(after) => {
            let answer = whole(upstream, bytes)?;
            client.write_all(&answer[..after.min(answer.len())])?;
            client.shutdown(Shutdown::Write)?;
            client.read_to_end(&mut Vec::new())?;
        }
    }
    client.shutdown(Shutdown::Write)
}

/// Sends a request on and returns the connection on which the answer comes.
fn send(upstream: SocketAddr, bytes: &[u8]) -> std::io::Result<TcpStream> {
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(bytes)?;
    Ok(server)
}

/// Sends a request on and returns the whole answer.
fn whole(upstream: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    send(upstream, bytes)?.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Copies an answer as it comes, so that streams of events pass.
fn copy(server: &mut TcpStream, client: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(server, client).map(drop)
}

impl Shared {
    fn hold(&self) {
        let mut gate = lock(&self.gate);
        let ticket = gate.held;
        gate.held += 1;
        self.gate_moved.notify_all();
        let waiting = |gate: &mut Gate| gate.released <= ticket && !self.is_over.load(Ordering::SeqCst);
        drop(self.gate_moved.wait_while(gate, waiting));
    }
}

impl Plan {
    fn next(&mut self, request: &Request) -> Fault {
        self.seen.push(request.clone());
        let is_for = |(method, text, _): &(String, String, Fault)| *method == request.method && request.target.contains(text);
        if let Some(at) = self.matching.iter().position(is_for) {
            return self.matching.remove(at).2;
        }
        self.script.pop_front().or_else(|| self.otherwise.clone()).unwrap_or(Fault::Pass)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canned::Canned;

    fn ask(address: SocketAddr) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /x HTTP/1.1\r\ncontent-length: 2\r\n\r\nhi").unwrap();
        let mut answer = Vec::new();
        // A reset is one of the forms in which a fault shows.
        drop(stream.read_to_end(&mut answer));
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[test]
    fn each_fault_does_what_it_says() {
        let server = Canned::start(|_| Reply::new(200, &[], "done"));
        let proxy = Proxy::before(server.address());
        let page = Fault::html_page("Sign in");
        proxy.on("GET", "/x", Fault::Drop);
        proxy.script([Fault::Pass, Fault::Drop, Fault::CutResponse(8), Fault::Duplicate, page, Fault::status(503, Some("7"))]);
        assert!(ask(proxy.address()).ends_with("done"));
        assert_eq!(ask(proxy.address()), "");
        assert_eq!(server.requests().len(), 1);
        assert_eq!(ask(proxy.address()), "HTTP/1.1");
        assert_eq!(server.requests().len(), 2);
        assert!(ask(proxy.address()).ends_with("done"));
        assert_eq!(server.requests().len(), 4);
        assert!(ask(proxy.address()).contains("<title>Sign in</title>"));
        assert!(ask(proxy.address()).contains("retry-after: 7"));
        assert_eq!(server.requests().len(), 4);
        proxy.script([Fault::Again, Fault::Pass]);
        assert!(ask(proxy.address()).ends_with("done"));
        assert_eq!(server.requests().len(), 5);
        assert!(ask(proxy.address()).ends_with("done"));
        // The late one comes after the answer of the one before it.
        while server.requests().len() < 7 {
            std::thread::yield_now();
        }
        proxy.script([Fault::CutRequest(5), Fault::Garbage, Fault::HalfClose(4)]);
        assert_eq!(ask(proxy.address()), "");
        assert!(ask(proxy.address()).contains("no HTTP"));
        assert_eq!(server.requests().len(), 7);
        assert_eq!(proxy.requests().len(), 10);
    }

    #[test]
    fn a_held_request_waits_for_its_release() {
        let server = Canned::start(|_| Reply::new(200, &[], "done"));
        let proxy = Proxy::before(server.address());
        let address = proxy.address();
        proxy.script([Fault::Hold, Fault::HoldResponse]);
        let asking = std::thread::spawn(move || ask(address));
        proxy.wait_until_held();
        assert_eq!(server.requests().len(), 0);
        proxy.release();
        assert!(asking.join().unwrap().ends_with("done"));
        let asking = std::thread::spawn(move || ask(address));
        proxy.wait_until_held();
        assert_eq!(server.requests().len(), 2);
        drop(proxy);
        asking.join().unwrap();
    }
}

//! A server whose answers the test writes.

use std::collections::{BTreeMap, VecDeque};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde_json::json;

use crate::message::{Reply, Request};

/// A small HTTP server on a port of its own. It ends when it is dropped.
pub struct Canned {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

type Handler = dyn FnMut(&Request) -> Reply + Send;

struct Shared {
    handler: Mutex<Box<Handler>>,
    requests: Mutex<Vec<Request>>,
    is_over: AtomicBool,
}

impl Canned {
    /// Starts a server that answers each request with what the function returns for it.
    pub fn start(handler: impl FnMut(&Request) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            handler: Mutex::new(Box::new(handler)),
            requests: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// Starts a server that gives these answers in this order, whatever is asked, and 599 afterwards.
    pub fn script(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        Self::start(move |_| replies.pop_front().unwrap_or_else(|| Reply::new(599, &[], "the script is over")))
    }

    /// Starts a server that knows these requests, each written as `GET /path?query`, and answers 404 to others as a
    /// server of the lua dialect does.
    pub fn routes<'a>(routes: impl IntoIterator<Item = (&'a str, Reply)>) -> Self {
        let routes: BTreeMap<String, Reply> = routes.into_iter().map(|(key, reply)| (key.to_owned(), reply)).collect();
        Self::start(move |request| {
            let key = format!("{} {}", request.method, request.target);
            routes.get(&key).cloned().unwrap_or_else(|| {
                Reply::json(404, &json!({"success": false, "message": format!("Cannot {key}"), "statusCode": 404}))
            })
        })
    }

    /// Returns the address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns `http://127.0.0.1:PORT`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns what was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Returns what was asked so far, one [`Request::summary`] a line.
    pub fn summary(&self) -> String {
        self.requests().iter().map(Request::summary).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
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
        std::thread::spawn(move || serve(stream, &shared));
    }
}

fn serve(mut stream: TcpStream, shared: &Shared) {
    // A client that goes away in the middle is what many tests are about.
    let Ok(Some(request)) = Request::read(&mut stream) else { return };
    lock(&shared.requests).push(request.clone());
    let reply = lock(&shared.handler)(&request);
    drop(reply.write(&mut stream));
    drop(stream.shutdown(std::net::Shutdown::Write));
}

pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in a handler already failed its test; the others still want to see what was recorded.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn ask(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn it_answers_as_told_and_remembers() {
        let server = Canned::routes([("GET /a?b=c", Reply::json(200, &json!({"x": 1})))]);
        assert!(ask(server.address(), "GET /a?b=c HTTP/1.1\r\n\r\n").ends_with("{\"x\":1}"));
        assert!(ask(server.address(), "GET /other HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert_eq!(server.summary(), "GET /a?b=c\nGET /other");
        let server = Canned::script([Reply::new(200, &[], "one")]);
        assert!(ask(server.address(), "GET / HTTP/1.1\r\n\r\n").ends_with("one"));
        assert!(ask(server.address(), "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 599"));
    }
}

//! A server that means harm, or is broken in a way that looks like it.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What it does with each connection, after it has read the beginning of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostility {
    /// It says nothing.
    Silent,
    /// It begins an answer and sends a byte of its body now and then.
    Drip,
    /// It begins an answer, sends a little of it and stops.
    Stall,
    /// It answers with this status and a body without an end, as fast as it can.
    Endless(u16),
    /// It answers with something that is no HTTP.
    Garbage,
}

/// The server. It ends when it is dropped.
#[derive(Debug)]
pub struct HostileServer {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
}

impl HostileServer {
    /// Starts it on a free port of this machine.
    pub fn start(hostility: Hostility) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (sent, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counter, over) = (Arc::clone(&sent), Arc::clone(&is_over));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (counter, over) = (Arc::clone(&counter), Arc::clone(&over));
                thread::spawn(move || answer(stream, hostility, &counter, &over));
            }
        });
        Self { address, sent, is_over }
    }

    /// Returns its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns how many bytes it could send.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for HostileServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // The listener waits for one more.
        let _ = TcpStream::connect(self.address);
    }
}

fn answer(mut stream: TcpStream, hostility: Hostility, sent: &AtomicU64, is_over: &AtomicBool) {
    let _ = stream.read(&mut [0; 4096]);
    let send = |stream: &mut TcpStream, bytes: &[u8]| {
        let is_sent = !is_over.load(Ordering::Relaxed) && stream.write_all(bytes).and_then(|()| stream.flush()).is_ok();
        if is_sent {
            sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        is_sent
    };
    let head = |status: u16| {
        format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n").into_bytes()
    };
    match hostility {
        Hostility::Silent => {}
        Hostility::Garbage => {
            send(&mut stream, b"\x00\x01garbage\r\n\r\n");
            return;
        }
        Hostility::Stall => {
            send(&mut stream, &head(200));
            send(&mut stream, b"1\r\n{\r\n");
        }
        Hostility::Drip => {
            send(&mut stream, &head(200));
            while send(&mut stream, b"1\r\n \r\n") {
                thread::sleep(Duration::from_millis(5));
            }
            return;
        }
        Hostility::Endless(status) => {
            send(&mut stream, &head(status));
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 0x10000], b"\r\n"].concat();
            while send(&mut stream, &chunk) {}
            return;
        }
    }
    // Until the other side gives up.
    while stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {}
}

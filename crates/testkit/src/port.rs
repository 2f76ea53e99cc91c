//! Ports: one that is surely closed, and waiting for one to open by asking it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use crate::PATIENCE;

/// Returns the address of a port of this machine where nobody listens.
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound listener has an address")
}

/// Waits until somebody accepts connections at the address, by trying to connect.
pub fn wait_for_port(address: SocketAddr) {
    let start = Instant::now();
    while TcpStream::connect_timeout(&address, PATIENCE).is_err() {
        assert!(start.elapsed() < PATIENCE, "nobody listens at {address}");
        std::thread::yield_now();
    }
}

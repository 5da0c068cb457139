//! What stands where a server should: silent, full, or speaking something else.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use rustix::net;

/// A server of nobody's: each connection is handed to `answer`, and then held open.
pub fn impostor(answer: fn(&mut TcpStream)) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            answer(&mut stream);
            held.push(stream);
        }
    });
    port
}

/// Accepts, and says nothing.
pub fn silent() -> u16 {
    impostor(|_| {})
}

/// Reads what a client begins with, with "no" to TLS.
pub fn startup(stream: &mut TcpStream) {
    let mut packet = [0; 1024];
    let mut read = stream.read(&mut packet).unwrap();
    if packet[4..8] == [0x04, 0xd2, 0x16, 0x2f] {
        stream.write_all(b"N").unwrap();
        read = stream.read(&mut packet).unwrap();
    }
    assert!(read > 8, "a startup packet");
}

/// A message of the protocol.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

/// A port where a connection is never accepted: its queue is full, and packets are dropped.
#[derive(Debug)]
pub struct Full {
    pub port: u16,
    _listener: OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl Full {
    pub fn new() -> Self {
        let listener =
            net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
        net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
        net::listen(&listener, 0).unwrap();
        let address = net::getsockname(&listener).unwrap();
        let port = SocketAddr::try_from(address).unwrap().port();
        let mut waiting = Vec::new();
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        while let Ok(stream) = TcpStream::connect_timeout(&to, Duration::from_secs(1)) {
            waiting.push(stream);
            assert!(waiting.len() < 100, "the queue is never full");
        }
        Self { port, _listener: listener, _waiting: waiting }
    }
}

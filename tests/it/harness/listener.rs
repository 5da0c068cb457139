//! A tiny web server that writes down what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod};

use super::pki::{Pki, TlsVariant};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub path: String,
    pub body: String,
}

/// A web server on a loopback port; it lives as long as the test binary.
#[derive(Debug)]
pub struct Listener {
    scheme: &'static str,
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    status: Arc<AtomicU16>,
}

impl Listener {
    /// Plain HTTP.
    pub fn start() -> Self {
        Self::serve("http", None)
    }

    /// HTTPS, with a certificate of the tests' authority.
    pub fn start_tls() -> Self {
        let files = Pki::shared().server(TlsVariant::Good);
        let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate_chain_file(files.cert).unwrap();
        acceptor.set_private_key_file(files.key, SslFiletype::PEM).unwrap();
        Self::serve("https", Some(acceptor.build()))
    }

    fn serve(scheme: &'static str, acceptor: Option<SslAcceptor>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let status = Arc::new(AtomicU16::new(200));
        let (list, answer) = (Arc::clone(&heard), Arc::clone(&status));
        thread::spawn(move || {
            for stream in socket.incoming() {
                let (acceptor, list, answer) = (acceptor.clone(), list.clone(), answer.clone());
                thread::spawn(move || {
                    let stream: TcpStream = stream.unwrap();
                    match acceptor {
                        None => hear(stream, &list, &answer),
                        // A client that trusts nobody here ends the handshake.
                        Some(acceptor) => match acceptor.accept(stream) {
                            Ok(stream) => hear(stream, &list, &answer),
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { scheme, port, heard, status }
    }

    /// The address of a path here.
    pub fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.port)
    }

    /// Answers with this status from now on (at first 200).
    pub fn answer_with(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// Takes what was heard since the last call.
    pub fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

/// One request; `None` when it ends early.
fn hear(stream: impl Read + Write, heard: &Mutex<Vec<Heard>>, status: &AtomicU16) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).ok()?;
        let header = line.trim().to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if header.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    heard.lock().unwrap().push(Heard { path, body: String::from_utf8(body).unwrap() });
    let status = status.load(Ordering::Relaxed);
    let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK");
    stream.get_mut().write_all(answer.as_bytes()).ok()
}

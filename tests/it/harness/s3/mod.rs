//! An S3 server in this process, on a port of its own, in memory: it checks signatures,
//! checksums and conditions as Amazon does, tells what it was asked, and fails on demand.
//!
//! It is path style: `http://127.0.0.1:PORT/BUCKET/KEY`. There is one bucket.

mod bucket;
mod checksums;
pub mod client;
mod faults;
mod front;
mod service;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener as StdListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustix::net::sockopt::set_socket_linger;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::S3ServiceBuilder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio_native_tls::TlsAcceptor;

use bucket::{Bucket, Kept, Object};
#[allow(unused_imports, reason = "not every commit has a user of all of them")]
pub use faults::{Fault, Faults, Kind};
pub use front::Request;
use front::{Front, State};
use service::{Backend, OneKey};

/// The bucket.
pub const BUCKET: &str = "pgtend-test";
/// The account that owns it.
pub const OWNER: &str = "111122223333";
pub const ACCESS_KEY: &str = "AKIAPGTENDTESTONLY00";
/// Long enough to be told from everything else in an output.
pub const SECRET_KEY: &str = "pgtend-test-secret/kZ8wQ2+notARealKey0";
pub const REGION: &str = "eu-central-1";

/// A running server; gone with all it holds when dropped.
pub struct S3Server {
    port: u16,
    tls: bool,
    bucket: Arc<Mutex<Bucket>>,
    front: Arc<Front>,
    stop: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for S3Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Server").field("port", &self.port).finish_non_exhaustive()
    }
}

impl S3Server {
    /// One that works.
    pub fn start() -> Self {
        Self::with(Faults::none())
    }

    /// One that fails as planned.
    pub fn with(faults: Faults) -> Self {
        Self::listen(0, faults, None)
    }

    /// One that works on this port.
    pub fn on_port(port: u16) -> Self {
        Self::listen(port, Faults::none(), None)
    }

    /// One that works, over TLS as `localhost`, with this certificate and key (PEM, PKCS#8).
    pub fn start_tls(cert: &Path, key: &Path) -> Self {
        let (cert, key) = (fs::read(cert).unwrap(), fs::read(key).unwrap());
        let identity = native_tls::Identity::from_pkcs8(&cert, &key).expect("a certificate");
        let acceptor = native_tls::TlsAcceptor::new(identity).expect("an acceptor");
        Self::listen(0, Faults::none(), Some(acceptor.into()))
    }

    fn listen(port: u16, faults: Faults, tls: Option<TlsAcceptor>) -> Self {
        let listener = StdListener::bind(("127.0.0.1", port)).expect("a loopback port is free");
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let bucket = Arc::new(Mutex::new(Bucket { page: 1000, ..Bucket::default() }));
        let mut service =
            S3ServiceBuilder::new(Backend { name: BUCKET.to_owned(), bucket: Arc::clone(&bucket) });
        service.set_auth(OneKey { id: ACCESS_KEY.to_owned(), secret: SECRET_KEY.to_owned() });
        // The front has a clock of its own.
        let mut config = S3Config::default();
        config.presigned_url_max_skew_time_secs = u32::MAX;
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let state = State { faults, requests: Vec::new(), owner: OWNER.to_owned(), clock_ahead: 0 };
        let (state, held) = (Mutex::new(state), Semaphore::new(0));
        let front = Arc::new(Front { service: service.build(), state, held });
        let stop = Arc::new(Notify::new());
        let server = (Arc::clone(&front), Arc::clone(&stop), tls.clone());
        let thread = thread::spawn(move || serve(listener, server.0, &server.1, server.2));
        Self { port, tls: tls.is_some(), bucket, front, stop, thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL that clients are given.
    pub fn endpoint(&self) -> String {
        if self.tls {
            return format!("https://localhost:{}", self.port);
        }
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A repository in the bucket.
    pub fn repository(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The variables that a client needs, and nothing of the machine's.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY),
            ("AWS_REGION", REGION),
            ("AWS_ENDPOINT_URL", &self.endpoint()),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Keys of the uploads that were neither completed nor aborted, sorted.
    pub fn uploads(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.bucket().uploads.values().map(|up| up.key.clone()).collect();
        keys.sort();
        keys
    }

    /// Sets back when the open uploads were begun.
    pub fn age_uploads(&self, by: Duration) {
        for upload in self.bucket().uploads.values_mut() {
            upload.begun -= by;
        }
    }

    /// Sets back when the objects whose keys begin so were written.
    pub fn age_objects(&self, prefix: &str, by: Duration) {
        for (key, object) in &mut self.bucket().objects {
            if key.starts_with(prefix) {
                object.modified -= by;
            }
        }
    }

    /// Keys of the objects that begin so, sorted.
    pub fn objects(&self, prefix: &str) -> Vec<String> {
        let bucket = self.bucket();
        bucket.objects.keys().filter(|key| key.starts_with(prefix)).cloned().collect()
    }

    /// An object's bytes.
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        self.bucket().objects.get(key).map(Object::bytes)
    }

    /// How many parts an object was uploaded in; `None` if it came in one piece.
    #[track_caller]
    pub fn parts(&self, key: &str) -> Option<i32> {
        self.bucket().objects.get(key).expect("the object is there").parts
    }

    /// Puts an object there, as somebody else would.
    pub fn put(&self, key: &str, bytes: impl Into<Bytes>) {
        let bytes = bytes.into();
        let object = Object {
            etag: checksums::etag_of_whole(&bytes),
            sums: BTreeMap::from([("crc64nvme", checksums::sum("crc64nvme", &bytes))]),
            pieces: vec![bytes],
            composite: false,
            parts: None,
            modified: SystemTime::now(),
            kept: Kept::default(),
        };
        self.bucket().objects.insert(key.to_owned(), object);
    }

    /// Takes an object away; panics if it is not there.
    #[track_caller]
    pub fn remove(&self, key: &str) {
        assert!(self.bucket().objects.remove(key).is_some(), "no object {key}");
    }

    /// Changes an object's bytes behind everybody's back: its checksums stay what they were.
    #[track_caller]
    pub fn damage(&self, key: &str, how: impl FnOnce(&mut Vec<u8>)) {
        let mut bucket = self.bucket();
        let object = bucket.objects.get_mut(key).unwrap_or_else(|| panic!("no object {key}"));
        let mut bytes = object.bytes();
        how(&mut bytes);
        object.pieces = vec![bytes.into()];
    }

    /// Nobody may delete this key any more.
    pub fn lock(&self, key: &str) {
        self.bucket().locked.insert(key.to_owned());
    }

    /// Lets listings give only so many entries at once.
    pub fn page(&self, entries: usize) {
        self.bucket().page = entries;
    }

    /// Sets the server's clock ahead, or behind when negative.
    pub fn clock_ahead(&self, seconds: i64) {
        self.state().clock_ahead = seconds;
    }

    /// Changes the plan; what was counted begins again.
    pub fn fail(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Does and answers what is [held](Fault::Held), from now on.
    pub fn let_go(&self) {
        self.front.held.add_permits(1);
    }

    /// All requests so far, in the order they came.
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// The requests of one kind so far.
    pub fn requests_of(&self, kind: Kind) -> Vec<Request> {
        let state = self.state();
        state.requests.iter().filter(|request| request.kind == kind).cloned().collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.state().requests.clear();
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.front.state.lock().unwrap()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        self.stop.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            eprintln!("the S3 server of this test panicked");
        }
    }
}

/// Accepts until it is told to stop; open connections are then closed.
fn serve(listener: StdListener, front: Arc<Front>, stop: &Notify, tls: Option<TlsAcceptor>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).unwrap();
        let mut stopped = pin!(stop.notified());
        loop {
            let accepted = tokio::select! {
                () = &mut stopped => return,
                accepted = listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else { continue };
            stream.set_nodelay(true).unwrap_or_default();
            let (front, tls) = (Arc::clone(&front), tls.clone());
            tokio::spawn(async move {
                let raw = stream.as_fd().try_clone_to_owned().expect("a second handle");
                match tls {
                    None => connection(stream, raw, front).await,
                    Some(tls) => {
                        // A client that does not trust us goes away here.
                        if let Ok(stream) = tls.accept(stream).await {
                            connection::<tokio_native_tls::TlsStream<TcpStream>>(
                                stream, raw, front,
                            )
                            .await;
                        }
                    }
                }
            });
        }
    });
}

/// One connection, until the client closes it or a fault cuts it.
async fn connection<S>(stream: S, raw: OwnedFd, front: Arc<Front>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let cut = Arc::new(Notify::new());
    let for_requests = Arc::clone(&cut);
    let answer =
        service_fn(move |request| Arc::clone(&front).answer(request, Arc::clone(&for_requests)));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    tokio::select! {
        // A client that goes away in the middle is its own affair.
        ended = serving => drop(ended),
        () = cut.notified() => {
            // Closing with a linger time of 0 sends RST.
            set_socket_linger(&raw, Some(Duration::ZERO)).unwrap_or_default();
        }
    }
}

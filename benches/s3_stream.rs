//! Whether memory stays bounded: streams an object of many gigabytes into a server that throws
//! everything away, and prints the writer's peak memory.
//!
//! `cargo bench --bench s3_stream -- [GIGABYTES]` (20). The server runs in this process, the
//! writer in one of its own.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement, run by hand"
)]

use std::convert::Infallible;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use pgtend::settings::{Environment, S3Settings};
use pgtend::store::Store;

const GIGABYTE: u64 = 1_000_000_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let first = arguments.next().unwrap_or_else(|| "20".to_owned());
    if first == "--write" {
        return write(arguments.next().unwrap().parse().unwrap());
    }
    let bytes = first.parse::<u64>().expect("gigabytes") * GIGABYTE;
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let swallowed = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&swallowed);
    std::thread::spawn(move || swallow(listener, &counted));
    let mut writer = Command::new(std::env::current_exe().unwrap());
    writer.args(["--write", &bytes.to_string()]).env_clear().envs([
        ("AWS_ACCESS_KEY_ID", "nobody"),
        ("AWS_SECRET_ACCESS_KEY", "nothing"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL", &format!("http://127.0.0.1:{port}")),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    assert!(writer.status().unwrap().success(), "the writer failed");
    assert_eq!(swallowed.load(Ordering::Relaxed), bytes, "bytes that arrived");
}

/// Writes one object of so many bytes, and tells what it took.
fn write(bytes: u64) {
    let settings = S3Settings::new(Environment::capture().aws());
    let store = Store::open("s3://nowhere/stream", &settings).unwrap();
    // Not a multiple of anything.
    let piece: Vec<u8> =
        (0..3_000_017_u32).map(|i| i.to_le_bytes()[1] ^ i.to_le_bytes()[0]).collect();
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut writer = store.create("a/object").await.unwrap();
        let mut left = bytes;
        while left > 0 {
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            writer.append(&piece[..now]).await.unwrap();
            left -= now as u64;
        }
        assert_eq!(writer.finish().await.unwrap(), bytes);
    });
    let seconds = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string(Path::new("/proc/self/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let gigabytes = bytes as f64 / GIGABYTE as f64;
    println!(
        "{gigabytes:.1} GB in {seconds:.1} s ({:.2} GB/s), peak memory {}",
        gigabytes / seconds,
        peak.trim()
    );
}

fn swallow(listener: TcpListener, counted: &Arc<AtomicU64>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let counted = Arc::clone(counted);
            tokio::spawn(async move {
                let answer = service_fn(|request| answer(request, &counted));
                let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                serving.await.unwrap_or_default();
            });
        }
    });
}

/// What S3 would say, with nothing behind it.
async fn answer(
    request: Request<Incoming>,
    counted: &AtomicU64,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (method, query) =
        (request.method().clone(), request.uri().query().unwrap_or("").to_owned());
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
    let text = match method {
        Method::POST if query.starts_with("uploads") => {
            "<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>"
        }
        Method::POST => {
            "<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>"
        }
        Method::PUT => {
            counted.fetch_add(length, Ordering::Relaxed);
            ""
        }
        _ => "<ListBucketResult></ListBucketResult>",
    };
    let response = Response::builder().header("etag", "\"1\"").body(Full::from(text));
    Ok(response.expect("an answer"))
}

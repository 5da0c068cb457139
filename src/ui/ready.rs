//! Waiting for standard input and output without a thread that sits in a read or a write.

use std::future::pending;
use std::io;
use std::os::fd::AsRawFd;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Has the runtime watch one of them. An error for a regular file, which is always ready.
#[expect(deprecated, reason = "what replaces it is unsafe; these are open as long as we are")]
pub(super) fn watched<T: AsRawFd>(stream: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(stream, interest)
}

/// Waits until the reader of standard output has closed its end of the pipe, which a write would
/// tell only when there is something to be written. For ever where that cannot be seen (a file).
pub async fn reader_gone() {
    let Ok(out) = watched(io::stdout(), Interest::ERROR) else {
        return pending().await;
    };
    loop {
        match out.ready(Interest::ERROR).await {
            Ok(mut ready) if !ready.ready().is_error() => ready.clear_ready(),
            Ok(_) => return,
            Err(_) => return pending().await,
        }
    }
}

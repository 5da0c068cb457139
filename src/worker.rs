//! A worker: a thread with a runtime of its own, so that decoding and hashing on one does not
//! hold the others up.

use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Does the work of this thread until it is done, or `stop` is cancelled, which is `None`.
///
/// # Errors
/// Those of the work; a bug when there is no runtime to be had.
pub fn until_stopped<T, E: From<Error>>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, E>>,
) -> Result<Option<T>, E> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot start a thread's runtime").caused_by(&error))?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = stop.cancelled() => Ok(None),
            result = work => result.map(Some),
        }
    })
}

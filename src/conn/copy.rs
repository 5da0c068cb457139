//! `COPY .. TO STDOUT` and `COPY .. FROM STDIN`.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{SinkExt, Stream, ready};
use tokio_postgres::{CopyInSink, CopyOutStream, Statement};

use super::query_error::QueryError;
use super::session::Fate;

/// The data of a COPY: one item for each message of the server, which is one row in the text
/// and CSV formats.
pub struct CopyOut {
    stream: Pin<Box<CopyOutStream>>,
    fate: Arc<Fate>,
}

impl CopyOut {
    pub(super) fn new(stream: CopyOutStream, fate: Arc<Fate>) -> Self {
        Self { stream: Box::pin(stream), fate }
    }
}

impl Stream for CopyOut {
    type Item = Result<Bytes, QueryError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.stream.as_mut().poll_next(context));
        Poll::Ready(item.map(|item| item.map_err(|error| QueryError::new(error, self.fate.told()))))
    }
}

impl fmt::Debug for CopyOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CopyOut")
    }
}

/// The receiving end of a COPY; without [`finish`](Self::finish) the server takes none of it.
pub struct CopyIn {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    fate: Arc<Fate>,
}

impl CopyIn {
    pub(super) fn new(sink: CopyInSink<Bytes>, fate: Arc<Fate>) -> Self {
        Self { sink: Box::pin(sink), fate }
    }

    /// Sends the next bytes; rows may be cut anywhere.
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), QueryError> {
        let sent = self.sink.feed(bytes).await;
        sent.map_err(|error| QueryError::new(error, self.fate.told()))
    }

    /// Ends the COPY; returns the rows that the server took.
    pub async fn finish(mut self) -> Result<u64, QueryError> {
        let rows = self.sink.as_mut().finish().await;
        rows.map_err(|error| QueryError::new(error, self.fate.told()))
    }
}

impl fmt::Debug for CopyIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CopyIn")
    }
}

/// A COPY that the server has parsed and that can be started.
pub struct PreparedCopy(pub(super) Statement);

impl fmt::Debug for PreparedCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreparedCopy")
    }
}

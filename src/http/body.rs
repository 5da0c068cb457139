//! Bodies that say how far they are: what is slow and goes on is no fault, silence is.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep};

use super::fault::Fault;

/// What is sent with a request.
pub type Body = UnsyncBoxBody<Bytes, Box<dyn StdError + Send + Sync>>;

/// No bytes.
pub fn empty() -> Body {
    whole(Bytes::new())
}

/// These bytes.
pub fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Bytes given to the connection at once: it takes more only when they are gone.
const PIECE: usize = 256 << 10;

/// When a request last made progress.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Mutex<Instant>>);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Progress {
    pub fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn made(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A request's body that notes when its pieces leave.
#[derive(Debug)]
pub(super) struct Watched {
    body: Body,
    rest: Bytes,
    progress: Progress,
}

impl Watched {
    pub fn new(body: Body, progress: Progress) -> Self {
        Self { body, rest: Bytes::new(), progress }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Box<dyn StdError + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        this.progress.made();
        if this.rest.is_empty() {
            let next = ready!(Pin::new(&mut this.body).poll_frame(context));
            match next.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => this.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let more = self.rest.len() as u64;
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + more);
        }
        hint.set_lower(hint.lower() + more);
        hint
    }
}

/// The body of an answer; a silence in it is an error.
#[derive(Debug)]
pub struct Answered {
    body: Incoming,
    limit: Duration,
    /// Runs while the next piece is waited for.
    silence: Option<Pin<Box<Sleep>>>,
}

impl Answered {
    pub(super) fn new(body: Incoming, limit: Duration) -> Self {
        Self { body, limit, silence: None }
    }
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        if let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(context) {
            this.silence = None;
            return Poll::Ready(next.map(|frame| frame.map_err(Fault::of_body)));
        }
        let limit = this.limit;
        let silence = this.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(silence.as_mut().poll(context));
        this.silence = None;
        Poll::Ready(Some(Err(Fault::silence(limit))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! HTTP in front of the operations: requests are recorded, the clock and the owner are looked at,
//! and things go wrong as planned.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use s3s::service::S3Service;
use s3s::{Body, HttpRequest, S3Error, s3_error};
use tokio::sync::{Notify, Semaphore};

use super::faults::{Fault, Faults, Kind};

/// How far a client's clock may be off.
const SKEW: Duration = Duration::from_secs(15 * 60);

/// A request that was made, without what it was signed with.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: Kind,
    pub method: String,
    /// Decoded; empty for a request about the bucket.
    pub key: String,
    pub query: String,
    /// Lower-case names; several values of one name are joined by a comma.
    pub headers: BTreeMap<String, String>,
    pub fault: Option<Fault>,
    /// `None` while there is no answer, and if there never was one.
    pub status: Option<u16>,
}

impl Request {
    /// A header's value; empty if there was none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What all connections share.
pub struct Front {
    pub service: S3Service,
    pub state: Mutex<State>,
    /// A permit lets go of what is [held](Fault::Held).
    pub held: Semaphore,
}

pub struct State {
    pub faults: Faults,
    pub requests: Vec<Request>,
    pub owner: String,
    /// The server's clock is so many seconds ahead.
    pub clock_ahead: i64,
}

impl Front {
    /// Answers one request; `cut` ends the connection at once.
    pub async fn answer(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        cut: Arc<Notify>,
    ) -> Result<Response<Body>, Infallible> {
        let (number, fault) = self.record(&request);
        let response = match self.refused(request.headers()) {
            Some(error) => refuse(request, error).await,
            None => self.with_fault(request, fault, cut).await,
        };
        let mut response = response;
        let mut state = self.state.lock().unwrap();
        if state.clock_ahead != 0 {
            response.headers_mut().insert("date", date(now(state.clock_ahead)));
        }
        state.requests[number].status = Some(response.status().as_u16());
        Ok(response)
    }

    async fn with_fault(
        self: &Arc<Self>,
        request: http::Request<Incoming>,
        fault: Option<Fault>,
        cut: Arc<Notify>,
    ) -> Response<Body> {
        let Some(fault) = fault else { return self.pass(request.map(Body::from)).await };
        match fault {
            Fault::InternalError => refuse(request, internal_error()).await,
            Fault::SlowDown => {
                let error = s3_error!(SlowDown, "Please reduce your request rate.");
                refuse(request, error).await
            }
            Fault::AccessDenied => refuse(request, s3_error!(AccessDenied, "Access Denied")).await,
            Fault::NotImplemented => {
                let error = s3_error!(NotImplemented, "A header means what is not implemented.");
                refuse(request, error).await
            }
            Fault::ErrorIn200 => {
                let mut response = refuse(request, internal_error()).await;
                *response.status_mut() = http::StatusCode::OK;
                response
            }
            Fault::DoneBut500 => {
                drain(self.pass(request.map(Body::from)).await.into_body()).await;
                internal_error().to_http_response().expect("an error has an answer")
            }
            Fault::LostResponse => {
                drain(self.pass(request.map(Body::from)).await.into_body()).await;
                cut.notify_one();
                pending().await
            }
            Fault::CutUpload(bytes) => {
                let mut body = request.into_body();
                let mut seen = 0;
                while seen < bytes {
                    let Some(Ok(frame)) = body.frame().await else { break };
                    seen += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
                cut.notify_one();
                pending().await
            }
            Fault::CutDownload(bytes) => {
                let response = self.pass(request.map(Body::from)).await;
                let hint = response.body().size_hint();
                let length = response.headers().get("content-length").cloned();
                let mut response = response.map(|body| {
                    Body::http_body_unsync(Cut { body, left: bytes, hint, cut: Arc::clone(&cut) })
                });
                if let Some(length) = length {
                    response.headers_mut().insert("content-length", length);
                }
                response
            }
            Fault::Silence => pending().await,
            Fault::Held => {
                let (head, body) = request.into_parts();
                let Ok(body) = body.collect().await else { return pending().await };
                let request = http::Request::from_parts(head, Body::from(body.to_bytes()));
                let front = Arc::clone(self);
                // A task of its own: this one ends with its connection.
                let obeyed = tokio::spawn(async move {
                    drop(front.held.acquire().await.expect("it is never closed"));
                    front.pass(request).await
                });
                obeyed.await.expect("an answer")
            }
        }
    }

    async fn pass(&self, request: HttpRequest) -> Response<Body> {
        match self.service.call(request).await {
            Ok(response) => response,
            Err(error) => panic!("s3s gives no answer: {error:?}"),
        }
    }

    fn record(&self, request: &http::Request<Incoming>) -> (usize, Option<Fault>) {
        let path = request.uri().path().trim_start_matches('/');
        let key = path.split_once('/').map_or("", |(_, key)| key);
        let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let kind = kind(request.method(), &key, &query);
        let mut headers = BTreeMap::new();
        for (name, value) in request.headers() {
            let secret = ["authorization", "x-amz-security-token"].contains(&name.as_str());
            let text = if secret { "(not kept)" } else { value.to_str().unwrap_or("?") };
            let held: &mut String = headers.entry(name.as_str().to_owned()).or_default();
            if !held.is_empty() {
                held.push_str(", ");
            }
            held.push_str(text);
        }
        let mut state = self.state.lock().unwrap();
        let fault = state.faults.next(kind, &key);
        let method = request.method().to_string();
        let request = Request { kind, method, key, query, headers, fault, status: None };
        state.requests.push(request);
        (state.requests.len() - 1, fault)
    }

    /// What Amazon refuses whatever the request is.
    fn refused(&self, headers: &HeaderMap) -> Option<S3Error> {
        let state = self.state.lock().unwrap();
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if text("x-amz-expected-bucket-owner").is_some_and(|owner| owner != state.owner) {
            return Some(s3_error!(AccessDenied, "Access Denied"));
        }
        let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text("x-amz-date")?).ok()?;
        let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let off = now(state.clock_ahead).duration_since(signed).unsigned_abs();
        (off > SKEW).then(|| {
            s3_error!(
                RequestTimeTooSkewed,
                "The difference between the request time and the current time is too large."
            )
        })
    }
}

fn now(ahead: i64) -> jiff::Timestamp {
    let now = jiff::Timestamp::try_from(SystemTime::now()).expect("now can be told");
    now + jiff::SignedDuration::from_secs(ahead)
}

fn date(at: jiff::Timestamp) -> HeaderValue {
    let text = at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    HeaderValue::from_str(&text).expect("a date is ASCII")
}

fn internal_error() -> S3Error {
    s3_error!(InternalError, "We encountered an internal error. Please try again.")
}

/// Reads the request to its end, so that the client hears the answer and not a closed connection.
async fn refuse(request: http::Request<Incoming>, error: S3Error) -> Response<Body> {
    drain(request.into_body().into()).await;
    error.to_http_response().expect("an error has an answer")
}

async fn drain(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn kind(method: &Method, key: &str, query: &str) -> Kind {
    let has = |name: &str| {
        query.split('&').any(|pair| pair.split('=').next().is_some_and(|found| found == name))
    };
    match (method.as_str(), key.is_empty()) {
        ("PUT", false) if has("partNumber") => Kind::PutPart,
        ("PUT", false) if query.is_empty() || has("x-id") => Kind::PutObject,
        ("POST", false) if has("uploads") => Kind::BeginUpload,
        ("POST", false) if has("uploadId") => Kind::Complete,
        ("DELETE", false) if has("uploadId") => Kind::Abort,
        ("GET", false) if has("uploadId") => Kind::List,
        ("GET", false) => Kind::Get,
        ("HEAD", false) => Kind::Head,
        ("GET", true) => Kind::List,
        ("DELETE", false) => Kind::Delete,
        ("POST", true) if has("delete") => Kind::Delete,
        _ => Kind::Other,
    }
}

/// A body that ends too early, and its connection with it.
struct Cut {
    body: Body,
    left: u64,
    hint: SizeHint,
    cut: Arc<Notify>,
}

impl http_body::Body for Cut {
    type Data = Bytes;
    type Error = s3s::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            self.cut.notify_one();
            return Poll::Pending;
        }
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
        let mut data = frame.into_data().unwrap_or_default();
        data.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= data.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

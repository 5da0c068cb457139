//! The number of the server process that the greeting named.
//!
//! A pooler greets with a number of its own, because it has to tell its clients' cancel requests
//! apart: a number that is not that of the server process gives it away, in every mode, and a
//! tunnel never does that. tokio-postgres keeps the number to itself, but writes it into every
//! cancel request: one is written here, into memory.

use std::convert::Infallible;
use std::future::{Ready, ready};

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_postgres::Client;
use tokio_postgres::tls::TlsConnect;

use super::tls::Encrypted;

/// Bytes of a cancel request: its length, its code, the process and the secret.
const REQUEST_BYTES: usize = 16;

/// Agrees to everything and encrypts nothing.
struct InMemory;

impl TlsConnect<DuplexStream> for InMemory {
    type Stream = Encrypted<DuplexStream>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Stream, Infallible>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        ready(Ok(Encrypted { stream, binding: None }))
    }
}

/// The process that the greeting named; 0 when it named none.
pub(super) async fn process(client: &Client) -> Result<i32, tokio_postgres::Error> {
    let (ours, mut theirs) = tokio::io::duplex(64);
    let mut written = Vec::new();
    // In memory, where reading and writing do not fail. The answer is for a request for TLS.
    let answered = theirs.write_all(b"S").await.is_ok();
    client.cancel_token().cancel_query_raw(ours, InMemory).await?;
    let read = theirs.read_to_end(&mut written).await.is_ok();
    let request = written.last_chunk::<REQUEST_BYTES>().filter(|_| answered && read);
    Ok(request.map_or(0, |[.., a, b, c, d, _, _, _, _]| i32::from_be_bytes([*a, *b, *c, *d])))
}

//! A client that signs a request by hand, and may send what no sane client sends.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;

use super::{ACCESS_KEY, BUCKET, REGION, S3Server, SECRET_KEY};

/// An answer, whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Lower-case names.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's value; empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or("")
    }
}

/// Sends a request about `path`, which is below the bucket and encoded, with its query; a `path`
/// that starts with `//` names another bucket.
pub fn ask(
    server: &S3Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    ask_as(SECRET_KEY, server, method, path, headers, body)
}

/// The same, signed with this secret.
pub fn ask_as(
    secret: &str,
    server: &S3Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Answer> {
    let path = match path.strip_prefix('/') {
        Some(elsewhere) if elsewhere.starts_with('/') => elsewhere.to_owned(),
        _ => format!("/{BUCKET}{path}"),
    };
    let host = format!("127.0.0.1:{}", server.port());
    let identity = Credentials::new(ACCESS_KEY, secret, None, None, "test").into();
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let all = headers.iter().copied().chain([("host", host.as_str())]);
    let uri = format!("http://{host}{path}");
    let signable =
        SignableRequest::new(method, uri, all.clone(), SignableBody::Bytes(body)).unwrap();
    let (signed, _) = sign(signable, &parameters).unwrap().into_parts();
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    for (name, value) in all.chain(signed.headers()) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", body.len()));
    let mut stream = TcpStream::connect(("127.0.0.1", server.port()))?;
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
    let body = answer[end + 4..].to_vec();
    let answer = Answer { status, head, body };
    let length = answer.header("content-length").parse();
    if method != "HEAD" && length.is_ok_and(|length: usize| length != answer.body.len()) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(answer)
}

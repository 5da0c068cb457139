//! The client against servers that misbehave.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;

use super::*;
use crate::settings::Environment;

fn client(silence: Duration) -> Client {
    let mut settings = Environment::from_list("/nowhere".as_ref(), []).http();
    settings.silence = silence;
    Client::new(&settings).unwrap()
}

/// A server that reads a request's head, answers with `words`, and keeps the connection open.
fn server(words: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            let read = stream.read(&mut [0; 4096]);
            assert!(read.is_ok());
            stream.write_all(words.as_bytes()).unwrap();
            kept.push(stream);
        }
    });
    address
}

async fn ask(client: &Client, address: SocketAddr) -> Result<Bytes, Fault> {
    let request = Request::get(format!("http://{address}/")).body(empty()).unwrap();
    let answer = client.send(request).await?;
    Ok(answer.into_body().collect().await?.to_bytes())
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let silent = ask(&client(Duration::from_millis(50)), server("")).await;
    assert_eq!(silent.unwrap_err().kind(), Kind::Silent);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf";
    let half = ask(&client(Duration::from_millis(50)), server(head)).await;
    assert_eq!(half.unwrap_err().kind(), Kind::Silent);
}

#[tokio::test]
async fn an_answer_is_read() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody";
    let body = ask(&client(Duration::from_secs(60)), server(head)).await;
    assert_eq!(body.unwrap(), "body");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = ask(&client(Duration::from_secs(60)), closed).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Unreachable);
}

#[tokio::test]
async fn a_large_body_goes_in_pieces() {
    let body = whole(vec![7_u8; 3 << 20]);
    let mut watched = Watched::new(body, Progress::default());
    let (mut pieces, mut bytes) = (0, 0);
    while let Some(frame) = watched.frame().await {
        bytes += frame.unwrap().into_data().unwrap().len();
        pieces += 1;
    }
    assert_eq!((pieces, bytes), (12, 3 << 20));
}

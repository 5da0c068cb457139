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

/// A proxy that answers itself, in the place of whom it was asked to lead to; the heads it got.
fn proxy() -> (SocketAddr, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heads, heard) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        for answer in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"]
        {
            let mut head = vec![0; 4096];
            let read = stream.read(&mut head).unwrap();
            heads.send(String::from_utf8_lossy(&head[..read]).into_owned()).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (address, heard)
}

#[tokio::test]
async fn a_proxy_leads_to_the_server_and_sees_nothing_else() {
    let (address, heard) = proxy();
    let url = format!("http://me:hunter2@{address}");
    let env = Environment::from_list("/nowhere".as_ref(), [("http_proxy", url.as_str())]);
    let client = Client::new(&env.http()).unwrap();
    let request = Request::get("http://store.example/a?b").body(empty()).unwrap();
    let answer = client.send(request).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "hi");
    let tunnel = heard.recv().unwrap();
    assert!(tunnel.starts_with("CONNECT store.example:80 HTTP/1.1\r\n"), "{tunnel}");
    assert!(tunnel.contains("Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"), "{tunnel}");
    let request = heard.recv().unwrap();
    assert!(request.starts_with("GET /a?b HTTP/1.1\r\n"), "{request}");
    assert!(!request.to_ascii_lowercase().contains("proxy-authorization"), "{request}");
}

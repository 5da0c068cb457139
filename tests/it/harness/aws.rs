//! Services of AWS as far as a login needs them: Secrets Manager, and a judge of RDS's tokens.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

/// The one account.
pub const KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Variables of that account, and of nobody's settings files.
pub fn environment(region: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ACCESS_KEY_ID", KEY_ID.into()),
        ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.into()),
        ("AWS_REGION", region.into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ("AWS_CONFIG_FILE", "/nonexistent".into()),
        ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent".into()),
    ]
}

/// Everything but what stands for itself (RFC 3986, 2.3).
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What AWS does with a token of RDS: it computes the signature itself (Signature Version 4, of a
/// presigned GET) and compares.
///
/// # Errors
/// What is wrong, in words.
pub fn judge_token(
    token: &str,
    (host, port): (&str, u16),
    region: &str,
    user: &str,
) -> Result<(), String> {
    let (place, query) = token.split_once("/?").ok_or("no query")?;
    if place != format!("{host}:{port}") {
        return Err(format!("for {place}, not for {host}:{port}"));
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let mut fields = BTreeMap::new();
    for field in query.split('&') {
        let (name, value) = field.split_once('=').ok_or("a field without value")?;
        // A form's plus would be a space to one reader and a plus to another.
        if value.contains(['+', ' ', '@']) {
            return Err(format!("{name} is not encoded: {value}"));
        }
        fields.insert(decoded(name), decoded(value));
    }
    let signature = fields.remove("X-Amz-Signature").ok_or("no signature")?;
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let date = field("X-Amz-Date");
    let scope = format!("{}/{region}/rds-db/aws4_request", &date[..8]);
    for (name, wanted) in [
        ("Action", "connect"),
        ("DBUser", user),
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
        ("X-Amz-Credential", &format!("{KEY_ID}/{scope}")),
        ("X-Amz-Expires", "900"),
        ("X-Amz-SignedHeaders", "host"),
    ] {
        if field(name) != wanted {
            return Err(format!("{name} is {}, not {wanted}", field(name)));
        }
    }
    let encoded = |text: &str| utf8_percent_encode(text, STRICT).to_string();
    let canonical: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    let request = format!(
        "GET\n/\n{}\nhost:{host}:{port}\n\nhost\n{}",
        canonical.join("&"),
        hex(&Sha256::digest(b""))
    );
    let to_sign =
        format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request.as_bytes())));
    let mut key = format!("AWS4{SECRET_KEY}").into_bytes();
    for part in scope.split('/') {
        key = hmac(&key, part.as_bytes());
    }
    let wanted = hex(&hmac(&key, to_sign.as_bytes()));
    if signature == wanted { Ok(()) } else { Err("the signature is another".to_owned()) }
}

/// RFC 2104, with SHA-256.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = if key.len() > 64 { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block.resize(64, 0);
    let pad = |byte: u8| block.iter().map(|key| key ^ byte).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36).as_slice(), message].concat());
    Sha256::digest([pad(0x5c).as_slice(), &inner].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Secrets Manager, on a loopback port.
#[derive(Debug)]
pub struct Secrets {
    port: u16,
    values: Arc<Mutex<BTreeMap<String, Vec<String>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Secrets {
    /// Starts it with nothing in it; its thread ends with the process.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (values, asked) = (Arc::default(), Arc::default());
        let secrets = Self { port, values: Arc::clone(&values), asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let Some((head, body)) = http_request(&mut stream) else { continue };
                let (status, answer) = answer(&head, &body, &values, &asked);
                let length = answer.len();
                let answer = format!(
                    "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.1\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{answer}"
                );
                // Who gave up waiting is not there any more; the next one is to be answered.
                stream.get_mut().write_all(answer.as_bytes()).unwrap_or_default();
            }
        });
        secrets
    }

    /// Where it is, for `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What a secret is, one answer after the other; the last one stays.
    pub fn put(&self, id: &str, values: &[&str]) {
        let values = values.iter().rev().map(|value| (*value).to_owned()).collect();
        self.values.lock().unwrap().insert(id.to_owned(), values);
    }

    /// The ids that were asked for, each with the region that the request was signed for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Head and body.
fn http_request(stream: &mut BufReader<std::net::TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn answer(
    head: &str,
    body: &[u8],
    values: &Mutex<BTreeMap<String, Vec<String>>>,
    asked: &Mutex<Vec<String>>,
) -> (&'static str, String) {
    let wanted = "secretsmanager.getsecretvalue";
    assert!(head.to_ascii_lowercase().contains(&format!("x-amz-target: {wanted}")), "{head}");
    let scope = head.split("Credential=").nth(1).unwrap().split(',').next().unwrap();
    let scope: Vec<&str> = scope.split('/').collect();
    let body: serde_json::Value = serde_json::from_slice(body).unwrap();
    let id = body["SecretId"].as_str().unwrap();
    asked.lock().unwrap().push(format!("{id} in {}", scope[2]));
    let refusal = |kind: &str, text: &str| {
        ("400 Bad Request", serde_json::json!({"__type": kind, "message": text}).to_string())
    };
    if scope[0] != KEY_ID {
        return refusal("UnrecognizedClientException", "The security token is invalid.");
    }
    if id.contains("forbidden") {
        return refusal("AccessDeniedException", "not authorized to perform GetSecretValue");
    }
    match values.lock().unwrap().get_mut(id) {
        None => refusal("ResourceNotFoundException", "can't find the specified secret."),
        Some(values) => {
            let value = match values.len() {
                1 => values[0].clone(),
                _ => values.pop().unwrap(),
            };
            ("200 OK", serde_json::json!({"Name": id, "SecretString": value}).to_string())
        }
    }
}

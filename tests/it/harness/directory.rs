//! An LDAP server that a PostgreSQL asks whether a password is right, so that a test decides. RDS
//! checks its tokens in the same way, by PAM: the client sends the password as it is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A login that was asked about.
#[derive(Debug, Clone)]
pub struct Bind {
    /// What the server put together: prefix, user, suffix.
    pub name: String,
    pub password: String,
}

/// The running server; its thread ends with the process.
#[derive(Debug)]
pub struct Directory {
    pub port: u16,
    binds: Arc<Mutex<Vec<Bind>>>,
}

impl Directory {
    /// Starts it; `judge` says who may come in.
    pub fn start(judge: impl Fn(&Bind) -> bool + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let binds: Arc<Mutex<Vec<Bind>>> = Arc::default();
        let seen = Arc::clone(&binds);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                while let Some((id, bind)) = request(&mut stream) {
                    // 0 is success, 49 invalid credentials (RFC 4511, 4.1.9).
                    let code = if judge(&bind) { 0 } else { 49 };
                    seen.lock().unwrap().push(bind);
                    let answer = [0x30, 12, 2, 1, id, 0x61, 7, 10, 1, code, 4, 0, 4, 0];
                    stream.write_all(&answer).unwrap();
                }
            }
        });
        Self { port, binds }
    }

    /// All logins so far.
    pub fn binds(&self) -> Vec<Bind> {
        self.binds.lock().unwrap().clone()
    }

    /// The line of pg_hba.conf for these users; `kind` is `host`, `hostssl` ..
    pub fn hba(&self, kind: &str, users: &str) -> String {
        format!(
            "{kind} all {users} 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport={}\n",
            self.port
        )
        .replace("\n", " ldapprefix=\"uid=\" ldapsuffix=\"\"\n")
    }
}

/// The next bind request; `None` when the client leaves.
fn request(stream: &mut TcpStream) -> Option<(u8, Bind)> {
    let (tag, body) = element(stream)?;
    assert_eq!(tag, 0x30, "an LDAP message");
    let mut body = body.as_slice();
    let (_, id) = element(&mut body).unwrap();
    let (operation, fields) = element(&mut body)?;
    if operation != 0x60 {
        return None;
    }
    let mut fields = fields.as_slice();
    let (_, version) = element(&mut fields).unwrap();
    assert_eq!(version, [3]);
    let (_, name) = element(&mut fields).unwrap();
    let (simple, password) = element(&mut fields).unwrap();
    assert_eq!(simple, 0x80, "a simple bind");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Some((id[0], Bind { name: text(name), password: text(password) }))
}

/// Tag and content.
fn element(from: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 2];
    from.read_exact(&mut head).ok()?;
    let mut length = usize::from(head[1]);
    if head[1] & 0x80 != 0 {
        let mut bytes = vec![0; usize::from(head[1] & 0x7f)];
        from.read_exact(&mut bytes).unwrap();
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    }
    let mut content = vec![0; length];
    from.read_exact(&mut content).unwrap();
    Some((head[0], content))
}

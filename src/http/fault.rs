//! Why there was no answer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

type Source = Box<dyn StdError + Send + Sync>;

/// Why there was no answer, or none to its end.
#[derive(Debug)]
pub struct Fault {
    kind: Kind,
    what: String,
    source: Option<Source>,
}

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No connection: nothing was sent.
    Unreachable,
    /// The server or the proxy is not who it should be, or speaks no TLS that we speak.
    Tls,
    /// The other side fell silent; the request may have been obeyed.
    Silent,
    /// The connection broke; the request may have been obeyed.
    Broken,
}

impl Fault {
    /// What kind of fault it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn slow_connection(to: &str, limit: Duration) -> Self {
        let what = format!("no connection to {to} within {} s", limit.as_secs_f32());
        Self { kind: Kind::Unreachable, what, source: None }
    }

    pub(super) fn no_tls(to: &str, why: &str) -> Self {
        let what = format!("TLS with {to} cannot be set up");
        Self { kind: Kind::Tls, what, source: Some(why.into()) }
    }

    pub(super) fn silence(limit: Duration) -> Self {
        let what = format!("not a byte came or went for {} s", limit.as_secs_f32());
        Self { kind: Kind::Silent, what, source: None }
    }

    pub(super) fn of_client(to: &str, error: hyper_util::client::legacy::Error) -> Self {
        let (kind, what) = match () {
            () if is_tls(&error) => (Kind::Tls, format!("TLS with {to} failed")),
            () if error.is_connect() => (Kind::Unreachable, format!("cannot connect to {to}")),
            () => (Kind::Broken, format!("the connection to {to} broke")),
        };
        // Its own words, "client error (Connect)", say less than its cause.
        let source = StdError::source(&error).map(|source| chain(source).into());
        Self { kind, what, source }
    }

    pub(super) fn of_body(error: hyper::Error) -> Self {
        let what = "the connection broke in the middle of the answer".to_owned();
        Self { kind: Kind::Broken, what, source: Some(error.into()) }
    }
}

/// An error with its causes, each once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        next = cause.source();
    }
    text
}

fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<native_tls::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl StdError for Fault {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

//! The client's certificate and key, in every form that libpq takes.
//!
//! native-tls takes nothing but PKCS#8 text, so keys are read and written again by openssl.
//! Source: `initialize_SSL` of `fe-secure-openssl.c`.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use native_tls::Identity;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

use super::tls::Certificate;
use crate::error::{Error, Result};
use crate::settings::ClientCertificate;

/// Reads both files; `None` when the certificate's file does not exist.
pub(super) fn load(files: &ClientCertificate) -> Result<Option<Identity>> {
    let certificate = match std::fs::read(&files.certificate) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault("certificate", &files.certificate).caused_by(&error)),
    };
    let chain = chain(&certificate)
        .map_err(|error| fault("certificate", &files.certificate).caused_by(&error))?;
    let Some(leaf) = chain.first() else {
        return Err(fault("certificate", &files.certificate).because("it holds no certificate"));
    };
    check_permissions(&files.key)?;
    let key = key(files)?;
    let matches = leaf.public_key().is_ok_and(|public| public.public_eq(&key));
    if !matches {
        return Err(fault("key", &files.key).because(format!(
            "it does not belong to certificate {}",
            files.certificate.display()
        )));
    }
    let identity = || -> std::result::Result<Identity, Box<dyn std::error::Error>> {
        let mut pem = Vec::new();
        for certificate in &chain {
            pem.extend(certificate.to_pem()?);
        }
        Ok(Identity::from_pkcs8(&pem, &key.private_key_to_pem_pkcs8()?)?)
    };
    identity().map(Some).map_err(|error| fault("key", &files.key).caused_by(error.as_ref()))
}

/// What a client's own certificate says of itself: the first of its file.
///
/// # Errors
/// Usage: it cannot be read.
pub fn client_certificate(files: &ClientCertificate) -> Result<Certificate> {
    let path = &files.certificate;
    let bytes =
        std::fs::read(path).map_err(|error| fault("certificate", path).caused_by(&error))?;
    let chain = chain(&bytes).map_err(|error| fault("certificate", path).caused_by(&error))?;
    let first = chain.first();
    first.map(Certificate::read).ok_or_else(|| fault("certificate", path).because("it is empty"))
}

fn fault(what: &str, path: &Path) -> Error {
    Error::usage(format!("cannot use client {what} {}", path.display()))
}

/// The certificate and those that vouch for it.
fn chain(bytes: &[u8]) -> std::result::Result<Vec<X509>, openssl::error::ErrorStack> {
    match X509::stack_from_pem(bytes) {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => X509::from_der(bytes).map(|certificate| vec![certificate]),
    }
}

/// A key that others can read is refused: the file's owner may be root with a group that reads.
fn check_permissions(path: &Path) -> Result<()> {
    let metadata = std::fs::metadata(path).map_err(|error| fault("key", path).caused_by(&error))?;
    if !metadata.is_file() {
        return Err(fault("key", path).because("it is not a regular file"));
    }
    let (forbidden, right) = if metadata.uid() == 0 { (0o037, "0640") } else { (0o077, "0600") };
    if metadata.mode() & forbidden != 0 {
        return Err(fault("key", path)
            .because("others can read it")
            .next(format!("run chmod {right} {}", path.display())));
    }
    Ok(())
}

fn key(files: &ClientCertificate) -> Result<PKey<Private>> {
    let bytes =
        std::fs::read(&files.key).map_err(|error| fault("key", &files.key).caused_by(&error))?;
    let password = files.password.as_ref().map_or("", |password| password.expose());
    // The callback is what keeps openssl from asking on the terminal by itself.
    let mut asked = false;
    let read = PKey::private_key_from_pem_callback(&bytes, |buffer| {
        asked = true;
        let length = password.len().min(buffer.len());
        buffer[..length].copy_from_slice(&password.as_bytes()[..length]);
        Ok(length)
    })
    .or_else(|error| PKey::private_key_from_der(&bytes).map_err(|_| error));
    read.map_err(|error| match (asked, files.password.is_some()) {
        (true, false) => fault("key", &files.key)
            .because("it is encrypted and no password is known")
            .next("give sslpassword"),
        (true, true) => fault("key", &files.key).because("sslpassword does not open it"),
        _ => fault("key", &files.key).caused_by(&error),
    })
}

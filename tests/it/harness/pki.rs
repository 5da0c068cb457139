//! Certificates: an authority, another one that nobody trusts, servers and clients.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::symm::Cipher;
use openssl::x509::extension::{
    BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
};
use openssl::x509::{X509, X509Name, X509NameBuilder};

use super::server;

/// The pass phrase of the encrypted client keys.
pub const PASSPHRASE: &str = "open sesame";

const DAY: i64 = 24 * 60 * 60;

/// What is right or wrong with a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVariant {
    /// For localhost, 127.0.0.1 and ::1, from the authority, for a year.
    Good,
    /// From the authority, for `elsewhere.example` only.
    WrongName,
    /// As `Good`, but ended yesterday.
    Expired,
    /// As `Good`, but ends in five days.
    ExpiresSoon,
    /// As `Good`, but from the other authority.
    OtherAuthority,
    /// As `Good`, but signed by its own key.
    SelfSigned,
    /// As `Good`, but begins tomorrow.
    NotYet,
    /// As `Good`, but for clients.
    ForClients,
}

/// What is right or wrong with a client's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientVariant {
    /// From the other authority.
    OtherAuthority,
    /// Ended yesterday.
    Expired,
    /// For servers.
    ForServers,
}

const VARIANTS: [TlsVariant; 8] = [
    TlsVariant::Good,
    TlsVariant::WrongName,
    TlsVariant::Expired,
    TlsVariant::ExpiresSoon,
    TlsVariant::OtherAuthority,
    TlsVariant::SelfSigned,
    TlsVariant::NotYet,
    TlsVariant::ForClients,
];

/// The forms that client keys come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// `BEGIN PRIVATE KEY` (RSA inside).
    Pkcs8,
    /// `BEGIN RSA PRIVATE KEY`.
    Pkcs1,
    /// `BEGIN EC PRIVATE KEY`.
    Sec1,
    /// `BEGIN ENCRYPTED PRIVATE KEY`, see [`PASSPHRASE`].
    EncryptedPkcs8,
    /// `BEGIN RSA PRIVATE KEY` with `DEK-Info`, see [`PASSPHRASE`].
    EncryptedPkcs1,
    /// PKCS#1, binary.
    Der,
}

impl KeyForm {
    pub const ALL: [Self; 6] = [
        Self::Pkcs8,
        Self::Pkcs1,
        Self::Sec1,
        Self::EncryptedPkcs8,
        Self::EncryptedPkcs1,
        Self::Der,
    ];
}

/// A certificate and its key, as files. The key is 0600 and ours.
#[derive(Clone, Debug)]
pub struct Identity {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// All certificates of a test run.
#[derive(Debug)]
pub struct Pki {
    folder: PathBuf,
    authority: Authority,
    other: Authority,
    /// The authority that servers and clients are signed by.
    pub ca: PathBuf,
    /// An authority that signed only [`TlsVariant::OtherAuthority`].
    pub other_ca: PathBuf,
    /// Both, the other one first: a reader of only the first certificate fails.
    pub bundle: PathBuf,
}

#[derive(Debug)]
struct Authority {
    cert: X509,
    key: PKey<Private>,
}

/// What a certificate says; times in seconds from now.
struct Wanted<'a> {
    name: &'a str,
    hosts: &'a [&'a str],
    addresses: &'a [&'a str],
    begins: i64,
    ends: i64,
    /// `serverAuth` or `clientAuth` and nothing else; `None` for both.
    only: Option<Use>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Server,
    Client,
}

impl Pki {
    /// Made once per process.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Pki> = OnceLock::new();
        SHARED.get_or_init(Self::make)
    }

    fn make() -> Self {
        let folder = server::folder_until_exit("pgt-pki");
        let authority = Authority::new("pgtend test authority");
        let other = Authority::new("another authority");
        let path = |name: &str| folder.join(name);
        let (ca, other_ca, bundle) = (path("ca.pem"), path("other-ca.pem"), path("bundle.pem"));
        let (ours, theirs) = (authority.cert.to_pem().unwrap(), other.cert.to_pem().unwrap());
        fs::write(&ca, &ours).unwrap();
        fs::write(&other_ca, &theirs).unwrap();
        fs::write(&bundle, [theirs, ours].concat()).unwrap();
        let pki = Self { folder, authority, other, ca, other_ca, bundle };
        for variant in VARIANTS {
            pki.make_server(variant);
        }
        pki
    }

    fn make_server(&self, variant: TlsVariant) {
        let local = ["localhost"];
        let elsewhere = ["elsewhere.example"];
        let wrong = variant == TlsVariant::WrongName;
        let wanted = Wanted {
            name: if wrong { "elsewhere.example" } else { "localhost" },
            hosts: if wrong { &elsewhere } else { &local },
            addresses: if wrong { &[] } else { &["127.0.0.1", "::1"] },
            begins: if variant == TlsVariant::NotYet { DAY } else { -400 * DAY },
            only: (variant == TlsVariant::ForClients).then_some(Use::Client),
            ends: match variant {
                TlsVariant::Expired => -DAY,
                TlsVariant::ExpiresSoon => 5 * DAY + 60,
                _ => 365 * DAY,
            },
        };
        let key = ec_key();
        let files = self.server(variant);
        let signed = match variant {
            TlsVariant::OtherAuthority => self.other.sign(&wanted, &key),
            TlsVariant::SelfSigned => self_signed(&wanted, &key),
            _ => self.authority.sign(&wanted, &key),
        };
        fs::write(&files.cert, signed.to_pem().unwrap()).unwrap();
        write_key(&files.key, &key.private_key_to_pem_pkcs8().unwrap());
    }

    /// A certificate for a server with this common name and these alternative names, in files
    /// that start with `file`.
    pub fn named(&self, file: &str, name: &str, hosts: &[&str], addresses: &[&str]) -> Identity {
        let files = self.new_files(&format!("named-{file}"));
        let key = ec_key();
        let wanted = Wanted { name, hosts, addresses, begins: -DAY, ends: 365 * DAY, only: None };
        fs::write(&files.cert, self.authority.sign(&wanted, &key).to_pem().unwrap()).unwrap();
        write_key(&files.key, &key.private_key_to_pem_pkcs8().unwrap());
        files
    }

    /// A client certificate that no server accepts: the other authority signed it.
    pub fn stranger(&self, user: &str) -> Identity {
        let files = self.new_files(&format!("stranger-{user}"));
        let key = ec_key();
        let wanted = Wanted {
            name: user,
            hosts: &[],
            addresses: &[],
            begins: -DAY,
            ends: 365 * DAY,
            only: None,
        };
        fs::write(&files.cert, self.other.sign(&wanted, &key).to_pem().unwrap()).unwrap();
        write_key(&files.key, &key.private_key_to_pem_pkcs8().unwrap());
        files
    }

    /// Names that no other test has: two may ask for the same certificate at once.
    fn new_files(&self, start: &str) -> Identity {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = |end: &str| self.folder.join(format!("{start}-{number}.{end}"));
        Identity { cert: path("crt"), key: path("key") }
    }

    /// The files of a server's certificate.
    pub fn server(&self, variant: TlsVariant) -> Identity {
        let file = |end: &str| self.folder.join(format!("server-{variant:?}.{end}"));
        Identity { cert: file("crt"), key: file("key") }
    }

    /// A new client certificate for this user (its common name), with its key in this form.
    pub fn client(&self, user: &str, form: KeyForm) -> Identity {
        let Identity { cert, key: path } = self.new_files(&format!("client-{user}-{form:?}"));
        let secret = PASSPHRASE.as_bytes();
        let (key, bytes) = if form == KeyForm::Sec1 {
            let key = ec_key();
            let bytes = key.ec_key().unwrap().private_key_to_pem().unwrap();
            (key, bytes)
        } else {
            let rsa = Rsa::generate(2048).unwrap();
            let key = PKey::from_rsa(rsa.clone()).unwrap();
            let cipher = Cipher::aes_256_cbc();
            let bytes = match form {
                KeyForm::Pkcs8 => key.private_key_to_pem_pkcs8(),
                KeyForm::Pkcs1 | KeyForm::Sec1 => rsa.private_key_to_pem(),
                KeyForm::EncryptedPkcs8 => key.private_key_to_pem_pkcs8_passphrase(cipher, secret),
                KeyForm::EncryptedPkcs1 => rsa.private_key_to_pem_passphrase(cipher, secret),
                KeyForm::Der => rsa.private_key_to_der(),
            };
            (key, bytes.unwrap())
        };
        let wanted = Wanted::client(user);
        fs::write(&cert, self.authority.sign(&wanted, &key).to_pem().unwrap()).unwrap();
        write_key(&path, &bytes);
        Identity { cert, key: path }
    }

    /// A client certificate for this user that a server refuses.
    pub fn bad_client(&self, user: &str, variant: ClientVariant) -> Identity {
        let Identity { cert, key: path } = self.new_files(&format!("client-{user}-{variant:?}"));
        let usual = Wanted::client(user);
        let (issuer, wanted) = match variant {
            ClientVariant::OtherAuthority => (&self.other, usual),
            ClientVariant::Expired => (&self.authority, Wanted { ends: -DAY, ..usual }),
            ClientVariant::ForServers => {
                (&self.authority, Wanted { only: Some(Use::Server), ..usual })
            }
        };
        let key = ec_key();
        fs::write(&cert, issuer.sign(&wanted, &key).to_pem().unwrap()).unwrap();
        write_key(&path, &key.private_key_to_pem_pkcs8().unwrap());
        Identity { cert, key: path }
    }
}

impl<'a> Wanted<'a> {
    fn client(name: &'a str) -> Self {
        Self { name, hosts: &[], addresses: &[], begins: -400 * DAY, ends: 365 * DAY, only: None }
    }
}

fn self_signed(wanted: &Wanted<'_>, key: &PKey<Private>) -> X509 {
    let mut builder = certificate(wanted.name, wanted.begins, wanted.ends, key);
    builder.set_issuer_name(&common_name(wanted.name)).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = ec_key();
        let mut builder = certificate(name, -400 * DAY, 3650 * DAY, &key);
        builder.set_issuer_name(&common_name(name)).unwrap();
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap();
        builder.append_extension(usage).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { cert: builder.build(), key }
    }

    fn sign(&self, wanted: &Wanted<'_>, key: &PKey<Private>) -> X509 {
        let mut builder = certificate(wanted.name, wanted.begins, wanted.ends, key);
        builder.set_issuer_name(self.cert.subject_name()).unwrap();
        if !wanted.hosts.is_empty() || !wanted.addresses.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for host in wanted.hosts {
                names.dns(host);
            }
            for address in wanted.addresses {
                names.ip(address);
            }
            let names = names.build(&builder.x509v3_context(Some(&self.cert), None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        if let Some(only) = wanted.only {
            let mut purpose = ExtendedKeyUsage::new();
            match only {
                Use::Server => purpose.server_auth(),
                Use::Client => purpose.client_auth(),
            };
            builder.append_extension(purpose.build().unwrap()).unwrap();
        }
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        builder.build()
    }
}

fn certificate(
    name: &str,
    begins: i64,
    ends: i64,
    key: &PKey<Private>,
) -> openssl::x509::X509Builder {
    let mut serial = BigNum::new().unwrap();
    serial.rand(127, MsbOption::MAYBE_ZERO, false).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&common_name(name)).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(now + begins).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + ends).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
}

fn common_name(name: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_nid(Nid::COMMONNAME, name).unwrap();
    builder.build()
}

fn ec_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn write_key(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

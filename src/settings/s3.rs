//! How a repository in S3 is reached and what its objects are given.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use super::cloud::AwsSettings;
use crate::cli::repository::S3Flags;
use crate::error::{Error, Result};

/// Requests that send objects, at once and all told.
pub const UPLOADS: usize = 16;

/// The most that a flag can ask for: each takes a connection.
const MOST_UPLOADS: usize = 256;

/// A repository in S3.
#[derive(Debug, Clone)]
pub struct S3Settings {
    pub aws: AwsSettings,
    /// Whether the bucket stands in the path and not in the host's name; `None`: with another
    /// server than AWS.
    pub path_style: Option<bool>,
    pub checksum: S3Checksum,
    pub encryption: Option<S3Encryption>,
    /// `STANDARD_IA` and the like; `None` is the bucket's own.
    pub storage_class: Option<String>,
    pub lock: Option<ObjectLock>,
    /// The account that the bucket must belong to.
    pub expected_owner: Option<String>,
    /// Requests that send objects, at once; those that send parts share a memory that grows with
    /// it.
    pub uploads: usize,
}

impl S3Settings {
    /// What holds when nobody says more.
    pub fn new(aws: AwsSettings) -> Self {
        Self {
            aws,
            path_style: None,
            checksum: S3Checksum::Auto,
            encryption: None,
            storage_class: None,
            lock: None,
            expected_owner: None,
            uploads: UPLOADS,
        }
    }
}

/// The options of a repository: flags before those of pgtend.toml, for each on its own.
pub(super) fn resolve(
    aws: AwsSettings,
    flags: &S3Flags,
    file: Option<&S3Flags>,
) -> Result<S3Settings> {
    let none = S3Flags::default();
    let file = file.unwrap_or(&none);
    let mut settings = S3Settings::new(aws);
    let text = |part: fn(&S3Flags) -> &Option<String>| {
        part(flags).as_ref().or(part(file).as_ref()).filter(|text| !text.is_empty()).cloned()
    };
    settings.aws.endpoint = text(|flags| &flags.endpoint_url);
    settings.aws.region = text(|flags| &flags.s3_region);
    settings.aws.profile = text(|flags| &flags.s3_profile);
    settings.path_style = flags.s3_path_style.or(file.s3_path_style);
    settings.storage_class = text(|flags| &flags.s3_storage_class);
    settings.expected_owner = text(|flags| &flags.s3_expected_owner);
    let uploads = flags.s3_uploads.or(file.s3_uploads).map_or(UPLOADS, usize::from);
    settings.uploads = uploads.clamp(1, MOST_UPLOADS);
    let invalid = |flag: &str, why: String| Error::usage(format!("invalid {flag}")).because(why);
    if let Some(checksum) = text(|flags| &flags.s3_checksum) {
        settings.checksum = checksum.parse().map_err(|why| invalid("--s3-checksum", why))?;
    }
    if let Some(lock) = text(|flags| &flags.s3_object_lock) {
        settings.lock = Some(lock.parse().map_err(|why| invalid("--s3-object-lock", why))?);
        if settings.checksum == S3Checksum::None {
            return Err(Error::usage("a locked object needs a checksum")
                .because("S3 refuses to lock one that it could not check")
                .next("leave --s3-checksum none away"));
        }
    }
    let key = text(|flags| &flags.s3_kms_key);
    settings.encryption = match (text(|flags| &flags.s3_sse).as_deref(), key) {
        (None, None) => None,
        (Some("AES256"), None) => Some(S3Encryption::S3),
        (None | Some("aws:kms"), key) => Some(S3Encryption::Kms(key)),
        (Some("AES256"), Some(_)) => {
            return Err(Error::usage("--s3-kms-key does not go with --s3-sse AES256")
                .next("give --s3-sse aws:kms, or no key"));
        }
        (Some(_), _) => return Err(invalid("--s3-sse", "it is AES256 or aws:kms".to_owned())),
    };
    Ok(settings)
}

/// What was given for a repository: its key in `[repository."s3://.."]`, the value, and the flag
/// that it is from; without one it is from the file.
pub(super) fn given(
    flags: &S3Flags,
    file: Option<&S3Flags>,
) -> Vec<(&'static str, String, Option<&'static str>)> {
    let values = |from: &S3Flags| {
        [
            from.endpoint_url.clone(),
            from.s3_region.clone(),
            from.s3_profile.clone(),
            from.s3_path_style.map(|style| style.to_string()),
            from.s3_checksum.clone(),
            from.s3_sse.clone(),
            from.s3_kms_key.clone(),
            from.s3_storage_class.clone(),
            from.s3_object_lock.clone(),
            from.s3_expected_owner.clone(),
            from.s3_uploads.map(|uploads| uploads.to_string()),
        ]
    };
    let file = file.map(values).unwrap_or_default();
    let given = values(flags).into_iter().zip(file).zip(NAMES);
    given
        .filter_map(|((flag, file), (key, name))| match (flag, file) {
            (Some(value), _) => Some((key, value, Some(name))),
            (None, Some(value)) => Some((key, value, None)),
            (None, None) => None,
        })
        .collect()
}

/// Keys of the file with their flags.
const NAMES: [(&str, &str); 11] = [
    ("endpoint", "--endpoint-url"),
    ("region", "--s3-region"),
    ("profile", "--s3-profile"),
    ("path_style", "--s3-path-style"),
    ("checksum", "--s3-checksum"),
    ("sse", "--s3-sse"),
    ("kms_key", "--s3-kms-key"),
    ("storage_class", "--s3-storage-class"),
    ("object_lock", "--s3-object-lock"),
    ("expected_bucket_owner", "--s3-expected-owner"),
    ("uploads", "--s3-uploads"),
];

/// What the server checks an object with when it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum S3Checksum {
    /// CRC64NVME, or none where the server does not know it.
    #[default]
    Auto,
    Crc64Nvme,
    Crc32,
    Sha256,
    None,
}

impl FromStr for S3Checksum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "auto" => Self::Auto,
            "crc64nvme" => Self::Crc64Nvme,
            "crc32" => Self::Crc32,
            "sha256" => Self::Sha256,
            "none" => Self::None,
            _ => return Err("it is auto, crc64nvme, crc32, sha256 or none".to_owned()),
        })
    }
}

/// Encryption by the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Encryption {
    /// With keys of S3's own (`AES256`).
    S3,
    /// With a key of KMS (`aws:kms`); `None` is the account's own for S3.
    Kms(Option<String>),
}

/// Until when no object can be deleted or written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectLock {
    /// Nobody can lift it, the account's owner included.
    pub compliance: bool,
    pub until: Until,
}

/// The end of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Days after the start of the run.
    Days(u32),
    At(Timestamp),
}

/// A century: more is a slip, and a lock cannot be taken back.
const MOST_DAYS: u32 = 36_500;

impl FromStr for ObjectLock {
    type Err = String;

    /// Reads `governance:30d` and `compliance:2027-01-01T00:00:00Z`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            "it is governance:30d or compliance:30d, or with a time instead of the days, \
             governance:2027-01-01T00:00:00Z"
                .to_owned()
        };
        let (mode, until) = text.split_once(':').ok_or_else(wrong)?;
        let compliance = match mode {
            "governance" => false,
            "compliance" => true,
            _ => return Err(wrong()),
        };
        let until = match until.strip_suffix('d').map(str::parse) {
            Some(Ok(days)) if days > 0 && days <= MOST_DAYS => Until::Days(days),
            Some(_) => return Err(format!("the days are a number from 1 to {MOST_DAYS}")),
            None => Until::At(until.parse().map_err(|_| wrong())?),
        };
        Ok(Self { compliance, until })
    }
}

impl fmt::Display for ObjectLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = if self.compliance { "compliance" } else { "governance" };
        match self.until {
            Until::Days(days) => write!(f, "{mode}:{days}d"),
            Until::At(time) => write!(f, "{mode}:{time}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(flags: &S3Flags, file: Option<&S3Flags>) -> Result<S3Settings> {
        let env = crate::settings::Environment::from_list("/nowhere".as_ref(), []);
        resolve(env.aws(), flags, file)
    }

    #[test]
    fn a_flag_wins_over_the_file() {
        let some = |text: &str| Some(text.to_owned());
        let file = S3Flags {
            s3_region: some("eu-west-1"),
            s3_storage_class: some("STANDARD_IA"),
            ..S3Flags::default()
        };
        let flags = S3Flags { s3_region: some("eu-west-3"), ..S3Flags::default() };
        let settings = settings(&flags, Some(&file)).unwrap();
        assert_eq!(settings.aws.region.as_deref(), Some("eu-west-3"));
        assert_eq!(settings.storage_class.as_deref(), Some("STANDARD_IA"));
        assert_eq!(settings.uploads, UPLOADS);
    }

    #[test]
    fn encryption_and_lock_must_make_sense() {
        let encryption = |how: Option<&str>, key: Option<&str>| {
            let flags = S3Flags {
                s3_sse: how.map(str::to_owned),
                s3_kms_key: key.map(str::to_owned),
                ..S3Flags::default()
            };
            settings(&flags, None).map(|settings| settings.encryption)
        };
        assert_eq!(encryption(None, None).unwrap(), None);
        assert_eq!(encryption(Some("AES256"), None).unwrap(), Some(S3Encryption::S3));
        let key = || Some(S3Encryption::Kms(Some("k".to_owned())));
        assert_eq!(encryption(None, Some("k")).unwrap(), key());
        assert_eq!(encryption(Some("aws:kms"), Some("k")).unwrap(), key());
        assert!(encryption(Some("AES256"), Some("k")).is_err());
        assert!(encryption(Some("rot13"), None).is_err());
        let locked = S3Flags {
            s3_object_lock: Some("governance:1d".to_owned()),
            s3_checksum: Some("none".to_owned()),
            ..S3Flags::default()
        };
        assert!(settings(&locked, None).is_err());
    }

    #[test]
    fn a_lock_is_a_mode_and_an_end() {
        for text in ["governance:30d", "compliance:1d", "governance:2027-01-01T00:00:00Z"] {
            assert_eq!(text.parse::<ObjectLock>().unwrap().to_string(), text);
        }
        for text in ["", "30d", "governance", "governance:0d", "other:30d", "governance:99999d"] {
            assert!(text.parse::<ObjectLock>().is_err(), "{text}");
        }
    }
}

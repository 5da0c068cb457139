//! Requests to one bucket, each once or as often as the SDK repeats it: what they mean together
//! is the store's business.

mod age;

use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, Delete,
    ObjectIdentifier, ObjectLockMode, ServerSideEncryption, StorageClass,
};
use bytes::Bytes;

use super::config;
use super::error::{Failed, failure};
use super::sum::{Algorithm, Sum};
use crate::error::{Error, Result};
use crate::settings::{S3Encryption, S3Settings, Until};

/// One bucket.
#[derive(Debug)]
pub struct Bucket {
    client: Client,
    name: String,
    owner: Option<String>,
    given: Given,
    /// Whether bytes go over TLS: their checksum then stands for them in the signature.
    tls: bool,
}

/// What new objects are given.
#[derive(Debug, Default)]
struct Given {
    encryption: Option<ServerSideEncryption>,
    key: Option<String>,
    class: Option<StorageClass>,
    lock: Option<(ObjectLockMode, DateTime)>,
}

/// Some of the objects with a prefix.
#[derive(Debug, Default)]
pub struct Page {
    /// Prefixes of further objects, with their `/`.
    pub folders: Vec<String>,
    /// Keys with their bytes.
    pub objects: Vec<(String, u64)>,
    /// Where the next page starts.
    pub next: Option<String>,
}

/// What an object is said to be.
#[derive(Debug)]
pub struct Head {
    pub bytes: u64,
    /// As headers have it; `None` when the server does not tell.
    pub crc64: Option<String>,
    pub crc32: Option<String>,
}

/// An answer with an object's bytes.
#[derive(Debug)]
pub struct Got {
    /// Of the whole object.
    pub bytes: u64,
    pub etag: Option<String>,
    /// When it was stored; `None` when the server does not tell.
    pub modified: Option<SystemTime>,
    /// Where the bytes of the answer start.
    pub from: u64,
    body: ByteStream,
}

/// A part that is stored.
#[derive(Debug)]
pub struct Stored {
    pub number: i32,
    pub bytes: u64,
    pub etag: String,
    pub sum: Sum,
}

/// An upload that was neither completed nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub key: String,
    pub id: String,
    /// Since when; `None` when the server does not tell.
    pub begun: Option<SystemTime>,
}

impl Bucket {
    /// Finds out how to reach the bucket; nothing is asked yet.
    ///
    /// # Errors
    /// Usage: settings that cannot be used.
    pub async fn open(name: &str, settings: &S3Settings) -> Result<Self> {
        let shared = config::load(&settings.aws).await?;
        let other = settings.aws.endpoint.clone();
        let other = other.or_else(|| settings.aws.endpoint_of_environment.clone());
        let other = other.or_else(|| shared.endpoint_url().map(str::to_owned));
        let path_style = settings.path_style.unwrap_or(other.is_some());
        let mut builder = Builder::from(&shared)
            .force_path_style(path_style)
            // Checksums are ours to make: once, and as the settings say.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        if shared.region().is_none() {
            if other.is_none() {
                return Err(Error::usage("no AWS region is known for the repository")
                    .next("give --s3-region, or set AWS_REGION or region in ~/.aws/config"));
            }
            builder = builder.region(aws_config::Region::new("us-east-1"));
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
            name: name.to_owned(),
            owner: settings.expected_owner.clone(),
            given: Given::new(settings),
            tls: other.is_none_or(|endpoint| endpoint.starts_with("https://")),
        })
    }

    /// A page of the objects with a prefix, those of folders summed up.
    pub async fn list(&self, prefix: &str, from: Option<String>) -> Result<Page, Failed> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix);
        let answer = request
            .delimiter("/")
            .set_continuation_token(from)
            .set_expected_bucket_owner(self.owner.clone())
            .send()
            .await
            .map_err(failure)?;
        let folders = answer.common_prefixes().iter().filter_map(|folder| folder.prefix());
        let objects = answer.contents().iter().filter_map(|object| {
            Some((object.key()?.to_owned(), u64::try_from(object.size()?).ok()?))
        });
        Ok(Page {
            folders: folders.map(str::to_owned).collect(),
            objects: objects.collect(),
            next: answer.next_continuation_token().map(str::to_owned),
        })
    }

    /// What an object is; `None` when it is not there.
    pub async fn head(&self, key: &str) -> Result<Option<Head>, Failed> {
        let request = self.client.head_object().bucket(&self.name).key(key);
        let answer = request
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(self.owner.clone())
            .send()
            .await
            .map_err(failure);
        match answer {
            Err(failed) if failed.is_missing() => Ok(None),
            Err(failed) => Err(failed),
            Ok(answer) => {
                let full = answer.checksum_type() != Some(&ChecksumType::Composite);
                let of_whole = |sum: Option<&str>| sum.filter(|_| full).map(str::to_owned);
                Ok(Some(Head {
                    bytes: u64::try_from(answer.content_length().unwrap_or(0)).unwrap_or(0),
                    crc64: of_whole(answer.checksum_crc64_nvme()),
                    crc32: of_whole(answer.checksum_crc32()),
                }))
            }
        }
    }

    /// Bytes of an object from `from` on, `length` at most; with `etag`, only of that object.
    /// `None` when it is not there.
    pub async fn get(
        &self,
        key: &str,
        from: u64,
        length: u64,
        etag: Option<&str>,
    ) -> Result<Option<Got>, Failed> {
        let request = self.client.get_object().bucket(&self.name).key(key);
        let answer = request
            .range(format!("bytes={from}-{}", from.saturating_add(length).saturating_sub(1)))
            .set_if_match(etag.map(str::to_owned))
            .set_expected_bucket_owner(self.owner.clone())
            .send()
            .await
            .map_err(failure);
        match answer {
            Ok(answer) => Ok(Some(got(answer))),
            Err(failed) if failed.is_missing() => Ok(None),
            // An object without bytes has no range.
            Err(failed) if from == 0 && failed.is_beyond_end() => {
                let body = ByteStream::default();
                Ok(Some(Got { bytes: 0, etag: None, modified: None, from: 0, body }))
            }
            Err(failed) => Err(failed),
        }
    }

    /// Stores an object of one piece, where there is none yet. Asked once: whether a repetition
    /// makes sense is for the caller to find out.
    pub async fn put(&self, key: &str, bytes: Bytes, sum: Sum, once: bool) -> Result<(), Failed> {
        let request = self.client.put_object().bucket(&self.name).key(key);
        let mut request = request
            .body(ByteStream::from(bytes))
            .set_if_none_match(once.then(|| "*".to_owned()))
            .set_server_side_encryption(self.given.encryption.clone())
            .set_ssekms_key_id(self.given.key.clone())
            .set_storage_class(self.given.class.clone())
            .set_expected_bucket_owner(self.owner.clone());
        if let Some((mode, until)) = &self.given.lock {
            request = request.object_lock_mode(mode.clone()).object_lock_retain_until_date(*until);
        }
        let request = match sum {
            Sum::Crc64Nvme(_) => request.set_checksum_crc64_nvme(sum.text()),
            Sum::Crc32(_) => request.set_checksum_crc32(sum.text()),
            Sum::Sha256(_) => request.set_checksum_sha256(sum.text()),
            Sum::None => request,
        };
        let mut request = request.customize().config_override(never_again());
        if self.tls && sum != Sum::None {
            request = request.disable_payload_signing();
        }
        request.send().await.map(drop).map_err(failure)
    }

    /// Begins an upload in parts; returns its id.
    pub async fn begin(&self, key: &str, algorithm: Algorithm) -> Result<String, Failed> {
        let request = self.client.create_multipart_upload().bucket(&self.name).key(key);
        let mut request = request
            .set_server_side_encryption(self.given.encryption.clone())
            .set_ssekms_key_id(self.given.key.clone())
            .set_storage_class(self.given.class.clone())
            .set_expected_bucket_owner(self.owner.clone());
        if let Some((mode, until)) = &self.given.lock {
            request = request.object_lock_mode(mode.clone()).object_lock_retain_until_date(*until);
        }
        let named = match algorithm {
            Algorithm::Crc64Nvme => Some((ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject)),
            Algorithm::Crc32 => Some((ChecksumAlgorithm::Crc32, ChecksumType::FullObject)),
            Algorithm::Sha256 => Some((ChecksumAlgorithm::Sha256, ChecksumType::Composite)),
            Algorithm::None => None,
        };
        if let Some((algorithm, kind)) = named {
            request = request.checksum_algorithm(algorithm).checksum_type(kind);
        }
        let answer = request.send().await.map_err(failure)?;
        answer.upload_id.ok_or_else(|| Failed::lacking("UploadId"))
    }

    /// Stores a part.
    pub async fn part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Bytes,
        sum: Sum,
    ) -> Result<Stored, Failed> {
        let length = bytes.len() as u64;
        let request = self.client.upload_part().bucket(&self.name).key(key).upload_id(upload);
        let request = request
            .part_number(number)
            .body(ByteStream::from(bytes))
            .set_expected_bucket_owner(self.owner.clone());
        let request = match sum {
            Sum::Crc64Nvme(_) => request.set_checksum_crc64_nvme(sum.text()),
            Sum::Crc32(_) => request.set_checksum_crc32(sum.text()),
            Sum::Sha256(_) => request.set_checksum_sha256(sum.text()),
            Sum::None => request,
        };
        let mut request = request.customize();
        if self.tls && sum != Sum::None {
            request = request.disable_payload_signing();
        }
        let answer = request.send().await.map_err(failure)?;
        let etag = answer.e_tag.ok_or_else(|| Failed::lacking("ETag"))?;
        Ok(Stored { number, bytes: length, etag, sum })
    }

    /// Makes an object of the parts, where there is none yet. Asked once, as [`Self::put`].
    pub async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: &[Stored],
        whole: Sum,
        once: bool,
    ) -> Result<(), Failed> {
        let listed = parts.iter().map(|part| {
            let listed = CompletedPart::builder().part_number(part.number).e_tag(&part.etag);
            match part.sum {
                Sum::Crc64Nvme(_) => listed.set_checksum_crc64_nvme(part.sum.text()),
                Sum::Crc32(_) => listed.set_checksum_crc32(part.sum.text()),
                Sum::Sha256(_) => listed.set_checksum_sha256(part.sum.text()),
                Sum::None => listed,
            }
            .build()
        });
        let listed = CompletedMultipartUpload::builder().set_parts(Some(listed.collect())).build();
        let bytes: u64 = parts.iter().map(|part| part.bytes).sum();
        let request = self.client.complete_multipart_upload().bucket(&self.name).key(key);
        let request = request
            .upload_id(upload)
            .multipart_upload(listed)
            .set_if_none_match(once.then(|| "*".to_owned()))
            .set_expected_bucket_owner(self.owner.clone());
        let full = |request: aws_sdk_s3::operation::complete_multipart_upload::builders::CompleteMultipartUploadFluentBuilder| {
            request
                .checksum_type(ChecksumType::FullObject)
                .set_mpu_object_size(i64::try_from(bytes).ok())
        };
        let request = match whole {
            Sum::Crc64Nvme(_) => full(request).set_checksum_crc64_nvme(whole.text()),
            Sum::Crc32(_) => full(request).set_checksum_crc32(whole.text()),
            Sum::Sha256(_) | Sum::None => request,
        };
        let request = request.customize().config_override(never_again());
        request.send().await.map(drop).map_err(failure)
    }

    /// Gives an upload up; one that is not there is none any more.
    pub async fn abort(&self, key: &str, upload: &str) -> Result<(), Failed> {
        let request = self.client.abort_multipart_upload().bucket(&self.name).key(key);
        let request = request.upload_id(upload).set_expected_bucket_owner(self.owner.clone());
        match request.send().await.map_err(failure) {
            Err(failed) if !failed.is_missing() => Err(failed),
            _ => Ok(()),
        }
    }

    /// Uploads that are neither completed nor aborted, of keys with a prefix.
    pub async fn uploads(&self, prefix: &str) -> Result<Vec<Upload>, Failed> {
        let mut found = Vec::new();
        let mut from = (None, None);
        loop {
            let request = self.client.list_multipart_uploads().bucket(&self.name).prefix(prefix);
            let answer = request
                .set_key_marker(from.0)
                .set_upload_id_marker(from.1)
                .set_expected_bucket_owner(self.owner.clone())
                .send()
                .await
                .map_err(failure)?;
            found.extend(answer.uploads().iter().filter_map(|upload| {
                Some(Upload {
                    key: upload.key()?.to_owned(),
                    id: upload.upload_id()?.to_owned(),
                    begun: upload.initiated().and_then(|time| {
                        let seconds = u64::try_from(time.secs()).ok()?;
                        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
                    }),
                })
            }));
            let next = answer.next_key_marker().filter(|_| answer.is_truncated() == Some(true));
            let Some(next) = next else { return Ok(found) };
            from = (Some(next.to_owned()), answer.next_upload_id_marker().map(str::to_owned));
        }
    }

    /// Deletes one object, if it is there.
    pub async fn delete(&self, key: &str) -> Result<(), Failed> {
        let request = self.client.delete_object().bucket(&self.name).key(key);
        let request = request.set_expected_bucket_owner(self.owner.clone());
        match request.send().await.map_err(failure) {
            Err(failed) if !failed.is_missing() => Err(failed),
            _ => Ok(()),
        }
    }

    /// Deletes objects, 1,000 at most; returns the keys that stay, with what the server says.
    pub async fn delete_all(&self, keys: &[String]) -> Result<Vec<(String, String)>, Failed> {
        let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(key).build());
        let delete = objects
            .collect::<Result<Vec<_>, _>>()
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).quiet(true).build());
        let delete = delete.map_err(|error| failure(unmade(error)))?;
        let request = self.client.delete_objects().bucket(&self.name).delete(delete);
        let request = request.set_expected_bucket_owner(self.owner.clone());
        let answer = request.send().await.map_err(failure)?;
        let stays = answer.errors().iter().map(|error| {
            let words = [error.code(), error.message()].into_iter().flatten().collect::<Vec<_>>();
            (error.key().unwrap_or_default().to_owned(), words.join(": "))
        });
        Ok(stays.collect())
    }
}

type DeleteError = aws_sdk_s3::operation::delete_objects::DeleteObjectsError;

fn unmade(
    error: aws_sdk_s3::error::BuildError,
) -> SdkError<DeleteError, aws_sdk_s3::config::http::HttpResponse> {
    SdkError::construction_failure(error)
}

/// Whether a request that the SDK sent twice was obeyed the first time could not be told.
fn never_again() -> Builder {
    Builder::new().retry_config(RetryConfig::disabled())
}

fn got(answer: GetObjectOutput) -> Got {
    // `bytes 0-9/443`
    let range = answer.content_range().and_then(|range| range.rsplit_once('/'));
    let total = range.and_then(|(_, total)| total.parse().ok());
    let from = range.and_then(|(range, _)| range.trim_start_matches("bytes ").split_once('-'));
    let from = from.and_then(|(from, _)| from.parse().ok());
    // A server that does not know ranges sends all of it.
    let length = || u64::try_from(answer.content_length().unwrap_or(0)).unwrap_or(0);
    Got {
        bytes: total.unwrap_or_else(length),
        etag: answer.e_tag().map(str::to_owned),
        modified: time(answer.last_modified()),
        from: from.unwrap_or(0),
        body: answer.body,
    }
}

/// As the server tells it, in whole seconds.
fn time(of: Option<&DateTime>) -> Option<SystemTime> {
    let seconds = u64::try_from(of?.secs()).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

impl Got {
    /// The next bytes.
    ///
    /// # Errors
    /// The connection broke, or fell silent; the text says which.
    pub async fn next(&mut self) -> Result<Option<Bytes>, String> {
        let next = self.body.next().await;
        next.transpose().map_err(|error| super::error::chain(&error))
    }
}

impl Given {
    fn new(settings: &S3Settings) -> Self {
        let (encryption, key) = match &settings.encryption {
            None => (None, None),
            Some(S3Encryption::S3) => (Some(ServerSideEncryption::Aes256), None),
            Some(S3Encryption::Kms(key)) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        };
        let lock = settings.lock.map(|lock| {
            let mode = match lock.compliance {
                true => ObjectLockMode::Compliance,
                false => ObjectLockMode::Governance,
            };
            let seconds = match lock.until {
                Until::At(time) => time.as_second(),
                Until::Days(days) => {
                    jiff::Timestamp::now().as_second() + i64::from(days) * 24 * 60 * 60
                }
            };
            (mode, DateTime::from_secs(seconds))
        });
        let class = settings.storage_class.as_deref().map(StorageClass::from);
        Self { encryption, key, class, lock }
    }
}

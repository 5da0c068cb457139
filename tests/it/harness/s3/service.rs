//! The operations of S3 on a [`Bucket`] in memory. What Amazon refuses is refused here.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use futures_util::stream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::auth::{S3Auth, SecretKey};
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};

use super::bucket::{self, Bucket, Entry, Kept, Object, Part as Piece, Upload};
use super::checksums::{self, Sums, receive, set_sums, sums_in};

/// The least that a part other than the last may have.
const LEAST_PART: usize = 5 * 1024 * 1024;

/// The one bucket there is.
#[derive(Clone, Debug)]
pub struct Backend {
    pub name: String,
    pub bucket: Arc<Mutex<Bucket>>,
}

/// One access key and its secret.
pub struct OneKey {
    pub id: String,
    pub secret: String,
}

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.id {
            return Ok(SecretKey::from(self.secret.clone()));
        }
        Err(s3_error!(
            InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records."
        ))
    }
}

impl Backend {
    fn bucket(&self, name: &str) -> S3Result<MutexGuard<'_, Bucket>> {
        if name != self.name {
            return Err(s3_error!(NoSuchBucket, "The specified bucket does not exist"));
        }
        Ok(self.bucket.lock().unwrap())
    }
}

fn no_such_upload() -> s3s::S3Error {
    s3_error!(
        NoSuchUpload,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may \
         have been aborted or completed."
    )
}

fn no_such_key() -> s3s::S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

/// The object, if the conditions on its ETag hold.
fn looked_at<'a>(
    bucket: &'a Bucket,
    key: &str,
    matches: Option<&ETagCondition>,
) -> S3Result<&'a Object> {
    let object = bucket.objects.get(key).ok_or_else(no_such_key)?;
    if let Some(wanted) = matches.and_then(ETagCondition::as_etag)
        && wanted.value() != object.etag
    {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    Ok(object)
}

/// An error unless the object may be written under these conditions.
fn writable(
    bucket: &Bucket,
    key: &str,
    matches: Option<&ETagCondition>,
    none_matches: Option<&ETagCondition>,
) -> S3Result<()> {
    if none_matches.is_some_and(ETagCondition::is_any) && bucket.objects.contains_key(key) {
        return Err(s3_error!(
            PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold"
        ));
    }
    matches.map_or(Ok(()), |_| looked_at(bucket, key, matches).map(drop))
}

fn signed(number: usize) -> i32 {
    i32::try_from(number).expect("a bounded number")
}

fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).expect("objects end at 5 TiB")
}

/// As `encoding-type=url` has it: for clients whose XML cannot hold every name.
fn encoded(text: &str, encoding: Option<&EncodingType>) -> String {
    const KEPT: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'*');
    match encoding {
        Some(_) => utf8_percent_encode(text, KEPT).to_string(),
        None => text.to_owned(),
    }
}

fn token_of(name: &str) -> String {
    openssl::base64::encode_block(name.as_bytes())
}

fn name_of(token: &str) -> S3Result<String> {
    let name =
        openssl::base64::decode_block(token).ok().and_then(|raw| String::from_utf8(raw).ok());
    name.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}

/// How many entries an answer holds.
fn page(asked: Option<i32>, bucket: &Bucket) -> S3Result<usize> {
    let asked = usize::try_from(asked.unwrap_or(1000));
    asked.map(|asked| asked.min(bucket.page)).map_err(|_| s3_error!(InvalidArgument))
}

#[async_trait::async_trait]
impl S3 for Backend {
    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        drop(self.bucket(&req.input.bucket)?);
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        drop(self.bucket(&req.input.bucket)?);
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = req.input;
        drop(self.bucket(&input.bucket)?);
        let claimed = sums_in!(input);
        let locks =
            input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some();
        let got = receive(input.body, claimed, input.content_md5.as_deref(), req.trailing_headers)
            .await?;
        if locks && input.content_md5.is_none() && got.sums.is_empty() {
            return Err(s3_error!(
                InvalidRequest,
                "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests \
                 with Object Lock parameters"
            ));
        }
        let mut bucket = self.bucket(&input.bucket)?;
        writable(&bucket, &input.key, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let mut sums = got.sums;
        if sums.is_empty() {
            sums.insert("crc64nvme", checksums::sum("crc64nvme", &got.bytes));
        }
        let kept = Kept {
            encryption: input.server_side_encryption.map(|name| name.as_str().to_owned()),
            kms_key: input.ssekms_key_id,
            storage_class: input.storage_class.map(|name| name.as_str().to_owned()),
        };
        let mut output = PutObjectOutput {
            e_tag: Some(ETag::Strong(got.etag.clone())),
            server_side_encryption: kept.encryption.clone().map(ServerSideEncryption::from),
            ssekms_key_id: kept.kms_key.clone(),
            ..Default::default()
        };
        set_sums!(output, sums);
        let object = Object {
            pieces: vec![got.bytes],
            etag: got.etag,
            sums,
            composite: false,
            parts: None,
            modified: SystemTime::now(),
            kept,
        };
        bucket.objects.insert(input.key, object);
        Ok(S3Response::new(output))
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket)?;
        let object = looked_at(&bucket, &input.key, input.if_match.as_ref())?;
        let whole = object.size();
        let range = match input.range {
            Some(range) => range.check(whole)?,
            None => 0..whole,
        };
        let slices = object.slices(range.clone()).into_iter().map(Ok::<_, std::io::Error>);
        let mut output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(stream::iter(slices.collect::<Vec<_>>()))),
            content_length: Some(size(range.end - range.start)),
            content_range: input
                .range
                .map(|_| format!("bytes {}-{}/{whole}", range.start, range.end - 1)),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            server_side_encryption: object.kept.encryption.clone().map(ServerSideEncryption::from),
            ssekms_key_id: object.kept.kms_key.clone(),
            storage_class: object.kept.storage_class.clone().map(StorageClass::from),
            ..Default::default()
        };
        if input.checksum_mode.is_some() && range == (0..whole) {
            set_sums!(output, object.sums);
            output.checksum_type = Some(sum_type(object.composite));
        }
        Ok(S3Response::new(output))
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket)?;
        let object = looked_at(&bucket, &input.key, input.if_match.as_ref())?;
        let mut output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(size(object.size())),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(object.modified.into()),
            parts_count: object.parts,
            server_side_encryption: object.kept.encryption.clone().map(ServerSideEncryption::from),
            ssekms_key_id: object.kept.kms_key.clone(),
            storage_class: object.kept.storage_class.clone().map(StorageClass::from),
            ..Default::default()
        };
        if input.checksum_mode.is_some() {
            set_sums!(output, object.sums);
            output.checksum_type = Some(sum_type(object.composite));
        }
        Ok(S3Response::new(output))
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let mut bucket = self.bucket(&req.input.bucket)?;
        if bucket.locked.contains(&req.input.key) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        bucket.objects.remove(&req.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let delete = req.input.delete;
        if delete.objects.is_empty() || delete.objects.len() > 1000 {
            return Err(s3_error!(MalformedXML, "between 1 and 1000 keys"));
        }
        let mut bucket = self.bucket(&req.input.bucket)?;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            if bucket.locked.contains(&object.key) {
                errors.push(Error {
                    code: Some("AccessDenied".to_owned()),
                    key: Some(object.key),
                    message: Some("Access Denied".to_owned()),
                    version_id: None,
                });
                continue;
            }
            bucket.objects.remove(&object.key);
            deleted.push(DeletedObject { key: Some(object.key), ..Default::default() });
        }
        let quiet = delete.quiet.unwrap_or(false);
        let output = DeleteObjectsOutput {
            deleted: (!quiet).then_some(deleted),
            errors: Some(errors),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let marker = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => name_of(token)?,
            (None, Some(start)) => start.clone(),
            (None, None) => String::new(),
        };
        let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
        let mut entries = bucket::entries(bucket.objects.keys(), &prefix, delimiter, &marker);
        let page = page(input.max_keys, &bucket)?;
        let more = entries.len() > page;
        entries.truncate(page);
        let encoding = input.encoding_type.as_ref();
        let (mut contents, mut prefixes) = (Vec::new(), Vec::new());
        for entry in &entries {
            match entry {
                Entry::Prefix(name) => {
                    prefixes.push(CommonPrefix { prefix: Some(encoded(name, encoding)) });
                }
                Entry::Key(key) => {
                    let object = &bucket.objects[key];
                    let class = object.kept.storage_class.as_deref().unwrap_or("STANDARD");
                    contents.push(s3s::dto::Object {
                        e_tag: Some(ETag::Strong(object.etag.clone())),
                        key: Some(encoded(key, encoding)),
                        last_modified: Some(object.modified.into()),
                        size: Some(size(object.size())),
                        storage_class: Some(ObjectStorageClass::from(class.to_owned())),
                        ..Default::default()
                    });
                }
            }
        }
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoded(&prefix, encoding)),
            max_keys: Some(signed(page)),
            key_count: Some(signed(entries.len())),
            is_truncated: Some(more),
            next_continuation_token: entries
                .last()
                .filter(|_| more)
                .map(|entry| token_of(entry.name())),
            contents: Some(contents),
            common_prefixes: Some(prefixes),
            delimiter: input.delimiter,
            encoding_type: input.encoding_type,
            continuation_token: input.continuation_token,
            start_after: input.start_after,
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = req.input;
        let mut bucket = self.bucket(&input.bucket)?;
        let algorithm = input.checksum_algorithm.as_ref().map(|name| name.as_str().to_lowercase());
        let full = input.checksum_type.as_ref().map(|kind| kind.as_str() == "FULL_OBJECT");
        let composite = match (algorithm.as_deref(), full) {
            (None | Some("crc64nvme"), Some(false)) | (Some("sha1" | "sha256"), Some(true)) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "The checksum type cannot be used with this checksum algorithm."
                ));
            }
            (None | Some("crc64nvme"), _) => false,
            (Some(_), full) => !full.unwrap_or(false),
        };
        bucket.uploads_begun += 1;
        let id = format!("upload-{:08}", bucket.uploads_begun);
        let kept = Kept {
            encryption: input.server_side_encryption.map(|name| name.as_str().to_owned()),
            kms_key: input.ssekms_key_id,
            storage_class: input.storage_class.map(|name| name.as_str().to_owned()),
        };
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key.clone()),
            upload_id: Some(id.clone()),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: algorithm.is_some().then(|| sum_type(composite)),
            server_side_encryption: kept.encryption.clone().map(ServerSideEncryption::from),
            ssekms_key_id: kept.kms_key.clone(),
            ..Default::default()
        };
        let upload = Upload {
            key: input.key,
            algorithm,
            composite,
            parts: Default::default(),
            begun: SystemTime::now(),
            kept,
        };
        bucket.uploads.insert(id, upload);
        Ok(S3Response::new(output))
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = req.input;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and 10000, inclusive"
            ));
        }
        let known = self.bucket(&input.bucket)?.uploads.contains_key(&input.upload_id);
        if !known {
            return Err(no_such_upload());
        }
        let claimed = sums_in!(input);
        let got = receive(input.body, claimed, input.content_md5.as_deref(), req.trailing_headers)
            .await?;
        let mut bucket = self.bucket(&input.bucket)?;
        // It may have been aborted while the body came.
        let upload = bucket.uploads.get_mut(&input.upload_id).ok_or_else(no_such_upload)?;
        let expected = upload.algorithm.as_deref().unwrap_or("null");
        let actual = got.sums.keys().next().copied().unwrap_or("null");
        let right = got.sums.contains_key(expected)
            || (actual == "null" && matches!(expected, "null" | "crc64nvme"))
            || (actual == "crc64nvme" && expected == "null");
        if upload.key != input.key || !right {
            return Err(s3_error!(
                InvalidRequest,
                "Checksum Type mismatch occurred, expected checksum Type: {expected}, actual \
                 checksum Type: {actual}"
            ));
        }
        let mut output = UploadPartOutput {
            e_tag: Some(ETag::Strong(got.etag.clone())),
            server_side_encryption: upload.kept.encryption.clone().map(ServerSideEncryption::from),
            ..Default::default()
        };
        set_sums!(output, got.sums);
        let part =
            Piece { bytes: got.bytes, etag: got.etag, sums: got.sums, modified: SystemTime::now() };
        upload.parts.insert(input.part_number, part);
        Ok(S3Response::new(output))
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let mut bucket = self.bucket(&input.bucket)?;
        let upload = bucket.uploads.get(&input.upload_id).ok_or_else(no_such_upload)?;
        if upload.key != input.key {
            return Err(no_such_upload());
        }
        writable(&bucket, &input.key, input.if_match.as_ref(), input.if_none_match.as_ref())?;
        let object = completed(upload, &input)?;
        let mut output = CompleteMultipartUploadOutput {
            bucket: Some(input.bucket.clone()),
            key: Some(input.key.clone()),
            e_tag: Some(ETag::Strong(object.etag.clone())),
            checksum_type: Some(sum_type(object.composite)),
            server_side_encryption: object.kept.encryption.clone().map(ServerSideEncryption::from),
            ..Default::default()
        };
        set_sums!(output, object.sums);
        bucket.uploads.remove(&input.upload_id);
        bucket.objects.insert(input.key, object);
        Ok(S3Response::new(output))
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let mut bucket = self.bucket(&req.input.bucket)?;
        bucket.uploads.remove(&req.input.upload_id).ok_or_else(no_such_upload)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = (
            input.key_marker.clone().unwrap_or_default(),
            input.upload_id_marker.clone().unwrap_or_else(|| "~".to_owned()),
        );
        let mut found: Vec<_> = bucket
            .uploads
            .iter()
            .map(|(id, upload)| ((upload.key.clone(), id.clone()), upload))
            .filter(|(name, _)| name.0.starts_with(&prefix) && *name > after)
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let page = page(input.max_uploads, &bucket)?;
        let more = found.len() > page;
        found.truncate(page);
        let encoding = input.encoding_type.as_ref();
        let last = found.last().filter(|_| more).map(|(name, _)| name.clone());
        let uploads = found.iter().map(|((key, id), upload)| MultipartUpload {
            initiated: Some(upload.begun.into()),
            key: Some(encoded(key, encoding)),
            upload_id: Some(id.clone()),
            ..Default::default()
        });
        let output = ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(more),
            max_uploads: Some(signed(page)),
            next_key_marker: last.as_ref().map(|(key, _)| encoded(key, encoding)),
            next_upload_id_marker: last.map(|(_, id)| id),
            prefix: Some(encoded(&prefix, encoding)),
            encoding_type: input.encoding_type.clone(),
            uploads: Some(uploads.collect()),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }

    async fn list_parts(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let bucket = self.bucket(&input.bucket)?;
        let upload = bucket.uploads.get(&input.upload_id).ok_or_else(no_such_upload)?;
        let marker = input.part_number_marker.unwrap_or(0);
        let mut found: Vec<_> = upload.parts.range(marker + 1..).collect();
        let page = page(input.max_parts, &bucket)?;
        let more = found.len() > page;
        found.truncate(page);
        let next = found.last().filter(|_| more).map(|(number, _)| **number);
        let parts = found.into_iter().map(|(number, part)| {
            let mut listed = Part {
                e_tag: Some(ETag::Strong(part.etag.clone())),
                last_modified: Some(part.modified.into()),
                part_number: Some(*number),
                size: Some(size(part.bytes.len() as u64)),
                ..Default::default()
            };
            set_sums!(listed, part.sums);
            listed
        });
        let output = ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id.clone()),
            is_truncated: Some(more),
            max_parts: Some(signed(page)),
            next_part_number_marker: next,
            parts: Some(parts.collect()),
            ..Default::default()
        };
        Ok(S3Response::new(output))
    }
}

fn sum_type(composite: bool) -> ChecksumType {
    let name = if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    ChecksumType::from_static(name)
}

/// The object that an upload becomes, with everything that Complete claims about it verified.
fn completed(upload: &Upload, input: &CompleteMultipartUploadInput) -> S3Result<Object> {
    let listed = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_deref());
    let listed = listed
        .filter(|parts| !parts.is_empty())
        .ok_or_else(|| s3_error!(MalformedXML, "You must specify at least one part"))?;
    let numbers: Vec<i32> = listed.iter().filter_map(|part| part.part_number).collect();
    if numbers.len() != listed.len() || !numbers.is_sorted_by(|a, b| a < b) {
        return Err(s3_error!(InvalidPartOrder, "The list of parts was not in ascending order."));
    }
    let mut parts = Vec::new();
    for part in listed {
        let invalid = || {
            s3_error!(
                InvalidPart,
                "One or more of the specified parts could not be found. The part may not have \
                 been uploaded, or the specified entity tag may not match the part's entity tag."
            )
        };
        let held = part.part_number.and_then(|number| upload.parts.get(&number));
        let held = held.ok_or_else(invalid)?;
        if part.e_tag.as_ref().is_none_or(|etag| etag.value() != held.etag) {
            return Err(invalid());
        }
        let claimed: Sums = sums_in!(part);
        if claimed.iter().any(|(name, sum)| held.sums.get(name) != Some(sum)) {
            return Err(invalid());
        }
        if upload.composite && claimed.is_empty() {
            return Err(s3_error!(
                InvalidRequest,
                "The upload was created using a checksum. The complete request must include the \
                 checksum for each part."
            ));
        }
        parts.push(held);
    }
    let (_, all_but_last) = parts.split_last().expect("at least one");
    if all_but_last.iter().any(|part| part.bytes.len() < LEAST_PART) {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    let bytes: u64 = parts.iter().map(|part| part.bytes.len() as u64).sum();
    if input.mpu_object_size.is_some_and(|claimed| claimed != size(bytes)) {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was computed."
        ));
    }
    let name = upload.algorithm.as_deref().unwrap_or("crc64nvme");
    let name = *checksums::ALGORITHMS
        .iter()
        .find(|known| **known == name)
        .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))?;
    let sum = if upload.composite {
        checksums::composite(name, &parts.iter().map(|part| &part.sums[name]).collect::<Vec<_>>())
    } else {
        checksums::sum_of_all(name, parts.iter().map(|part| part.bytes.as_ref()))
    };
    let claimed: Sums = sums_in!(input);
    if claimed.iter().any(|(claimed, value)| *claimed != name || *value != sum) {
        return Err(s3_error!(
            BadDigest,
            "The {name} you specified did not match the calculated checksum."
        ));
    }
    Ok(Object {
        etag: checksums::etag_of_parts(parts.iter().map(|part| &part.etag)),
        pieces: parts.iter().map(|part| part.bytes.clone()).collect(),
        sums: Sums::from([(name, sum)]),
        composite: upload.composite,
        parts: Some(signed(parts.len())),
        modified: SystemTime::now(),
        kept: upload.kept.clone(),
    })
}

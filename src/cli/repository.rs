//! Where backups are.

use std::path::PathBuf;

use clap::Args;

/// The repository of backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Repository")]
pub struct RepositoryFlags {
    /// Directory or s3://bucket/prefix that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)
    #[arg(short = 'r', long, global = true, value_name = "REPO")]
    pub repo: Option<String>,

    /// File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE,
    /// or identity in pgtend.toml)
    #[arg(long, global = true, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
}

/// How a repository in S3 is reached, and what its objects are given. Credentials come from where
/// the AWS CLI has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Repository in S3")]
pub struct S3Flags {
    /// Ask this server instead of AWS (or AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// Region of the bucket (or AWS_REGION, or the profile's)
    #[arg(long, global = true, value_name = "REGION")]
    pub s3_region: Option<String>,

    /// Profile of ~/.aws for the repository (or AWS_PROFILE)
    #[arg(long, global = true, value_name = "NAME")]
    pub s3_profile: Option<String>,

    /// Put the bucket into the path, not the host name: true or false (true with an endpoint)
    #[arg(
        long,
        global = true,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub s3_path_style: Option<bool>,

    /// Let the server check uploads: auto, crc64nvme, crc32, sha256 or none (auto)
    #[arg(long, global = true, value_name = "SUM")]
    pub s3_checksum: Option<String>,

    /// Let the server encrypt objects: AES256 or aws:kms
    #[arg(long, global = true, value_name = "HOW")]
    pub s3_sse: Option<String>,

    /// Encrypt with this key of KMS
    #[arg(long, global = true, value_name = "KEY")]
    pub s3_kms_key: Option<String>,

    /// Storage class of the objects, like STANDARD_IA or GLACIER_IR
    #[arg(long, global = true, value_name = "CLASS")]
    pub s3_storage_class: Option<String>,

    /// Lock new objects: governance:30d, or compliance:30d which nobody can undo
    #[arg(long, global = true, value_name = "MODE:END")]
    pub s3_object_lock: Option<String>,

    /// Refuse a bucket of another account than this one
    #[arg(long, global = true, value_name = "ACCOUNT")]
    pub s3_expected_owner: Option<String>,

    /// Send this many objects at once (16); parts of large ones share 3 MiB for each, at least 48
    #[arg(long, global = true, value_name = "N")]
    pub s3_uploads: Option<u16>,
}

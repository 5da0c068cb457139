//! What the operator calls a repository: a path, or `s3://bucket/prefix`.

use crate::error::{Error, Result};

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Directory(String),
    S3(S3Place),
}

/// A bucket, and what all keys of the repository start with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    pub bucket: String,
    /// Empty, or with its closing `/`.
    pub prefix: String,
}

impl Place {
    /// # Errors
    /// Usage: another scheme, or no bucket.
    pub fn parse(location: &str) -> Result<Self> {
        let Some((scheme, rest)) = location.split_once("://") else {
            return Ok(Self::Directory(location.to_owned()));
        };
        let next = "give a directory or a bucket: --repo /var/backups/pg, --repo s3://bucket/pg";
        if scheme != "s3" {
            return Err(Error::usage(format!("cannot use a {scheme}:// repository")).next(next));
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if bucket.is_empty() || !bucket.bytes().all(known) {
            return Err(Error::usage(format!("cannot use {location} as a repository"))
                .because("it names no bucket")
                .next(next));
        }
        let parts: Vec<&str> = prefix.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| [".", ".."].contains(part)) {
            return Err(Error::usage(format!("cannot use {location} as a repository"))
                .because("S3 has no . and .. in its keys: they would be names"));
        }
        let mut prefix = parts.join("/");
        if !prefix.is_empty() {
            prefix.push('/');
        }
        Ok(Self::S3(S3Place { bucket: bucket.to_owned(), prefix }))
    }
}

impl S3Place {
    /// The object's or folder's address.
    pub fn address(&self, key: &str) -> String {
        format!("s3://{}/{}{key}", self.bucket, self.prefix)
    }

    /// The repository `parts` folders up, and the name of the folder below it that leads here.
    pub fn up(&self, parts: usize) -> Option<(Self, String)> {
        let all: Vec<&str> = self.prefix.trim_end_matches('/').split('/').collect();
        let name = (*all.last()?).to_owned();
        let left = all.len().checked_sub(parts)?;
        let mut prefix = all[..left].join("/");
        if !prefix.is_empty() {
            prefix.push('/');
        }
        Some((Self { bucket: self.bucket.clone(), prefix }, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(location: &str) -> S3Place {
        match Place::parse(location).unwrap() {
            Place::S3(place) => place,
            Place::Directory(path) => panic!("{path} is a directory"),
        }
    }

    #[test]
    fn a_bucket_with_or_without_a_prefix() {
        for (location, address) in [
            ("s3://b", "s3://b/k"),
            ("s3://b/", "s3://b/k"),
            ("s3://b/pg", "s3://b/pg/k"),
            ("s3://b//pg//x/", "s3://b/pg/x/k"),
        ] {
            assert_eq!(s3(location).address("k"), address);
        }
        assert_eq!(Place::parse("a/b:c").unwrap(), Place::Directory("a/b:c".into()));
    }

    #[test]
    fn what_is_no_repository_is_refused() {
        for location in ["s3://", "s3:///pg", "s3://b/../x", "s3://me:pw@b/x", "gs://b/x"] {
            assert!(Place::parse(location).is_err(), "{location}");
        }
    }

    #[test]
    fn a_backups_own_address_leads_to_its_repository() {
        let (repository, id) = s3("s3://b/pg/cluster/db/ID").up(3).unwrap();
        assert_eq!((repository.address(""), id.as_str()), ("s3://b/pg/".to_owned(), "ID"));
        assert_eq!(s3("s3://b/c/d/ID").up(3).unwrap().0.prefix, "");
        assert!(s3("s3://b/c").up(3).is_none());
    }
}

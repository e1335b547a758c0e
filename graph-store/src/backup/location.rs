//! Where a repository is, as people write it: a folder, or `s3://BUCKET/PREFIX`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use base::clock::Clock;
use base::disk::Disk;
use object_store::aws::AmazonS3Builder;
use tokio::runtime::Handle;

use super::{BackupError, Blobs, FolderBlobs, RemoteBlobs};

/// A place for backups.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Location {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store, and what all names in it begin with, which may be nothing.
    S3 {
        /// The bucket.
        bucket: String,
        /// Without a slash at either end.
        prefix: String,
    },
}

impl FromStr for Location {
    type Err = BackupError;

    fn from_str(text: &str) -> Result<Location, BackupError> {
        let wrong = |problem: &str| BackupError::Location { location: text.to_owned(), problem: problem.to_owned() };
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            if bucket.is_empty() {
                return Err(wrong("it names no bucket"));
            }
            return Ok(Location::S3 { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() });
        }
        if text.is_empty() || text.contains("://") {
            return Err(wrong("a folder or s3://BUCKET/PREFIX is"));
        }
        Ok(Location::Folder(PathBuf::from(text)))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(folder) => folder.display().fmt(f),
            Location::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Location::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Location {
    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Location::Folder(folder) => Some(folder),
            Location::S3 { .. } => None,
        }
    }

    /// The names that are kept there. Endpoint, region and credentials of an S3-compatible store come from the
    /// environment, by the names that Amazon's tools use; requests run on `runtime`.
    ///
    /// # Errors
    ///
    /// Settings that are missing or wrong.
    pub fn open(
        &self,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        runtime: Handle,
    ) -> Result<Arc<dyn Blobs>, BackupError> {
        let (bucket, prefix) = match self {
            Location::Folder(folder) => return Ok(Arc::new(FolderBlobs::new(disk, folder))),
            Location::S3 { bucket, prefix } => (bucket, prefix),
        };
        let wrong =
            |error: &dyn fmt::Display| BackupError::Location { location: self.to_string(), problem: error.to_string() };
        // Fails where one is installed, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(|error| wrong(&error))?;
        let prefix = object_store::path::Path::parse(prefix).map_err(|error| wrong(&error))?;
        Ok(Arc::new(RemoteBlobs::new(Arc::new(store), prefix, self.to_string(), clock, runtime)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_buckets_are_told_apart() {
        let folder = |text: &str| Some(Location::Folder(text.into()));
        let s3 =
            |bucket: &str, prefix: &str| Some(Location::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() });
        for (text, expected) in [
            ("backups", folder("backups")),
            ("/var/backups", folder("/var/backups")),
            ("s3://bucket", s3("bucket", "")),
            ("s3://bucket/a/b/", s3("bucket", "a/b")),
            ("s3:///prefix", None),
            ("gs://bucket", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<Location>().ok(), expected, "{text}");
        }
    }
}

//! How edges lie in a file, and how that is told.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use super::source::Source;
use super::{binary, parquet};

/// How edges lie in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// [Lines of numbers](super::parse), or [with more columns](super::text).
    Text,
    /// [Comma-separated values](super::csv).
    Csv,
    /// [Blocks with checksums](super::binary).
    Binary,
    /// [Pairs of numbers and nothing else](super::pairs).
    Pairs,
    /// [Parquet](super::parquet).
    Parquet,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Format; 5] = [Format::Text, Format::Csv, Format::Binary, Format::Pairs, Format::Parquet];

    /// The name that users know it by.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Csv => "csv",
            Format::Binary => "binary",
            Format::Pairs => "pairs",
            Format::Parquet => "parquet",
        }
    }

    /// Tells it from the first bytes, or else from the name: `.csv` and `.tsv`, also compressed. What is left is text.
    pub(super) fn of(path: &Path, source: &mut Source) -> Format {
        if source.begins_with(&binary::MAGIC) {
            return Format::Binary;
        }
        if source.begins_with(&parquet::MAGIC) {
            return Format::Parquet;
        }
        let extension =
            |path: &Path| path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let inner = match extension(path).as_deref() {
            Some("gz" | "zst") => path.file_stem().map(Path::new).and_then(extension),
            other => other.map(str::to_owned),
        };
        match inner.as_deref() {
            Some("csv" | "tsv") => Format::Csv,
            _ => Format::Text,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no format is named {name:?}, only text, csv, binary, pairs and parquet")]
pub struct UnknownFormat {
    /// The name.
    pub name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

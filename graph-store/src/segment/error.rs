//! What can be wrong with a segment, and where.

use std::io;
use std::path::PathBuf;

use base::UserId;

use crate::adjacency::{CorruptList, Unsorted};

/// A segment could not be read or written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "`path` is the file, `ordinal` the place in the slot, `user` whose list it is")]
pub enum SegmentError {
    /// The disk said no.
    #[error("segment file {path} cannot be read or written")]
    Io { path: PathBuf, source: io::Error },
    /// The file does not begin as a segment's does.
    #[error("{path} is not a file of a segment")]
    NotASegment { path: PathBuf },
    /// Another release wrote the file.
    #[error("segment file {path} has format version {version}, which is not known here")]
    UnknownVersion { path: PathBuf, version: u32 },
    /// The header is damaged, or what it says cannot be.
    #[error("the header of segment file {path} is damaged")]
    DamagedHeader { path: PathBuf },
    /// The file is longer or shorter than its header says.
    #[error("segment file {path} has {found} bytes instead of {expected}")]
    WrongLength { path: PathBuf, expected: u64, found: u64 },
    /// The file is another segment's, or the files of lists and times do not belong together.
    #[error("segment file {path} holds {found}")]
    Misplaced { path: PathBuf, found: String },
    /// The checksums of the blocks are damaged themselves.
    #[error("the checksums of segment file {path} are damaged")]
    DamagedChecksums { path: PathBuf },
    /// A block is not what was written. `offset` is where it starts, in bytes from the start of the file.
    #[error("block {block} of segment file {path}, at {offset}, is damaged")]
    DamagedBlock { path: PathBuf, block: usize, offset: usize },
    /// The index points outside of the lists or is not in order.
    #[error("the index of segment file {path} is wrong at ordinal {ordinal}")]
    CorruptIndex { path: PathBuf, ordinal: u32 },
    /// Bytes with the right checksum are not a list: a mistake in what wrote them.
    #[error("segment file {path} has no valid list at ordinal {ordinal}, of user {user}")]
    CorruptList { path: PathBuf, ordinal: u32, user: UserId, source: CorruptList },
    /// Bytes with the right checksum are not the times of a list: a mistake in what wrote them.
    #[error("segment file {path} has no valid times at ordinal {ordinal}, of user {user}")]
    CorruptTimes { path: PathBuf, ordinal: u32, user: UserId },
    /// Bytes with the right checksum are not the weights of a list: a mistake in what wrote them.
    #[error("segment file {path} has no valid weights at ordinal {ordinal}, of user {user}")]
    CorruptWeights { path: PathBuf, ordinal: u32, user: UserId },
    /// The header counts other lists or edges than there are.
    #[error("segment file {path} does not hold as many lists or edges as its header says")]
    WrongCounts { path: PathBuf },
    /// To be written: the ids of a list do not increase.
    #[error("the list to be written at ordinal {ordinal} of segment file {path} is not one")]
    NotAList { path: PathBuf, ordinal: u32, source: Unsorted },
    /// To be written: a list has not as many times as ids.
    #[error("{ids} ids and {times} times are to be written at ordinal {ordinal} of segment file {path}")]
    TimesDiffer { path: PathBuf, ordinal: u32, ids: usize, times: usize },
    /// To be written: a list has not as many weights as ids.
    #[error("{ids} ids and {weights} weights are to be written at ordinal {ordinal} of segment file {path}")]
    WeightsDiffer { path: PathBuf, ordinal: u32, ids: usize, weights: usize },
    /// To be written: a weight is not a number, or infinite.
    #[error("weight {position} to be written at ordinal {ordinal} of segment file {path} is not a finite number")]
    WeightNotFinite { path: PathBuf, ordinal: u32, position: usize },
    /// To be written: a list has weights, but the segment was begun without.
    #[error("weights are to be written at ordinal {ordinal}, but segment file {path} was begun without")]
    WithoutWeights { path: PathBuf, ordinal: u32 },
    /// To be written: lists come in the order of their ordinals, each once, and an ordinal belongs to a user.
    #[error("ordinal {ordinal} cannot come next in segment file {path}")]
    OutOfOrder { path: PathBuf, ordinal: u32 },
    /// To be written: no list is older than the base version.
    #[error("version {version} at ordinal {ordinal} of segment file {path} is below the base version {base_version}")]
    VersionBelowBase { path: PathBuf, ordinal: u32, version: u64, base_version: u64 },
    /// To be written: the lists of one slot have 4 GiB or more. The store needs more slots.
    #[error("the lists of segment file {path} pass 4 GiB: the store needs more slots")]
    TooLarge { path: PathBuf },
}

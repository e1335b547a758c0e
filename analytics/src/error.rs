//! What can go wrong in a job.

use std::io;

use base::{Code, Error};
use graph_store::StoreError;

/// A job has no result.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Whoever wanted it ended it.
    #[error("the job was cancelled")]
    Cancelled,
    /// It would take more memory than it may. Told before anything is computed.
    #[error("{job} needs {needed} bytes of memory, and may have {bound}")]
    Memory {
        /// Which job.
        job: &'static str,
        /// Bytes that it would take.
        needed: u64,
        /// Bytes that it may take.
        bound: u64,
    },
    /// The system has no room for its arrays.
    #[error("there is no room for the arrays of a job")]
    Room(#[source] io::Error),
    /// Its threads could not be started.
    #[error("the threads of a job could not be started")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// A list could not be read.
    #[error("the graph cannot be read")]
    Store(#[from] StoreError),
    /// A list has a member that is no vertex: it is damaged in a way that no checksum tells.
    #[error("the list of vertex {vertex} names vertex {neighbour}, and there are {vertices}")]
    UnknownNeighbour {
        /// Whose list.
        vertex: u32,
        /// The member.
        neighbour: u32,
        /// How many vertices there are.
        vertices: u32,
    },
    /// What a job had when it was interrupted could not be read.
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[source] io::Error),
    /// An edge has a weight that no length can be made of.
    #[error(
        "the edge from vertex {source_vertex} to {target} weighs {weight}: distances need weights that are not negative"
    )]
    Weight {
        /// Where the edge starts.
        source_vertex: u32,
        /// Where it ends.
        target: u32,
        /// What it weighs.
        weight: f64,
    },
    /// A parameter is out of its range.
    #[error("{name} must be {expected}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What it may be.
        expected: &'static str,
    },
}

impl From<JobError> for Error {
    fn from(error: JobError) -> Self {
        let told = |code| Error::new(code, error.to_string());
        match error {
            JobError::Cancelled => told(Code::Unavailable),
            JobError::Memory { .. } => told(Code::InvalidArgument).with_field("memory_bytes"),
            JobError::Parameter { name, .. } => told(Code::InvalidArgument).with_field(name),
            JobError::Weight { .. } => told(Code::InvalidArgument),
            JobError::Store(error) => error.into(),
            JobError::UnknownNeighbour { .. } => told(Code::DataLoss),
            JobError::Room(_) | JobError::Threads(_) | JobError::Checkpoint(_) => Error::internal(error),
        }
    }
}

//! What the stories share.

pub(crate) mod client;
pub(crate) mod data;
pub(crate) mod installation;
pub(crate) mod model;
pub(crate) mod process;
pub(crate) mod s3;
pub(crate) mod wait;

//! What a segment knows of each edge beside its two ends, each kind in a file of its own.
//!
//! - [`Times`]: when each edge began; [`ByTime`]: the edges of one list from the oldest on.
//! - `time_ordered`: how the times of a long list lie; `entry`: what the columns are read through.

mod by_time;
mod entry;
mod time_ordered;
mod times;

pub use by_time::ByTime;
pub(crate) use entry::user_at;
pub(crate) use times::TimesWriter;
pub use times::{TIME_ORDERED_ENTRIES, Times};

//! What a segment knows of each edge beside its two ends, each kind in a file of its own.
//!
//! - [`Times`]: when each edge began; [`ByTime`]: the edges of one list from the oldest on.
//! - [`Weights`]: what each edge counts.
//! - `by_id`: the times of a short list, and `radix`: how most of them lie; `time_ordered`: those of a long one.
//! - `entry`: what the columns are read through.

mod by_id;
mod by_time;
mod entry;
mod radix;
mod time_ordered;
mod times;
mod weights;

pub use by_time::ByTime;
pub use times::{TIME_ORDERED_ENTRIES, Times};
pub(crate) use times::{TimesWriter, encode as encode_times, encode_same as encode_same_times};
pub use weights::{DEFAULT_WEIGHT, Weights};
pub(crate) use weights::{WeightsWriter, encode as encode_weights};

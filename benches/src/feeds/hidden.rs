//! Who is hidden from whom: each active reader mutes one in a hundred of those whom they follow, and blocks, or is blocked by, three whom
//! somebody else follows.

use std::collections::HashMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;

use super::sample::Sample;

/// Of so many followees one is muted.
const MUTED_OF: u32 = 100;
/// Blocks of a reader, in either direction.
const BLOCKS: usize = 3;

/// Who is hidden from the active readers.
#[derive(Debug, Default)]
pub struct Hidden {
    from: HashMap<u32, RoaringBitmap>,
    /// Who mutes an author whom they follow, ascending.
    muting: HashMap<u32, Vec<u32>>,
}

impl Hidden {
    /// Draws it for all active readers of a sample.
    pub fn draw(sample: &Sample, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut hidden = Hidden::default();
        for (reader, followees) in sample.lists() {
            let muted = followees.iter().copied().filter(|_| random.random_ratio(1, MUTED_OF));
            let mut from = RoaringBitmap::new();
            for author in muted {
                from.insert(author);
                hidden.muting.entry(author).or_default().push(reader);
            }
            let others = sample.followees_near(random.random_range(0..sample.active_followers.len() as u32));
            for _ in 0..BLOCKS {
                let blocked = others[random.random_range(0..others.len())];
                // A block ends a follow.
                if blocked != reader && !followees.contains(&blocked) {
                    from.insert(blocked);
                }
            }
            hidden.from.insert(reader, from);
        }
        hidden
    }

    /// Who is hidden from a reader.
    pub fn from(&self, reader: u32) -> RoaringBitmap {
        self.from.get(&reader).cloned().unwrap_or_default()
    }

    /// Who follows an author and mutes them, ascending.
    pub fn muting(&self, author: u32) -> &[u32] {
        self.muting.get(&author).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use graph_store::generate::GraphSpec;

    use super::*;

    #[test]
    fn readers_mute_some_of_those_whom_they_follow_and_block_others() {
        let spec = GraphSpec::new(1_000, 40.0, 7).expect("there is such a graph");
        let sample = Sample::draw(&spec, 500, &RoaringBitmap::new()).expect("a sample");
        let hidden = Hidden::draw(&sample, 3);
        let (mut muted, mut blocked, mut follows) = (0, 0, 0);
        for (reader, followees) in sample.lists() {
            let (followed, others): (Vec<u32>, Vec<u32>) =
                hidden.from(reader).iter().partition(|user| followees.contains(user));
            assert!(followed.iter().all(|author| hidden.muting(*author).contains(&reader)));
            assert!(others.len() <= BLOCKS && !others.contains(&reader));
            muted += followed.len();
            blocked += others.len();
            follows += followees.len();
        }
        assert_eq!((0..1_000).map(|author| hidden.muting(author).len()).sum::<usize>(), muted);
        assert!((follows / 200..follows / 50).contains(&muted) && blocked > 500, "{muted} of {follows}, {blocked}");
    }
}

//! Numbers that look random and follow from others.

/// Mixes the bits of a number so that each depends on all: the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
pub(crate) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Puts items into an order that follows from a seed: Fisher and Yates.
pub(crate) fn shuffle(items: &mut [u32], seed: u64) {
    for (drawn, idx) in (1..items.len()).rev().enumerate() {
        let number = mix(mix(seed) ^ drawn as u64);
        // The upper half of a product spreads 64 bits over a range (Lemire 2019).
        let other = (u128::from(number) * (idx as u128 + 1)) >> 64;
        items.swap(idx, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_seed_0_is_the_published_one() {
        let step = 0x9e37_79b9_7f4a_7c15_u64;
        assert_eq!(
            [mix(0), mix(step), mix(step.wrapping_mul(2))],
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f,]
        );
    }

    #[test]
    fn shuffled_items_are_the_same_in_an_order_of_the_seed() {
        let shuffled = |seed| {
            let mut items: Vec<u32> = (0..1000).collect();
            shuffle(&mut items, seed);
            items
        };
        let sorted = |mut items: Vec<u32>| {
            items.sort_unstable();
            items
        };
        assert_eq!(shuffled(1), shuffled(1));
        assert_ne!(shuffled(1), shuffled(2));
        assert_eq!(sorted(shuffled(1)), (0..1000).collect::<Vec<_>>());
        // Of a random permutation about one stays, wherever it started.
        assert!(shuffled(3).into_iter().zip(0..).filter(|(item, place)| item == place).count() < 8);
    }
}

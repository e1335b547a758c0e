//! What the first page of a home feed was made of, as bytes that whoever keeps the page gives back.
//!
//! Words of 8 bytes, the least first: the run of the service, who reads, how many entries the page may have, the batch of the
//! view, the versions of the four lists, and then the tweets that the page depends on. Nobody else reads them, and those of another run
//! say nothing: so they need no version.

use base::{Revision, TweetId, UserId};
use prost::bytes::Bytes;

use crate::graph::Versions;

/// What a page was made of, but for its tweets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct State {
    /// The run of the service: batches of another cannot be compared.
    pub run: u64,
    pub reader: UserId,
    /// Entries at the most.
    pub limit: usize,
    /// That of the view that the page was read from.
    pub batch: u64,
    /// Those of the reader's lists.
    pub versions: Versions,
}

/// Words before the tweets.
const WORDS: usize = 8;
const BYTES: usize = size_of::<u64>();

impl State {
    /// As bytes, with the tweets that the page depends on.
    pub(super) fn encode(&self, tweets: impl Iterator<Item = TweetId>) -> Bytes {
        let State { run, reader, limit, batch, versions: Versions(versions) } = *self;
        let words = [run, reader.0.into(), limit as u64, batch].into_iter().chain(versions.map(|version| version.0));
        let mut bytes = Vec::with_capacity((WORDS + tweets.size_hint().1.unwrap_or_default()) * BYTES);
        words.chain(tweets.map(|tweet| tweet.0)).for_each(|word| bytes.extend(word.to_le_bytes()));
        bytes.into()
    }

    /// From bytes that somebody gave back; none where they are no state.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, impl Iterator<Item = TweetId>)> {
        let (words, rest) = bytes.as_chunks::<BYTES>();
        let (&[run, reader, limit, batch, versions @ ..], tweets) = words.split_first_chunk::<WORDS>()?;
        let word = u64::from_le_bytes;
        let state = State {
            run: word(run),
            reader: UserId(word(reader).try_into().ok()?),
            limit: word(limit).try_into().ok()?,
            batch: word(batch),
            versions: Versions(versions.map(|version| Revision(word(version)))),
        };
        rest.is_empty().then(|| (state, tweets.iter().map(move |tweet| TweetId(word(*tweet)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_as_it_was_written_and_what_is_none_is_refused() {
        let versions = Versions([1, 2, 3, u64::MAX].map(Revision));
        let state = State { run: 77, reader: UserId(u32::MAX), limit: 20, batch: 1 << 40, versions };
        let tweets = [TweetId(9), TweetId(u64::MAX)];
        let bytes = state.encode(tweets.into_iter());
        let (read, of) = State::decode(&bytes).expect("a state");
        assert_eq!((read, of.collect::<Vec<_>>()), (state, tweets.to_vec()));
        for len in 0..bytes.len() {
            let whole = len % BYTES == 0 && len >= WORDS * BYTES;
            assert_eq!(State::decode(&bytes[..len]).is_some(), whole, "{len} bytes");
        }
        let mut nobody = bytes.to_vec();
        nobody[2 * BYTES - 1] = 1;
        assert!(State::decode(&nobody).is_none(), "no user has such an id");
    }
}

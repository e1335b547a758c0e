//! Every limit that crosses a service, and why it is what it is.
//!
//! A limit of one service alone stands in that service.

use std::time::Duration;

/// Entries of one page at the most: enough for any screen, small enough that a page is never a slow request.
pub const PAGE_MAX: u32 = 1000;
/// Entries of a page when the caller does not say.
pub const PAGE_DEFAULT: u32 = 20;
/// Changes of one `Apply`: a batch shares one fsync, and must not hold the committer for longer than some milliseconds.
pub const CHANGES_MAX: usize = 10_000;
/// Pairs, ids or lists of one read: about a millisecond of work.
pub const BATCH_MAX: usize = 10_000;
/// Ids that a caller can send as a set: 4 MiB of them.
pub const CALLER_SET_MAX: usize = 1_000_000;
/// Users of one `AllocateUsers`: bounds the log record.
pub const ALLOCATE_MAX: usize = 100_000;
/// Nesting of a set expression: deeper ones are made by programs that went wrong.
pub const EXPRESSION_DEPTH_MAX: usize = 16;
/// Operands of a whole set expression.
pub const EXPRESSION_OPERANDS_MAX: usize = 256;
/// Named sets of a store.
pub const NAMED_SETS_MAX: usize = 64;
/// Bytes of a set's, a consumer's or an idempotency key's name.
pub const NAME_MAX_BYTES: usize = 64;
/// Steps of a path that a search looks for.
pub const PATH_DEPTH_MAX: u32 = 8;
/// Candidates of one `FollowersYouKnow`: a screen of people many times over, and about a millisecond of work for each
/// hundred of them.
pub const KNOWN_CANDIDATES_MAX: usize = 1000;
/// Users that `FollowersYouKnow` names for one candidate.
pub const KNOWN_NAMED_MAX: u32 = 100;
/// Suggestions of one answer.
pub const SUGGEST_MAX: u32 = 100;
/// Bytes of one gRPC message: holds the largest caller's set and a bitmap of ten million users.
pub const GRPC_MESSAGE_MAX_BYTES: usize = 32 << 20;
/// Calls under way on one gRPC connection.
pub const GRPC_IN_FLIGHT_MAX: usize = 1024;
/// Tweets of one `GetTweets`.
pub const TWEETS_BATCH_MAX: usize = 1000;
/// Characters (extended grapheme clusters) of a tweet when the setting says nothing.
pub const TWEET_CHARACTERS_DEFAULT: usize = 140;
/// Bytes of a tweet for each character that it may have: a cluster can be arbitrarily long, a tweet may not.
pub const TWEET_BYTES_PER_CHARACTER: usize = 64;
/// `?page=N` goes this far; beyond, a cursor is the way.
pub const PAGE_NUMBER_MAX: u32 = 50;
/// How long a read waits for the revision that it asks for.
pub const REVISION_WAIT: Duration = Duration::from_secs(2);
/// How long any call between services may take.
pub const CALL_DEADLINE: Duration = Duration::from_secs(5);
/// How long a query of the graph may compute, its wait for a revision included: less than [`CALL_DEADLINE`], so that the
/// answer that names this limit is the one that arrives.
pub const QUERY_DEADLINE: Duration = Duration::from_secs(4);
/// Queries of the graph that compute at once, beside those that are too small to be counted; others wait for them.
pub const QUERIES_AT_ONCE_MAX: usize = 32;
/// How long a stop waits for the requests under way.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

//! What a command does for others to learn of it.
//!
//! A notification says what happened to one tweet in one way, or that somebody followed. Its id is that of the command that
//! began it, and stays: pages are stable, and a reader can name it. While it is unread, more of the same joins it; what
//! comes after it was read begins another.
//!
//! An event notifies once for ever: whoever favorites, takes it back and favorites again is told of once. Kinds that can
//! happen again ([`joins`]) leave a mark in [`Table::Notified`] for that, which is never removed. Comments, mentions and
//! tweets happen once by their nature, since each is a tweet with an id of its own: they need no mark, and nothing joins.
//!
//! Of each recipient the newest [`KEPT_MAX`] are kept.

use base::{TweetId, UserId};
use proto::timeline::NotificationKind;

use super::Draft;
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{InboxRecord, NotificationRecord, OpenGroupRecord, PresenceRecord, TweetRecord};

/// Notifications of one recipient that are kept: more than anybody reads, and little enough that the unread among them are
/// counted at each read.
pub(in crate::tweets) const KEPT_MAX: u64 = 1000;
/// Actors of one notification that are named.
pub(in crate::tweets) const ACTORS_MAX: usize = 10;
/// Old notifications that one that begins can remove. More than one, so that a lower limit comes to hold.
const REMOVED_MAX: u64 = 2;

/// Whether events of this kind can happen again, and are told together while the notification is unread.
pub(in crate::tweets) const fn joins(kind: NotificationKind) -> bool {
    matches!(kind, NotificationKind::Follow | NotificationKind::Favorite | NotificationKind::Retweet)
}

/// Whom a tweet notifies by itself, each once: whom it answers of a comment, and the others that it names of a mention.
/// Never its author.
pub(crate) fn addressed(author: UserId, tweet: &TweetRecord) -> Vec<(UserId, NotificationKind)> {
    let mut addressed: Vec<(UserId, NotificationKind)> = Vec::new();
    if tweet.in_reply_to != 0 {
        addressed.push((UserId(tweet.in_reply_to_author), NotificationKind::Comment));
    }
    let mentions = tweet.entities.iter().flat_map(|entities| &entities.mentions);
    addressed.extend(mentions.map(|mention| (UserId(mention.user), NotificationKind::Mention)));
    // A stable sort: the comment comes before the mention.
    addressed.sort_by_key(|(user, _)| *user);
    addressed.dedup_by_key(|(user, _)| *user);
    addressed.retain(|(user, _)| *user != author);
    addressed
}

/// A notification that begins or grows, read and ready to be written.
#[derive(Debug)]
#[must_use = "nobody is notified until it is written"]
pub(super) struct Notice {
    recipient: UserId,
    kind: NotificationKind,
    tweet: TweetId,
    /// Those of whom the recipient was not told, the earliest first.
    actors: Vec<UserId>,
    id: TweetId,
    record: NotificationRecord,
    begins: Option<Begins>,
}

/// What a notification that begins changes beside itself.
#[derive(Debug)]
struct Begins {
    inbox: InboxRecord,
    /// The oldest, for which there is no room any more.
    removed: Vec<(TweetId, NotificationRecord)>,
}

impl Draft<'_> {
    /// Reads what it takes to notify `recipient` of what `actors`, the earliest first, did; `id` is the command's own, `tweet`
    /// is 0 for a follow. None where there is no news: all was told before, or is the recipient's own doing.
    ///
    /// The notices of one command must be of different recipients.
    pub(super) fn notice(
        &self,
        recipient: UserId,
        kind: NotificationKind,
        tweet: TweetId,
        actors: &[UserId],
        id: TweetId,
    ) -> Result<Option<Notice>, StoreError> {
        let mut news = Vec::new();
        for &actor in actors {
            let told = || match joins(kind) {
                true => self.has(Table::Notified, &keys::notified(recipient, kind, tweet, actor)),
                false => Ok(false),
            };
            if actor != recipient && !news.contains(&actor) && !told()? {
                news.push(actor);
            }
        }
        if news.is_empty() {
            return Ok(None);
        }
        let open = match joins(kind) {
            true => self.get::<OpenGroupRecord>(Table::OpenGroups, &keys::group(recipient, kind, tweet))?,
            false => None,
        };
        let (id, record, begins) = match open {
            Some(OpenGroupRecord { notification }) => {
                let id = TweetId(notification);
                (id, self.required(Table::Notifications, &keys::of_user(recipient, id))?, None)
            }
            None => {
                let record = NotificationRecord { kind: kind as i32, tweet: tweet.0, ..NotificationRecord::default() };
                (id, record, Some(self.begins(recipient, id)?))
            }
        };
        Ok(Some(Notice { recipient, kind, tweet, actors: news, id, record, begins }))
    }

    /// Writes notices.
    pub(super) fn notify(&mut self, notices: impl IntoIterator<Item = Notice>) {
        for notice in notices {
            self.write(notice);
        }
    }

    fn write(&mut self, notice: Notice) {
        let Notice { recipient, kind, tweet, actors, id, mut record, begins } = notice;
        for actor in actors {
            record.actors.insert(0, actor.0);
            record.actors.truncate(ACTORS_MAX);
            record.actors_count = record.actors_count.saturating_add(1);
            if joins(kind) {
                self.put(Table::Notified, &keys::notified(recipient, kind, tweet, actor), &PresenceRecord {});
            }
        }
        let key = keys::of_user(recipient, id);
        self.put(Table::Notifications, &key, &record);
        let Some(Begins { mut inbox, removed }) = begins else { return };
        self.put(Table::Unread, &key, &PresenceRecord {});
        if joins(kind) {
            let open = OpenGroupRecord { notification: id.0 };
            self.put(Table::OpenGroups, &keys::group(recipient, kind, tweet), &open);
        }
        inbox.kept += 1;
        for (id, record) in removed {
            let kind = record.kind();
            self.remove(Table::Notifications, &keys::of_user(recipient, id));
            if !record.read {
                self.no_longer_unread(recipient, id, &record);
            }
            inbox.kept -= 1;
            inbox.oldest = id.0 + 1;
            inbox.forgotten_actors += if joins(kind) { u64::from(record.actors_count) } else { 0 };
        }
        self.put(Table::Inboxes, &keys::author_key(recipient), &inbox);
        self.keep(id);
    }

    /// Takes away what says that a notification is unread.
    pub(super) fn no_longer_unread(&mut self, recipient: UserId, id: TweetId, record: &NotificationRecord) {
        self.remove(Table::Unread, &keys::of_user(recipient, id));
        if joins(record.kind()) {
            self.remove(Table::OpenGroups, &keys::group(recipient, record.kind(), TweetId(record.tweet)));
        }
    }

    fn begins(&self, recipient: UserId, id: TweetId) -> Result<Begins, StoreError> {
        let inbox = self.get::<InboxRecord>(Table::Inboxes, &keys::author_key(recipient))?;
        let inbox = inbox.unwrap_or(InboxRecord { oldest: id.0, ..InboxRecord::default() });
        let excess = (inbox.kept + 1).saturating_sub(KEPT_MAX).min(REMOVED_MAX) as usize;
        let mut removed = Vec::with_capacity(excess);
        if excess > 0 {
            let first = keys::of_user(recipient, TweetId(inbox.oldest));
            let last = keys::of_user(recipient, TweetId(u64::MAX));
            for oldest in self.between(Table::Notifications, &first, &last).take(excess) {
                let (key, record) = oldest?;
                removed.extend(keys::last_id(&key).map(|id| (id, record)));
            }
        }
        Ok(Begins { inbox, removed })
    }

    fn has(&self, table: Table, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get::<PresenceRecord>(table, key)?.is_some())
    }
}

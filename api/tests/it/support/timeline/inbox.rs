//! What everybody was notified of, as a plain list.

use proto::timeline::{Notification, NotificationKind};

/// What everybody was notified of, and who asked to be told of whose tweets.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// In the order in which they came about, the tweet of each by its id.
    noted: Vec<Noted>,
    pub(super) subscriptions: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Noted {
    user: u32,
    tweet: u64,
    /// Without the tweet.
    notification: Notification,
}

impl Inbox {
    /// Notes what `actor` did to `user`, who is not told of what they do themselves. As long as one of this kind and tweet
    /// is unread, the actor joins it.
    pub(super) fn note(&mut self, kind: NotificationKind, user: u32, actor: u32, tweet: u64, id: u64, now_ms: u64) {
        if user == actor {
            return;
        }
        let same = |noted: &&mut Noted| {
            let notification = &noted.notification;
            (noted.user, noted.tweet, notification.kind(), notification.read) == (user, tweet, kind, false)
        };
        if let Some(noted) = self.noted.iter_mut().find(same) {
            if !noted.notification.actors.contains(&actor) {
                noted.notification.actors.insert(0, actor);
                noted.notification.actors_count += 1;
            }
            return;
        }
        let notification = Notification {
            id,
            kind: kind as i32,
            actors: vec![actor],
            actors_count: 1,
            tweet: None,
            created_at_ms: now_ms,
            read: false,
        };
        self.noted.push(Noted { user, tweet, notification });
    }

    /// The user's notifications, newest first, each with the id of its tweet, or 0.
    pub(super) fn of(&self, user: u32) -> Vec<(Notification, u64)> {
        let own = self.noted.iter().rev().filter(|noted| noted.user == user);
        own.map(|noted| (noted.notification.clone(), noted.tweet)).collect()
    }

    pub(super) fn unread(&self, user: u32) -> u32 {
        self.of(user).iter().filter(|(notification, _)| !notification.read).count() as u32
    }

    /// Marks one as read, or all for 0; whether that changed anything, or nothing where there is no such notification.
    pub(super) fn read(&mut self, user: u32, id: u64) -> Option<bool> {
        let before = self.unread(user);
        let meant = |noted: &&mut Noted| noted.user == user && (id == 0 || noted.notification.id == id);
        let read = self.noted.iter_mut().filter(meant).map(|noted| noted.notification.read = true).count();
        (id == 0 || read > 0).then(|| self.unread(user) != before)
    }
}

//! Proof that the checks can fail: a small history that is right, and one for each thing that can be wrong with it.

use super::afterwards::{self, MODES, Notified, OfPerson, Seen, Tally};
use super::anomaly::{Anomaly, Kind};
use super::during;
use super::history::{
    Change, Entry, History, Id, Outcome, Person, Place, Post, Probe, Read, Span, Switch, Tick, Write, mentioned,
};

const ANN: Person = 0;
const BOB: Person = 1;
/// What ann says, what bob answers, and what ann says and deletes.
const SAID: Id = 10;
const ANSWER: Id = 20;
const DELETED: Id = 30;
/// What ann says at the end, where bob is told of each of her tweets.
const NEWS: Id = 40;
/// After all writes.
const LATE: Tick = 100;

fn span(begin: Tick) -> Span {
    Span { begin, end: begin + 1 }
}

fn write(begin: Tick, person: Person, change: Change) -> Write {
    Write { span: span(begin), person, change, outcome: Outcome::Done }
}

fn post(begin: Tick, person: Person, id: Id, said: &str, answers: Option<Id>) -> Write {
    write(begin, person, Change::Post(Post { said: said.to_owned(), id: Some(id), answers }))
}

fn switch(begin: Tick, switch: Switch, on: bool) -> Write {
    write(begin, BOB, Change::Switch(switch, on))
}

/// Bob follows ann, who says something that names him; he favorites, retweets and answers it. What she says then she deletes.
fn history() -> History {
    let writes = vec![
        switch(0, Switch::Follow(ANN), true),
        post(2, ANN, SAID, "for @a0p1", None),
        switch(4, Switch::Favorite(SAID), true),
        switch(6, Switch::Retweet(SAID), true),
        post(8, BOB, ANSWER, "well", Some(SAID)),
        post(10, ANN, DELETED, "no", None),
        write(12, ANN, Change::Delete(DELETED)),
    ];
    History { writes, ..History::default() }
}

fn said() -> Entry {
    let said = "for @a0p1".to_owned();
    Entry { id: SAID, tweet: SAID, author: ANN, retweeter: None, answers: None, said }
}

fn answer() -> Entry {
    Entry { id: ANSWER, tweet: ANSWER, author: BOB, retweeter: None, answers: Some(SAID), said: "well".to_owned() }
}

fn retweet() -> Entry {
    Entry { id: 15, retweeter: Some(BOB), ..said() }
}

fn deleted() -> Entry {
    Entry { id: DELETED, tweet: DELETED, said: "no".to_owned(), ..said() }
}

fn notified(kind: &str, tweet: Option<Id>, actor: Person) -> Notified {
    Notified { kind: kind.to_owned(), tweet, actors: vec![actor], actors_count: 1 }
}

/// What there is at the end, if all is well.
fn seen() -> Seen {
    let ann = OfPerson {
        timeline: vec![said()],
        tweets_count: 1,
        feeds: MODES.map(|_| vec![said()]),
        notified: vec![
            notified("follow", None, BOB),
            notified("favorite", Some(SAID), BOB),
            notified("retweet", Some(SAID), BOB),
            notified("comment", Some(ANSWER), BOB),
        ],
        ..OfPerson::default()
    };
    let bob = OfPerson {
        timeline: vec![answer(), retweet()],
        tweets_count: 1,
        followees: [ANN].into(),
        feeds: MODES.map(|_| vec![answer(), said()]),
        notified: vec![notified("mention", Some(SAID), ANN)],
    };
    let of_said = Tally { favorites: vec![BOB], retweets: vec![BOB], comments: vec![ANSWER], counts: [1, 1, 1] };
    Seen {
        people: [(ANN, ann), (BOB, bob)].into(),
        tallies: [(SAID, of_said), (ANSWER, Tally::default())].into(),
        ..Seen::default()
    }
}

/// Bob asks to be told of each of ann's tweets, and she says something, of which he is told.
fn news(history: &mut History, seen: &mut Seen) {
    history.writes.push(switch(14, Switch::Tweets(ANN), true));
    history.writes.push(post(20, ANN, NEWS, "news", None));
    let entry = Entry { id: NEWS, tweet: NEWS, said: "news".to_owned(), ..said() };
    for of_person in seen.people.values_mut() {
        of_person.feeds.iter_mut().for_each(|feed| feed.insert(0, entry.clone()));
    }
    let ann = seen.people.get_mut(&ANN).expect("ann is there");
    ann.timeline.insert(0, entry);
    ann.tweets_count += 1;
    seen.tallies.insert(NEWS, Tally::default());
    told_of(seen).push(notified("tweet", Some(NEWS), ANN));
}

/// What bob is notified of.
fn told_of(seen: &mut Seen) -> &mut Vec<Notified> {
    &mut seen.people.get_mut(&BOB).expect("bob is there").notified
}

/// What bob reads, all of it, at a time.
fn read(begin: Tick, place: Place, entries: Vec<Entry>) -> Read {
    Read { span: span(begin), person: BOB, place, entries, goes_on: false }
}

fn probe(begin: Tick, id: Id, found: bool) -> Probe {
    Probe { span: span(begin), id, found, comment: None }
}

fn kinds(anomalies: &[Anomaly]) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = anomalies.iter().map(|anomaly| anomaly.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// What is found in the history after a change.
#[track_caller]
fn found_during(expected: &[Kind], change: impl FnOnce(&mut History)) {
    let mut history = history();
    change(&mut history);
    let anomalies = during::check(&history);
    assert_eq!(kinds(&anomalies), expected, "{anomalies:#?}");
}

#[track_caller]
fn found_in_read(expected: &[Kind], read: Read) {
    found_during(expected, |history| history.reads.push(read));
}

#[track_caller]
fn found_afterwards(expected: &[Kind], change: impl FnOnce(&mut History, &mut Seen)) {
    let (mut history, mut seen) = (history(), seen());
    change(&mut history, &mut seen);
    let anomalies = afterwards::check(&history, &seen);
    assert_eq!(kinds(&anomalies), expected, "{anomalies:#?}");
}

#[track_caller]
fn found_of(person: Person, expected: &[Kind], change: impl FnOnce(&mut OfPerson)) {
    found_afterwards(expected, |_, seen| change(seen.people.get_mut(&person).expect("one of the two")));
}

#[track_caller]
fn found_in_tally(expected: &[Kind], change: impl FnOnce(&mut Tally)) {
    found_afterwards(expected, |_, seen| change(seen.tallies.get_mut(&SAID).expect("it is there")));
}

#[test]
fn what_is_right_is_found_right() {
    found_during(&[], |history| {
        history.reads.push(read(LATE, Place::Feed, vec![answer(), said()]));
        history.reads.push(read(LATE, Place::Timeline(BOB), vec![answer(), retweet()]));
        history.reads.push(read(LATE, Place::Comments(SAID), vec![answer()]));
        history.probes.push(probe(LATE, SAID, true));
        history.probes.push(probe(LATE, DELETED, false));
    });
    found_afterwards(&[], |_, _| {});
    assert_eq!(mentioned("for @a0p1"), Some(BOB));
}

#[test]
fn a_read_may_see_either_side_of_what_it_overlaps() {
    for entries in [vec![deleted(), answer(), said()], vec![answer(), said()]] {
        found_in_read(&[], Read { span: Span { begin: 12, end: LATE }, ..read(0, Place::Feed, entries) });
    }
}

#[test]
fn what_a_read_lacks_is_found() {
    found_in_read(&[Kind::Missing], read(LATE, Place::Feed, vec![answer()]));
    found_in_read(&[Kind::Missing], read(LATE, Place::Feed, vec![said()]));
    found_in_read(&[Kind::Missing], read(LATE, Place::Timeline(BOB), vec![retweet()]));
    found_in_read(&[Kind::Missing], read(LATE, Place::Comments(SAID), vec![]));
    found_during(&[Kind::Missing], |history| history.probes.push(probe(LATE, SAID, false)));
    found_during(&[Kind::Missing], |history| history.writes[2].outcome = Outcome::Refused);
    // What lies below the page is not missing from it.
    found_in_read(&[], Read { goes_on: true, ..read(LATE, Place::Feed, vec![answer()]) });
    found_in_read(&[Kind::Missing], Read { goes_on: true, ..read(LATE, Place::Feed, vec![said()]) });
}

#[test]
fn what_a_read_has_twice_or_in_disorder_is_found() {
    found_in_read(&[Kind::Twice], read(LATE, Place::Feed, vec![answer(), retweet(), said()]));
    found_in_read(&[Kind::OutOfOrder], read(LATE, Place::Feed, vec![said(), answer()]));
}

#[test]
fn what_comes_back_is_found() {
    found_in_read(&[Kind::CameBack], read(LATE, Place::Feed, vec![deleted(), answer(), said()]));
    found_during(&[Kind::CameBack], |history| history.probes.push(probe(LATE, DELETED, true)));
    found_during(&[Kind::CameBack], |history| {
        history.writes.push(switch(14, Switch::Retweet(SAID), false));
        history.reads.push(read(LATE, Place::Timeline(BOB), vec![answer(), retweet()]));
    });
    found_during(&[Kind::CameBack], |history| {
        history.writes.push(write(14, ANN, Change::Delete(SAID)));
        history.reads.push(read(LATE, Place::Feed, vec![answer()]));
    });
    // An unknown delete may have happened; once it was seen to have, it has.
    for (found, expected) in [(false, &[Kind::CameBack][..]), (true, &[])] {
        found_during(expected, |history| {
            history.writes[6].outcome = Outcome::Unknown;
            history.probes.push(probe(LATE, DELETED, found));
            history.probes.push(probe(LATE + 2, DELETED, true));
        });
    }
}

#[test]
fn what_never_happened_is_found() {
    let strange = Entry { id: 12, tweet: 12, said: "what nobody said".to_owned(), ..said() };
    found_in_read(&[Kind::FromNowhere], read(LATE, Place::Feed, vec![answer(), strange, said()]));
    found_in_read(&[Kind::FromNowhere], read(LATE, Place::Timeline(ANN), vec![answer(), said()]));
    found_during(&[Kind::FromNowhere], |history| {
        history.writes.push(switch(14, Switch::Follow(ANN), false));
        history.reads.push(read(LATE, Place::Feed, vec![said()]));
    });
}

#[test]
fn a_comment_before_its_parent_is_found() {
    let early = Entry { id: 5, tweet: 5, ..answer() };
    found_in_read(&[Kind::Missing, Kind::BeforeParent], read(LATE, Place::Timeline(BOB), vec![retweet(), early]));
    let asked = Probe { comment: Some(ANSWER), ..probe(LATE, SAID, false) };
    found_during(&[Kind::BeforeParent], |history| history.probes.push(asked));
    let (mut lost, history) = (seen(), history());
    lost.people.get_mut(&ANN).expect("ann is there").timeline.clear();
    assert!(kinds(&afterwards::check(&history, &lost)).contains(&Kind::BeforeParent));
}

#[test]
fn what_is_done_to_the_deleted_and_faults_are_found() {
    found_during(&[Kind::DoneToDeleted], |history| {
        history.writes.push(switch(14, Switch::Favorite(DELETED), true));
    });
    found_during(&[Kind::DoneToDeleted], |history| history.writes.push(post(14, BOB, 40, "late", Some(DELETED))));
    found_during(&[Kind::Fault], |history| history.faults.push("500".to_owned()));
}

#[test]
fn sets_that_are_wrong_at_the_end_are_found() {
    found_of(BOB, &[Kind::Missing, Kind::FeedDiffers], |bob| bob.followees.clear());
    found_of(ANN, &[Kind::FromNowhere, Kind::FeedDiffers], |ann| {
        ann.followees.insert(BOB);
    });
    found_of(BOB, &[Kind::Missing], |bob| drop(bob.timeline.remove(1)));
    found_of(BOB, &[Kind::FeedDiffers], |bob| drop(bob.feeds[1].remove(0)));
    found_of(BOB, &[Kind::FeedDiffers], |bob| bob.feeds[2].push(said()));
    found_of(ANN, &[Kind::Missing, Kind::Twice, Kind::FeedDiffers], |ann| {
        ann.timeline.insert(0, Entry { id: 11, tweet: 11, ..said() });
    });
    let back = [Kind::Missing, Kind::CameBack, Kind::Miscounted, Kind::FeedDiffers];
    found_of(ANN, &back, |ann| ann.timeline.insert(0, deleted()));
    found_of(ANN, &[Kind::Miscounted], |ann| ann.tweets_count = 2);
    found_afterwards(&[Kind::CameBack], |_, seen| {
        seen.risen.insert(DELETED);
    });
    found_afterwards(&[Kind::CameBack], |history, _| history.writes.push(switch(14, Switch::Retweet(SAID), false)));
}

#[test]
fn what_is_unknown_may_be_either_way_and_no_third() {
    let unknown = |on| Write { outcome: Outcome::Unknown, ..switch(14, Switch::Favorite(SAID), on) };
    found_afterwards(&[], |history, _| history.writes.push(unknown(false)));
    found_afterwards(&[], |history, seen| {
        history.writes.push(unknown(false));
        let tally = seen.tallies.get_mut(&SAID).expect("it is there");
        (tally.favorites, tally.counts[0]) = (Vec::new(), 0);
    });
    found_afterwards(&[Kind::Miscounted], |history, seen| {
        history.writes.push(unknown(false));
        seen.tallies.get_mut(&SAID).expect("it is there").favorites.clear();
    });
}

#[test]
fn counters_that_are_wrong_are_found() {
    found_in_tally(&[Kind::Miscounted], |tally| tally.counts[0] = 2);
    found_in_tally(&[Kind::Twice], |tally| (tally.favorites, tally.counts[0]) = (vec![BOB, BOB], 2));
    found_in_tally(&[Kind::Missing], |tally| (tally.favorites, tally.counts[0]) = (vec![], 0));
    found_in_tally(&[Kind::FromNowhere], |tally| (tally.favorites, tally.counts[0]) = (vec![ANN, BOB], 2));
    found_in_tally(&[Kind::Missing], |tally| (tally.retweets, tally.counts[1]) = (vec![], 0));
    found_in_tally(&[Kind::Missing], |tally| (tally.comments, tally.counts[2]) = (vec![], 0));
    found_in_tally(&[Kind::FromNowhere], |tally| (tally.comments, tally.counts[2]) = (vec![ANSWER, 25], 2));
    found_afterwards(&[Kind::CameBack], |history, _| history.writes.push(switch(14, Switch::Favorite(SAID), false)));
}

#[test]
fn a_queue_that_loses_doubles_or_makes_up_is_found() {
    for place in 0..4 {
        found_of(ANN, &[Kind::Missing], |ann| drop(ann.notified.remove(place)));
        found_of(ANN, &[Kind::Twice], |ann| ann.notified.push(ann.notified[place].clone()));
        found_of(ANN, &[Kind::Miscounted], |ann| ann.notified[place].actors_count = 2);
    }
    found_of(BOB, &[Kind::Missing], |bob| bob.notified.clear());
    found_of(BOB, &[Kind::FromNowhere], |bob| bob.notified.push(notified("follow", None, ANN)));
    found_of(BOB, &[Kind::FromNowhere], |bob| bob.notified.push(notified("mention", Some(DELETED), ANN)));
    // One that was taken back has notified all the same.
    found_of(ANN, &[Kind::FromNowhere], |ann| ann.notified.push(notified("favorite", Some(ANSWER), BOB)));
}

#[test]
fn a_tweet_that_is_told_of_wrongly_is_found() {
    found_afterwards(&[], news);
    found_afterwards(&[Kind::Missing], |history, seen| {
        news(history, seen);
        drop(told_of(seen).pop());
    });
    found_afterwards(&[Kind::Twice], |history, seen| {
        news(history, seen);
        told_of(seen).push(notified("tweet", Some(NEWS), ANN));
    });
    // It names him: that he is told of, and of nothing else.
    found_afterwards(&[Kind::FromNowhere], |history, seen| {
        news(history, seen);
        told_of(seen).push(notified("tweet", Some(SAID), ANN));
    });
    // He asks no more before it is posted, or asks only afterwards.
    found_afterwards(&[Kind::FromNowhere], |history, seen| {
        news(history, seen);
        history.writes.push(switch(16, Switch::Tweets(ANN), false));
    });
    found_afterwards(&[Kind::FromNowhere], |history, seen| {
        news(history, seen);
        let asks = history.writes.iter_mut().find(|write| write.change == Change::Switch(Switch::Tweets(ANN), true));
        asks.expect("bob asks").span = span(30);
    });
}

#[test]
fn whoever_asks_no_more_or_unfollows_after_a_tweet_may_be_told_of_it_or_not() {
    let follows = [Switch::Tweets(ANN), Switch::Follow(ANN)].map(|last| {
        // A last follow keeps the feeds as they are.
        [switch(22, last, false), switch(24, last, true)]
    });
    for [off, on] in follows {
        for is_told in [true, false] {
            found_afterwards(&[], |history, seen| {
                news(history, seen);
                history.writes.extend([off.clone(), on.clone()]);
                if !is_told {
                    drop(told_of(seen).pop());
                }
            });
        }
    }
    for is_told in [true, false] {
        found_afterwards(&[], |history, seen| {
            news(history, seen);
            let asks =
                history.writes.iter_mut().find(|write| write.change == Change::Switch(Switch::Tweets(ANN), true));
            asks.expect("bob asks").outcome = Outcome::Unknown;
            if !is_told {
                drop(told_of(seen).pop());
            }
        });
    }
}

//! The list of one user.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use super::celebrity::Celebrity;
use super::communities::Communities;
use super::degrees::Degrees;
use super::popularity::Popularity;
use super::random::{Purpose, below, stream, unit};
use super::{FOLLOWEES_MAX, GraphSpec};

/// How often somebody is drawn for each place in a list, on average, before the places that are left are filled in the order
/// of ids: what bounds the work where nearly everybody is in the list.
const DRAWS_PER_PLACE: usize = 64;

/// What all lists are drawn from.
#[derive(Debug)]
pub(super) struct Model {
    seed: u64,
    degrees: Degrees,
    popularity: Popularity,
    communities: Option<Communities>,
    celebrity: Option<Celebrity>,
}

impl Model {
    pub(super) fn new(spec: &GraphSpec) -> Self {
        let (seed, users) = (spec.seed(), spec.users());
        let popularity = Popularity::new(users, &mut stream(seed, Purpose::Ranks));
        let communities = (spec.locality() > 0.0)
            .then(|| Communities::new(users, spec.locality(), &mut stream(seed, Purpose::Communities)));
        let celebrity = spec.celebrity().map(|followers| {
            Celebrity::new(popularity.first(), followers, users, &mut stream(seed, Purpose::Celebrity))
        });
        Model { seed, degrees: Degrees::new(spec.mean_followees()), popularity, communities, celebrity }
    }

    /// The length of a user's list.
    pub(super) fn degree(&self, user: u32) -> u64 {
        self.begin(user).1 as u64
    }

    /// A user's stream behind the length of the list, which is as long as it can be.
    fn begin(&self, user: u32) -> (ChaCha8Rng, usize) {
        let mut random = stream(self.seed, Purpose::User(user));
        let drawn = self.degrees.draw(&mut random);
        let others = self.popularity.ids().end - 1;
        let (least, most) = match &self.celebrity {
            Some(celebrity) if celebrity.is_followed_by(user) => (1, others),
            Some(celebrity) if celebrity.user() != user => (0, others - 1),
            _ => (0, others),
        };
        (random, drawn.clamp(least, most.min(FOLLOWEES_MAX)) as usize)
    }
}

/// Draws lists, one after the other, in the same memory.
#[derive(Debug, Default)]
pub(super) struct Followees {
    members: Vec<u32>,
    taken: Taken,
}

impl Followees {
    /// Draws the list of a user; answers the user's stream behind it.
    pub(super) fn draw(&mut self, model: &Model, user: u32) -> ChaCha8Rng {
        let (mut random, degree) = model.begin(user);
        self.members.clear();
        // Besides the members, the user and the celebrity.
        self.taken.clear(degree + 2);
        self.taken.insert(user);
        if let Some(celebrity) = &model.celebrity {
            self.taken.insert(celebrity.user());
            if celebrity.is_followed_by(user) {
                self.members.push(celebrity.user());
            }
        }
        if let Some(communities) = &model.communities {
            let community = communities.of(user);
            let never = [Some(user), model.celebrity.as_ref().map(Celebrity::user).filter(|other| *other != user)];
            let never = never.into_iter().flatten().filter(|id| community.contains(id)).count();
            let share = (communities.locality() * degree as f64 + unit(&mut random)) as usize;
            let local = share.min(degree - self.members.len()).min(community.len() - never);
            let (start, size) = (community.start, community.len() as u64);
            let near = |random: &mut ChaCha8Rng| start + below(random, size) as u32;
            self.fill(self.members.len() + local, community, &mut random, near);
        }
        self.fill(degree, model.popularity.ids(), &mut random, |random| model.popularity.draw(random));
        random
    }

    /// Those in the list, in the order in which they were drawn.
    pub(super) fn members(&self) -> &[u32] {
        &self.members
    }

    /// Draws until there are `wanted` members. Enough ids of the range must not be taken.
    fn fill(
        &mut self,
        wanted: usize,
        ids: Range<u32>,
        random: &mut ChaCha8Rng,
        mut draw: impl FnMut(&mut ChaCha8Rng) -> u32,
    ) {
        let mut draws = DRAWS_PER_PLACE * (wanted - self.members.len());
        while self.members.len() < wanted && draws > 0 {
            draws -= 1;
            let id = draw(random);
            if self.taken.insert(id) {
                self.members.push(id);
            }
        }
        if self.members.len() < wanted {
            let start = draw(random);
            let left = (start..ids.end).chain(ids.start..start).filter(|id| self.taken.insert(*id));
            self.members.extend(left.take(wanted - self.members.len()));
        }
    }
}

/// A set of ids that is emptied at no cost: a hash table whose entries say which emptying they are from.
#[derive(Debug, Default)]
struct Taken {
    /// The emptying, and the id.
    entries: Vec<(u32, u32)>,
    emptied: u32,
    /// How far a hash is shifted to be a place.
    shift: u32,
}

impl Taken {
    /// Empties the set, and makes room for that many ids.
    fn clear(&mut self, room: usize) {
        let size = (2 * room).next_power_of_two();
        self.shift = 32 - size.trailing_zeros();
        self.emptied = self.emptied.wrapping_add(1);
        if self.emptied == 0 {
            self.entries.fill((0, 0));
            self.emptied = 1;
        }
        if self.entries.len() < size {
            self.entries.resize(size, (0, 0));
        }
    }

    /// Whether the id was not in the set yet.
    #[inline]
    fn insert(&mut self, id: u32) -> bool {
        /// 2^32 over the golden ratio, odd: spreads neighbours.
        const SPREAD: u32 = 0x9e37_79b9;
        let last = (1usize << (32 - self.shift)) - 1;
        let mut place = (id.wrapping_mul(SPREAD) >> self.shift) as usize;
        loop {
            match self.entries[place] {
                (emptied, taken) if emptied == self.emptied && taken == id => return false,
                (emptied, _) if emptied == self.emptied => place = (place + 1) & last,
                _ => {
                    self.entries[place] = (self.emptied, id);
                    return true;
                }
            }
        }
    }
}

//! The people of the demo and who follows whom: a small graph with the shape of a large one.
//!
//! Popularity follows a power law; people follow within their circle rather than across; many follows are returned. The
//! same seed gives the same community.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::names::{CIRCLES, FIRST_NAMES, LAST_NAMES};

/// The place of the person whom the visitor is: not a famous one.
pub(super) const VISITOR: usize = 1200;
/// The popularity of the person of rank r, the first being 0, is (r + 8) to the power of minus this.
const POPULARITY_EXPONENT: f64 = 1.1;
/// The share of follows that stay within the circle.
const WITHIN_CIRCLE: f64 = 0.6;
/// The chance that a follow is returned, before the popular are asked to follow everybody back.
const RETURNED: f64 = 0.35;
/// Followees that a person chooses: at least, and at most.
const CHOSEN: (usize, usize) = (4, 160);

/// A person of the demo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Person {
    pub(super) username: String,
    pub(super) name: String,
    /// The place in [`CIRCLES`].
    pub(super) circle: usize,
}

/// The people and their follows. People are named by their place.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Community {
    pub(super) people: Vec<Person>,
    /// Those whom each person follows.
    pub(super) followees: Vec<BTreeSet<usize>>,
    /// Those who follow each person.
    pub(super) followers: Vec<BTreeSet<usize>>,
}

impl Community {
    /// The community that grows from a seed.
    pub(super) fn from_seed(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let people = people(&mut random);
        let mut community = Community {
            followees: vec![BTreeSet::new(); people.len()],
            followers: vec![BTreeSet::new(); people.len()],
            people,
        };
        community.connect(&mut random);
        community
    }

    /// The number of follows.
    pub(super) fn follows(&self) -> usize {
        self.followees.iter().map(BTreeSet::len).sum()
    }

    fn connect(&mut self, random: &mut ChaCha8Rng) {
        let everybody = Popularity::new((0..self.people.len()).collect());
        let circles: Vec<Popularity> = (0..CIRCLES.len())
            .map(|circle| {
                let members = (0..self.people.len()).filter(|person| self.people[*person].circle == circle);
                Popularity::new(members.collect())
            })
            .collect();
        for person in 0..self.people.len() {
            for _ in 0..chosen(random) {
                let among =
                    if random.random_bool(WITHIN_CIRCLE) { &circles[self.people[person].circle] } else { &everybody };
                let target = among.draw(random);
                self.follow(person, target);
                // The well-known return fewer follows: the chance falls with the place in the order of popularity.
                let returned = RETURNED * (target as f64 / self.people.len() as f64).sqrt();
                if random.random_bool(returned) {
                    self.follow(target, person);
                }
            }
        }
        // Chance could leave the visitor with an empty feed and nobody who answers.
        for person in 0..self.people.len() {
            if person % 40 == 7 {
                self.follow(person, VISITOR);
            }
            if person % 50 == 11 || person < 5 {
                self.follow(VISITOR, person);
            }
        }
    }

    fn follow(&mut self, source: usize, target: usize) {
        if source != target {
            self.followees[source].insert(target);
            self.followers[target].insert(source);
        }
    }
}

/// People with the chance of each to be drawn. Those who come first are the most popular.
struct Popularity {
    people: Vec<usize>,
    /// The sum of the weights up to and including each.
    sums: Vec<f64>,
}

impl Popularity {
    fn new(people: Vec<usize>) -> Self {
        let weights = (0..people.len()).map(|rank| (rank as f64 + 8.0).powf(-POPULARITY_EXPONENT));
        let sums = weights
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        Popularity { people, sums }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> usize {
        let total = self.sums.last().copied().unwrap_or_default();
        let at = random.random::<f64>() * total;
        let place = self.sums.partition_point(|sum| *sum <= at);
        self.people[place.min(self.people.len() - 1)]
    }
}

/// How many people somebody chooses to follow: few mostly, many now and then.
fn chosen(random: &mut ChaCha8Rng) -> usize {
    let share = random.random::<f64>();
    let (least, most) = CHOSEN;
    least + ((most - least) as f64 * share.powi(4)) as usize
}

/// Everybody, the most popular first.
fn people(random: &mut ChaCha8Rng) -> Vec<Person> {
    let mut names: Vec<(&str, &str)> =
        FIRST_NAMES.iter().flat_map(|first| LAST_NAMES.iter().map(move |last| (*first, *last))).collect();
    names.shuffle(random);
    let mut people: Vec<Person> = names
        .into_iter()
        .map(|(first, last)| Person {
            username: format!("{first}_{last}").to_lowercase(),
            name: format!("{first} {last}"),
            circle: random.random_range(0..CIRCLES.len()),
        })
        .collect();
    people[VISITOR].username = super::LOGIN.to_owned();
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: usize = FIRST_NAMES.len() * LAST_NAMES.len();

    #[test]
    fn the_same_seed_gives_the_same_community_and_another_another() {
        assert_eq!(Community::from_seed(1), Community::from_seed(1));
        assert_ne!(Community::from_seed(1).followees, Community::from_seed(2).followees);
    }

    #[test]
    fn the_graph_has_the_shape_of_a_large_one() {
        let community = Community::from_seed(super::super::SEED);
        let follows = community.follows();
        assert!((40_000..120_000).contains(&follows), "{follows} follows");

        let mut popularity: Vec<usize> = community.followers.iter().map(BTreeSet::len).collect();
        popularity.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        let top: usize = popularity[..PEOPLE / 50].iter().sum();
        assert!(top * 100 > follows * 15, "the first 2 % have {top} of {follows} followers");
        assert!(popularity[PEOPLE / 2] * 5 < popularity[10], "half of the people are far from famous");

        let returned = (0..PEOPLE)
            .flat_map(|source| community.followees[source].iter().map(move |target| (source, *target)))
            .filter(|(source, target)| community.followees[*target].contains(source))
            .count();
        assert!((10..60).contains(&(returned * 100 / follows)), "{returned} of {follows} are mutual");
    }

    #[test]
    fn handles_are_valid_and_everybody_is_unique() {
        let community = Community::from_seed(3);
        let handles: BTreeSet<&str> = community.people.iter().map(|person| person.username.as_str()).collect();
        assert_eq!(handles.len(), PEOPLE);
        for handle in handles {
            let valid = handle.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            assert!(valid && (1..=30).contains(&handle.len()), "{handle}");
        }
    }

    #[test]
    fn the_visitor_follows_and_is_followed() {
        let community = Community::from_seed(super::super::SEED);
        assert!(community.followees[VISITOR].len() >= 30);
        assert!(community.followers[VISITOR].len() >= 30);
    }
}

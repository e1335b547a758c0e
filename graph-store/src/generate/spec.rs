//! What graph is wanted.

use super::FOLLOWEES_MAX;

/// A graph that can be generated: made with [`new`](GraphSpec::new), refined by the `with_` methods.
#[derive(Clone, PartialEq, Debug)]
pub struct GraphSpec {
    users: u32,
    mean_followees: f64,
    seed: u64,
    locality: f64,
    celebrity: Option<u32>,
    times: bool,
}

/// There is no such graph.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum SpecError {
    /// Too few to follow one another.
    #[error("must be at least 2")]
    Users,
    /// More than anybody may follow, or no number.
    #[error("must be more than 0 and at most {most}, which is as many as a user can follow")]
    MeanFollowees {
        /// The limit.
        most: u32,
    },
    /// Not a share.
    #[error("must be from 0 to 1")]
    Locality,
    /// More followers than there are other users, or none.
    #[error("must be from 1 to {most}, the number of other users")]
    Celebrity {
        /// The limit.
        most: u32,
    },
}

impl SpecError {
    /// The part of the specification that is at fault, as the command line has it.
    pub fn field(&self) -> &'static str {
        match self {
            SpecError::Users => "users",
            SpecError::MeanFollowees { .. } => "mean-followees",
            SpecError::Locality => "locality",
            SpecError::Celebrity { .. } => "celebrity",
        }
    }
}

impl GraphSpec {
    /// A graph of that many users who follow `mean_followees` others each, on average, before the longest lists are cut.
    ///
    /// # Errors
    ///
    /// Fewer than two users; a mean that is not above 0, or above what a user can follow.
    pub fn new(users: u32, mean_followees: f64, seed: u64) -> Result<Self, SpecError> {
        if users < 2 {
            return Err(SpecError::Users);
        }
        let most = FOLLOWEES_MAX.min(users - 1);
        if !(mean_followees > 0.0 && mean_followees <= f64::from(most)) {
            return Err(SpecError::MeanFollowees { most });
        }
        Ok(GraphSpec { users, mean_followees, seed, locality: 0.0, celebrity: None, times: false })
    }

    /// With that share of everybody's followees from their own community.
    ///
    /// # Errors
    ///
    /// Not from 0 to 1.
    pub fn with_locality(self, locality: f64) -> Result<Self, SpecError> {
        if !(0.0..=1.0).contains(&locality) {
            return Err(SpecError::Locality);
        }
        Ok(GraphSpec { locality, ..self })
    }

    /// With one user who has exactly that many followers.
    ///
    /// # Errors
    ///
    /// No followers, or more than there are other users.
    pub fn with_celebrity(self, followers: u32) -> Result<Self, SpecError> {
        let most = self.users - 1;
        if !(1..=most).contains(&followers) {
            return Err(SpecError::Celebrity { most });
        }
        Ok(GraphSpec { celebrity: Some(followers), ..self })
    }

    /// With a time for each edge.
    pub fn with_times(self) -> Self {
        GraphSpec { times: true, ..self }
    }

    /// How many users there are; their ids are the numbers below.
    pub fn users(&self) -> u32 {
        self.users
    }

    /// How many others each of them follows, on average.
    pub fn mean_followees(&self) -> f64 {
        self.mean_followees
    }

    /// What all chance comes from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The share of followees from the same community.
    pub fn locality(&self) -> f64 {
        self.locality
    }

    /// The followers of the celebrity, if there is one.
    pub fn celebrity(&self) -> Option<u32> {
        self.celebrity
    }

    /// Whether edges have times.
    pub fn times(&self) -> bool {
        self.times
    }
}

//! What must never be found.

/// Something that must not be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Anomaly {
    pub(super) kind: Kind,
    pub(super) what: String,
}

/// The promise that was broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    /// What was acknowledged is not there.
    Missing,
    /// The same is there twice.
    Twice,
    /// What was deleted or taken back is there.
    CameBack,
    /// What never happened is there.
    FromNowhere,
    /// A comment is there, and what it answers is not.
    BeforeParent,
    /// Something was done to a tweet that was gone.
    DoneToDeleted,
    /// A list is not in its order.
    OutOfOrder,
    /// A count is not the length of its list.
    Miscounted,
    /// A feed is not what the timelines and follows make it.
    FeedDiffers,
    /// The server said that it is at fault.
    Fault,
}

/// Gathers anomalies.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Anomaly>);

impl Findings {
    /// Notes it unless it holds.
    pub(super) fn require(&mut self, holds: bool, kind: Kind, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(Anomaly { kind, what: what() });
        }
    }
}

//! A snapshot's stream, put together: whole lists out of parts, checked as anything from the network is.

use base::{Code, Edge, Error, ListRef, Revision, Slot, Slots, UserId};
use futures::stream::{BoxStream, StreamExt};

use crate::convert;
use crate::graph::snapshot_response::Part;
use crate::graph::{self, SnapshotHeader, SnapshotRequest, SnapshotResponse};

/// Reads the stream of a snapshot. Whoever keeps what came up to the last [`SnapshotItem::SlotDone`] can
/// [resume](SnapshotReader::resume) behind it with another stream.
pub struct SnapshotReader {
    stream: BoxStream<'static, Result<SnapshotResponse, Error>>,
    request: SnapshotRequest,
    revision: Revision,
    slots: Slots,
    users: u32,
    /// The list that the last message ended with, which the next one may go on with.
    open: Option<List>,
    /// Items that were put together and not asked for yet, the next one last.
    ready: Vec<SnapshotItem>,
}

/// One list of a snapshot.
#[derive(Clone, PartialEq, Debug)]
pub struct List {
    /// Whose it is.
    pub list: ListRef,
    /// Its members, by id; their times are zero where they were not asked for.
    pub edges: Vec<Edge>,
    /// The weight of each edge, finite; none where all are 1, or they were not asked for.
    pub weights: Vec<f64>,
}

impl List {
    fn new(list: ListRef) -> List {
        List { list, edges: Vec::new(), weights: Vec::new() }
    }
}

/// What comes next.
#[derive(Clone, PartialEq, Debug)]
pub enum SnapshotItem {
    /// Users and the external id of each.
    ExternalIds(Vec<(UserId, u64)>),
    /// A list that has members.
    List(List),
    /// All of a slot has been told.
    SlotDone(Slot),
}

impl SnapshotReader {
    /// Reads the stream that `request` opened, up to its header.
    ///
    /// # Errors
    ///
    /// What the stream says, or a stream that does not begin with a header.
    pub async fn new(
        mut stream: BoxStream<'static, Result<SnapshotResponse, Error>>,
        request: SnapshotRequest,
    ) -> Result<Self, Error> {
        let Some(Part::Header(header)) = next_part(&mut stream).await? else { return Err(malformed("no header")) };
        let SnapshotHeader { snapshot, revision, slots, users } = header;
        let revision = convert::revision(revision.as_ref(), "revision").ok().flatten();
        let slots = u16::try_from(slots).ok().and_then(Slots::new);
        Ok(SnapshotReader {
            stream,
            request: SnapshotRequest { snapshot, ..request },
            revision: revision.ok_or_else(|| malformed("no revision"))?,
            slots: slots.ok_or_else(|| malformed("an impossible number of slots"))?,
            users,
            open: None,
            ready: Vec::new(),
        })
    }

    /// Exactly the changes up to here are in it.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The number of slots.
    pub fn slots(&self) -> Slots {
        self.slots
    }

    /// How many user ids were given out.
    pub fn users(&self) -> u32 {
        self.users
    }

    /// What to ask for to get the rest: what came since the last [`SnapshotItem::SlotDone`] comes again.
    pub fn resume(&self) -> SnapshotRequest {
        self.request.clone()
    }

    /// The next item; `None` at the end.
    ///
    /// # Errors
    ///
    /// What the stream says; a stream that ends before the last slot is done, or is not what one should be.
    pub async fn next(&mut self) -> Result<Option<SnapshotItem>, Error> {
        loop {
            if let Some(item) = self.ready.pop() {
                if let SnapshotItem::SlotDone(slot) = item {
                    self.request.from_slot = u32::from(slot.0) + 1;
                }
                return Ok(Some(item));
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// Reads one message; `false` at the end.
    async fn read(&mut self) -> Result<bool, Error> {
        let Some(part) = next_part(&mut self.stream).await? else {
            let ended = self.open.is_none() && self.request.from_slot == u32::from(self.slots.count());
            return if ended { Ok(false) } else { Err(Error::new(Code::Unavailable, "the snapshot broke off")) };
        };
        match part {
            Part::Lists(lists) => {
                let mut whole = self.add(lists)?;
                whole.reverse();
                self.ready = whole;
            }
            Part::ExternalIds(ids) => {
                if ids.users.len() != ids.external_ids.len() {
                    return Err(malformed("users without external ids"));
                }
                if ids.users.iter().any(|user| !self.is_told(UserId(*user))) {
                    return Err(malformed("external ids of another slot"));
                }
                let pairs = ids.users.into_iter().map(UserId).zip(ids.external_ids).collect();
                self.ready = vec![SnapshotItem::ExternalIds(pairs)];
            }
            Part::SlotDone(done) => {
                let slot = u16::try_from(done.slot).ok().filter(|slot| u32::from(*slot) == self.request.from_slot);
                let slot = slot.ok_or_else(|| malformed("another slot than the next one"))?;
                self.ready = vec![SnapshotItem::SlotDone(Slot(slot))];
                self.ready.extend(self.open.take().map(SnapshotItem::List));
            }
            Part::Header(_) => return Err(malformed("a second header")),
        }
        Ok(true)
    }

    /// Adds parts of lists; the lists that are whole now.
    fn add(&mut self, lists: graph::SnapshotLists) -> Result<Vec<SnapshotItem>, Error> {
        let mut whole = Vec::new();
        for part in lists.lists {
            let name = graph::ListRef { relation: lists.relation, direction: lists.direction, user: part.user };
            let list = convert::list_ref(Some(&name), "lists").map_err(|_| malformed("no such list"))?;
            if !self.is_told(list.user) {
                return Err(malformed("a list of another slot"));
            }
            if part.gaps.is_empty() {
                return Err(malformed("a list without members"));
            }
            let mut open = match self.open.take() {
                Some(open) if part.continued && open.list == list => open,
                Some(open) if !part.continued => {
                    whole.push(SnapshotItem::List(open));
                    List::new(list)
                }
                None if !part.continued => List::new(list),
                _ => return Err(malformed("a part of a list that did not begin")),
            };
            self.append(&mut open, &part)?;
            self.open = Some(open);
        }
        Ok(whole)
    }

    /// Whether somebody was given out, and is of the slot that is told now.
    fn is_told(&self, user: UserId) -> bool {
        u32::from(self.slots.slot_of(user).0) == self.request.from_slot && user.0 < self.users
    }

    fn append(&self, List { edges, weights, .. }: &mut List, part: &graph::SnapshotList) -> Result<(), Error> {
        let times = if self.request.times { part.gaps.len() } else { 0 };
        if part.times.len() != times {
            return Err(malformed("not as many times as ids"));
        }
        let fits = part.weights.is_empty() || self.request.weights && part.weights.len() == part.gaps.len();
        if !fits {
            return Err(malformed("not as many weights as ids"));
        }
        if part.weights.iter().any(|weight| !weight.is_finite()) {
            return Err(malformed("a weight that is not finite"));
        }
        if !weights.is_empty() || !part.weights.is_empty() {
            // Parts without weights have those that all edges have by themselves.
            weights.resize(edges.len(), 1.0);
            weights.extend(&part.weights);
            weights.resize(edges.len() + part.gaps.len(), 1.0);
        }
        let mut id = 0u32;
        for (idx, gap) in part.gaps.iter().enumerate() {
            id = id.checked_add(*gap).filter(|id| *id < self.users).ok_or_else(|| malformed("an unknown user"))?;
            if edges.last().is_some_and(|last| last.user.0 >= id) {
                return Err(malformed("ids that do not ascend"));
            }
            edges.push(Edge { user: UserId(id), time: part.times.get(idx).copied().unwrap_or_default() });
        }
        Ok(())
    }
}

async fn next_part(stream: &mut BoxStream<'static, Result<SnapshotResponse, Error>>) -> Result<Option<Part>, Error> {
    match stream.next().await.transpose()? {
        None => Ok(None),
        Some(response) => response.part.map(Some).ok_or_else(|| malformed("an empty message")),
    }
}

fn malformed(what: &str) -> Error {
    Error::internal(format!("the stream of a snapshot has {what}"))
}

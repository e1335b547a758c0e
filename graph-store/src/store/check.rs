//! Whether everything on the disk is what was written, and the two directions tell the same.

use base::{Direction, ListRef, Relation, Slots, UserId};
use serde::Serialize;

use super::{Store, StoreError};

/// Findings that are told one by one; more are counted.
const FINDINGS_MAX: usize = 100;
/// Looks at lists that change each time; the last one is taken for what it is.
const LOOKS_MAX: usize = 100;
/// Groups of users whose edges are compared as sums, so that the sums take little memory.
const GROUPS_MAX: u16 = 256;

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Lists that were read.
    pub lists: u64,
    /// Edges of all relations, as whom users follow, block and mute.
    pub edges: u64,
    /// What is wrong and where; empty when all is well.
    pub findings: Vec<String>,
    /// Findings beyond those.
    pub further_findings: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.further_findings += 1;
        }
    }
}

/// For each pair of user groups, the number of edges and the sum of their hashes, in one direction.
struct Sums {
    groups: Slots,
    cells: Vec<(u64, u64)>,
}

impl Sums {
    fn new(groups: Slots) -> Self {
        let groups_squared = usize::from(groups.count()) * usize::from(groups.count());
        Sums { groups, cells: vec![(0, 0); groups_squared] }
    }

    fn cell(&self, source: UserId, target: UserId) -> usize {
        let [source, target] = [source, target].map(|user| usize::from(self.groups.slot_of(user).0));
        source * usize::from(self.groups.count()) + target
    }

    fn add(&mut self, source: UserId, target: UserId) {
        let cell = self.cell(source, target);
        let (count, sum) = &mut self.cells[cell];
        *count += 1;
        *sum = sum.wrapping_add(mix(u64::from(source.0) << 32 | u64::from(target.0)));
    }
}

impl Store {
    /// Verifies every checksum and every list, and that each edge is in both directions; nothing is changed.
    /// `progress` is told the share that is done, from 0 to 1.
    ///
    /// Writes may go on meanwhile: a list that changes while it is looked at is looked at again.
    pub fn check(&self, progress: &dyn Fn(f64)) -> Report {
        let mut report = Report::default();
        let slots = self.0.shared.slots;
        for (slot, lists) in slots.all().zip(&self.0.shared.lists) {
            lists.segments().verify(&mut |finding| report.find(format!("slot {slot}: {finding}")));
            progress(0.5 * f64::from(slot.0 + 1) / f64::from(slots.count()));
        }
        let whole = report.is_clean();
        self.check_published(&mut |finding| report.find(finding));
        // Damaged lists cannot be compared; what is wrong with them has been said.
        if whole {
            for relation in Relation::ALL {
                self.compare_directions(relation, &mut report);
                progress(0.5 + f64::from(relation as u8 + 1) / 6.0);
            }
        }
        report
    }

    fn compare_directions(&self, relation: Relation, report: &mut Report) {
        let slots = self.0.shared.slots;
        let groups = Slots::new(slots.count().min(GROUPS_MAX)).unwrap_or(slots);
        let mut sums = Direction::ALL.map(|_| Sums::new(groups));
        for direction in Direction::ALL {
            let sums = &mut sums[direction as usize];
            for user in (0..self.users()).map(UserId) {
                let list = ListRef { relation, direction, user };
                let members = match self.read_checked(list) {
                    Ok(members) => members,
                    Err(finding) => {
                        report.find(format!("{}: {finding}", name_of(list)));
                        continue;
                    }
                };
                report.lists += u64::from(!members.is_empty());
                for member in members {
                    let (source, target) = ends(direction, user, member);
                    sums.add(source, target);
                    report.edges += u64::from(direction == Direction::Forward);
                }
            }
        }
        let [forward, reverse] = sums;
        let unequal: Vec<usize> =
            (0..forward.cells.len()).filter(|idx| forward.cells[*idx] != reverse.cells[*idx]).collect();
        if unequal.is_empty() {
            return;
        }
        for direction in Direction::ALL {
            let other = Direction::ALL[1 - direction as usize];
            for user in (0..self.users()).map(UserId) {
                let Ok(members) = self.read_checked(ListRef { relation, direction, user }) else { continue };
                for member in members {
                    let (source, target) = ends(direction, user, member);
                    let there = ListRef { relation, direction: other, user: member };
                    if unequal.binary_search(&forward.cell(source, target)).is_ok()
                        && self.is_one_sided(ListRef { relation, direction, user }, there)
                    {
                        let (relation, has, lacks) = (relation.name(), direction.name(), other.name());
                        report.find(format!(
                            "{relation} of {source} to {target} is in the {has} list and not in the {lacks} list"
                        ));
                    }
                }
            }
        }
    }

    /// The members of a list, if they are what a list can have.
    fn read_checked(&self, list: ListRef) -> Result<Vec<UserId>, String> {
        let (members, count) = self
            .look_at(&[list], || Ok((self.members(list)?, self.count(list)?)))
            .map_err(|error| base::error::chain(&error))?;
        let members: Vec<UserId> = members.into_iter().map(UserId).collect();
        if count != members.len() as u64 {
            return Err(format!("has {} members, but counts {count}", members.len()));
        }
        if let Some(unknown) = members.iter().find(|member| member.0 >= self.users()) {
            return Err(format!("has the unknown user {unknown}"));
        }
        if members.contains(&list.user) {
            return Err("has its own user".to_owned());
        }
        Ok(members)
    }

    /// Whether the user of the second list is in the first and not the other way round.
    fn is_one_sided(&self, here: ListRef, there: ListRef) -> bool {
        let look = || Ok(self.contains(here, there.user)? && !self.contains(there, here.user)?);
        self.look_at(&[here, there], look).unwrap_or(false)
    }

    /// Looks until no list changed meanwhile.
    fn look_at<T>(&self, lists: &[ListRef], look: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
        let versions = || lists.iter().map(|list| self.version(*list)).collect::<Result<Vec<_>, _>>();
        let mut before = versions()?;
        for _ in 1..LOOKS_MAX {
            let seen = look()?;
            let after = versions()?;
            if before == after {
                return Ok(seen);
            }
            before = after;
        }
        look()
    }
}

fn ends(direction: Direction, user: UserId, member: UserId) -> (UserId, UserId) {
    match direction {
        Direction::Forward => (user, member),
        Direction::Reverse => (member, user),
    }
}

fn name_of(list: ListRef) -> String {
    format!("{} {} list of user {}", list.relation.name(), list.direction.name(), list.user)
}

/// The finalizer of MurmurHash3 (Austin Appleby): every bit of the edge moves every bit of the sum.
fn mix(mut key: u64) -> u64 {
    key = (key ^ key >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    key = (key ^ key >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ key >> 33
}

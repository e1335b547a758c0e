//! Set expressions: intersection, union and difference of lists and sets, nested.
//!
//! A combination is evaluated so that as little as possible is read. The operands of an intersection are taken
//! smallest first, by their sizes, which cost nothing; each further one is only asked which of the users found so far
//! it has, where it lies. So a short list meets a celebrity's by a lookup for each of its members, and a difference
//! likewise. The same question, passed down through a tree, is how a membership test is answered without evaluating
//! the whole ([`Expression::common`]). Where more than [`SORTED_MAX`](super::members::SORTED_MAX) users are found so
//! far, bitmaps meet word by word instead. The last operand of a count is counted and not collected.

mod window;
mod wire;

use std::sync::Arc;

use base::{Error, ListRef};
use proto::graph;

use super::members::{Members, Union, keep};
use super::{Budget, Cancellation, Lists, Metered, ProbedSet, TimeLimit};

/// How the operands of a combination become one set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Combine {
    /// Those in every operand.
    Intersection,
    /// Those in any operand.
    Union,
    /// Those in the first operand and in none of the others.
    Difference,
}

/// A set of users, as it is to be found.
#[derive(Clone, PartialEq, Debug)]
pub enum Expression {
    /// The members of a list.
    List(ListRef),
    /// A set that the caller sent, or one that is kept under a name.
    Set(Arc<ProbedSet>),
    /// A combination of others; never of none.
    Combination {
        /// How they are combined.
        combine: Combine,
        /// What is combined; the order matters to a difference alone.
        operands: Vec<Expression>,
    },
}

impl Expression {
    /// Reads an expression from the wire. `users` is the number of ids given out: ids from there on are of nobody.
    /// Named sets are looked up here, once, so that the whole expression sees one version of each.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` with the path of the field at fault, such as `expression.combination.operands[1].list.user`,
    /// for anything missing or unknown, a combination of nothing, and an expression nested deeper than
    /// [`EXPRESSION_DEPTH_MAX`](base::limits::EXPRESSION_DEPTH_MAX), with more than
    /// [`EXPRESSION_OPERANDS_MAX`](base::limits::EXPRESSION_OPERANDS_MAX) operands or with more than
    /// [`CALLER_SET_MAX`](base::limits::CALLER_SET_MAX) ids in its sets; `NOT_FOUND` for a named set that there is not.
    pub fn from_wire(
        wire: Option<&graph::Expression>,
        users: u32,
        lists: &Metered<'_, impl Lists>,
    ) -> Result<Self, Error> {
        wire::read(wire, users, lists)
    }

    /// Those in every one of some lists.
    pub fn intersection(lists: impl IntoIterator<Item = ListRef>) -> Self {
        let operands = lists.into_iter().map(Expression::List).collect();
        Expression::Combination { combine: Combine::Intersection, operands }
    }

    /// The set.
    ///
    /// # Errors
    ///
    /// Here and below: what the lists say, and the budget when it is spent.
    pub fn evaluate(&self, lists: &Metered<'_, impl Lists>) -> Result<Members, Error> {
        match self {
            Expression::List(list) => lists.members(*list),
            Expression::Set(set) => {
                lists.spend(set.bitmap().len())?;
                Ok(Members::of(set.bitmap()))
            }
            Expression::Combination { combine: Combine::Union, operands } => {
                let mut union = Union::default();
                for operand in operands {
                    union.add(operand.evaluate(lists)?);
                }
                Ok(union.finish())
            }
            Expression::Combination { combine, operands } => {
                let (first, rest) = in_turn(*combine, operands, lists)?;
                narrow(*combine, first.evaluate(lists)?, &rest, lists)
            }
        }
    }

    /// Those of some users, strictly increasing, who are in the set.
    pub fn common(&self, within: &[u32], lists: &Metered<'_, impl Lists>) -> Result<Vec<u32>, Error> {
        if within.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Expression::List(list) => lists.common(*list, within),
            Expression::Set(set) => {
                lists.spend(within.len() as u64)?;
                let mut found = within.to_vec();
                set.keep(&mut found);
                Ok(found)
            }
            Expression::Combination { combine: Combine::Union, operands } => {
                let mut missing = within.to_vec();
                for operand in operands {
                    let found = operand.common(&missing, lists)?;
                    missing = keep(missing, &found, false);
                }
                Ok(keep(within.to_vec(), &missing, false))
            }
            Expression::Combination { combine, operands } => {
                let (first, rest) = in_turn(*combine, operands, lists)?;
                let found = Members::Sorted(first.common(within, lists)?);
                Ok(narrow(*combine, found, &rest, lists)?.into_ids())
            }
        }
    }

    /// How many users are in the set. The size of a single list is known without reading it.
    pub fn count(&self, lists: &Metered<'_, impl Lists>) -> Result<u64, Error> {
        match self {
            Expression::List(list) => lists.count(*list),
            Expression::Set(set) => Ok(set.bitmap().len()),
            Expression::Combination { combine: Combine::Union, .. } => Ok(self.evaluate(lists)?.len()),
            Expression::Combination { combine, operands } => {
                let (first, rest) = in_turn(*combine, operands, lists)?;
                let Some((last, between)) = rest.split_last() else { return first.count(lists) };
                let found = narrow(*combine, first.evaluate(lists)?, between, lists)?;
                let common = last.count_common(&found, lists)?;
                Ok(if *combine == Combine::Difference { found.len().saturating_sub(common) } else { common })
            }
        }
    }

    /// How many ids are looked at, at the most, to find the set; or those of so many users who are in it.
    pub fn cost(&self, within: Option<u64>, lists: &Metered<'_, impl Lists>) -> Result<u64, Error> {
        match self {
            Expression::List(_) | Expression::Set(_) => within.map_or_else(|| self.size_bound(lists), Ok),
            Expression::Combination { combine: Combine::Union, operands } => {
                operands.iter().try_fold(0, |cost, operand| Ok(operand.cost(within, lists)?.saturating_add(cost)))
            }
            Expression::Combination { combine, operands } => {
                let (first, rest) = in_turn(*combine, operands, lists)?;
                let found = within.map_or_else(|| first.size_bound(lists), Ok)?;
                rest.into_iter().try_fold(first.cost(within, lists)?, |cost, operand| {
                    Ok(operand.cost(Some(found), lists)?.saturating_add(cost))
                })
            }
        }
    }

    /// How many of some users are in the set.
    fn count_common(&self, within: &Members, lists: &Metered<'_, impl Lists>) -> Result<u64, Error> {
        match (within, self) {
            (Members::Sorted(ids), Expression::List(list)) => {
                let mut count = 0;
                lists.each_common(*list, ids, &mut |_| count += 1)?;
                Ok(count)
            }
            (Members::Sorted(ids), _) => Ok(self.common(ids, lists)?.len() as u64),
            (Members::Bitmap(bitmap), _) => Ok(match self.evaluate(lists)? {
                Members::Bitmap(other) => bitmap.intersection_len(&other),
                Members::Sorted(ids) => ids.into_iter().filter(|id| bitmap.contains(*id)).count() as u64,
            }),
        }
    }

    /// Those of some users who are in the set.
    fn restrict(&self, within: &Members, lists: &Metered<'_, impl Lists>) -> Result<Members, Error> {
        match within {
            Members::Sorted(ids) => self.common(ids, lists).map(Members::Sorted),
            Members::Bitmap(_) => Ok(self.evaluate(lists)?.intersection(within)),
        }
    }

    /// How many users are in the set at the most, from the sizes of the lists alone.
    fn size_bound(&self, lists: &Metered<'_, impl Lists>) -> Result<u64, Error> {
        let (combine, operands) = match self {
            Expression::List(list) => return lists.count(*list),
            Expression::Set(set) => return Ok(set.bitmap().len()),
            Expression::Combination { combine, operands } => (*combine, operands),
        };
        if combine == Combine::Difference {
            return operands.first().map_or(Ok(0), |first| first.size_bound(lists));
        }
        let mut bounds = Vec::with_capacity(operands.len());
        for operand in operands {
            bounds.push(operand.size_bound(lists)?);
        }
        Ok(match combine {
            Combine::Union => bounds.into_iter().fold(0, u64::saturating_add),
            Combine::Intersection | Combine::Difference => bounds.into_iter().min().unwrap_or(0),
        })
    }
}

/// An expression without members, for combinations of none.
static NOBODY: Expression = Expression::Combination { combine: Combine::Union, operands: Vec::new() };

/// The operand that is evaluated, and those that are asked for what it has: the smallest first in an intersection.
fn in_turn<'a>(
    combine: Combine,
    operands: &'a [Expression],
    lists: &Metered<'_, impl Lists>,
) -> Result<(&'a Expression, Vec<&'a Expression>), Error> {
    let mut operands: Vec<&Expression> = operands.iter().collect();
    if combine == Combine::Intersection && operands.len() > 1 {
        let mut sized = Vec::with_capacity(operands.len());
        for operand in operands {
            sized.push((operand.size_bound(lists)?, operand));
        }
        sized.sort_by_key(|(bound, _)| *bound);
        operands = sized.into_iter().map(|(_, operand)| operand).collect();
    }
    if operands.is_empty() {
        return Ok((&NOBODY, operands));
    }
    Ok((operands.remove(0), operands))
}

/// What is left of `found` after each of `operands`; stops reading once nothing is.
fn narrow(
    combine: Combine,
    mut found: Members,
    operands: &[&Expression],
    lists: &Metered<'_, impl Lists>,
) -> Result<Members, Error> {
    for operand in operands {
        if found.is_empty() {
            break;
        }
        let common = operand.restrict(&found, lists)?;
        found = if combine == Combine::Difference { found.difference(&common) } else { common };
    }
    Ok(found)
}

/// How many users two lists have in common, such as whom somebody follows and who follows a celebrity.
///
/// # Errors
///
/// What the lists say; `DEADLINE_EXCEEDED` after [`QUERY_DEADLINE`](base::limits::QUERY_DEADLINE).
pub fn count_common(one: ListRef, other: ListRef, lists: &impl Lists) -> Result<u64, Error> {
    let budget = Budget::new(TimeLimit::ours(), Cancellation::default());
    Expression::intersection([one, other]).count(&Metered::new(lists, budget))
}

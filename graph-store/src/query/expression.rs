//! Set expressions: intersection, union and difference of lists and sets, nested.
//!
//! A combination is evaluated so that as little as possible is read. The operands of an intersection are taken
//! smallest first, by their sizes, which cost nothing; each further one is only asked which of the users found so far
//! it has. So a short list meets a celebrity's by a lookup for each of its members. The same question, passed down
//! through a tree, is how a membership test is answered without evaluating the whole ([`Expression::restrict`]).

use std::sync::Arc;

use base::limits::{CALLER_SET_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_OPERANDS_MAX};
use base::{Code, Error, ListRef, UserId};
use proto::graph;
use proto::graph::expression::Node;
use roaring::RoaringBitmap;

use super::{Lists, narrow};

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
    Set(Arc<RoaringBitmap>),
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
    /// [`EXPRESSION_DEPTH_MAX`], with more than [`EXPRESSION_OPERANDS_MAX`] operands or with more than
    /// [`CALLER_SET_MAX`] ids in its sets; `NOT_FOUND` for a named set that there is not.
    pub fn from_wire(wire: Option<&graph::Expression>, users: u32, lists: &impl Lists) -> Result<Self, Error> {
        Reader { lists, users, operands: 0, ids: 0 }.expression(wire, "expression", 1)
    }

    /// The set.
    pub fn evaluate(&self, lists: &impl Lists) -> Result<RoaringBitmap, Error> {
        let (combine, operands) = match self {
            Expression::List(list) => return lists.members(*list),
            Expression::Set(set) => return Ok(set.as_ref().clone()),
            Expression::Combination { combine, operands } => (*combine, operands),
        };
        match combine {
            Combine::Intersection => {
                let operands = smallest_first(operands, lists)?;
                let Some((first, rest)) = operands.split_first() else { return Ok(RoaringBitmap::new()) };
                intersect(first.evaluate(lists)?, rest, lists)
            }
            Combine::Union => {
                let mut found = RoaringBitmap::new();
                for operand in operands {
                    found |= operand.evaluate(lists)?;
                }
                Ok(found)
            }
            Combine::Difference => {
                let Some((first, rest)) = operands.split_first() else { return Ok(RoaringBitmap::new()) };
                subtract(first.evaluate(lists)?, rest, lists)
            }
        }
    }

    /// Those of `within` who are in the set.
    pub fn restrict(&self, within: &RoaringBitmap, lists: &impl Lists) -> Result<RoaringBitmap, Error> {
        if within.is_empty() {
            return Ok(RoaringBitmap::new());
        }
        let (combine, operands) = match self {
            Expression::List(list) => return narrow(lists, *list, within),
            Expression::Set(set) => return Ok(within & set.as_ref()),
            Expression::Combination { combine, operands } => (*combine, operands),
        };
        match combine {
            Combine::Intersection => intersect(within.clone(), &smallest_first(operands, lists)?, lists),
            Combine::Union => {
                let mut missing = within.clone();
                for operand in operands {
                    missing -= operand.restrict(&missing, lists)?;
                }
                Ok(within - missing)
            }
            Combine::Difference => {
                let Some((first, rest)) = operands.split_first() else { return Ok(RoaringBitmap::new()) };
                subtract(first.restrict(within, lists)?, rest, lists)
            }
        }
    }

    /// How many users are in the set. The size of a single list is known without reading it.
    pub fn count(&self, lists: &impl Lists) -> Result<u64, Error> {
        match self {
            Expression::List(list) => lists.count(*list),
            Expression::Set(set) => Ok(set.len()),
            Expression::Combination { .. } => Ok(self.evaluate(lists)?.len()),
        }
    }

    /// How many users are in the set at the most, from the sizes of the lists alone.
    fn size_bound(&self, lists: &impl Lists) -> Result<u64, Error> {
        let (combine, operands) = match self {
            Expression::List(list) => return lists.count(*list),
            Expression::Set(set) => return Ok(set.len()),
            Expression::Combination { combine, operands } => (*combine, operands),
        };
        let mut bounds = Vec::with_capacity(operands.len());
        for operand in operands {
            bounds.push(operand.size_bound(lists)?);
        }
        Ok(match combine {
            Combine::Intersection => bounds.into_iter().min().unwrap_or(0),
            Combine::Union => bounds.into_iter().fold(0, u64::saturating_add),
            Combine::Difference => bounds.first().copied().unwrap_or(0),
        })
    }
}

/// What is left of `found` after each of `operands`; stops reading once nothing is.
fn intersect(mut found: RoaringBitmap, operands: &[&Expression], lists: &impl Lists) -> Result<RoaringBitmap, Error> {
    for operand in operands {
        if found.is_empty() {
            break;
        }
        found = operand.restrict(&found, lists)?;
    }
    Ok(found)
}

/// What is left of `found` without each of `operands`; stops reading once nothing is.
fn subtract(mut found: RoaringBitmap, operands: &[Expression], lists: &impl Lists) -> Result<RoaringBitmap, Error> {
    for operand in operands {
        if found.is_empty() {
            break;
        }
        found -= operand.restrict(&found, lists)?;
    }
    Ok(found)
}

fn smallest_first<'a>(operands: &'a [Expression], lists: &impl Lists) -> Result<Vec<&'a Expression>, Error> {
    let mut sized = Vec::with_capacity(operands.len());
    for operand in operands {
        sized.push((operand.size_bound(lists)?, operand));
    }
    sized.sort_by_key(|(bound, _)| *bound);
    Ok(sized.into_iter().map(|(_, operand)| operand).collect())
}

/// Reads an expression and counts what it holds against the limits, before going deeper.
struct Reader<'a, L> {
    lists: &'a L,
    users: u32,
    operands: usize,
    ids: u64,
}

impl<L: Lists> Reader<'_, L> {
    fn expression(&mut self, wire: Option<&graph::Expression>, field: &str, depth: usize) -> Result<Expression, Error> {
        if depth > EXPRESSION_DEPTH_MAX {
            return Err(Error::invalid(field, format!("nested deeper than {EXPRESSION_DEPTH_MAX}")));
        }
        match wire.and_then(|wire| wire.node.as_ref()) {
            None => Err(Error::invalid(field, "must be given")),
            Some(Node::List(list)) => self.list(list, &format!("{field}.list")),
            Some(Node::Users(users)) => self.users(&users.ids, &format!("{field}.users.ids")),
            Some(Node::Bitmap(bytes)) => self.bitmap(bytes, &format!("{field}.bitmap")),
            Some(Node::NamedSet(name)) => match self.lists.named_set(name)? {
                Some(set) => Ok(Expression::Set(set)),
                None => Err(Error::new(Code::NotFound, "no such set").with_field(format!("{field}.named_set"))),
            },
            Some(Node::Combination(combination)) => {
                self.combination(combination, &format!("{field}.combination"), depth)
            }
        }
    }

    fn list(&mut self, list: &graph::ListRef, field: &str) -> Result<Expression, Error> {
        let list = proto::convert::list_ref(Some(list), field)?;
        self.known(list.user.0, || format!("{field}.user"))?;
        Ok(Expression::List(list))
    }

    fn users(&mut self, ids: &[u32], field: &str) -> Result<Expression, Error> {
        self.spend(ids.len() as u64, field)?;
        for (i, id) in ids.iter().enumerate() {
            self.known(*id, || format!("{field}[{i}]"))?;
        }
        Ok(Expression::Set(Arc::new(ids.iter().copied().collect())))
    }

    fn bitmap(&mut self, bytes: &[u8], field: &str) -> Result<Expression, Error> {
        const MESSAGE: &str = "not a roaring bitmap in the portable format";
        let mut rest = bytes;
        let set = RoaringBitmap::deserialize_from(&mut rest)
            .map_err(|source| Error::invalid(field, MESSAGE).with_source(source))?;
        if !rest.is_empty() {
            return Err(Error::invalid(field, MESSAGE));
        }
        self.spend(set.len(), field)?;
        if let Some(id) = set.max() {
            self.known(id, || field.to_owned())?;
        }
        Ok(Expression::Set(Arc::new(set)))
    }

    fn combination(&mut self, wire: &graph::Combination, field: &str, depth: usize) -> Result<Expression, Error> {
        let combine = match graph::Combine::try_from(wire.combine) {
            Ok(graph::Combine::Intersection) => Combine::Intersection,
            Ok(graph::Combine::Union) => Combine::Union,
            Ok(graph::Combine::Difference) => Combine::Difference,
            Ok(graph::Combine::Unspecified) | Err(_) => {
                return Err(Error::invalid(format!("{field}.combine"), "no such combination"));
            }
        };
        if wire.operands.is_empty() {
            return Err(Error::invalid(format!("{field}.operands"), "at least one must be given"));
        }
        self.operands = self.operands.saturating_add(wire.operands.len());
        if self.operands > EXPRESSION_OPERANDS_MAX {
            let message = format!("more than {EXPRESSION_OPERANDS_MAX} operands in the whole expression");
            return Err(Error::invalid(format!("{field}.operands"), message));
        }
        let mut operands = Vec::with_capacity(wire.operands.len());
        for (i, operand) in wire.operands.iter().enumerate() {
            operands.push(self.expression(Some(operand), &format!("{field}.operands[{i}]"), depth + 1)?);
        }
        Ok(Expression::Combination { combine, operands })
    }

    fn spend(&mut self, ids: u64, field: &str) -> Result<(), Error> {
        self.ids = self.ids.saturating_add(ids);
        if self.ids > CALLER_SET_MAX as u64 {
            let message = format!("more than {CALLER_SET_MAX} ids in the sets of the whole expression");
            return Err(Error::invalid(field, message));
        }
        Ok(())
    }

    fn known(&self, id: u32, field: impl FnOnce() -> String) -> Result<(), Error> {
        if id < self.users { Ok(()) } else { Err(Error::invalid(field(), format!("no user {}", UserId(id)))) }
    }
}

//! Reading an expression from the wire.

use std::sync::Arc;

use base::limits::{CALLER_SET_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_OPERANDS_MAX};
use base::{Code, Error, UserId};
use proto::graph;
use proto::graph::expression::Node;
use roaring::RoaringBitmap;

use super::{Combine, Expression};
use crate::query::{Lists, Metered, ProbedSet};

pub(super) fn read(
    wire: Option<&graph::Expression>,
    users: u32,
    lists: &Metered<'_, impl Lists>,
) -> Result<Expression, Error> {
    Reader { lists, users, operands: 0, ids: 0 }.expression(wire, "expression", 1)
}

/// Reads an expression and counts what it holds against the limits, before going deeper.
struct Reader<'a, L> {
    lists: &'a Metered<'a, L>,
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
        Ok(Expression::Set(Arc::new(ProbedSet::plain(ids.iter().copied().collect()))))
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
        Ok(Expression::Set(Arc::new(ProbedSet::plain(set))))
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

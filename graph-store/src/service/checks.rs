//! What several requests are refused for. Every error names the field.

use base::{Error, ListRef, UserId, limits};
use proto::{common, convert, graph};

use crate::store::Store;

/// Waits until reads see what the caller has seen.
pub(super) async fn at_least(store: &Store, wanted: Option<&common::Revision>) -> Result<(), Error> {
    match convert::revision(wanted, "at_least")? {
        Some(wanted) => Ok(store.wait_for(wanted).await?),
        None => Ok(()),
    }
}

/// A user among the first `users`, which are those given out.
pub(super) fn known(user: u32, users: u32, field: impl FnOnce() -> String) -> Result<UserId, Error> {
    if user < users { Ok(UserId(user)) } else { Err(Error::invalid(field(), format!("no user {user}"))) }
}

/// Users among the first `users`.
pub(super) fn all_known(ids: &[u32], users: u32, field: &str) -> Result<Vec<UserId>, Error> {
    ids.iter().enumerate().map(|(i, id)| known(*id, users, || format!("{field}[{i}]"))).collect()
}

/// A list of one of the first `users`.
pub(super) fn known_list(list: Option<&graph::ListRef>, users: u32, field: &str) -> Result<ListRef, Error> {
    let list = convert::list_ref(list, field)?;
    known(list.user.0, users, || format!("{field}.user"))?;
    Ok(list)
}

/// The name of a set or a consumer.
pub(super) fn name(name: String, field: &str) -> Result<String, Error> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=limits::NAME_MAX_BYTES).contains(&name.len()) && name.bytes().all(allowed) {
        Ok(name)
    } else {
        Err(Error::invalid(field, format!("1 to {} of a-z, 0-9, _ and -", limits::NAME_MAX_BYTES)))
    }
}

/// A number from 1 to `max`, or `default` where it is 0.
pub(super) fn within(number: u32, default: u32, max: u32, field: &str) -> Result<u32, Error> {
    match number {
        0 => Ok(default),
        number if number <= max => Ok(number),
        _ => Err(Error::invalid(field, format!("at most {max}"))),
    }
}

//! What there is to say about a request, and all requests there are.

use super::SchemaOf;
use super::{accounts, world};

/// One request.
pub(super) struct Operation {
    /// `get`, `post`, `delete`.
    pub(super) method: &'static str,
    /// With its parameters in braces.
    pub(super) path: &'static str,
    /// Its name for programs.
    pub(super) id: &'static str,
    /// What it does.
    pub(super) summary: &'static str,
    /// Whether an access token is needed.
    pub(super) logged_in: bool,
    /// Parameters of the query: name and meaning.
    pub(super) query: &'static [(&'static str, &'static str)],
    /// The body that is sent.
    pub(super) asked: Option<SchemaOf>,
    /// The status of success, and the body that comes with it.
    pub(super) answered: (u16, Option<SchemaOf>),
    /// Codes of refusals of its own. Where an access token is needed, [`ACCESS`] comes first; any may meet `too_many_requests`, `unavailable` and `internal`.
    pub(super) refused: &'static [&'static str],
}

/// The beginning of one that asks.
pub(super) const GET: Operation = Operation {
    method: "get",
    path: "",
    id: "",
    summary: "",
    logged_in: false,
    query: &[],
    asked: None,
    answered: (200, None),
    refused: &[],
};
/// The beginning of one that does something.
pub(super) const POST: Operation = Operation {
    method: "post",
    ..GET
};
/// The beginning of one that takes something away.
pub(super) const DELETE: Operation = Operation {
    method: "delete",
    ..GET
};
/// What the access token may be refused for.
const ACCESS: &[&str] = &["not_logged_in", "session_ended", "log_in_again"];

impl Operation {
    /// Codes of all its refusals.
    pub(super) fn refusals(&self) -> impl Iterator<Item = &'static str> {
        let access = if self.logged_in { ACCESS } else { &[] };
        access.iter().chain(self.refused).copied()
    }
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = &'static Operation> {
    accounts::OPERATIONS.iter().chain(world::OPERATIONS)
}

//! A credential whose person is erased: it lets into no account any more, and is as if it had never
//! been. Its name may be taken again, by anybody.

use eventlog::keyed::{Context, Verdict};
use schemas::Digest;
use schemas::credential::{Credential, CredentialCommand, CredentialEvent};
use schemas::erasure::{ErasureKey, Whom};

use crate::refusals::{NO_ORDER, NOT_YOURS, refusal};

/// Whether it is an operator's order.
pub(super) const fn is_order(command: &CredentialCommand) -> bool {
    matches!(command, CredentialCommand::Erase { .. })
}

/// What becomes of an order; `None`: it is none.
pub(super) fn decide(
    orders: &ErasureKey,
    key: &str,
    state: &Credential,
    command: &CredentialCommand,
    ctx: &Context,
) -> Option<Verdict<CredentialEvent>> {
    let CredentialCommand::Erase {
        account,
        order,
        seal,
    } = command
    else {
        return None;
    };
    let credential: Option<Digest> = key.parse().ok();
    let whom = credential.map(|credential| Whom::Credential(credential, *account));
    Some(match (whom, state.account) {
        (Some(whom), _) if !orders.holds(*seal, &whom, order) => {
            Verdict::refused(refusal(NO_ORDER))
        }
        (None, _) => Verdict::refused(refusal(NO_ORDER)),
        // It was erased before, or by now somebody else has the name.
        (_, None) => Verdict::unchanged(),
        (_, Some(owner)) if owner != *account => Verdict::refused(refusal(NOT_YOURS)),
        (_, Some(_)) => Verdict::events([CredentialEvent::Erased { at: ctx.stored_at }]),
    })
}

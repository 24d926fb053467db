//! A credential's end, by order.

use schemas::control::Order;
use schemas::erasure::{ErasureKey, Whom};

use super::*;
use crate::refusals::NO_ORDER;

fn erase(secret: &str, account: AccountId) -> CredentialAsked {
    let order = Order {
        by: "kim".into(),
        reason: "request 81".into(),
    };
    let whom = Whom::Credential(key().parse().unwrap(), account);
    let seal = ErasureKey::of_secret(secret).seal(&whom, &order);
    let command = CredentialCommand::Erase {
        account,
        order,
        seal,
    };
    command.into()
}

#[test]
fn by_order_a_credential_is_as_if_it_had_never_been() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let credentials = credentials();
    ann(&credentials, registered())
        .when(erase("another secret of thirty-two bytes", ANN))
        .then([])
        .refused(NO_ORDER);
    ann(&credentials, registered())
        .when(erase(SECRET, BEN))
        .then([])
        .refused(NOT_YOURS);
    let erased = CredentialEvent::Erased { at: NOW };
    let when = ann(&credentials, registered())
        .at(NOW)
        .when(erase(SECRET, ANN));
    assert_eq!(when.state, Credential::default());
    when.then([erased.clone()]).answer();
    let gone = registered().into_iter().chain([erased]);
    ann(&credentials, gone)
        .when(erase(SECRET, ANN))
        .then([])
        .answer();
}

//! People whom a provider vouches for.

use super::*;
use crate::refusals::NONCE_USED;

fn vouched_for() -> CredentialEvent {
    CredentialEvent::Registered {
        account: BEN,
        method: Method::Openid,
        hash: None,
    }
}

#[test]
fn the_first_login_begins_the_account() {
    let answer = ann(&credentials(), [])
        .when(Asked::with(log_in(), Evidence::Vouched))
        .then([vouched_for(), granted()])
        .answer();
    let (grant, claims) = grant(answer);
    assert_eq!((grant.account, grant.fresh), (BEN, true));
    assert_eq!(claims.method, Method::Openid);
}

#[test]
fn every_other_login_finds_it_again() {
    let answer = ann(&credentials(), [vouched_for(), granted()])
        .when(Asked::with(log_in(), Evidence::Vouched))
        .then([granted()])
        .answer();
    assert!(!grant(answer).0.fresh);
}

#[test]
fn a_bad_token_is_refused_for_its_reason_and_closes_nothing() {
    for code in ["oidc_signature", NONCE_USED, "oidc_other_person"] {
        let refused = ann(&credentials(), [vouched_for()])
            .when(Asked::with(log_in(), Evidence::Refused(refusal(code))))
            .then([])
            .refused(code);
        assert_eq!(refused.state.failures, 0);
    }
}

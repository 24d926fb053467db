//! Going on with a login session: the next tokens for a refresh token.

use schemas::account::{AccountCommand, refresh_proof};

use super::Tokens;
use super::account::ask_for_tokens;
use crate::client_address::ClientAddress;
use crate::http::Problem;
use crate::meters::{self, LoginMethod};
use crate::realm::Realm;

/// The next tokens.
///
/// # Errors
/// When the token is none, identity refuses it or does not answer.
pub(crate) async fn refresh(
    realm: &Realm,
    token: &str,
    client: &ClientAddress,
) -> Result<Tokens, Problem> {
    let Some((account, session, generation, proof)) = refresh_proof(token) else {
        return meters::login(LoginMethod::Refresh, Err(Problem::SESSION_UNKNOWN));
    };
    let asked = ask_for_tokens(realm, account, Some(session), client, |asker| {
        AccountCommand::Refresh {
            account,
            proof,
            generation,
            asker,
        }
    });
    meters::login(LoginMethod::Refresh, asked.await)
}

//! What identity needs to be told: `[identity]`, the keys that `up` makes.

use runtime::{OidcIssuers, Secret, Section, Wrong};
use serde::Deserialize;

use crate::access_token::AccessTokens;
use crate::accounts::Accounts;
use crate::guest_token::GuestTokens;

/// How identity runs: `[identity]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// From which guests' tokens are derived: at least 32 random characters, the same on all
    /// instances and for ever; another one logs every guest out. `WORLDLINE_IDENTITY_SECRET`.
    pub secret: Secret,
    /// The Ed25519 private key that signs access tokens, PKCS #8 in PEM.
    /// `WORLDLINE_IDENTITY_SIGNING_KEY`.
    pub signing_key: Secret,
    /// Whose tokens are good; the section `[oidc]`, filled in by the program.
    #[serde(skip)]
    pub oidc: OidcIssuers,
}

impl Config {
    /// The accounts' rules with these keys.
    ///
    /// # Errors
    /// When a key is missing or is no key.
    pub fn accounts(&self) -> Result<Accounts, Wrong> {
        let guests = GuestTokens::from_secret(self.secret.expose())
            .ok_or_else(|| Wrong::new("secret", "give at least 32 random characters"))?;
        let access = AccessTokens::from_pem(self.signing_key.expose())
            .map_err(|why| Wrong::new("signing_key", why.to_string()))?;
        Ok(Accounts::new(guests, access))
    }
}

impl Section for Config {
    const NAME: &'static str = "identity";

    fn check(&self) -> Result<(), Wrong> {
        self.accounts().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyPair;

    #[test]
    fn a_short_secret_and_a_wrong_key_are_refused_by_name() {
        let good = Config {
            secret: "0123456789abcdef0123456789abcdef".to_owned().into(),
            signing_key: KeyPair::generate().private.into(),
        };
        assert_eq!(good.check(), Ok(()));
        let short = Config {
            secret: "hunter2".to_owned().into(),
            ..good.clone()
        };
        assert!(format!("{:?}", short.check()).contains("\"secret\""));
        let public = Config {
            signing_key: KeyPair::generate().public.into(),
            ..good
        };
        assert!(format!("{:?}", public.check()).contains("\"signing_key\""));
    }
}

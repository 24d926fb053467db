//! Checking ID tokens (OpenID Connect Core 1.0, section 3.1.3.7): whether a provider's word about a person is
//! its own, fresh, and meant for us.
//!
//! - `token`: the token's text taken apart, before anything of it is believed.
//! - `key_set`: a provider's public keys.
//! - `key_cache`: the keys kept, through rotations and outages.
//! - `verifier`: all checks, in their order; each refusal is an [`OidcError`] of its own.
//!
//! That a nonce is used once is for others to keep: here it is only compared.

mod error;
mod key_cache;
mod key_set;
mod token;
mod verifier;

pub use error::OidcError;
pub use runtime::OidcIssuers as Config;
pub use verifier::{Claims, Verifier};

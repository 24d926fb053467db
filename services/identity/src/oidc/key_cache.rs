//! A provider's keys, kept.
//!
//! Keys are asked for when they are an hour old, or when a token names one that is not among them; then at most
//! once a minute, however many such tokens come, and never twice at the same time. A provider that does not
//! answer is not needed for a day: its keys stay good for so long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtime::{DiscoveryError, HttpClient, HttpError, IdTokenAlgorithm, OidcDiscovery, OidcIssuer};
use schemas::UnixMillis;

use super::error::OidcError;
use super::key_set::{KeySet, PublicKey};

/// From this age on, the keys are asked for again while the old ones are used, ms.
const FRESH_FOR: u64 = 60 * 60 * 1000;
/// From this age on, the keys are not used any more, ms.
const GOOD_FOR: u64 = 24 * 60 * 60 * 1000;
/// From one question to the next, ms.
const ASK_EVERY: u64 = 60 * 1000;
/// The same while there are no keys at all, ms: nobody can log in.
const ASK_EVERY_WITHOUT: u64 = 5 * 1000;
/// The largest key set, bytes.
const LARGEST: u64 = 256 * 1024;

/// The keys of one provider.
#[derive(Debug)]
pub(super) struct KeyCache {
    issuer: OidcIssuer,
    http: HttpClient,
    kept: Mutex<Kept>,
    /// Held by who asks the provider.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: Arc<KeySet>,
    /// When they were had.
    had_at: Option<UnixMillis>,
    /// When the provider was asked last, with or without an answer.
    asked_at: Option<UnixMillis>,
    /// Where the description says they are.
    described: Option<String>,
}

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("finding where its keys are")]
    Discovery(#[from] DiscoveryError),
    #[error("asking for its keys")]
    Http(#[from] HttpError),
    #[error("asking for its keys: status {0}")]
    Status(u16),
    #[error("what it calls its keys are no keys that can be used")]
    NoKeys,
}

impl Kept {
    /// How far away two points in time are; a clock that was set back shall not hold anything up.
    fn since(then: Option<UnixMillis>, now: UnixMillis) -> u64 {
        then.map_or(u64::MAX, |then| then.0.abs_diff(now.0))
    }

    fn age(&self, now: UnixMillis) -> u64 {
        Self::since(self.had_at, now)
    }

    fn may_ask(&self, now: UnixMillis) -> bool {
        let every = if self.age(now) < GOOD_FOR {
            ASK_EVERY
        } else {
            ASK_EVERY_WITHOUT
        };
        Self::since(self.asked_at, now) >= every
    }

    fn find(
        &self,
        kid: Option<&str>,
        algorithm: IdTokenAlgorithm,
        now: UnixMillis,
    ) -> Result<PublicKey, OidcError> {
        if self.age(now) >= GOOD_FOR {
            return Err(OidcError::KeysUnavailable);
        }
        self.keys.find(kid, algorithm)
    }
}

impl KeyCache {
    /// Nothing kept yet.
    pub(super) fn new(issuer: OidcIssuer, http: HttpClient) -> Arc<Self> {
        Arc::new(Self {
            issuer,
            http,
            kept: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    /// The key that a token of this header was signed with.
    ///
    /// # Errors
    /// [`OidcError::UnknownKey`], [`OidcError::KeyMismatch`] or [`OidcError::KeysUnavailable`].
    pub(super) async fn find(
        self: &Arc<Self>,
        kid: Option<&str>,
        algorithm: IdTokenAlgorithm,
        now: UnixMillis,
    ) -> Result<PublicKey, OidcError> {
        let (found, ageing) = {
            let kept = self.kept();
            let ageing = kept.age(now) >= FRESH_FOR && kept.may_ask(now);
            (kept.find(kid, algorithm, now), ageing)
        };
        match found {
            Err(OidcError::UnknownKey | OidcError::KeysUnavailable) => {}
            answer => {
                if ageing {
                    let this = self.clone();
                    tokio::spawn(async move { this.ask(now).await });
                }
                return answer;
            }
        }
        self.ask(now).await;
        self.kept().find(kid, algorithm, now)
    }

    /// Asks the provider, unless that was done just now; waits for whoever is doing it.
    async fn ask(&self, now: UnixMillis) {
        let _asking = self.asking.lock().await;
        let described = {
            let mut kept = self.kept();
            if !kept.may_ask(now) {
                return;
            }
            kept.asked_at = Some(now);
            kept.described.clone()
        };
        let fetched = self.fetch(described).await;
        let mut kept = self.kept();
        match fetched {
            Ok((keys, described)) => {
                kept.keys = Arc::new(keys);
                kept.had_at = Some(now);
                kept.described = described;
            }
            Err(error) => {
                // It may have moved.
                kept.described = None;
                let told = &error as &dyn std::error::Error;
                let provider = &self.issuer.name;
                let had_minutes_ago = kept.had_at.map(|had| had.0.abs_diff(now.0) / 60_000);
                tracing::warn!(
                    %provider,
                    had_minutes_ago,
                    error = told,
                    "an identity provider's keys cannot be had; those that are kept stay good for a day"
                );
            }
        }
    }

    /// The keys, and where the description said they are.
    async fn fetch(&self, described: Option<String>) -> Result<(KeySet, Option<String>), AskError> {
        let (url, described) = match (&self.issuer.jwks_uri, described) {
            (Some(configured), _) => (configured.clone(), None),
            (None, Some(described)) => (described.clone(), Some(described)),
            (None, None) => {
                let found = OidcDiscovery::fetch(&self.http, &self.issuer).await?;
                (found.jwks_uri.clone(), Some(found.jwks_uri))
            }
        };
        let answer = self.http.get(&url, LARGEST).await?;
        if answer.status != 200 {
            return Err(AskError::Status(answer.status));
        }
        let keys = KeySet::read(&answer.body).ok_or(AskError::NoKeys)?;
        Ok((keys, described))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Authorization codes: good once, for a minute, for whom they were given out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::personas::Persona;

/// How long a code is good.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// Codes that may be out at once; beyond, the oldest end.
const MOST: usize = 1000;

/// What a code stands for.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    /// Who has logged in.
    pub(crate) persona: &'static Persona,
    /// At which client.
    pub(crate) client_id: String,
    /// Where the browser was sent with it.
    pub(crate) redirect_uri: String,
    /// What the client wants to find in the token.
    pub(crate) nonce: Option<String>,
    /// Digest of the client's verifier (PKCE, S256).
    pub(crate) challenge: String,
}

/// What a client shows to have a code exchanged.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) code: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
}

/// The codes that are out.
#[derive(Debug, Default)]
pub(crate) struct Codes {
    out: HashMap<String, (Instant, Grant)>,
}

impl Codes {
    /// Gives out a code.
    pub(crate) fn give(&mut self, grant: Grant, now: Instant) -> String {
        self.out.retain(|_, (at, _)| now < *at + GOOD_FOR);
        if self.out.len() >= MOST {
            let oldest = self.out.iter().min_by_key(|(_, (at, _))| *at);
            if let Some(oldest) = oldest.map(|(code, _)| code.clone()) {
                self.out.remove(&oldest);
            }
        }
        let code = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 24]>());
        self.out.insert(code.clone(), (now, grant));
        code
    }

    /// Takes a code back, whatever comes of it; `None` when it is not good.
    pub(crate) fn take(&mut self, shown: &Shown<'_>, now: Instant) -> Option<Grant> {
        let (at, grant) = self.out.remove(shown.code)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(shown.verifier));
        let good = now < at + GOOD_FOR
            && grant.client_id == shown.client_id
            && grant.redirect_uri == shown.redirect_uri
            && grant.challenge == challenge;
        good.then_some(grant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personas::PERSONAS;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn given(codes: &mut Codes, now: Instant) -> String {
        let grant = Grant {
            persona: &PERSONAS[0],
            client_id: "game".into(),
            redirect_uri: "http://localhost/cb".into(),
            nonce: None,
            // RFC 7636, appendix B.
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into(),
        };
        codes.give(grant, now)
    }

    fn shown(code: &str) -> Shown<'_> {
        Shown {
            code,
            client_id: "game",
            redirect_uri: "http://localhost/cb",
            verifier: VERIFIER,
        }
    }

    #[test]
    fn a_code_is_good_once_for_a_minute() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let code = given(&mut codes, now);
        assert!(codes.take(&shown(&code), now).is_some());
        assert!(codes.take(&shown(&code), now).is_none(), "twice");
        let code = given(&mut codes, now);
        assert!(codes.take(&shown(&code), now + GOOD_FOR).is_none(), "late");
    }

    #[test]
    fn a_code_is_of_no_use_to_others() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        let mut refused = |change: fn(&mut Shown<'_>)| {
            let code = given(&mut codes, now);
            let mut stolen = shown(&code);
            change(&mut stolen);
            let first = codes.take(&stolen, now).is_none();
            first && codes.take(&shown(&code), now).is_none()
        };
        assert!(refused(|shown| shown.client_id = "other"));
        assert!(refused(|shown| shown.redirect_uri = "http://localhost/"));
        assert!(refused(|shown| shown.verifier = "guess"));
        assert!(refused(|shown| shown.verifier = ""));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut codes, now) = (Codes::default(), Instant::now());
        for _ in 0..MOST + 10 {
            given(&mut codes, now);
        }
        assert_eq!(codes.out.len(), MOST);
    }
}

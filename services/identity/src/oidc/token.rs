//! An ID token taken apart. Nothing in here has been checked, nothing is believed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use super::error::OidcError;

/// The largest token that is read, bytes; Google's have about one thousand.
pub(super) const LARGEST: usize = 16 * 1024;
/// The year 5138, in seconds since 1970.
const LAST_DATE: f64 = 1e11;

/// The parts of a token.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// Header and claims, as they were signed.
    pub(super) signed: &'a str,
    /// The signature, base64url.
    pub(super) signature: &'a str,
    header: &'a str,
    claims: &'a str,
}

/// The header, as far as it is understood.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    /// How it says it is signed.
    pub(super) alg: String,
    /// With which key.
    pub(super) kid: Option<String>,
    /// Which kind of token it is.
    typ: Option<String>,
    /// Extensions that a reader has to understand.
    crit: Option<serde::de::IgnoredAny>,
}

/// The claims, as far as they are understood.
#[derive(Deserialize)]
pub(super) struct Written {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Audience,
    pub(super) azp: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) exp: Date,
    pub(super) iat: Date,
    pub(super) nbf: Option<Date>,
    pub(super) email: Option<String>,
    pub(super) email_verified: Option<Truth>,
    pub(super) name: Option<String>,
}

/// For whom: one or several.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn contains(&self, client: &str) -> bool {
        match self {
            Self::One(one) => one == client,
            Self::Several(several) => several.iter().any(|one| one == client),
        }
    }

    pub(super) fn is_several(&self) -> bool {
        matches!(self, Self::Several(several) if several.len() > 1)
    }
}

/// A point in time, milliseconds since 1970; written in seconds, perhaps with a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Date(pub(super) u64);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        if !(0.0..=LAST_DATE).contains(&seconds) {
            return Err(serde::de::Error::custom("no date"));
        }
        // In range, by the line above.
        Ok(Self((seconds * 1000.0) as u64))
    }
}

/// `true`; some providers write it as a text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Truth {
    Bool(bool),
    Text(String),
}

impl Truth {
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Bool(truth) => *truth,
            Self::Text(text) => text == "true",
        }
    }
}

impl<'a> Parts<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`OidcError::TooLarge`] or [`OidcError::Malformed`].
    pub(super) fn of(token: &'a str) -> Result<Self, OidcError> {
        if token.len() > LARGEST {
            return Err(OidcError::TooLarge);
        }
        let malformed = OidcError::Malformed("it has not three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(malformed)?;
        if claims.contains('.') {
            return Err(malformed);
        }
        Ok(Self {
            signed,
            signature,
            header,
            claims,
        })
    }

    /// Reads the header.
    ///
    /// # Errors
    /// [`OidcError::Malformed`].
    pub(super) fn header(&self) -> Result<Header, OidcError> {
        let header: Header = read(self.header).ok_or(OidcError::Malformed("its header"))?;
        if header.crit.is_some() {
            return Err(OidcError::Malformed("its header has a critical extension"));
        }
        // An access token or a logout token must not pass for an ID token.
        let typ = header.typ.as_deref();
        if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(OidcError::Malformed("it is another kind of token"));
        }
        Ok(header)
    }

    /// Reads the claims.
    ///
    /// # Errors
    /// [`OidcError::Malformed`].
    pub(super) fn claims(&self) -> Result<Written, OidcError> {
        read(self.claims).ok_or(OidcError::Malformed("its claims"))
    }
}

fn read<T: DeserializeOwned>(part: &str) -> Option<T> {
    let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, OidcError> {
        let token = format!("{}.e30.", URL_SAFE_NO_PAD.encode(text));
        Parts::of(&token)?.header()
    }

    #[test]
    fn what_is_no_id_token_is_refused_before_anything_else() {
        for bad in ["", ".", "a.b", "a.b.c.d", "....", "é.é.é"] {
            let read = Parts::of(bad).and_then(|parts| parts.header());
            assert!(matches!(read, Err(OidcError::Malformed(_))), "{bad}");
        }
        let large = "a".repeat(LARGEST + 1);
        assert_eq!(Parts::of(&large).err(), Some(OidcError::TooLarge));
        assert!(header(r#"{"alg":"RS256"}"#).is_ok());
        assert!(header(r#"{"alg":"RS256","typ":"jwt","kid":"1","x5t":"2"}"#).is_ok());
        for bad in [
            "{}",
            "[]",
            r#"{"alg":1}"#,
            r#"{"alg":"RS256","alg":"none"}"#,
            r#"{"alg":"RS256","crit":["exp"]}"#,
            r#"{"alg":"RS256","typ":"at+jwt"}"#,
        ] {
            assert!(matches!(header(bad), Err(OidcError::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn dates_are_seconds_of_a_sane_year() {
        let date = |text| serde_json::from_str::<Date>(text).ok();
        assert_eq!(date("1700000000"), Some(Date(1_700_000_000_000)));
        assert_eq!(date("1700000000.5"), Some(Date(1_700_000_000_500)));
        for bad in ["-1", "1e12", "\"1700000000\"", "null", "1e999"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}

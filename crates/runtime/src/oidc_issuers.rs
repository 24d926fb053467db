//! Whose word is taken about who somebody is: `[oidc]`, read by identity (which checks the tokens) and by the
//! edges (which send browsers to log in).
//!
//! Google needs a client id only, the development issuer its address; any other provider is an entry of
//! `[[oidc.issuers]]`.

use serde::Deserialize;

use crate::config::{Secret, Section, Wrong};
use crate::http_client::check_url;

/// The client that the development issuer knows.
const DEV_CLIENT: &str = "worldline-dev";
const GOOGLE: &str = "https://accounts.google.com";
const LONGEST_NAME: usize = 32;

/// All identity providers: `[oidc]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcIssuers {
    /// Where browsers reach the edges, as registered with the providers: `https://play.example`. Default
    /// empty: `http://` and the requested host, which works on this machine only;
    /// `WORLDLINE_OIDC_PUBLIC_URL`.
    pub public_url: String,
    /// The client id that Google has given; adds the provider `google`. Default empty, no such provider;
    /// `WORLDLINE_OIDC_GOOGLE_CLIENT_ID`.
    pub google_client_id: String,
    /// The secret that belongs to it; needed by edges only. `WORLDLINE_OIDC_GOOGLE_CLIENT_SECRET`.
    pub google_client_secret: Secret,
    /// Address of a development issuer on this machine; adds the provider `dev`, where everybody may log in
    /// as anybody. Default empty, none; `WORLDLINE_OIDC_DEV_ISSUER`.
    pub dev_issuer: String,
    /// Further providers, in the file only: `[[oidc.issuers]]`. Default none.
    pub issuers: Vec<OidcIssuer>,
}

/// One identity provider: `[[oidc.issuers]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcIssuer {
    /// What it is called in addresses: `google`; 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// What people call it: `Google`. Default the name.
    pub title: String,
    /// Its issuer identifier, from which its description is found: `https://accounts.google.com`. Part of the
    /// key of each account: it must never change.
    pub issuer: String,
    /// Other spellings of it in tokens (`accounts.google.com`). Default none.
    pub aliases: Vec<String>,
    /// The id that the provider has given us.
    pub client_id: String,
    /// The secret that belongs to it; needed by edges only. Default none.
    pub client_secret: Secret,
    /// Where its public keys are. Default: as its description says.
    pub jwks_uri: Option<String>,
    /// Where a browser is sent to log in. Default: as its description says.
    pub authorization_endpoint: Option<String>,
    /// Where a code is exchanged for tokens. Default: as its description says.
    pub token_endpoint: Option<String>,
    /// What is asked for. Default `openid`, `email`, `profile`.
    pub scopes: Option<Vec<String>>,
    /// With which algorithms it may sign. Default `RS256`, `ES256`, `EdDSA`.
    pub algorithms: Option<Vec<IdTokenAlgorithm>>,
}

/// How an ID token may be signed: with a private key, whatever else it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum IdTokenAlgorithm {
    /// RSA with at least 2048 bits, PKCS #1 padding and SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl IdTokenAlgorithm {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];
}

impl OidcIssuers {
    /// Every configured provider, Google and the development issuer among them.
    #[must_use]
    pub fn all(&self) -> Vec<OidcIssuer> {
        let mut all = Vec::new();
        if !self.google_client_id.is_empty() {
            all.push(OidcIssuer {
                client_secret: self.google_client_secret.clone(),
                ..OidcIssuer::google(&self.google_client_id)
            });
        }
        if !self.dev_issuer.is_empty() {
            all.push(OidcIssuer::dev(&self.dev_issuer));
        }
        all.extend(self.issuers.iter().cloned());
        all
    }
}

impl OidcIssuer {
    /// Google, for the client with this id.
    #[must_use]
    pub fn google(client_id: &str) -> Self {
        Self {
            name: "google".into(),
            title: "Google".into(),
            issuer: GOOGLE.into(),
            // Google's documentation names both.
            aliases: vec!["accounts.google.com".into()],
            client_id: client_id.into(),
            algorithms: Some(vec![IdTokenAlgorithm::Rs256, IdTokenAlgorithm::Es256]),
            ..Self::default()
        }
    }

    /// The development issuer at this address.
    #[must_use]
    pub fn dev(issuer: &str) -> Self {
        Self {
            name: "dev".into(),
            title: "a development persona".into(),
            issuer: issuer.into(),
            client_id: DEV_CLIENT.into(),
            ..Self::default()
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.title.is_empty() {
            &self.name
        } else {
            &self.title
        }
    }

    /// Whether this is one of the issuer's spellings, letter by letter.
    #[must_use]
    pub fn is_spelled(&self, issuer: &str) -> bool {
        self.issuer == issuer || self.aliases.iter().any(|alias| alias == issuer)
    }

    /// With which algorithms it may sign.
    #[must_use]
    pub fn algorithms(&self) -> &[IdTokenAlgorithm] {
        self.algorithms.as_deref().unwrap_or(&IdTokenAlgorithm::ALL)
    }

    /// What is asked for, separated by blanks.
    #[must_use]
    pub fn scope(&self) -> String {
        match &self.scopes {
            Some(scopes) => scopes.join(" "),
            None => "openid email profile".into(),
        }
    }

    fn check(&self, key: &'static str) -> Result<(), Wrong> {
        let name = &self.name;
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
            return Err(Wrong::new(
                key,
                format!(
                    "`{name}` is not a provider's name of 1 to 32 letters a-z, digits and hyphens"
                ),
            ));
        }
        let wrong = |why: String| Wrong::new(key, format!("provider `{name}`: {why}"));
        if self.client_id.is_empty() {
            return Err(wrong("its `client_id` is missing".into()));
        }
        let urls = [
            Some(&self.issuer),
            self.jwks_uri.as_ref(),
            self.authorization_endpoint.as_ref(),
            self.token_endpoint.as_ref(),
        ];
        for url in urls.into_iter().flatten() {
            check_url(url).map_err(|error| wrong(error.to_string()))?;
        }
        if self.algorithms().is_empty() {
            return Err(wrong("with no `algorithms`, no token is good".into()));
        }
        if !self.scope().split(' ').any(|scope| scope == "openid") {
            return Err(wrong("`openid` must be among its `scopes`".into()));
        }
        Ok(())
    }
}

impl Section for OidcIssuers {
    const NAME: &'static str = "oidc";

    fn check(&self) -> Result<(), Wrong> {
        if !self.public_url.is_empty() {
            check_url(&self.public_url)
                .map_err(|error| Wrong::new("public_url", error.to_string()))?;
        }
        if !self.dev_issuer.is_empty() && !self.dev_issuer.starts_with("http://") {
            let why = "the development issuer is for this machine: give its http:// address";
            return Err(Wrong::new("dev_issuer", why));
        }
        let all = self.all();
        for (at, issuer) in all.iter().enumerate() {
            let key = match issuer.name.as_str() {
                "dev" if !self.dev_issuer.is_empty() => "dev_issuer",
                "google" if !self.google_client_id.is_empty() => "google_client_id",
                _ => "issuers",
            };
            issuer.check(key)?;
            // The account's key is the issuer's: two providers must not speak of the same one.
            let same = |other: &OidcIssuer| {
                other.name == issuer.name
                    || issuer.is_spelled(&other.issuer)
                    || issuer.aliases.iter().any(|alias| other.is_spelled(alias))
            };
            if all[..at].iter().any(same) {
                let why = format!(
                    "there are two providers `{}`, or of its issuer",
                    issuer.name
                );
                return Err(Wrong::new(key, why));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Flags, Known, Sources};

    fn read(text: &str) -> Result<OidcIssuers, String> {
        let known = Known {
            sections: &["oidc"],
            variables: &[],
        };
        let file = Some((Path::new("worldline.toml"), text));
        Sources::merge(known, file, [], &[], Flags::new())
            .and_then(|sources| sources.load())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn google_needs_a_client_id_and_others_an_entry() {
        let read = read(
            r#"
            [oidc]
            google_client_id = "me.apps.googleusercontent.com"
            google_client_secret = "hush"
            dev_issuer = "http://127.0.0.1:9800"
            [[oidc.issuers]]
            name = "club"
            issuer = "https://id.club.example"
            client_id = "game"
            algorithms = ["EdDSA"]
            "#,
        )
        .expect("good");
        assert!(!format!("{read:?}").contains("hush"));
        let all = read.all();
        let names: Vec<_> = all.iter().map(|issuer| issuer.name.as_str()).collect();
        assert_eq!(names, ["google", "dev", "club"]);
        assert!(all[0].is_spelled("accounts.google.com"));
        assert!(all[0].is_spelled("https://accounts.google.com"));
        assert!(!all[0].is_spelled("https://accounts.google.com/"));
        assert_eq!(all[0].client_secret.expose(), "hush");
        assert_eq!(all[2].algorithms(), [IdTokenAlgorithm::EdDsa]);
        assert_eq!(all[2].title(), "club");
    }

    #[test]
    fn what_would_let_strangers_in_is_refused() {
        let entry = |rest: &str| read(&format!("[[oidc.issuers]]\nclient_id = \"game\"\n{rest}"));
        let club = "name = \"club\"\nissuer = \"https://id.club.example\"\n";
        assert!(entry(club).is_ok());
        for (text, told) in [
            (
                "name = \"club\"\nissuer = \"http://id.club.example\"",
                "https://",
            ),
            (
                "name = \"Club\"\nissuer = \"https://id.club.example\"",
                "name",
            ),
            (&format!("{club}algorithms = [\"HS256\"]"), "HS256"),
            (&format!("{club}algorithms = [\"none\"]"), "none"),
            (&format!("{club}algorithms = []"), "algorithms"),
            (&format!("{club}scopes = [\"email\"]"), "openid"),
            (
                &format!("{club}token_endpoint = \"http://evil.test\""),
                "https://",
            ),
            (
                &format!("{club}[[oidc.issuers]]\nclient_id = \"x\"\n{club}"),
                "two",
            ),
        ] {
            let refused = entry(text).expect_err(text);
            assert!(refused.contains(told), "{refused}");
        }
        let far = read("[oidc]\ndev_issuer = \"http://dev.example\"").expect_err("far");
        assert!(far.contains("dev_issuer"), "{far}");
    }
}

//! ID tokens, in order or with an ordered fault.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::codes::Grant;
use crate::faults::Faults;
use crate::keys::{KeyType, SigningKey};

/// Who a spoilt token and a spoilt description say they are of.
pub(crate) const WRONG_ISSUER: &str = "https://issuer.invalid";
const OTHER_CLIENT: &str = "somebody-else";
/// How long a token is good, s.
const LIFETIME: u64 = 3600;
/// Larger than anybody should read, bytes.
const OVERSIZE: usize = 64 * 1024;

/// Writes the token for a grant.
pub(crate) fn write(
    issuer: &str,
    grant: &Grant,
    key: &SigningKey,
    faults: &Faults,
) -> anyhow::Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let claims = claims(issuer, grant, faults, now.context("the clock")?.as_secs());
    let algorithm = key.kind.algorithm();
    let told = match key.kind {
        _ if faults.alg_none => "none".to_owned(),
        _ if faults.alg_hs256 => "HS256".to_owned(),
        KeyType::EdDsa if faults.alg_of_other_key => "ES256".to_owned(),
        _ if faults.alg_of_other_key => "EdDSA".to_owned(),
        _ => format!("{algorithm:?}"),
    };
    let kid = if faults.unknown_kid {
        URL_SAFE_NO_PAD.encode(rand::random::<[u8; 9]>())
    } else {
        key.kid.clone()
    };
    let header = json!({ "alg": told, "kid": kid, "typ": "JWT" });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let signature = signature(signed.as_bytes(), key, faults).context("signing")?;
    Ok(format!("{signed}.{signature}"))
}

fn signature(
    signed: &[u8],
    key: &SigningKey,
    faults: &Faults,
) -> jsonwebtoken::errors::Result<String> {
    use jsonwebtoken::crypto::sign;
    if faults.alg_none {
        return Ok(String::new());
    }
    if faults.alg_hs256 {
        let secret = key.public.to_string();
        let secret = EncodingKey::from_secret(secret.as_bytes());
        return sign(signed, &secret, Algorithm::HS256);
    }
    let good = sign(signed, &key.private, key.kind.algorithm())?;
    if !faults.bad_signature {
        return Ok(good);
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(&good).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(5) {
        *byte ^= 1;
    }
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn claims(issuer: &str, grant: &Grant, faults: &Faults, now: u64) -> Value {
    let persona = grant.persona;
    let client = grant.client_id.as_str();
    let audience = if faults.many_audiences {
        json!([client, OTHER_CLIENT])
    } else if faults.wrong_audience {
        json!(OTHER_CLIENT)
    } else {
        json!(client)
    };
    let (issued, expires) = if faults.expired {
        (now - 180, now - 120)
    } else if faults.issued_in_future {
        (now + 300, now + LIFETIME)
    } else if faults.issued_long_ago {
        (now - LIFETIME, now + LIFETIME)
    } else {
        (now, now + LIFETIME)
    };
    let mut claims = json!({
        "iss": if faults.wrong_issuer { WRONG_ISSUER } else { issuer },
        "sub": format!("persona-{}", persona.id),
        "aud": audience,
        "iat": issued,
        "exp": expires,
        "email": persona.email,
        "email_verified": persona.email_verified,
        "name": persona.name,
    });
    if faults.wrong_azp {
        claims["azp"] = json!(OTHER_CLIENT);
    } else if !faults.many_audiences {
        claims["azp"] = json!(client);
    }
    if faults.wrong_nonce {
        claims["nonce"] = json!("another-nonce");
    } else if let (Some(nonce), false) = (&grant.nonce, faults.missing_nonce) {
        claims["nonce"] = json!(nonce);
    }
    if faults.oversized {
        claims["padding"] = json!("x".repeat(OVERSIZE));
    }
    if let (true, Value::Object(claims)) = (faults.missing_subject, &mut claims) {
        claims.remove("sub");
    }
    claims
}

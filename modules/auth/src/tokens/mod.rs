//! Access tokens: JWTs of ten minutes, signed with Ed25519 (RFC 9068, RFC 8037), and the refresh tokens that come with them.

mod refresh;

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header, Validation};
use kernel::{Instant, SiteId, Sites};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::keys::{Keyring, PublicKey};
use crate::roles::Role;
use crate::sessions::IDLE;

pub(crate) use refresh::{Presented, Refreshing};

/// How long an access token lives.
pub(crate) const LIFE_SECONDS: i64 = 600;
/// How far the clocks of two replicas may be apart.
const LEEWAY_SECONDS: i64 = 30;
const TYPE: &str = "at+jwt";
/// The only header fields that are taken: with `jku`, `x5u`, `jwk` a token would bring its own key.
const HEADER_FIELDS: [&str; 3] = ["alg", "typ", "kid"];

/// What an access token says. Role, scope and sites are hints for clients: what a caller may do is read from the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    /// The user.
    pub(crate) sub: Uuid,
    pub(crate) iat: i64,
    pub(crate) nbf: i64,
    pub(crate) exp: i64,
    pub(crate) jti: Uuid,
    /// The session, and how often it had been refreshed.
    pub(crate) sid: Uuid,
    pub(crate) counter: i64,
    /// The installation's epoch: tokens from before a restore are void.
    pub(crate) epoch: i64,
    pub(crate) tid: Uuid,
    /// The membership.
    pub(crate) mid: Uuid,
    pub(crate) role: Role,
    /// The permissions, separated by spaces.
    pub(crate) scope: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) all_sites: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sites: Option<Vec<SiteId>>,
}

/// For whom a token is made.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) user_id: Uuid,
    pub(crate) tenant_id: Uuid,
    pub(crate) membership_id: Uuid,
    pub(crate) session_id: Uuid,
    pub(crate) counter: i64,
    /// What the session's refresh tokens are made with.
    pub(crate) nonce: String,
    /// The session's end, whatever happens.
    pub(crate) expires_at: Instant,
    pub(crate) epoch: i64,
    pub(crate) role: Role,
    pub(crate) sites: Sites,
}

/// What a client gets when it has logged in.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// What to send as `Authorization: Bearer …`; a JWT signed with a key of `/v1/auth/jwks.json`.
    pub access_token: String,
    /// Always `Bearer`.
    #[schema(value_type = String)]
    pub token_type: &'static str,
    /// Seconds until the access token expires.
    pub expires_in: i64,
    /// What `POST /v1/auth/refresh` gives the next tokens for. Each is used once; the answer holds the next one.
    pub refresh_token: String,
    /// When the refresh token is too old, where it is not used before: two weeks from now, or at the session's end.
    pub refresh_expires_at: Instant,
    /// Only after a log-in from a device that was not known: to be kept there, also after logging out, and sent with the next log-in. From a
    /// device that is known a user does not wait for what others have tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// The session that was begun.
    pub session_id: Uuid,
    /// The tenant of the session; it never changes.
    pub tenant_id: Uuid,
}

/// Signs access tokens and verifies them.
pub(crate) struct Authority {
    issuer: String,
    audience: String,
    validation: Validation,
    keys: RwLock<Arc<Keyring>>,
    refreshing: Refreshing,
}

impl Authority {
    pub(crate) fn new(issuer: String, audience: String, keys: Keyring, refreshing: Refreshing) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["iss", "aud", "exp", "nbf", "sub"]);
        // The library would read the system's clock; `in_time` reads ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self { issuer, audience, validation, keys: RwLock::new(Arc::new(keys)), refreshing }
    }

    /// The keys as they were read last.
    pub(crate) fn keys(&self) -> Arc<Keyring> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on signs and verifies with these.
    pub(crate) fn trust(&self, keys: Keyring) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    pub(crate) fn published(&self) -> Vec<PublicKey> {
        self.keys().published()
    }

    /// Whether a token names a key that is not known here: it may have come since the keys were read.
    pub(crate) fn is_of_unknown_key(&self, token: &str) -> bool {
        key_id(token).is_some_and(|kid| self.keys().trusted(&kid).is_none())
    }

    pub(crate) fn issue(&self, subject: &Subject, jti: Uuid, now: Instant) -> Result<Tokens, Error> {
        let access_token = self.sign(&self.claims(subject, jti, now))?;
        Ok(Tokens {
            access_token,
            token_type: "Bearer",
            expires_in: LIFE_SECONDS,
            refresh_token: self.refreshing.token(subject.session_id, subject.counter, &subject.nonce, subject.epoch),
            refresh_expires_at: subject.expires_at.min(now.plus(IDLE)),
            device_token: None,
            session_id: subject.session_id,
            tenant_id: subject.tenant_id,
        })
    }

    /// Whether this installation made that refresh token for a session with this nonce.
    pub(crate) fn made(&self, presented: &Presented, nonce: &str, epoch: i64) -> bool {
        self.refreshing.is_right(presented, nonce, epoch)
    }

    fn claims(&self, subject: &Subject, jti: Uuid, now: Instant) -> Claims {
        let issued = seconds(now);
        let scope: Vec<_> = subject.role.permissions().iter().map(kernel::Permission::name).collect();
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.user_id,
            iat: issued,
            nbf: issued,
            exp: issued + LIFE_SECONDS,
            jti,
            sid: subject.session_id,
            counter: subject.counter,
            epoch: subject.epoch,
            tid: subject.tenant_id,
            mid: subject.membership_id,
            role: subject.role,
            scope: scope.join(" "),
            all_sites: subject.sites == Sites::All,
            sites: match &subject.sites {
                Sites::All => None,
                Sites::Only(sites) => Some(sites.iter().copied().collect()),
            },
        }
    }

    fn sign(&self, claims: &Claims) -> Result<String, Error> {
        let keys = self.keys();
        let key = keys.active();
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.public.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, key.encoding()).map_err(|_| Error::Cryptography("signing an access token"))
    }

    /// The claims of a token that this installation signed for itself and that is valid now.
    pub(crate) fn verify(&self, token: &str, now: Instant) -> Result<Claims, Error> {
        let kid = key_id(token).ok_or(Error::TokenInvalid)?;
        let keys = self.keys();
        let key = keys.trusted(&kid).ok_or(Error::TokenInvalid)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key.decoding(), &self.validation).map_err(|_| Error::TokenInvalid)?.claims;
        in_time(&claims, seconds(now))?;
        Ok(claims)
    }
}

/// Reads the header as strictly as it is written: alg, typ and kid, and nothing else.
fn key_id(token: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let mut header: Map<String, Value> = serde_json::from_slice(&header).ok()?;
    let right = header.keys().all(|field| HEADER_FIELDS.contains(&field.as_str()))
        && header.get("alg").is_some_and(|alg| alg == "EdDSA")
        && header.get("typ").is_some_and(|kind| kind == TYPE);
    match header.remove("kid") {
        Some(Value::String(kid)) if right => Some(kid),
        _ => None,
    }
}

fn in_time(claims: &Claims, now: i64) -> Result<(), Error> {
    if now >= claims.exp.saturating_add(LEEWAY_SECONDS) {
        return Err(Error::TokenExpired);
    }
    if now.saturating_add(LEEWAY_SECONDS) < claims.nbf {
        return Err(Error::TokenInvalid);
    }
    Ok(())
}

fn seconds(instant: Instant) -> i64 {
    instant.micros().div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jsonwebtoken::EncodingKey;
    use kernel::Ids;
    use serde_json::json;

    use super::*;
    use crate::keys::{SecretKey, SigningKey};

    fn authority(seed: u64) -> Authority {
        let keys = Keyring::new(SigningKey::generate(&Ids::seeded(seed)).expect("a key"));
        let secret = SecretKey::parse(&"k".repeat(32)).expect("a key");
        Authority::new("larder".into(), "larder".into(), keys, Refreshing::new(&secret).expect("a subkey"))
    }

    fn at(seconds: i64) -> Instant {
        Instant::from_micros((1_795_000_000 + seconds) * 1_000_000)
    }

    fn subject(sites: Sites) -> Subject {
        let id = Uuid::from_u128;
        Subject {
            user_id: id(1),
            tenant_id: id(2),
            membership_id: id(3),
            session_id: id(4),
            counter: 0,
            nonce: "00112233445566778899aabbccddeeff".into(),
            expires_at: at(30 * 86_400),
            epoch: 1,
            role: Role::Staff,
            sites,
        }
    }

    fn token(authority: &Authority) -> String {
        authority.issue(&subject(Sites::All), Uuid::from_u128(5), at(0)).expect("tokens").access_token
    }

    fn refused(authority: &Authority, token: &str) -> bool {
        matches!(authority.verify(token, at(1)), Err(Error::TokenInvalid))
    }

    fn signed(authority: &Authority, header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), authority.keys().active().encoding(), Algorithm::EdDSA).expect("a signature");
        format!("{message}.{signature}")
    }

    fn parts(authority: &Authority) -> (Value, Value) {
        let claims = serde_json::to_value(authority.claims(&subject(Sites::All), Uuid::from_u128(5), at(0))).expect("json");
        (json!({ "alg": "EdDSA", "typ": TYPE, "kid": authority.keys().active().public.kid }), claims)
    }

    #[test]
    fn a_token_says_who_where_and_until_when() {
        let authority = authority(1);
        let claims = authority.verify(&token(&authority), at(1)).expect("claims");
        assert_eq!((claims.iat, claims.nbf, claims.exp - claims.iat), (1_795_000_000, 1_795_000_000, 600));
        assert_eq!((claims.sub, claims.tid, claims.mid, claims.sid), (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3), Uuid::from_u128(4)));
        assert_eq!((claims.role, claims.scope.as_str(), claims.all_sites), (Role::Staff, "read receive waste use_stock transfer count", true));
        let some = authority.claims(&subject(Sites::Only(BTreeSet::from([Uuid::from_u128(9)]))), Uuid::from_u128(5), at(0));
        let some = serde_json::to_value(some).expect("json");
        assert_eq!((some.get("all_sites"), some.get("sites")), (None, Some(&json!([Uuid::from_u128(9)]))));
    }

    #[test]
    fn a_refresh_token_is_too_old_after_two_weeks_or_at_the_end_of_its_session() {
        let (authority, subject) = (authority(1), subject(Sites::All));
        let until = |now| authority.issue(&subject, Uuid::from_u128(5), now).expect("tokens").refresh_expires_at;
        assert_eq!(until(at(0)), at(14 * 86_400));
        assert_eq!(until(at(20 * 86_400)), at(30 * 86_400));
    }

    #[test]
    fn a_hand_made_token_with_the_right_parts_is_taken_so_the_refusals_below_mean_something() {
        let authority = authority(1);
        let (header, claims) = parts(&authority);
        assert!(authority.verify(&signed(&authority, &header, &claims), at(1)).is_ok());
    }

    #[test]
    fn a_tampered_token_is_refused() {
        let (authority, another) = (authority(1), authority(2));
        let token = token(&authority);
        let pieces: Vec<&str> = token.split('.').collect();
        let (_, mut claims) = parts(&authority);
        claims["role"] = json!("owner");
        let forged = URL_SAFE_NO_PAD.encode(claims.to_string());
        assert!(refused(&authority, &format!("{}.{forged}.{}", pieces[0], pieces[2])));
        assert!(refused(&authority, &format!("{}.{}.", pieces[0], pieces[1])));
        assert!(refused(&authority, &token[..token.len() - 4]));
        for nonsense in ["", ".", "..", "a.b.c", "Bearer"] {
            assert!(refused(&authority, nonsense), "{nonsense}");
        }
        assert!(refused(&another, &token), "another installation's key");
    }

    #[test]
    fn no_other_algorithm_is_taken() {
        let authority = authority(1);
        let (mut header, claims) = parts(&authority);
        for algorithm in ["none", "None", "HS256", "ES256", "RS256", "eddsa"] {
            header["alg"] = json!(algorithm);
            assert!(refused(&authority, &signed(&authority, &header, &claims)), "{algorithm}");
        }
        // The classic: an HMAC keyed with the public key.
        let key = authority.keys().active().public.clone();
        let public = URL_SAFE_NO_PAD.decode(&key.x).expect("base64");
        let header = Header { typ: Some(TYPE.into()), kid: Some(key.kid.clone()), ..Header::new(Algorithm::HS256) };
        let forged = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&public)).expect("a token");
        assert!(refused(&authority, &forged));
    }

    #[test]
    fn another_type_or_a_key_brought_along_is_refused() {
        let authority = authority(1);
        let (header, claims) = parts(&authority);
        let changes = [
            ("typ", json!("JWT")),
            ("typ", json!("AT+JWT")),
            ("typ", Value::Null),
            ("kid", json!("unknown")),
            ("kid", json!(7)),
            ("jku", json!("https://example.com/jwks.json")),
            ("x5u", json!("https://example.com/cert")),
            ("jwk", json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" })),
            ("crit", json!(["exp"])),
        ];
        for (field, value) in changes {
            let mut header = header.clone();
            header[field] = value.clone();
            assert!(refused(&authority, &signed(&authority, &header, &claims)), "{field} {value}");
        }
        for field in ["alg", "typ", "kid"] {
            let mut header = header.clone();
            header.as_object_mut().expect("an object").remove(field);
            assert!(refused(&authority, &signed(&authority, &header, &claims)), "without {field}");
        }
    }

    #[test]
    fn another_issuer_or_audience_and_missing_claims_are_refused() {
        let authority = authority(1);
        let (header, claims) = parts(&authority);
        for (field, value) in [("iss", json!("somebody")), ("aud", json!("another")), ("aud", json!([])), ("exp", json!("soon")), ("role", json!("root"))] {
            let mut claims = claims.clone();
            claims[field] = value.clone();
            assert!(refused(&authority, &signed(&authority, &header, &claims)), "{field} {value}");
        }
        for field in ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "counter", "epoch", "tid", "mid", "role", "scope"] {
            let mut claims = claims.clone();
            claims.as_object_mut().expect("an object").remove(field);
            assert!(refused(&authority, &signed(&authority, &header, &claims)), "without {field}");
        }
    }

    #[test]
    fn a_token_lives_ten_minutes_with_half_a_minute_of_leeway_on_both_sides() {
        let authority = authority(1);
        let token = token(&authority);
        let verify = |seconds| authority.verify(&token, at(seconds));
        assert!(verify(-30).is_ok() && verify(0).is_ok() && verify(629).is_ok());
        assert!(matches!(verify(630), Err(Error::TokenExpired)));
        assert!(matches!(verify(-31), Err(Error::TokenInvalid)));
    }
}

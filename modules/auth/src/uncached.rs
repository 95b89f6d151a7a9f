//! What all answers with credentials have in common: nobody keeps them, neither a cache nor we under an idempotency key.

use actix_web::dev::Payload;
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::{FromRequest, HttpRequest};
use kernel::Problem;
use kernel::http::IdempotencyKey;

use crate::error::Error;

pub(crate) const NO_STORE: (HeaderName, &str) = (CACHE_CONTROL, "no-store");

/// 400 `idempotency_key_not_allowed` where a key was sent.
pub(crate) struct NoIdempotencyKey;

impl FromRequest for NoIdempotencyKey {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sent = request.headers().contains_key(IdempotencyKey::HEADER);
        std::future::ready(if sent { Err(Error::IdempotencyKeyNotAllowed.into()) } else { Ok(Self) })
    }
}

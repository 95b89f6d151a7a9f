//! What surrounds every request: its id, its span, its caller, its preconditions.

use std::pin::Pin;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, ETag, EntityTag, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use tracing::Instrument as _;

use crate::caller::{Authenticator, Caller, unauthenticated};
use crate::guard::{Exposure, Guard};
use crate::ids::Ids;
use crate::instant::Clock;
use crate::problem::Problem;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of the request that is being answered.
struct Current {
    id: String,
    guard: Guard,
}

tokio::task_local! {
    static CURRENT: Rc<Current>;
}

/// The id of the request that is being answered; empty outside of one.
pub fn request_id() -> String {
    CURRENT.try_with(|current| current.id.clone()).unwrap_or_default()
}

/// What its answer tells browsers; what holds for all of them outside of one.
pub(crate) fn guard() -> Guard {
    CURRENT.try_with(|current| current.guard.clone()).unwrap_or_default()
}

/// Gives the request an id (the client's own where it sent a sensible one), a span and a line in the log, and answers the id
/// in `X-Request-Id`, with what the answer tells browsers. The app registers `web::Data<Exposure>`.
pub async fn traced(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let sent = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    let sensible = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let id = sent.filter(sensible).map_or_else(|| Ids::System.next(Clock::System.now()).to_string(), str::to_owned);
    let guard = request.app_data::<web::Data<Exposure>>().map(|exposure| exposure.guard(request.headers())).unwrap_or_default();
    let span = tracing::info_span!("request", id = %id, method = %request.method(), path = %request.path());
    let started = Clock::System.now();
    let current = Rc::new(Current { id, guard });
    let answer = CURRENT.scope(current.clone(), next.call(request)).instrument(span.clone()).await;
    let micros = Clock::System.now().micros() - started.micros();
    let status = answer.as_ref().map_or_else(|error| error.as_response_error().status_code(), ServiceResponse::status);
    span.in_scope(|| tracing::info!(status = status.as_u16(), micros, "answered"));
    let mut response = answer?;
    if let Ok(value) = HeaderValue::from_str(&current.id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    current.guard.write(response.headers_mut());
    Ok(response)
}

/// Resolves the bearer token before anything else of the request is looked at.
pub async fn authenticated(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let caller = caller(&request).await?;
    request.extensions_mut().insert(caller);
    next.call(request).await
}

/// Who sent a request, by its bearer token.
pub async fn caller(request: &ServiceRequest) -> Result<Caller, Problem> {
    let bearer = bearer(request.request()).ok_or_else(unauthenticated)?;
    let authenticator = request.app_data::<Authenticator>().cloned().ok_or_else(unauthenticated)?;
    authenticator.0.authenticate(&bearer).await
}

/// The bearer token of a request, of whatever worth.
pub fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

/// What the client says about the version it has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfMatch(Option<i64>);

impl IfMatch {
    /// 412 where the resource has moved on.
    pub fn check(self, version: i64) -> Result<(), Problem> {
        match self.0 {
            Some(seen) if seen != version => {
                Err(Problem::new(412, "version_mismatch", format!("This was changed meanwhile: you saw version {seen}, it is at {version}."))
                    .fact("version", version))
            }
            _ => Ok(()),
        }
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = request.headers().get(header::IF_MATCH).map(|value| value.to_str().unwrap_or("").trim());
        std::future::ready(match value {
            None => Err(Problem::new(428, "if_match_required", "Send If-Match with the ETag that you have seen, or * to change whatever is there.")),
            Some("*") => Ok(Self(None)),
            Some(tag) => match tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).and_then(version) {
                Some(version) => Ok(Self(Some(version))),
                None => Err(Problem::new(412, "version_mismatch", "If-Match must be an ETag that this server gave, such as \"3\".")),
            },
        })
    }
}

/// The version in a tag, written as [`etag`] writes it and in no other way.
fn version(tag: &str) -> Option<i64> {
    let version: i64 = tag.parse().ok()?;
    (version.to_string() == tag).then_some(version)
}

/// The ETag of a version.
pub fn etag(version: i64) -> ETag {
    ETag(EntityTag::new_strong(version.to_string()))
}

/// The key under which a client may send the same POST again. `None` where it sent none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<String>);

impl IdempotencyKey {
    pub const HEADER: &'static str = "Idempotency-Key";

    /// 400 `idempotency_key_required` where there is none.
    pub fn required(self) -> Result<Self, Problem> {
        if self.0.is_some() {
            return Ok(self);
        }
        Err(Problem::new(
            400,
            "idempotency_key_required",
            "This changes stock: send the header Idempotency-Key, a new value for each thing that you want to happen once.",
        ))
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(Self::HEADER);
        let key = values.next().map(|value| value.to_str().unwrap_or("").to_owned());
        let right = |key: &String| (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        std::future::ready(match key {
            Some(key) if !right(&key) || values.next().is_some() => {
                Err(Problem::new(400, "idempotency_key_invalid", "Idempotency-Key must be one value of 1 to 255 visible ASCII characters."))
            }
            key => Ok(Self(key)),
        })
    }
}

/// Ends a request that takes longer than the server is willing to wait. Writes go on: they are owned by the database layer.
pub async fn bounded(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let limit = request.app_data::<web::Data<RequestTimeout>>().map(|limit| limit.0);
    let call: Pin<Box<dyn Future<Output = _>>> = Box::pin(next.call(request));
    match limit {
        None => call.await,
        Some(limit) => match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(Problem::new(
                503,
                "timed_out",
                "This took too long to wait for. What it writes may still be written: send it again under the same Idempotency-Key, or look first.",
            )
            .retry_after(5)
            .into()),
        },
    }
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
pub struct RequestTimeout(pub std::time::Duration);

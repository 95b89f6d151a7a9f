//! The gate of this module's own endpoints: people come in here, programs with an API key do not.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, web};
use kernel::{Caller, Instant, Problem, Txn, http, unauthenticated};
use uuid::Uuid;

use crate::Auth;
use crate::error::Error;
use crate::sessions::{Standing, repository};

/// As [`http::authenticated`], for callers with a session only. 403 `forbidden` for an API key.
pub(crate) async fn signed_in(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let caller = http::caller(&request).await?;
    admit(request, next, caller).await
}

/// The same, also for members who have yet to enrol the second factor that their tenant requires: for what lets them, and for what
/// ends a session.
pub(crate) async fn signed_in_to_enrol(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let auth = request.app_data::<web::Data<Auth>>().cloned().ok_or_else(unauthenticated)?;
    let bearer = http::bearer(request.request()).ok_or_else(unauthenticated)?;
    admit(request, next, auth.authenticate_to_enrol(&bearer).await?).await
}

async fn admit(request: ServiceRequest, next: Next<impl MessageBody + 'static>, caller: Caller) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if caller.session_id.is_none() {
        return Err(Problem::from(Error::Forbidden("An API key is for /v1/inventory; this needs somebody who is logged in.")).into());
    }
    request.extensions_mut().insert(caller);
    next.call(request).await
}

/// Who acts, as they stand within a transaction: to be asked when all is locked that decides about it.
pub(crate) async fn acting(txn: &Txn, session_id: Option<Uuid>, now: Instant) -> Result<Standing, Error> {
    let session_id = session_id.ok_or(Error::SessionRevoked)?;
    let standing = repository::standing(txn, session_id).await?;
    standing.filter(|standing| standing.lasts(now)).ok_or(Error::SessionRevoked)
}

//! `POST /logout`: a session ends, by its access token or by its refresh token.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, post, web};
use kernel::http::bearer;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Txn, unauthenticated};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Concerned, Witness};
use crate::error::Error;
use crate::refresh::{RefreshToken, authentic};
use crate::sessions::repository;
use crate::{Auth, settled};

/// Which session ends, where no access token says it.
#[derive(ToSchema)]
#[schema(as = LogoutRequest)]
pub struct Request {
    /// Any refresh token that the session ever had.
    #[schema(value_type = String)]
    refresh_token: RefreshToken,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { refresh_token: fields.required("refresh_token")? })
    }
}

struct Leaving {
    session_id: Uuid,
    now: Instant,
    witness: Witness,
}

/// Ends the caller's session.
pub(crate) async fn execute(auth: &Auth, caller: &Caller) -> Result<(), Error> {
    end(auth, caller.session_id.ok_or(Error::SessionRevoked)?).await
}

/// Ends the session of a refresh token, whatever counter it carries: whoever logs out may have lost the last answer.
pub(crate) async fn execute_by_refresh_token(auth: &Auth, request: &Request) -> Result<(), Error> {
    end(auth, authentic(auth, &request.refresh_token).await?.session_id).await
}

/// It is over here when this answers, and everywhere within five seconds.
async fn end(auth: &Auth, session_id: Uuid) -> Result<(), Error> {
    let state = auth.0.clone();
    let leaving = Leaving { session_id, now: state.clock.now(), witness: Witness::new(&state.clock, &state.ids) };
    settled(async move {
        let left = state.database.write(leaving, |leaving, txn| Box::pin(leave(leaving, txn))).await;
        state.sessions.forget(session_id);
        left
    })
    .await
}

async fn leave(leaving: &Leaving, txn: &Txn) -> Result<(), Error> {
    let Some(owner) = repository::owner(txn, leaving.session_id).await? else { return Err(Error::SessionRevoked) };
    if repository::revoke(txn, owner.user_id, leaving.session_id, leaving.now).await? {
        let concerned = Concerned::session(owner.tenant_id, owner.user_id, leaving.session_id);
        leaving.witness.done(Act::Logout, concerned).record(txn).await?;
    }
    Ok(())
}

/// Logs out: ends the session of the access token that was sent, or of the refresh token in the body.
#[utoipa::path(
    operation_id = "logout",
    tag = "auth",
    security(("bearer" = []), ()),
    request_body(content = Option<Request>, description = "Only where no access token is sent, because it has expired"),
    responses(
        (status = 204, description = "The session has ended."),
        (status = 401, description = "`token_invalid`, `token_expired`, `session_revoked`; `refresh_invalid`: not a refresh token of this server.", body = ProblemDocument<'_>),
    )
)]
#[post("/logout")]
pub(crate) async fn handler(auth: web::Data<Auth>, request: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    if has_body(&request) {
        let body = Body::<Request>::from_request(&request, &mut payload.into_inner()).await?;
        execute_by_refresh_token(&auth, &body.request).await?;
    } else {
        let caller = auth.authenticate_to_enrol(&bearer(&request).ok_or_else(unauthenticated)?).await?;
        execute(&auth, &caller).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}

fn has_body(request: &HttpRequest) -> bool {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.is_some_and(|length| length.trim() != "0") || request.headers().contains_key(header::TRANSFER_ENCODING)
}

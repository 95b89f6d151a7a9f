//! `PATCH /me`: another name.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, patch, web};
use kernel::http::{IfMatch, etag};
use kernel::{Body, Caller, Fields, FromFields, Instant, Problem, Text, Txn};
use utoipa::ToSchema;

use super::Response;
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::{hold_user, set_name};
use crate::signed_in::{acting, signed_in};
use crate::{Auth, settled};

/// What changes of oneself; what is not named stays.
#[derive(Clone, ToSchema)]
#[schema(as = UserChange)]
pub struct Request {
    /// The name, 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { name: fields.optional::<Text<1, 200>>("name")?.map(|name| name.0) })
    }
}

struct Change {
    request: Request,
    seen: IfMatch,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, seen: IfMatch, request: Request) -> Result<Response, Error> {
    let state = auth.0.clone();
    let change = Change { request, seen, doer: Doer::new(auth, caller), now: state.clock.now() };
    settled(async move { state.database.write(change, |change, txn| Box::pin(turn(change, txn))).await }).await
}

async fn turn(change: &Change, txn: &Txn) -> Result<Response, Error> {
    let Change { request, seen, doer, now } = change;
    let user = hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    let standing = acting(txn, doer.session_id, *now).await?;
    seen.check(user.version).map_err(Error::Refused)?;
    if let Some(name) = request.name.as_ref().filter(|name| **name != user.name) {
        set_name(txn, user.id, name, *now).await?;
        doer.done(Act::ChangeUser, user.id).record(txn).await?;
    }
    super::of(txn, &standing.caller()).await
}

/// Changes the name of whoever is logged in.
///
/// Another password goes to `POST /v1/auth/me/password`.
#[utoipa::path(
    operation_id = "change_me",
    tag = "auth",
    params(("If-Match" = String, Header, description = "The ETag that was seen, or `*`")),
    request_body = Request,
    responses(
        (status = 200, description = "The caller as they are now; the ETag is the version of the user.", body = Response),
    )
)]
#[patch("/me", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, seen: IfMatch, body: Body<Request>) -> Result<HttpResponse, Problem> {
    let me = execute(&auth, &caller, seen, body.request).await?;
    Ok(HttpResponse::Ok().insert_header(etag(me.version)).json(me))
}

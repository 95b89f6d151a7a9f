//! `DELETE /me/notices/{notice}`: what the user was told is seen.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use uuid::Uuid;

use crate::error::Error;
use crate::members::id;
use crate::notices::{mark_seen, unseen_one};
use crate::signed_in::{acting, signed_in};
use crate::{Auth, settled};

struct Seeing {
    session_id: Option<Uuid>,
    user_id: Uuid,
    notice_id: Uuid,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, notice_id: Uuid) -> Result<(), Error> {
    let state = auth.0.clone();
    let seeing = Seeing { session_id: caller.session_id, user_id: caller.user_id, notice_id, now: state.clock.now() };
    settled(async move { state.database.write(seeing, |seeing, txn| Box::pin(turn(seeing, txn))).await }).await
}

async fn turn(seeing: &Seeing, txn: &Txn) -> Result<(), Error> {
    let Seeing { session_id, user_id, notice_id, now } = seeing;
    let standing = acting(txn, *session_id, *now).await?;
    let notice = unseen_one(txn, *user_id, *notice_id).await?.ok_or(Error::NotFound("notice"))?;
    // Where no mail goes out nothing else tells the user, and whoever has a session alone may be whom it is about.
    standing.need_shown_since(notice.created_at.into())?;
    if mark_seen(txn, *user_id, *notice_id, *now).await? { Ok(()) } else { Err(Error::NotFound("notice")) }
}

/// Marks a notice as seen: `GET /v1/auth/me` does not answer it any more.
///
/// By a session whose user has shown who they are since it happened, by a log-in or `POST /v1/auth/reauth`: whoever has got hold of a
/// session hides nothing from its user.
#[utoipa::path(
    operation_id = "mark_notice_seen",
    tag = "auth",
    params(("notice" = Uuid, Path, description = "The notice's id")),
    responses(
        (status = 204, description = "It is seen."),
        (status = 403, description = "`reauth_required`: nobody has shown in this session who they are since it happened. `forbidden`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, seen before, or somebody else's.", body = ProblemDocument<'_>),
    )
)]
#[delete("/me/notices/{notice}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    execute(&auth, &caller, id(&path, "notice")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

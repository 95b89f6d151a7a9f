//! `DELETE /me/notices/{notice}`: what the user was told is seen.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Problem};
use uuid::Uuid;

use crate::error::Error;
use crate::members::id;
use crate::notices::mark_seen;
use crate::signed_in::signed_in;
use crate::{Auth, settled};

pub(crate) async fn execute(auth: &Auth, caller: &Caller, notice_id: Uuid) -> Result<(), Error> {
    let state = auth.0.clone();
    let seen = (caller.user_id, notice_id, state.clock.now());
    settled(async move {
        let seen = state.database.write(seen, |(user_id, id, now), txn| Box::pin(async move { Ok::<_, Error>(mark_seen(txn, *user_id, *id, *now).await?) }));
        if seen.await? { Ok(()) } else { Err(Error::NotFound("notice")) }
    })
    .await
}

/// Marks a notice as seen: `GET /v1/auth/me` does not answer it any more.
#[utoipa::path(
    operation_id = "mark_notice_seen",
    tag = "auth",
    params(("notice" = Uuid, Path, description = "The notice's id")),
    responses(
        (status = 204, description = "It is seen."),
        (status = 404, description = "`not_found`: absent, seen before, or somebody else's.", body = ProblemDocument<'_>),
    )
)]
#[delete("/me/notices/{notice}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    execute(&auth, &caller, id(&path, "notice")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

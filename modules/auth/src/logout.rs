//! `POST /logout`: the session that asks ends.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, post, web};
use kernel::http::authenticated;
use kernel::problem::ProblemDocument;
use kernel::{Caller, Problem, Txn};

use crate::audit::{Act, Concerned, Event};
use crate::error::Error;
use crate::{Auth, sessions};

struct Leaving {
    caller: Caller,
    event: Event,
    now: kernel::Instant,
}

/// Revokes the caller's session. It is over here when this answers, and everywhere within five seconds.
pub async fn execute(auth: &Auth, caller: Caller) -> Result<(), Error> {
    let state = auth.0.clone();
    let session_id = caller.session_id.ok_or(Error::SessionRevoked)?;
    let concerned = Concerned { tenant_id: Some(caller.tenant_id), user_id: Some(caller.user_id), session_id: Some(session_id), subject: None };
    let leaving = Leaving { event: Event::done(Act::Logout, concerned, &state.clock, &state.ids), now: state.clock.now(), caller };
    // A task of its own: a client that hangs up must not keep the session alive in the cache.
    let task = tokio::spawn(async move {
        let left = state.database.write(leaving, |leaving, txn| Box::pin(leave(leaving, txn))).await;
        state.sessions.forget(session_id);
        left
    });
    task.await.map_err(|_| Error::Interrupted)?
}

async fn leave(leaving: &Leaving, txn: &Txn) -> Result<(), Error> {
    let Some(session_id) = leaving.caller.session_id else { return Err(Error::SessionRevoked) };
    if sessions::repository::revoke(txn, leaving.caller.tenant_id, session_id, leaving.now).await? {
        leaving.event.record(txn).await?;
    }
    Ok(())
}

/// Logs out: ends the session of the access token that was sent.
#[utoipa::path(
    operation_id = "logout",
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended."),
        (status = 401, description = "`token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 500, description = "`internal_error`.", body = ProblemDocument<'_>),
        (status = 503, description = "`database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/logout", wrap = "from_fn(authenticated)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller) -> Result<HttpResponse, Problem> {
    execute(&auth, caller).await?;
    Ok(HttpResponse::NoContent().finish())
}

//! `DELETE /tenants/{tenant}/api-keys/{key}`: a key ends, for good.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use uuid::Uuid;

use super::{need_admin, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::hold_tenant;
use crate::members::{id, in_own_tenant};
use crate::signed_in::{acting, signed_in};
use crate::{Auth, settled};

struct Ending {
    id: Uuid,
    doer: Doer,
    now: Instant,
}

/// Ends a key. It is over here when this answers, and everywhere within five seconds.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let ending = Ending { id, doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let ended = state.database.write(ending, |ending, txn| Box::pin(turn(ending, txn))).await;
        state.api_keys.forget_everybody();
        doer.audited(&state, Act::EndApiKey, id, ended).await
    })
    .await
}

async fn turn(ending: &Ending, txn: &Txn) -> Result<(), Error> {
    let Ending { id, doer, now } = ending;
    hold_tenant(txn, doer.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    need_admin(&acting(txn, doer.session_id, *now).await?)?;
    repository::hold(txn, doer.tenant_id, *id).await?.ok_or(Error::NotFound("API key"))?;
    repository::end(txn, *id, *now).await?;
    Ok(doer.done(Act::EndApiKey, *id).record(txn).await?)
}

/// Ends an API key: it is refused at once, and for good.
#[utoipa::path(
    operation_id = "end_api_key",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), ("key" = Uuid, Path, description = "The key's id")),
    responses(
        (status = 204, description = "It has ended."),
        (status = 403, description = "`forbidden`: this needs the permission `admin`.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, ended before, or another tenant's.", body = ProblemDocument<'_>),
    )
)]
#[delete("/tenants/{tenant}/api-keys/{key}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &path.0)?;
    execute(&auth, &caller, id(&path.1, "API key")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

//! `DELETE /tenants/{tenant}/invites/{invite}`: an invite is taken back.

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use uuid::Uuid;

use super::repository;
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::hold_tenant;
use crate::members::{id, in_own_tenant};
use crate::signed_in::{acting, signed_in};
use crate::{Auth, settled};

struct Withdrawal {
    id: Uuid,
    doer: Doer,
    now: Instant,
}

pub(crate) async fn execute(auth: &Auth, caller: &Caller, id: Uuid) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let withdrawal = Withdrawal { id, doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let withdrawn = state.database.write(withdrawal, |withdrawal, txn| Box::pin(turn(withdrawal, txn))).await;
        doer.audited(&state, Act::WithdrawInvite, id, withdrawn).await
    })
    .await
}

async fn turn(withdrawal: &Withdrawal, txn: &Txn) -> Result<(), Error> {
    let Withdrawal { id, doer, now } = withdrawal;
    hold_tenant(txn, doer.tenant_id).await?.ok_or(Error::SessionRevoked)?;
    let actor = acting(txn, doer.session_id, *now).await?;
    let invite = repository::hold(txn, doer.tenant_id, *id).await?;
    let found = repository::with_grants(txn, doer.tenant_id, invite.into_iter().collect()).await?;
    let found = found.into_iter().next().ok_or(Error::NotFound("invite"))?;
    found.grant.given_by(&actor.grant())?;
    if found.invite.accepted_at.is_some() {
        return Err(Error::InviteUsed);
    }
    if found.invite.revoked_at.is_none() {
        repository::withdraw(txn, &[*id], *now).await?;
        doer.done(Act::WithdrawInvite, *id).record(txn).await?;
    }
    Ok(())
}

/// Takes an invite back: from now on nobody can accept it. Doing it again does no harm.
#[utoipa::path(
    operation_id = "withdraw_invite",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), ("invite" = Uuid, Path, description = "The invite's id")),
    responses(
        (status = 204, description = "It is withdrawn."),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`. `role_escalation`: it grants more than the caller has.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or another tenant's.", body = ProblemDocument<'_>),
        (status = 410, description = "`invite_used`: accepted before; remove the member instead.", body = ProblemDocument<'_>),
    )
)]
#[delete("/tenants/{tenant}/invites/{invite}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<(String, String)>) -> Result<HttpResponse, Problem> {
    in_own_tenant(&caller, &path.0)?;
    execute(&auth, &caller, id(&path.1, "invite")?).await?;
    Ok(HttpResponse::NoContent().finish())
}

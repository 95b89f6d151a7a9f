//! `DELETE /tenants/{tenant}/members/{member}`: somebody is sent away, or leaves.

use actix_web::middleware::from_fn;
use actix_web::{delete, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Fate, hold, id, in_own_tenant, repository};
use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::signed_in::signed_in;
use crate::{Auth, api_keys, settled};

/// What ended with a membership.
#[derive(Serialize, ToSchema)]
#[schema(as = MemberRemoved)]
pub struct Response {
    /// The API keys that the member had made.
    pub ended_api_keys: Vec<api_keys::Brief>,
}

struct Removal {
    membership_id: Uuid,
    doer: Doer,
    now: Instant,
}

/// Ends a membership, with its sessions, API keys and open invites. It is over here when this answers, and everywhere within five
/// seconds.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, membership_id: Uuid) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let removal = Removal { membership_id, doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let removed = state.database.write(removal, |removal, txn| Box::pin(turn(removal, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::RemoveMember, membership_id, removed).await
    })
    .await
}

async fn turn(removal: &Removal, txn: &Txn) -> Result<Response, Error> {
    let Removal { membership_id, doer, now } = removal;
    let held = hold(txn, doer.session_id, doer.tenant_id, *membership_id, *now).await?;
    held.decide(txn, Fate::Leaves).await?;
    let keys = api_keys::of(txn, doer.tenant_id, &[*membership_id], *now).await?;
    repository::remove(txn, *membership_id).await?;
    doer.done(Act::RemoveMember, *membership_id).record(txn).await?;
    Ok(Response { ended_api_keys: keys.into_values().next().unwrap_or_default() })
}

/// Removes a member, or leaves where it is oneself.
///
/// The member's sessions in this tenant end, and so do the API keys and open invites that they made, for good: `GET` on the same
/// path lists those keys before. What the member has posted stays.
#[utoipa::path(
    operation_id = "remove_member",
    tag = "auth",
    params(("tenant" = Uuid, Path, description = "The tenant's id"), ("member" = Uuid, Path, description = "The membership's id")),
    responses(
        (status = 200, description = "What ended with it.", body = Response),
        (status = 403, description = "`forbidden`: this needs the permission `manage_members`, but for leaving. `role_escalation`: the member is more than the caller.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: absent, or another tenant's.", body = ProblemDocument<'_>),
        (status = 409, description = "`last_owner`: the tenant would have no owner.", body = ProblemDocument<'_>),
    )
)]
#[delete("/tenants/{tenant}/members/{member}", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, path: web::Path<(String, String)>) -> Result<web::Json<Response>, Problem> {
    in_own_tenant(&caller, &path.0)?;
    Ok(web::Json(execute(&auth, &caller, id(&path.1, "member")?).await?))
}

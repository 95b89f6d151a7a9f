//! `POST /me/lost-device`: whatever somebody else may have in their hands ends, in every tenant.

use actix_web::middleware::from_fn;
use actix_web::{post, web};
use kernel::problem::ProblemDocument;
use kernel::{Caller, Instant, Problem, Txn};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Doer};
use crate::error::Error;
use crate::members::repository::{hold_tenants_of, hold_user, memberships};
use crate::sessions::repository::revoke_others;
use crate::signed_in::{acting, signed_in};
use crate::{Auth, api_keys, devices, invites, links, settled};

/// What ended.
#[derive(Serialize, ToSchema)]
#[schema(as = LostDevice)]
pub struct Response {
    /// How many other sessions of the user.
    pub ended_sessions: u64,
    /// The API keys that the user had made, in every tenant.
    pub ended_api_keys: Vec<api_keys::Brief>,
    /// The ids of the invites that the user had made and that were open, in every tenant.
    pub withdrawn_invite_ids: Vec<Uuid>,
    /// How many links that the user had made, or that were made for them.
    pub voided_links: u64,
}

struct Loss {
    doer: Doer,
    now: Instant,
}

/// Ends all of it in one transaction. It is over here when this answers, and everywhere within five seconds.
///
/// The session that asks goes on: its user has shown within ten minutes who they are, and has more to do with it, such as another
/// password. Whoever holds a session and knows no password can do none of this, so a thief locks nobody out.
pub(crate) async fn execute(auth: &Auth, caller: &Caller) -> Result<Response, Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let loss = Loss { doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let lost = state.database.write(loss, |loss, txn| Box::pin(turn(loss, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::LostDevice, doer.user_id, lost).await
    })
    .await
}

async fn turn(loss: &Loss, txn: &Txn) -> Result<Response, Error> {
    let Loss { doer, now } = loss;
    // Against a session, a key or an invite that is made out of one that ends here, at the same time.
    hold_user(txn, doer.user_id).await?;
    hold_tenants_of(txn, doer.user_id).await?;
    let session = acting(txn, doer.session_id, *now).await?;
    session.need_fresh(*now)?;
    let (mut ended_api_keys, mut own) = (Vec::new(), Vec::new());
    for membership in memberships(txn, doer.user_id).await? {
        ended_api_keys.extend(api_keys::of(txn, membership.tenant_id, &[membership.id], *now).await?.into_values().flatten());
        doer.done_in(membership.tenant_id, Act::LostDevice, membership.id).record(txn).await?;
        own.push(membership.id);
    }
    let ended_sessions = revoke_others(txn, doer.user_id, session.session_id, *now).await?;
    devices::revoke_all(txn, doer.user_id, *now).await?;
    api_keys::end_all_of(txn, &own, *now).await?;
    let withdrawn_invite_ids: Vec<Uuid> = invites::open_of(txn, &own, *now).await?.into_iter().map(|invite| invite.id).collect();
    if !withdrawn_invite_ids.is_empty() {
        invites::withdraw(txn, &withdrawn_invite_ids, *now).await?;
    }
    let voided_links = links::void_made_by(txn, &own, *now).await? + links::void_all(txn, doer.user_id, *now).await?;
    Ok(Response { ended_sessions, ended_api_keys, withdrawn_invite_ids, voided_links })
}

/// Ends, in every tenant, what a lost or stolen device may hold: every other session of the user, all devices that were known, and
/// all API keys, open invites and links that the user has made.
///
/// This session goes on: whoever asks has shown who they are in the last ten minutes. A thief who has nothing but the device has not.
#[utoipa::path(
    operation_id = "lost_device",
    tag = "auth",
    responses(
        (status = 200, description = "What has ended.", body = Response),
        (status = 403, description = "`reauth_required`: this is for who has shown in the last ten minutes who they are. `forbidden`.", body = ProblemDocument<'_>),
    )
)]
#[post("/me/lost-device", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller) -> Result<web::Json<Response>, Problem> {
    Ok(web::Json(execute(&auth, &caller).await?))
}

//! `DELETE /me`: a user goes, and with them everything that says who they were.

use std::collections::BTreeSet;

use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, delete, web};
use auth_entity::outbox;
use kernel::problem::ProblemDocument;
use kernel::{Body, Caller, Fields, Flaw, FromFields, FromValue, Instant, Problem, Text, Txn};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audit::{Act, Doer};
use crate::email::EmailKey;
use crate::error::Error;
use crate::members::repository::{erase, hold_tenants_of, hold_user, memberships, other_owners, remove};
use crate::roles::Role;
use crate::signed_in::{acting, signed_in};
use crate::tenants::close::{end, not_meant};
use crate::{Auth, devices, invites, links, mfa, notices, settled};

/// That it is meant.
#[derive(ToSchema)]
#[schema(as = DeleteMe)]
pub struct Request {
    /// The e-mail address of whoever is logged in.
    #[schema(value_type = String, max_length = 254)]
    confirm: EmailKey,
    /// Tenants that would be left without an owner and are to be closed with it, as `DELETE` on each of them does.
    #[schema(value_type = Option<Vec<Uuid>>, max_items = 100)]
    close_tenant_ids: BTreeSet<Uuid>,
}

struct TenantIds(BTreeSet<Uuid>);

impl FromValue for TenantIds {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let ids = value.as_array().filter(|ids| ids.len() <= 100);
        let ids = ids.ok_or_else(|| Flaw::new("wrong_length", "a list of up to 100 ids of tenants is expected"))?;
        ids.iter().map(Uuid::from_value).collect::<Result<_, _>>().map(Self)
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (confirm, closing) = (fields.required::<Text<1, 254>>("confirm"), fields.or("close_tenant_ids", TenantIds(BTreeSet::new())));
        Some(Self { confirm: EmailKey::of(&confirm?.0), close_tenant_ids: closing?.0 })
    }
}

struct Deletion {
    request: Request,
    /// What is the hash of no password.
    password_hash: String,
    doer: Doer,
    now: Instant,
}

/// Ends every membership of the caller, with its sessions, keys and invites, and makes pseudonyms of what says who they were. It is
/// over here when this answers, and everywhere within five seconds.
pub(crate) async fn execute(auth: &Auth, caller: &Caller, request: Request) -> Result<(), Error> {
    let (state, doer) = (auth.0.clone(), Doer::new(auth, caller));
    let password_hash = state.hasher.of_nobody().to_owned();
    let deletion = Deletion { request, password_hash, doer: doer.clone(), now: state.clock.now() };
    settled(async move {
        let deleted = state.database.write(deletion, |deletion, txn| Box::pin(turn(deletion, txn))).await;
        state.forget_everybody();
        doer.audited(&state, Act::DeleteUser, doer.user_id, deleted).await
    })
    .await
}

async fn turn(deletion: &Deletion, txn: &Txn) -> Result<(), Error> {
    let Deletion { request, password_hash, doer, now } = deletion;
    let user = hold_user(txn, doer.user_id).await?.ok_or(Error::SessionRevoked)?;
    let open = hold_tenants_of(txn, doer.user_id).await?;
    let session = acting(txn, doer.session_id, *now).await?;
    session.need_fresh(*now)?;
    if request.confirm.0 != user.email_key {
        return Err(not_meant("the e-mail address of whoever is logged in is expected"));
    }
    let own = memberships(txn, user.id).await?;
    let mut without_owner = BTreeSet::new();
    for membership in own.iter().filter(|membership| open.contains(&membership.tenant_id) && membership.role == Role::Owner.name()) {
        if other_owners(txn, membership.tenant_id, membership.id).await? == 0 {
            without_owner.insert(membership.tenant_id);
        }
    }
    let unnamed: Vec<Uuid> = without_owner.difference(&request.close_tenant_ids).copied().collect();
    if !unnamed.is_empty() {
        return Err(Error::LastOwner(unnamed));
    }
    for membership in own {
        let tenant_id = membership.tenant_id;
        if without_owner.contains(&tenant_id) {
            end(txn, tenant_id, *now).await?;
            doer.done_in(tenant_id, Act::CloseTenant, tenant_id).record(txn).await?;
        }
        remove(txn, membership.id).await?;
        doer.done_in(tenant_id, Act::DeleteUser, membership.id).record(txn).await?;
    }
    devices::delete_all(txn, user.id).await?;
    links::delete_all(txn, user.id).await?;
    mfa::forget(txn, user.id).await?;
    notices::delete_all(txn, user.id).await?;
    outbox::Entity::delete_many().filter(outbox::Column::UserId.eq(user.id)).exec(txn).await?;
    // No address looks like it, and no two users have the same.
    let pseudonym = format!("erased:{}", user.id);
    invites::erase_address(txn, &user.email_key, user.id, &pseudonym, *now).await?;
    Ok(erase(txn, user.id, &pseudonym, password_hash, *now).await?)
}

/// Deletes the user who is logged in.
///
/// Their memberships end in every tenant, with sessions, API keys and open invites. Name, address and password are erased for good; what
/// they have posted stays, under the id alone. Whoever is invited with the same address later is another user.
#[utoipa::path(
    operation_id = "delete_me",
    tag = "auth",
    request_body = Request,
    responses(
        (status = 204, description = "The user is gone; so is this session."),
        (status = 403, description = "`reauth_required`: this is for who has shown in the last ten minutes who they are. `forbidden`.", body = ProblemDocument<'_>),
        (status = 409, description = "`last_owner`: the tenants in `tenant_ids` would have no owner. Make somebody else owner there, or name them in `close_tenant_ids`.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `confirmation_mismatch`: not the address of the caller.", body = ProblemDocument<'_>),
    )
)]
#[delete("/me", wrap = "from_fn(signed_in)")]
pub(crate) async fn handler(auth: web::Data<Auth>, caller: Caller, body: Body<Request>) -> Result<HttpResponse, Problem> {
    execute(&auth, &caller, body.request).await?;
    Ok(HttpResponse::NoContent().finish())
}

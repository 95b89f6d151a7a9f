use auth_entity::{instance, membership, session, tenant, totp, user};
use kernel::instant::stored;
use kernel::{Instant, Sites};
use sea_orm::sea_query::{Expr, IntoCondition};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, FromQueryResult, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, RelationTrait as _,
};
use uuid::Uuid;

use super::{IDLE, Standing};
use crate::error::Error;
use crate::members;
use crate::roles::Role;

#[derive(FromQueryResult)]
struct Row {
    tenant_id: Uuid,
    user_id: Uuid,
    membership_id: Uuid,
    counter: i64,
    used_counter: i64,
    nonce: String,
    authenticated_at: chrono::DateTime<chrono::FixedOffset>,
    last_used_at: chrono::DateTime<chrono::FixedOffset>,
    rotated_at: Option<chrono::DateTime<chrono::FixedOffset>>,
    expires_at: chrono::DateTime<chrono::FixedOffset>,
    role: String,
    all_sites: bool,
    mfa_at: Option<chrono::DateTime<chrono::FixedOffset>>,
    confirmed_at: Option<chrono::DateTime<chrono::FixedOffset>>,
    mfa_required: bool,
}

/// The session, if it was not revoked and its member may come in: member of a tenant that is open, and not disabled.
pub(crate) async fn standing(connection: &impl ConnectionTrait, session_id: Uuid) -> Result<Option<Standing>, Error> {
    let row = session::Entity::find()
        .select_only()
        .columns([
            session::Column::TenantId,
            session::Column::UserId,
            session::Column::MembershipId,
            session::Column::Counter,
            session::Column::UsedCounter,
            session::Column::Nonce,
            session::Column::AuthenticatedAt,
            session::Column::LastUsedAt,
            session::Column::RotatedAt,
            session::Column::ExpiresAt,
            session::Column::MfaAt,
        ])
        .columns([membership::Column::Role, membership::Column::AllSites])
        .column(totp::Column::ConfirmedAt)
        .column(tenant::Column::MfaRequired)
        .join(JoinType::InnerJoin, session::Relation::Membership.def())
        .join(JoinType::InnerJoin, session::Relation::User.def())
        .join(JoinType::InnerJoin, membership::Relation::Tenant.def())
        .join(JoinType::LeftJoin, user::Relation::Totp.def())
        .filter(session::Column::Id.eq(session_id))
        .filter(session::Column::RevokedAt.is_null())
        // The member of the membership is the user of the session, whoever wrote the rows.
        .filter(Expr::col((membership::Entity, membership::Column::UserId)).equals((session::Entity, session::Column::UserId)))
        .filter(user::Column::DisabledAt.is_null())
        .filter(tenant::Column::ClosedAt.is_null())
        .into_model::<Row>()
        .one(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let Some(role) = Role::parse(&row.role) else { return Ok(None) };
    let sites = if row.all_sites { Sites::All } else { members::repository::sites(connection, row.tenant_id, row.membership_id).await? };
    let Some(instance) = instance::Entity::find_by_id(1).one(connection).await? else { return Ok(None) };
    Ok(Some(Standing {
        session_id,
        tenant_id: row.tenant_id,
        user_id: row.user_id,
        membership_id: row.membership_id,
        role,
        sites,
        counter: row.counter,
        used_counter: row.used_counter,
        nonce: row.nonce,
        epoch: instance.epoch,
        authenticated_at: row.authenticated_at.into(),
        last_used_at: row.last_used_at.into(),
        rotated_at: row.rotated_at.map(Instant::from),
        expires_at: row.expires_at.into(),
        mfa_at: row.mfa_at.map(Instant::from),
        mfa_enrolled: row.confirmed_at.is_some(),
        mfa_required: row.mfa_required,
    }))
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, row: session::ActiveModel) -> Result<(), DbErr> {
    session::Entity::insert(row).exec_without_returning(connection).await.map(|_| ())
}

/// The nonce of a session, ended or not.
pub(crate) async fn nonce(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<String>, DbErr> {
    session::Entity::find_by_id(id).select_only().column(session::Column::Nonce).into_tuple().one(connection).await
}

/// Whose session it is, ended or not.
#[derive(FromQueryResult)]
pub(crate) struct Owner {
    pub(crate) user_id: Uuid,
    pub(crate) tenant_id: Uuid,
}

pub(crate) async fn owner(connection: &impl ConnectionTrait, id: Uuid) -> Result<Option<Owner>, DbErr> {
    session::Entity::find_by_id(id).select_only().columns([session::Column::UserId, session::Column::TenantId]).into_model().one(connection).await
}

/// Takes a session for the rest of the transaction.
pub(crate) async fn hold(connection: &impl ConnectionTrait, id: Uuid) -> Result<(), DbErr> {
    let held = session::Entity::find_by_id(id).select_only().column(session::Column::Id).lock_exclusive();
    held.into_tuple::<Uuid>().one(connection).await.map(|_| ())
}

/// Moves a session from one counter to the next, at `now`. Whether it was there and had not ended.
pub(crate) async fn rotate(connection: &impl ConnectionTrait, id: Uuid, counter: i64, now: Instant) -> Result<bool, DbErr> {
    let rotated = session::Entity::update_many()
        .col_expr(session::Column::Counter, Expr::value(counter + 1))
        .col_expr(session::Column::RotatedAt, Expr::value(stored(now)))
        .col_expr(session::Column::LastUsedAt, Expr::value(stored(now)))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::Counter.eq(counter))
        .filter(session::Column::RevokedAt.is_null())
        .exec(connection)
        .await?;
    Ok(rotated.rows_affected == 1)
}

/// Keeps in mind that the user of a session has shown who they are.
pub(crate) async fn mark_authenticated(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<(), DbErr> {
    let marked = session::Entity::update_many().col_expr(session::Column::AuthenticatedAt, Expr::value(stored(now))).filter(session::Column::Id.eq(id));
    marked.exec(connection).await.map(|_| ())
}

/// Keeps in mind that the user of a session has shown their second factor.
pub(crate) async fn mark_second_factor(connection: &impl ConnectionTrait, id: Uuid, now: Instant) -> Result<(), DbErr> {
    let marked = session::Entity::update_many().col_expr(session::Column::MfaAt, Expr::value(stored(now))).filter(session::Column::Id.eq(id));
    marked.exec(connection).await.map(|_| ())
}

/// Keeps in mind that an access token of the present counter was accepted.
pub(crate) async fn mark_used(connection: &impl ConnectionTrait, id: Uuid, counter: i64) -> Result<(), DbErr> {
    session::Entity::update_many()
        .col_expr(session::Column::UsedCounter, Expr::value(counter))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::Counter.eq(counter))
        .filter(session::Column::UsedCounter.lt(counter))
        .exec(connection)
        .await
        .map(|_| ())
}

/// The sessions of a user that have not ended, the one that began last first; from behind `after` on.
pub(crate) async fn live(
    connection: &impl ConnectionTrait,
    user_id: Uuid,
    now: Instant,
    after: Option<(Instant, Uuid)>,
    most: u64,
) -> Result<Vec<(session::Model, Option<tenant::Model>)>, DbErr> {
    let mut sessions = session::Entity::find()
        .select_also(tenant::Entity)
        .join(JoinType::InnerJoin, session::Relation::Membership.def())
        .join(JoinType::InnerJoin, membership::Relation::Tenant.def())
        .filter(live_of(user_id, now))
        .order_by_desc(session::Column::CreatedAt)
        .order_by_desc(session::Column::Id)
        .limit(most);
    if let Some((created_at, id)) = after {
        let earlier = session::Column::CreatedAt.lt(stored(created_at));
        let same = Condition::all().add(session::Column::CreatedAt.eq(stored(created_at))).add(session::Column::Id.lt(id));
        sessions = sessions.filter(Condition::any().add(earlier).add(same));
    }
    sessions.all(connection).await
}

/// Ends a session of a user; whether it had not ended before.
pub(crate) async fn revoke(connection: &impl ConnectionTrait, user_id: Uuid, id: Uuid, now: Instant) -> Result<bool, DbErr> {
    Ok(revoke_where(connection, session::Column::Id.eq(id).and(session::Column::UserId.eq(user_id)), now).await? == 1)
}

/// Ends all sessions of a user but one; how many had not ended by themselves before. Not by their ids: whoever has one makes any number.
pub(crate) async fn revoke_others(connection: &impl ConnectionTrait, user_id: Uuid, but: Uuid, now: Instant) -> Result<u64, DbErr> {
    revoke_where(connection, live_of(user_id, now).add(session::Column::Id.ne(but)), now).await
}

/// Ends all sessions of a user; how many had not ended by themselves before.
pub(crate) async fn revoke_all(connection: &impl ConnectionTrait, user_id: Uuid, now: Instant) -> Result<u64, DbErr> {
    revoke_where(connection, live_of(user_id, now), now).await
}

/// Ends all sessions in a tenant.
pub(crate) async fn revoke_all_in(connection: &impl ConnectionTrait, tenant_id: Uuid, now: Instant) -> Result<u64, DbErr> {
    revoke_where(connection, session::Column::TenantId.eq(tenant_id), now).await
}

/// The sessions of a user, ended or not, the one that began last first.
pub(crate) async fn of(connection: &impl ConnectionTrait, user_id: Uuid, most: u64) -> Result<Vec<session::Model>, DbErr> {
    let of = session::Entity::find().filter(session::Column::UserId.eq(user_id)).order_by_desc(session::Column::CreatedAt);
    of.order_by_desc(session::Column::Id).limit(most).all(connection).await
}

/// Deletes some of those that ended before a time; how many those were.
pub(crate) async fn delete_ended(connection: &impl ConnectionTrait, before: Instant, most: u64) -> Result<u64, DbErr> {
    let ended = Condition::any()
        .add(session::Column::RevokedAt.lt(stored(before)))
        .add(session::Column::ExpiresAt.lt(stored(before)))
        .add(session::Column::LastUsedAt.lt(stored(before.plus(-IDLE))));
    let some = session::Entity::find().select_only().column(session::Column::Id).filter(ended).limit(most).into_query();
    let deleted = session::Entity::delete_many().filter(session::Column::Id.in_subquery(some)).exec(connection).await?;
    Ok(deleted.rows_affected)
}

/// Ends all sessions of a user, or of everybody; how many those were.
pub(crate) async fn revoke_whose(connection: &impl ConnectionTrait, user_id: Option<Uuid>, now: Instant) -> Result<u64, DbErr> {
    let whose = user_id.map_or_else(|| session::Column::RevokedAt.is_null(), |user_id| session::Column::UserId.eq(user_id));
    revoke_where(connection, whose, now).await
}

async fn revoke_where(connection: &impl ConnectionTrait, which: impl IntoCondition, now: Instant) -> Result<u64, DbErr> {
    let revoked = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(stored(now)))
        .filter(which)
        .filter(session::Column::RevokedAt.is_null())
        .exec(connection)
        .await?;
    Ok(revoked.rows_affected)
}

fn live_of(user_id: Uuid, now: Instant) -> Condition {
    Condition::all()
        .add(session::Column::UserId.eq(user_id))
        .add(session::Column::RevokedAt.is_null())
        .add(session::Column::ExpiresAt.gt(stored(now)))
        .add(session::Column::LastUsedAt.gt(stored(now.plus(-IDLE))))
}

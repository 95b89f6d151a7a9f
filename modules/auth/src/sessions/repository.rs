use auth_entity::{instance, membership, session, tenant, user};
use kernel::{Instant, Sites};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, FromQueryResult, JoinType, QueryFilter as _, QuerySelect as _,
    RelationTrait as _, Set,
};
use uuid::Uuid;

use super::{LIFE, Standing};
use crate::error::Error;
use crate::members;
use crate::roles::Role;

#[derive(FromQueryResult)]
struct Row {
    tenant_id: Uuid,
    user_id: Uuid,
    membership_id: Uuid,
    counter: i64,
    last_used_at: chrono::DateTime<chrono::FixedOffset>,
    expires_at: chrono::DateTime<chrono::FixedOffset>,
    role: String,
    all_sites: bool,
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
            session::Column::LastUsedAt,
            session::Column::ExpiresAt,
        ])
        .columns([membership::Column::Role, membership::Column::AllSites])
        .join(JoinType::InnerJoin, session::Relation::Membership.def())
        .join(JoinType::InnerJoin, session::Relation::User.def())
        .join(JoinType::InnerJoin, membership::Relation::Tenant.def())
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
        epoch: instance.epoch,
        last_used_at: row.last_used_at.into(),
        expires_at: row.expires_at.into(),
    }))
}

/// The row of a session that begins now.
pub(crate) fn row(id: Uuid, tenant_id: Uuid, user_id: Uuid, membership_id: Uuid, now: Instant) -> session::ActiveModel {
    session::ActiveModel {
        id: Set(id),
        tenant_id: Set(tenant_id),
        user_id: Set(user_id),
        membership_id: Set(membership_id),
        counter: Set(0),
        created_at: Set(now.into()),
        authenticated_at: Set(now.into()),
        last_used_at: Set(now.into()),
        expires_at: Set(now.plus(LIFE).into()),
        revoked_at: Set(None),
    }
}

pub(crate) async fn insert(connection: &impl ConnectionTrait, row: session::ActiveModel) -> Result<(), DbErr> {
    session::Entity::insert(row).exec_without_returning(connection).await.map(|_| ())
}

/// Ends a session; whether it had not ended before.
pub(crate) async fn revoke(connection: &impl ConnectionTrait, tenant_id: Uuid, id: Uuid, now: Instant) -> Result<bool, DbErr> {
    let revoked = session::Entity::update_many()
        .col_expr(session::Column::RevokedAt, Expr::value(chrono::DateTime::<chrono::FixedOffset>::from(now)))
        .filter(session::Column::TenantId.eq(tenant_id))
        .filter(session::Column::Id.eq(id))
        .filter(session::Column::RevokedAt.is_null())
        .exec(connection)
        .await?;
    Ok(revoked.rows_affected == 1)
}

//! `larder auth after-restore`: a database that was put back from a backup, or copied, becomes an installation of its own.

use auth_entity::{api_key, membership, tenant, user};
use kernel::{Instant, Txn};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, JoinType, QueryFilter as _, QueryOrder as _, QuerySelect as _, RelationTrait as _};
use serde::Serialize;
use uuid::Uuid;

use super::begin_anew::begin_anew;
use super::{Admin, Tools};
use crate::audit::{Act, Concerned};
use crate::error::Error;
use crate::keys::{SigningKey, repository};
use crate::{api_keys, instance};

/// Who may come in according to the restored database: whoever was removed since it was saved is among them.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Review {
    Member { tenant_id: Uuid, tenant: String, email: String, name: String, role: String, disabled: bool, since: Instant },
    ApiKey { tenant_id: Uuid, tenant: String, id: Uuid, name: String, prefix: String, made_by: String, since: Instant },
}

impl Admin {
    /// Voids what was handed out by the database that this one was made from, and lists who may still come in.
    pub async fn after_restore(&self) -> Result<Vec<Review>, Error> {
        let (tools, now) = (self.tools.clone(), self.tools.now());
        let key = repository::row(&SigningKey::generate(&tools.ids)?, &tools.vault, &tools.ids, now)?;
        self.database
            .write((tools, key, now), |(tools, key, now), txn| {
                Box::pin(async move {
                    instance::hold(txn).await?;
                    begin_anew(txn, key.clone(), *now).await?;
                    review(tools, *now, txn).await
                })
            })
            .await
    }
}

async fn review(tools: &Tools, now: Instant, txn: &Txn) -> Result<Vec<Review>, Error> {
    tools.done(Act::AfterRestore, Concerned::default()).record(txn).await?;
    let mut found = members(txn).await?;
    found.extend(keys(txn, now).await?);
    Ok(found)
}

async fn members(connection: &impl ConnectionTrait) -> Result<Vec<Review>, Error> {
    let rows = membership::Entity::find()
        .find_also_related(user::Entity)
        .order_by_asc(membership::Column::TenantId)
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::Id)
        .all(connection)
        .await?;
    let tenants = tenants(connection).await?;
    let member = |(membership, user): (membership::Model, Option<user::Model>)| {
        let user = user?;
        Some(Review::Member {
            tenant_id: membership.tenant_id,
            tenant: tenants.get(&membership.tenant_id)?.clone(),
            email: user.email,
            name: user.name,
            role: membership.role,
            disabled: user.disabled_at.is_some(),
            since: membership.created_at.into(),
        })
    };
    Ok(rows.into_iter().filter_map(member).collect())
}

async fn keys(connection: &impl ConnectionTrait, now: Instant) -> Result<Vec<Review>, Error> {
    let rows = api_key::Entity::find()
        .select_also(user::Entity)
        .join(JoinType::InnerJoin, api_key::Relation::Membership.def())
        .join(JoinType::InnerJoin, membership::Relation::User.def())
        .filter(api_keys::lives(now))
        .order_by_asc(api_key::Column::TenantId)
        .order_by_asc(api_key::Column::CreatedAt)
        .order_by_asc(api_key::Column::Id)
        .all(connection)
        .await?;
    let tenants = tenants(connection).await?;
    let key = |(key, user): (api_key::Model, Option<user::Model>)| {
        Some(Review::ApiKey {
            tenant_id: key.tenant_id,
            tenant: tenants.get(&key.tenant_id)?.clone(),
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            made_by: user?.email,
            since: key.created_at.into(),
        })
    };
    Ok(rows.into_iter().filter_map(key).collect())
}

/// The names of those that are open.
async fn tenants(connection: &impl ConnectionTrait) -> Result<std::collections::BTreeMap<Uuid, String>, Error> {
    let open = tenant::Entity::find().filter(tenant::Column::ClosedAt.is_null()).all(connection).await?;
    Ok(open.into_iter().map(|tenant| (tenant.id, tenant.name)).collect())
}

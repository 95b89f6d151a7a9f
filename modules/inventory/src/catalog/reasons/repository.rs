//! The rows of `reason`.

use inventory_entity::reason;
use kernel::{Instant, Limit, TenantId, Txn};
use sea_orm::sea_query::{Condition, ExprTrait, LockType};
use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, NotSet, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{Reason, ReasonKind};
use crate::catalog::{Archived, taken};
use crate::error::Error;
use crate::names::Stage;
use crate::names::Word as _;

/// Which reasons a list holds.
pub struct Wanted {
    pub kind: Option<ReasonKind>,
    pub archived: Archived,
    /// The kind and code of the last one that was answered.
    pub after: Option<(String, String)>,
    pub limit: Limit,
}

/// The reasons in the order of kind and code.
pub async fn page(connection: &impl ConnectionTrait, tenant: TenantId, wanted: Wanted) -> Result<Vec<Reason>, DbErr> {
    use reason::Column::{ArchivedAt, Code, Kind};
    let mut query = of(tenant).filter(wanted.archived.condition(ArchivedAt)).order_by_asc(Kind).order_by_asc(Code).limit(wanted.limit.probe());
    if let Some(kind) = wanted.kind {
        query = query.filter(Kind.eq(kind.word()));
    }
    if let Some((kind, code)) = wanted.after {
        query = query.filter(Condition::any().add(Kind.gt(&kind)).add(Kind.eq(kind).and(Code.gt(code))));
    }
    query.all(connection).await?.into_iter().map(Reason::try_from).collect()
}

pub async fn find(connection: &impl ConnectionTrait, tenant: TenantId, id: Uuid) -> Result<Option<Reason>, DbErr> {
    of(tenant).filter(reason::Column::Id.eq(id)).one(connection).await?.map(Reason::try_from).transpose()
}

/// The reason, locked until the transaction ends.
pub async fn lock(txn: &Txn, tenant: TenantId, id: Uuid) -> Result<Option<Reason>, DbErr> {
    of(tenant).filter(reason::Column::Id.eq(id)).lock(LockType::NoKeyUpdate).one(txn).await?.map(Reason::try_from).transpose()
}

/// [`Error::Exists`] where the code is taken in its kind.
pub async fn insert(txn: &Txn, tenant: TenantId, reason: &Reason) -> Result<(), Error> {
    let row = row(tenant, reason).into_active_model().reset_all();
    let inserted = reason::Entity::insert(row).exec_without_returning(txn).await;
    inserted.map(|_| ()).map_err(|error| taken(error, "ix_reason_kind_code", "reason.tenant_id, reason.kind, reason.code", "reason", &reason.code))
}

pub async fn save(txn: &Txn, tenant: TenantId, reason: &Reason) -> Result<(), DbErr> {
    let changed = reason::ActiveModel { id: NotSet, tenant_id: NotSet, ..row(tenant, reason).into_active_model().reset_all() };
    let update = reason::Entity::update_many().set(changed).filter(reason::Column::TenantId.eq(tenant)).filter(reason::Column::Id.eq(reason.id));
    update.exec(txn).await.map(|_| ())
}

fn of(tenant: TenantId) -> sea_orm::Select<reason::Entity> {
    reason::Entity::find().filter(reason::Column::TenantId.eq(tenant))
}

impl TryFrom<reason::Model> for Reason {
    type Error = DbErr;

    fn try_from(row: reason::Model) -> Result<Self, DbErr> {
        Ok(Self {
            id: row.id,
            kind: ReasonKind::stored(&row.kind)?,
            code: row.code,
            name: row.name,
            stage: row.stage.as_deref().map(Stage::stored).transpose()?,
            avoidable: row.avoidable,
            archived: row.archived_at.is_some(),
            archived_at: row.archived_at.map(Instant::from),
            version: row.version,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

fn row(tenant: TenantId, reason: &Reason) -> reason::Model {
    reason::Model {
        id: reason.id,
        tenant_id: tenant,
        version: reason.version,
        created_at: reason.created_at.into(),
        updated_at: reason.updated_at.into(),
        kind: reason.kind.word().to_owned(),
        code: reason.code.clone(),
        name: reason.name.clone(),
        stage: reason.stage.map(|stage| stage.word().to_owned()),
        avoidable: reason.avoidable,
        archived_at: reason.archived_at.map(Into::into),
    }
}

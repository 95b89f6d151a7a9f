use auth_entity::outbox;
use chrono::TimeDelta;
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _};
use uuid::Uuid;

pub(super) async fn insert(connection: &impl ConnectionTrait, row: outbox::Model) -> Result<(), DbErr> {
    outbox::Entity::insert(row.into_active_model()).exec_without_returning(connection).await.map(|_| ())
}

/// Up to `most` of what is to be tried now, what has waited longest first.
pub(super) async fn due(connection: &impl ConnectionTrait, now: Instant, most: u64) -> Result<Vec<outbox::Model>, DbErr> {
    let due = outbox::Entity::find().filter(outbox::Column::NextTryAt.lte(stored(now)));
    due.order_by_asc(outbox::Column::NextTryAt).order_by_asc(outbox::Column::Id).limit(most).all(connection).await
}

/// Takes a row for a try of its own, until `wait` has passed. Whether this call did: of any number of replicas, one.
pub(super) async fn claim(connection: &impl ConnectionTrait, row: &outbox::Model, now: Instant, wait: TimeDelta) -> Result<bool, DbErr> {
    let claimed = outbox::Entity::update_many()
        .col_expr(outbox::Column::Tries, Expr::value(row.tries + 1))
        .col_expr(outbox::Column::NextTryAt, Expr::value(stored(now.plus(wait))))
        .filter(outbox::Column::Id.eq(row.id))
        .filter(outbox::Column::Tries.eq(row.tries));
    Ok(claimed.exec(connection).await?.rows_affected == 1)
}

pub(super) async fn delete(connection: &impl ConnectionTrait, id: Uuid) -> Result<bool, DbErr> {
    Ok(outbox::Entity::delete_by_id(id).exec(connection).await?.rows_affected == 1)
}

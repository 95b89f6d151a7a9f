//! What a user is told because it may not have been they who did it.

use auth_entity::notice;
use chrono::TimeDelta;
use kernel::instant::stored;
use kernel::{Ids, Instant};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

/// One that was seen is kept for this long,
const KEPT_WHEN_SEEN: TimeDelta = TimeDelta::days(90);
/// and one that nobody looked at for this long.
const KEPT_UNSEEN: TimeDelta = TimeDelta::days(180);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    PasswordChanged,
}

impl Notice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
        }
    }

    /// Tells the user, with what is done in the same transaction.
    pub(crate) async fn tell(self, txn: &impl ConnectionTrait, ids: &Ids, user_id: Uuid, now: Instant) -> Result<(), DbErr> {
        let row = notice::ActiveModel {
            id: Set(ids.next(now)),
            user_id: Set(user_id),
            kind: Set(self.name().to_owned()),
            created_at: Set(now.into()),
            seen_at: Set(None),
        };
        notice::Entity::insert(row).exec_without_returning(txn).await.map(|_| ())
    }
}

/// Those of a user, seen or not, the last one first.
pub(crate) async fn of(connection: &impl ConnectionTrait, user_id: Uuid, most: u64) -> Result<Vec<notice::Model>, DbErr> {
    let of = notice::Entity::find().filter(notice::Column::UserId.eq(user_id)).order_by_desc(notice::Column::CreatedAt);
    of.order_by_desc(notice::Column::Id).limit(most).all(connection).await
}

pub(crate) async fn delete_all(txn: &impl ConnectionTrait, user_id: Uuid) -> Result<(), DbErr> {
    notice::Entity::delete_many().filter(notice::Column::UserId.eq(user_id)).exec(txn).await.map(|_| ())
}

/// Deletes some of those that need not be kept; how many those were.
pub(crate) async fn delete_old(txn: &impl ConnectionTrait, now: Instant, most: u64) -> Result<u64, DbErr> {
    let old =
        Condition::any().add(notice::Column::SeenAt.lt(stored(now.plus(-KEPT_WHEN_SEEN)))).add(notice::Column::CreatedAt.lt(stored(now.plus(-KEPT_UNSEEN))));
    let some = notice::Entity::find().select_only().column(notice::Column::Id).filter(old).limit(most).into_query();
    Ok(notice::Entity::delete_many().filter(notice::Column::Id.in_subquery(some)).exec(txn).await?.rows_affected)
}

//! What a user is told because it may not have been they who did it: by mail where there is a mail server, and in what `GET /me` answers.

use auth_entity::notice;
use chrono::TimeDelta;
use kernel::Instant;
use kernel::instant::stored;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Set,
};
use uuid::Uuid;

use crate::error::Error;
use crate::mail::{Outbox, letters};
use crate::members::repository::user;

/// So many that were not seen are shown.
const SHOWN: u64 = 50;
/// One that was seen is kept for this long,
const KEPT_WHEN_SEEN: TimeDelta = TimeDelta::days(90);
/// and one that nobody looked at for this long.
const KEPT_UNSEEN: TimeDelta = TimeDelta::days(180);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    PasswordChanged,
    /// A second factor was enrolled, removed or reset, or has other recovery codes.
    MfaChanged,
    /// Wrong codes were tried again and again, by somebody who has the password or a session.
    MfaFailed,
    /// Somebody logged in from a device that is not one of those that the user has.
    NewDevice,
    EmailChanged,
    /// A tenant of which the user is an owner has another one.
    OwnerCreated,
    ApiKeyCreated,
}

impl Notice {
    #[cfg(test)]
    pub(crate) const ALL: [Self; 7] =
        [Self::PasswordChanged, Self::MfaChanged, Self::MfaFailed, Self::NewDevice, Self::EmailChanged, Self::OwnerCreated, Self::ApiKeyCreated];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::MfaChanged => "mfa_changed",
            Self::MfaFailed => "mfa_failed",
            Self::NewDevice => "new_device",
            Self::EmailChanged => "email_changed",
            Self::OwnerCreated => "owner_created",
            Self::ApiKeyCreated => "api_key_created",
        }
    }

    /// The subject of the letter, and its first sentence.
    pub(crate) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::PasswordChanged => ("Your password for Larder was changed", "The password of your account at Larder was changed."),
            Self::MfaChanged => {
                ("Your second factor for Larder was changed", "The second factor of your account at Larder, or its recovery codes, were changed.")
            }
            Self::MfaFailed => (
                "Wrong codes for your account at Larder",
                "Wrong codes were tried for your account at Larder, by somebody who has your password or a session of yours.",
            ),
            Self::NewDevice => ("A new device at Larder", "Somebody logged in to your account at Larder from a device that was not known before."),
            Self::EmailChanged => ("Your address for Larder was changed", "The e-mail address of your account at Larder was changed from this one to another."),
            Self::OwnerCreated => ("A new owner at Larder", "Somebody was made an owner where you are one at Larder."),
            Self::ApiKeyCreated => ("A new API key at Larder", "An API key was made in your name at Larder."),
        }
    }

    /// Tells the user, with what is done in the same transaction.
    pub(crate) async fn tell(self, txn: &impl ConnectionTrait, outbox: &Outbox, user_id: Uuid, now: Instant) -> Result<(), Error> {
        // Nobody needs the address where no mail goes out.
        let user = if outbox.is_on() { user(txn, user_id).await? } else { None };
        self.tell_at(txn, outbox, user_id, user.map(|user| user.email).as_deref(), now).await
    }

    /// The same, by mail to that address.
    pub(crate) async fn tell_at(self, txn: &impl ConnectionTrait, outbox: &Outbox, user_id: Uuid, to: Option<&str>, now: Instant) -> Result<(), Error> {
        let row = notice::ActiveModel {
            id: Set(outbox.ids().next(now)),
            user_id: Set(user_id),
            kind: Set(self.name().to_owned()),
            created_at: Set(now.into()),
            seen_at: Set(None),
        };
        notice::Entity::insert(row).exec_without_returning(txn).await?;
        match to {
            Some(to) => outbox.put(txn, to, Some(user_id), letters::notice(self), now).await,
            None => Ok(()),
        }
    }
}

/// What a user was told and has not seen, the last first.
pub(crate) async fn unseen(connection: &impl ConnectionTrait, user_id: Uuid) -> Result<Vec<notice::Model>, DbErr> {
    let unseen = notice::Entity::find().filter(notice::Column::UserId.eq(user_id)).filter(notice::Column::SeenAt.is_null());
    unseen.order_by_desc(notice::Column::CreatedAt).order_by_desc(notice::Column::Id).limit(SHOWN).all(connection).await
}

/// One of a user that they have not seen.
pub(crate) async fn unseen_one(connection: &impl ConnectionTrait, user_id: Uuid, id: Uuid) -> Result<Option<notice::Model>, DbErr> {
    notice::Entity::find_by_id(id).filter(notice::Column::UserId.eq(user_id)).filter(notice::Column::SeenAt.is_null()).one(connection).await
}

/// Keeps in mind that a user has seen one. Whether it is theirs and they had not.
pub(crate) async fn mark_seen(connection: &impl ConnectionTrait, user_id: Uuid, id: Uuid, now: Instant) -> Result<bool, DbErr> {
    let seen = notice::Entity::update_many()
        .col_expr(notice::Column::SeenAt, Expr::value(stored(now)))
        .filter(notice::Column::Id.eq(id))
        .filter(notice::Column::UserId.eq(user_id))
        .filter(notice::Column::SeenAt.is_null());
    Ok(seen.exec(connection).await?.rows_affected == 1)
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

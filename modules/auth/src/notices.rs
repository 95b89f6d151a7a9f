//! What a user is told because it may not have been they who did it.

use auth_entity::notice;
use kernel::{Ids, Instant};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, Set};
use uuid::Uuid;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    PasswordChanged,
    /// A second factor was enrolled, removed or reset, or has other recovery codes.
    MfaChanged,
    /// Wrong codes were tried again and again, by somebody who has the password or a session.
    MfaFailed,
}

impl Notice {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::MfaChanged => "mfa_changed",
            Self::MfaFailed => "mfa_failed",
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

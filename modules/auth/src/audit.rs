//! What happened to whom: rows that are only ever added.

use std::net::IpAddr;

use auth_entity::{audit_address, audit_event};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit as _, Mac as _};
use kernel::{Caller, Clock, Flaw, FromValue, Ids, Instant, hex};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _, IntoActiveModel as _, Set};
use serde_json::Value;
use sha2::Sha256;
use uuid::Uuid;

use crate::email::EmailKey;
use crate::error::Error;
use crate::keys::SecretKey;
use crate::{Auth, State};

/// So long it is kept from where something was done.
pub(crate) const ADDRESSES_KEPT: TimeDelta = TimeDelta::days(90);

/// Declares everything that is written down, each with the word that the database and answers have for it.
macro_rules! acts {
    ($($(#[$doc:meta])* $act:ident = $word:literal),+ $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Act { $($(#[$doc])* $act),+ }

        impl Act {
            const WORDS: &'static [&'static str] = &[$($word),+];

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$act => $word),+ }
            }

            fn of(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$act),)+ _ => None }
            }
        }
    };
}

acts! {
    Setup = "setup",
    Login = "login",
    Logout = "logout",
    /// The same refresh token came again in time: its answer was lost, or two tabs share it.
    RefreshRepeated = "refresh_repeated",
    /// A refresh token came that was used before.
    RefreshReused = "refresh_reused",
    /// A refresh token came from after what this database was restored from.
    RefreshAhead = "refresh_ahead",
    EndSession = "end_session",
    EndOtherSessions = "end_other_sessions",
    SwitchTenant = "switch_tenant",
    Reauth = "reauth",
    ChangePassword = "change_password",
    ChangeMember = "change_member",
    RemoveMember = "remove_member",
    Invite = "invite",
    WithdrawInvite = "withdraw_invite",
    AcceptInvite = "accept_invite",
    CreateApiKey = "create_api_key",
    EndApiKey = "end_api_key",
    /// The password of a log-in was right, and a second factor is asked for.
    LoginPassword = "login_password",
    /// A code or a recovery code that was wrong, wherever it was shown. Right ones are in what they were shown for.
    ShowSecondFactor = "show_second_factor",
    BeginMfa = "begin_mfa",
    EnrolMfa = "enrol_mfa",
    ReplaceRecoveryCodes = "replace_recovery_codes",
    RemoveMfa = "remove_mfa",
    ResetMfa = "reset_mfa",
    /// A member, or whoever runs the installation, handed out a link for another's password.
    MakeResetLink = "make_reset_link",
    /// A link for a new password was mailed to whoever asked.
    MailResetLink = "mail_reset_link",
    ResetPassword = "reset_password",
    /// Another address, or that the present one is verified, was asked for.
    RequestEmail = "request_email",
    ChangeEmail = "change_email",
    VerifyEmail = "verify_email",
    ChangeUser = "change_user",
    ExportUser = "export_user",
    DeleteUser = "delete_user",
    LostDevice = "lost_device",
    CreateTenant = "create_tenant",
    ChangeTenant = "change_tenant",
    CloseTenant = "close_tenant",
    RotateSigningKeys = "rotate_signing_keys",
    RemoveSigningKey = "remove_signing_key",
    RotateSecret = "rotate_secret",
    /// Everything that was made with a secret key that is lost was given up.
    AcceptSecretLoss = "accept_secret_loss",
    AfterRestore = "after_restore",
    /// Another setup token was made.
    Bootstrap = "bootstrap",
    Unlock = "unlock",
    RevokeSessions = "revoke_sessions",
    DisableMfa = "disable_mfa",
    MakeOwner = "make_owner",
    /// An account was made that nobody was invited to.
    Register = "register",
}

impl FromValue for Act {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        let expected = || Flaw::new("invalid_choice", format!("one of {} is expected", Self::WORDS.join(", ")));
        value.as_str().and_then(Self::of).ok_or_else(expected)
    }
}

/// Whom it concerns, as far as it is known.
#[derive(Clone, Default)]
pub(crate) struct Concerned {
    pub(crate) tenant_id: Option<Uuid>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) session_id: Option<Uuid>,
    /// The pseudonym of an address, see [`Subjects`].
    pub(crate) subject: Option<String>,
    /// What it was done to: a membership, an invite, a key.
    pub(crate) object_id: Option<Uuid>,
}

impl Concerned {
    /// What the command line does to a user: nobody who is logged in does it.
    pub(crate) fn object(id: Uuid) -> Self {
        Self { object_id: Some(id), ..Self::default() }
    }

    pub(crate) fn session(tenant_id: Uuid, user_id: Uuid, session_id: Uuid) -> Self {
        Self { tenant_id: Some(tenant_id), user_id: Some(user_id), session_id: Some(session_id), ..Self::default() }
    }

    /// Nobody but a pseudonym is known.
    pub(crate) fn subject(pseudonym: &str) -> Self {
        Self { subject: Some(pseudonym.to_owned()), ..Self::default() }
    }
}

/// Who writes down what happens in one request. Made where the request is known: a transaction runs in a task of its own.
#[derive(Clone)]
pub(crate) struct Witness {
    clock: Clock,
    ids: Ids,
    request_id: Option<String>,
    address: Option<IpAddr>,
}

impl Witness {
    pub(crate) fn new(clock: &Clock, ids: &Ids) -> Self {
        let request_id = Some(kernel::http::request_id()).filter(|id| !id.is_empty());
        let address = kernel::client::current().map(|client| client.0);
        Self { clock: clock.clone(), ids: ids.clone(), request_id, address }
    }

    pub(crate) fn done(&self, act: Act, concerned: Concerned) -> Event {
        self.event(act.name(), "done", 1, self.clock.now(), concerned)
    }

    pub(crate) fn refused(&self, act: Act, concerned: Concerned) -> Event {
        self.event(act.name(), "refused", 1, self.clock.now(), concerned)
    }

    /// What was refused so many times, the last time at `at`; by others than who is asking now.
    pub(crate) fn refused_often(&self, act: &str, times: i64, at: Instant, concerned: Concerned) -> Event {
        Event { address: None, ..self.event(act, "refused", times, at, concerned) }
    }

    fn event(&self, act: &str, outcome: &str, times: i64, at: Instant, concerned: Concerned) -> Event {
        let row = audit_event::Model {
            id: self.ids.next(self.clock.now()),
            occurred_at: at.into(),
            act: act.to_owned(),
            outcome: outcome.to_owned(),
            tenant_id: concerned.tenant_id,
            user_id: concerned.user_id,
            session_id: concerned.session_id,
            subject: concerned.subject,
            request_id: self.request_id.clone(),
            object_id: concerned.object_id,
            times,
        };
        Event { row, address: self.address }
    }
}

/// Whoever does something in their tenant that is written down.
#[derive(Clone)]
pub(crate) struct Doer {
    pub(crate) tenant_id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) session_id: Option<Uuid>,
    witness: Witness,
}

impl Doer {
    pub(crate) fn new(auth: &Auth, caller: &Caller) -> Self {
        let witness = Witness::new(&auth.0.clock, &auth.0.ids);
        Self { tenant_id: caller.tenant_id, user_id: caller.user_id, session_id: caller.session_id, witness }
    }

    fn concerned(&self, object_id: Uuid) -> Concerned {
        let (tenant_id, user_id) = (Some(self.tenant_id), Some(self.user_id));
        Concerned { tenant_id, user_id, session_id: self.session_id, object_id: Some(object_id), subject: None }
    }

    pub(crate) fn done(&self, act: Act, object_id: Uuid) -> Event {
        self.witness.done(act, self.concerned(object_id))
    }

    /// The same in another tenant of the user's.
    pub(crate) fn done_in(&self, tenant_id: Uuid, act: Act, object_id: Uuid) -> Event {
        self.witness.done(act, Concerned { tenant_id: Some(tenant_id), ..self.concerned(object_id) })
    }

    /// Hands on what came of an act; where it was refused because of who did it, that is written down first.
    pub(crate) async fn audited<T>(&self, state: &State, act: Act, object_id: Uuid, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(
            Error::Forbidden(_) | Error::RoleEscalation | Error::ReauthRequired | Error::LastOwner(_) | Error::MfaEnrollmentRequired | Error::MemberElsewhere,
        ) = &outcome
        {
            let refused = self.witness.refused(act, self.concerned(object_id));
            state.database.write(refused, |event, txn| Box::pin(async move { Ok::<_, Error>(event.record(txn).await?) })).await?;
        }
        outcome
    }
}

/// One event, written inside of the transaction of what it tells.
#[derive(Clone)]
pub(crate) struct Event {
    row: audit_event::Model,
    /// From where it was done, where somebody asked for it.
    address: Option<IpAddr>,
}

impl Event {
    pub(crate) async fn record(&self, connection: &impl ConnectionTrait) -> Result<(), DbErr> {
        audit_event::Entity::insert(self.row.clone().into_active_model()).exec_without_returning(connection).await?;
        let Some(address) = self.address else { return Ok(()) };
        // Beside the event, which is for ever.
        let row = audit_address::ActiveModel { audit_event_id: Set(self.row.id), address: Set(address.to_string()), occurred_at: Set(self.row.occurred_at) };
        audit_address::Entity::insert(row).exec_without_returning(connection).await.map(|_| ())
    }
}

/// Makes pseudonyms of addresses: the same address has the same one, and only who has the secret key can tell which.
pub(crate) struct Subjects {
    key: Hmac<Sha256>,
}

impl Subjects {
    pub(crate) fn new(secret: &SecretKey) -> Result<Self, Error> {
        let key = secret.subkey::<64>("audit-subject")?;
        Ok(Self { key: Hmac::new(&(*key).into()) })
    }

    pub(crate) fn pseudonym(&self, address: &EmailKey) -> String {
        let mut mac = self.key.clone();
        mac.update(address.0.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

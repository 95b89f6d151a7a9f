//! A second factor that somebody shows. Wherever one is asked for, it goes through [`Charged`].

use auth_entity::{totp, user};
use kernel::{Fields, Flaw, FromValue, Instant, Text, Txn};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::totp::Secret;
use super::{recovery, repository};
use crate::Auth;
use crate::error::Error;
use crate::keys::{Purpose, Sealed, Vault};
use crate::throttle::CodeAttempt;

/// The second factor of a user who has one, as a request says it: one of the two. It has no `Debug`: it is a credential.
#[derive(Clone, ToSchema)]
pub(crate) struct SecondFactor {
    /// For a user who has an authenticator app: the six digits that it shows. Each is taken once.
    #[schema(min_length = 1, max_length = 64, examples("492039"))]
    code: Option<String>,
    /// A recovery code in the place of `code`. Each is taken once.
    #[schema(min_length = 1, max_length = 64)]
    recovery_code: Option<String>,
}

const FIELDS: [&str; 2] = ["code", "recovery_code"];

impl SecondFactor {
    /// At most one.
    pub(crate) fn read(fields: &mut Fields<'_>) -> Option<Self> {
        fields.one_at_most(&FIELDS, Self::named).map(|factor| factor.unwrap_or(Self { code: None, recovery_code: None }))
    }

    /// Exactly one.
    pub(crate) fn read_required(fields: &mut Fields<'_>) -> Option<Self> {
        fields.exactly_one(&FIELDS, Self::named)
    }

    fn named(fields: &mut Fields<'_>, name: &'static str) -> Option<Self> {
        let Code(text) = fields.required(name)?;
        let (code, recovery_code) = if name == "code" { (Some(text), None) } else { (None, Some(text)) };
        Some(Self { code, recovery_code })
    }

    fn is_absent(&self) -> bool {
        self.code.is_none() && self.recovery_code.is_none()
    }
}

/// A code as it is typed: apps show `492 039`. It has no `Debug`: it is a credential.
pub(super) struct Code(pub(super) String);

impl FromValue for Code {
    fn from_value(value: &Value) -> Result<Self, Flaw> {
        Text::<1, 64>::from_value(value).map(|text| Self(text.0.split_whitespace().collect()))
    }
}

/// A second factor that its user was charged for, before anybody looks whether it is right.
#[derive(Clone)]
pub(crate) struct Charged {
    auth: Auth,
    user_id: Uuid,
    factor: SecondFactor,
    attempt: CodeAttempt,
}

impl Charged {
    /// Charges the try; with a `link` as one of the few that its token has. [`Error::RateLimited`] has counted nothing.
    pub(crate) async fn begin(auth: &Auth, user: &user::Model, factor: SecondFactor, link: Option<Uuid>) -> Result<Self, Error> {
        let attempt = CodeAttempt::begin(auth, user, link).await?;
        Ok(Self { auth: auth.clone(), user_id: user.id, factor, attempt })
    }

    /// The same beside a password that was right, for a user who logs in with both: `None` for one who does not. [`Error::MfaInvalid`]
    /// where nothing was sent; that costs nothing more than the password did.
    pub(crate) async fn begin_if_enrolled(auth: &Auth, user: &user::Model, factor: SecondFactor) -> Result<Option<Self>, Error> {
        if !super::is_enrolled(auth.0.database.reader(), user.id).await? {
            return Ok(None);
        }
        if factor.is_absent() {
            return Err(Error::MfaInvalid);
        }
        Self::begin(auth, user, factor, None).await.map(Some)
    }

    /// Uses it up, in the transaction that does what it was shown for and that holds its user, at least in shared mode.
    /// [`Error::MfaInvalid`] for one that is wrong, or was used before.
    pub(crate) async fn accept(&self, txn: &Txn, now: Instant) -> Result<(), Error> {
        let is_right = match (&self.factor.code, &self.factor.recovery_code) {
            (Some(code), _) => self.uses_step(txn, code, now).await?,
            (None, Some(code)) => repository::use_recovery_code(txn, self.user_id, &recovery::hash(self.user_id, code), now).await?,
            (None, None) => false,
        };
        if !is_right {
            return Err(Error::MfaInvalid);
        }
        self.attempt.charge().succeed(txn, now).await
    }

    async fn uses_step(&self, txn: &Txn, code: &str, now: Instant) -> Result<bool, Error> {
        let totp = repository::totp(txn, self.user_id).await?.filter(|totp| totp.confirmed_at.is_some());
        let Some(totp) = totp else { return Ok(false) };
        let Some(step) = unseal(&self.auth.0.vault, &totp)?.step_of(code, now, totp.last_step) else { return Ok(false) };
        Ok(repository::use_step(txn, self.user_id, step).await?)
    }

    /// Ends the try as it came out: a wrong one stays charged and is audited, any other error gives it back.
    pub(crate) async fn end<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.attempt.end(outcome).await
    }
}

/// The secret of an app, which is bound to its user.
pub(super) fn unseal(vault: &Vault, totp: &totp::Model) -> Result<Secret, Error> {
    let sealed = Sealed { secret_id: totp.secret_id.clone(), text: totp.sealed_secret.clone() };
    vault.unseal(Purpose::Totp, totp.user_id.as_bytes(), &sealed).map(Secret::from_bytes)
}

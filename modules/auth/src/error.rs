//! What can go wrong here, and the one place that says with which status and code it is answered.

use chrono::TimeDelta;
use kernel::{Problem, Retry, WriteError};
use sea_orm::DbErr;
use uuid::Uuid;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("unknown user, wrong password, disabled user or no membership")]
    InvalidCredentials,
    #[error("the access token is not one of this installation")]
    TokenInvalid,
    #[error("the access token has expired")]
    TokenExpired,
    #[error("the session has ended")]
    SessionRevoked,
    #[error("the refresh token is not one of this installation")]
    RefreshInvalid,
    #[error("the refresh token was used before")]
    RefreshReused,
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("the caller may not do this")]
    Forbidden(&'static str),
    #[error("more would be given or taken than the caller has")]
    RoleEscalation,
    #[error("the caller has not shown lately who they are")]
    ReauthRequired,
    /// Which tenants.
    #[error("a tenant would have no owner")]
    LastOwner(Vec<Uuid>),
    #[error("already a member of this tenant")]
    AlreadyMember,
    #[error("the invite is for another address")]
    InviteEmailMismatch,
    #[error("the invite has expired or was withdrawn")]
    InviteExpired,
    #[error("the invite was accepted before")]
    InviteUsed,
    #[error("the API key is not one of this installation, or has ended")]
    ApiKeyInvalid,
    #[error("the setup token is wrong")]
    SetupTokenInvalid,
    #[error("setup has been done before")]
    AlreadyBootstrapped,
    #[error("an Idempotency-Key was sent where the answer holds credentials")]
    IdempotencyKeyNotAllowed,
    #[error("too many passwords are being checked")]
    Busy,
    /// How long the next try has to wait.
    #[error("too many passwords were tried")]
    RateLimited(TimeDelta),
    /// Which limit, and how long the next try has to wait.
    #[error("too many passwords were tried")]
    OverLimit(OverLimit),
    #[error("a tenant is made by the operator only")]
    NewTenantsOff,
    #[error("the user owns as many tenants as one may")]
    TooManyTenants,
    #[error("a row changed since it was read")]
    Changed,
    #[error("{0}")]
    Refused(Problem),
    #[error("the setup token must have at least 16 characters")]
    SetupTokenTooShort,
    #[error("the secret key is not the one that this auth database was made with; nothing was changed. Give the right LARDER_SECRET_KEY or key file")]
    SecretKeyMismatch,
    #[error(
        "the auth database has data, but its secret key is missing ({0} does not exist); nothing was changed. Restore the key file or set LARDER_SECRET_KEY"
    )]
    SecretKeyMissing(String),
    #[error(
        "the auth database was made with LARDER_SECRET_KEY_PREVIOUS and does not know the new secret key yet; nothing was changed. Run `larder auth rotate-secret`, then start again"
    )]
    SecretKeyNotRotated,
    #[error("{0}")]
    SecretKeyUnusable(String),
    #[error("no server was started on this auth database yet, so there is nothing to look after")]
    NotStartedYet,
    #[error("give the new key as LARDER_SECRET_KEY and the one until now as LARDER_SECRET_KEY_PREVIOUS")]
    PreviousSecretMissing,
    #[error("a row of {0} was sealed with neither of the two secret keys; nothing was changed")]
    SealedByAnother(&'static str),
    #[error("the auth database was made with a secret key that is here, so nothing is lost; nothing was changed")]
    NothingLost,
    #[error("the user is disabled")]
    UserDisabled,
    #[error("it could be one of several tenants: say which")]
    WhichTenant,
    #[error("{0}")]
    Cryptography(&'static str),
    #[error("a task ended early")]
    Interrupted,
    #[error("the second factor is wrong, was used before or was not sent")]
    MfaInvalid,
    #[error("a tenant lets members in with a second factor only")]
    MfaEnrollmentRequired,
    #[error("the user has a second factor")]
    MfaAlreadyEnrolled,
    #[error("the user has no second factor")]
    MfaNotEnrolled,
    #[error("no second factor was begun")]
    MfaNotBegun,
    #[error("the link was used before")]
    LinkUsed,
    #[error("the link has expired or is void")]
    LinkExpired,
    #[error("somebody else has this address")]
    EmailTaken,
    #[error("no mail server is configured")]
    MailNotConfigured,
    #[error("nobody registers here")]
    RegistrationOff,
    #[error("the user is a member of other tenants, too")]
    MemberElsewhere,
    #[error("database")]
    Database(#[from] DbErr),
}

impl WriteError for Error {
    fn database(&self) -> Option<&DbErr> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }

    fn retry(&self) -> Retry {
        if matches!(self, Self::Changed) { Retry::Changed } else { Retry::No }
    }
}

/// A limit that was reached, as much of it as an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverLimit {
    pub(crate) limit: &'static str,
    /// So many tries are free,
    pub(crate) quota: i64,
    /// in so many seconds.
    pub(crate) window_seconds: i64,
    pub(crate) wait: TimeDelta,
}

/// Whole seconds of a wait, at least one: who comes after them is not too early.
fn seconds(wait: TimeDelta) -> u32 {
    let micros = wait.num_microseconds().unwrap_or(i64::MAX).max(1);
    u32::try_from((micros - 1) / 1_000_000 + 1).unwrap_or(u32::MAX)
}

fn rate_limited() -> Problem {
    Problem::new(
        429,
        "rate_limited",
        "Too many passwords or codes were tried. Wait as long as Retry-After says; a device that has logged in before, and shows its device_token, does not wait for others.",
    )
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::InvalidCredentials => Self::new(401, "invalid_credentials", "The e-mail address or the password is wrong."),
            Error::TokenInvalid => Self::new(401, "token_invalid", "This is not an access token of this server."),
            Error::TokenExpired => Self::new(401, "token_expired", "The access token has expired; POST /v1/auth/refresh gives a new one."),
            Error::SessionRevoked => Self::new(401, "session_revoked", "This session has ended; log in again."),
            Error::RefreshInvalid => {
                Self::new(401, "refresh_invalid", "This is not a refresh token of this server, or not one for this database; log in again.")
            }
            Error::RefreshReused => {
                Self::new(401, "refresh_reused", "This refresh token was used before, so somebody may have a copy of it. The session has ended; log in again.")
            }
            Error::Forbidden(why) => Self::new(403, "forbidden", why),
            Error::RoleEscalation => {
                Self::new(403, "role_escalation", "Nobody gives or takes more than they have: this role or one of these sites is beyond your own.")
            }
            Error::ReauthRequired => Self::new(
                403,
                "reauth_required",
                "This needs a log-in, or a POST /v1/auth/reauth, of the last ten minutes, with every factor that the user has.",
            ),
            Error::LastOwner(tenant_ids) => Self::new(
                409,
                "last_owner",
                "A tenant keeps at least one owner: make somebody else owner of each in `tenant_ids` first, or close it (`close_tenant_ids`, where you go yourself).",
            )
            .fact("tenant_ids", tenant_ids),
            Error::AlreadyMember => Self::new(409, "already_member", "Whoever has this address is a member already."),
            Error::InviteEmailMismatch => {
                Self::new(403, "invite_email_mismatch", "This invite is for another address than the one you are logged in with. It stays open.")
            }
            Error::InviteExpired => Self::new(410, "invite_expired", "This invite has expired or was withdrawn; ask for another."),
            Error::InviteUsed => Self::new(410, "invite_used", "This invite was accepted before; log in instead."),
            Error::LinkUsed => Self::new(410, "link_used", "This link was used before; ask for another."),
            Error::LinkExpired => Self::new(410, "link_expired", "This link has expired or is void; ask for another."),
            Error::EmailTaken => Self::new(409, "email_taken", "There is another account with this address. The link is used up and nothing has changed."),
            Error::MailNotConfigured => Self::new(409, "mail_not_configured", "This installation sends no mail, which this needs."),
            Error::RegistrationOff => Self::new(403, "registration_off", "This installation takes those in who are invited."),
            Error::MemberElsewhere => Self::new(
                409,
                "member_elsewhere",
                "This member works for other tenants, too: nobody here may decide about their account. Whoever runs the server can: `larder auth reset-link`, `larder auth disable-mfa`.",
            ),
            Error::ApiKeyInvalid => Self::new(401, "token_invalid", "This is not an API key of this server, or one that has ended."),
            Error::NotFound(what) => Self::new(404, "not_found", format!("There is no such {what}, or it is not yours.")),
            Error::SetupTokenInvalid => {
                Self::new(401, "setup_token_invalid", "This is not the setup token that the server printed at its first start or was given.")
            }
            Error::AlreadyBootstrapped => Self::new(409, "already_bootstrapped", "This installation has been set up before; log in instead."),
            Error::IdempotencyKeyNotAllowed => {
                Self::new(400, "idempotency_key_not_allowed", "Idempotency-Key is not taken here: the answer holds credentials and is never stored.")
            }
            Error::RateLimited(wait) => rate_limited().retry_after(seconds(wait)),
            Error::MfaInvalid => Self::new(
                401,
                "mfa_invalid",
                "This needs the user's second factor: a code of the authenticator app that was not used yet, or a recovery code. After a log-in five may be tried within five minutes; then it begins anew.",
            ),
            Error::MfaEnrollmentRequired => Self::new(
                403,
                "mfa_enrollment_required",
                "A tenant of this user lets members in with a second factor only: enrol one by POST /v1/auth/mfa/totp, and keep it.",
            ),
            Error::MfaAlreadyEnrolled => Self::new(409, "mfa_already_enrolled", "There is a second factor already; DELETE /v1/auth/mfa/totp removes it."),
            Error::MfaNotEnrolled => Self::new(409, "mfa_not_enrolled", "There is no second factor; POST /v1/auth/mfa/totp begins to enrol one."),
            Error::MfaNotBegun => Self::new(409, "mfa_not_begun", "No second factor was begun; POST /v1/auth/mfa/totp does."),
            Error::OverLimit(OverLimit { limit, quota, window_seconds, wait }) => rate_limited().over_limit(limit, quota, window_seconds, seconds(wait)),
            Error::NewTenantsOff => {
                Self::new(403, "new_tenants_off", "Tenants are not made here by whoever likes: the operator switches that on by `auth.new_tenants`.")
            }
            Error::TooManyTenants => Self::new(409, "too_many_tenants", "You own as many tenants as one user may."),
            Error::Busy | Error::Changed => Self::new(503, "auth_busy", "Too many people are logging in at this moment; try again.").retry_after(2),
            Error::Refused(problem) => problem,
            Error::Database(error) => Self::database(&error),
            Error::SecretKeyMismatch => {
                tracing::error!("what another secret key has sealed cannot be opened: where the key was exchanged, start this server again");
                Self::new(503, "secret_key_changed", "The secret key of this installation was exchanged, and this server has to be started again.")
            }
            other @ (Error::SetupTokenTooShort
            | Error::SecretKeyMissing(_)
            | Error::SecretKeyNotRotated
            | Error::NotStartedYet
            | Error::PreviousSecretMissing
            | Error::SealedByAnother(_)
            | Error::NothingLost
            | Error::UserDisabled
            | Error::WhichTenant
            | Error::SecretKeyUnusable(_)
            | Error::Cryptography(_)
            | Error::Interrupted) => Self::internal(&other),
        }
    }
}

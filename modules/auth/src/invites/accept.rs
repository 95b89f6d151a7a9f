//! `POST /invites/accept`: whoever was invited comes in.

use actix_web::{HttpRequest, HttpResponse, post, web};
use auth_entity::{invite, user};
use kernel::database::violated_constraint;
use kernel::http::bearer;
use kernel::problem::ProblemDocument;
use kernel::{Body, ClientAddress, Fields, FromFields, Instant, Problem, Text, Txn, Violation};
use sea_orm::{ConnectionTrait, EntityTrait as _, IntoActiveModel as _};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Found, InviteStatus, repository};
use crate::audit::{Act, Concerned, Witness};
use crate::devices::Device;
use crate::email::EmailKey;
use crate::error::Error;
use crate::links;
use crate::login::Whence;
use crate::mail::Outbox;
use crate::members::{self, Grant};
use crate::mfa::{Charged, SecondFactor};
use crate::password::{Password, hash_new, in_password};
use crate::roles::Role;
use crate::sessions::{Member, NewSession, Standing, UserAgent};
use crate::throttle::{Attempt, Charge, Origin};
use crate::tokens::{Subject, Tokens};
use crate::uncached::{NO_STORE, NoIdempotencyKey};
use crate::{Auth, credential, mfa, sessions, settled};

/// Who comes in.
#[derive(ToSchema)]
#[schema(as = AcceptInvite)]
pub struct Request {
    /// The invite's token: what is behind the `#` of its link.
    #[schema(value_type = String)]
    token: Token,
    /// A name, 1 to 200 characters: for somebody who has no account yet.
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// For somebody who has no account yet, the password of the new one: 15 to 256 characters (an operator may lower the least to
    /// 8). Whoever has an account sends its password, or is logged in. It is never set by an invite.
    #[schema(value_type = Option<String>, format = Password, max_length = 256)]
    password: Option<Password>,
    #[serde(flatten)]
    factor: SecondFactor,
}

/// The token of an invite as it is sent. It has no `Debug`: it is a credential.
struct Token(String);

impl kernel::FromValue for Token {
    fn from_value(value: &serde_json::Value) -> Result<Self, kernel::Flaw> {
        Text::<1, 200>::from_value(value).map(|text| Self(text.0))
    }
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (token, name, password) = (fields.required("token"), fields.optional::<Text<1, 200>>("name"), fields.optional("password"));
        let factor = SecondFactor::read(fields);
        Some(Self { token: token?, name: name?.map(|name| name.0), password: password?, factor: factor? })
    }
}

/// How whoever comes in has shown who they are.
enum Guest {
    /// By a session.
    LoggedIn(Box<Standing>),
    /// By the password of their account, with what its try was charged to, and by the second factor of who has one.
    Known { user_id: Uuid, password_hash: String, charge: Charge, factor: Option<Box<Charged>> },
    /// By the token alone: there was no account with that address. What making it was charged to: else one invite would have any number
    /// of passwords hashed at once.
    New(Box<user::Model>, Charge),
}

/// The invite that a token opens.
struct Shown {
    invite: invite::Model,
    /// Whether it is the token that was mailed: then whoever shows it reads mail to that address.
    by_mail: bool,
}

struct Acceptance {
    invite_id: Uuid,
    /// Whom it is for.
    email_key: String,
    by_mail: bool,
    tenant_id: Uuid,
    guest: Guest,
    membership_id: Uuid,
    session: NewSession,
    /// What somebody comes from who shows a password, as with a log-in.
    device: Option<Device>,
    epoch: i64,
    outbox: Outbox,
    now: Instant,
    witness: Witness,
}

/// Makes a member of whoever was invited, and logs them in. Whose right it was to invite is looked at once more.
pub(crate) async fn execute(auth: &Auth, logged_in: Option<Standing>, request: Request, from: Whence) -> Result<Tokens, Error> {
    let state = &auth.0;
    let hash = credential::hash(&request.token.0);
    let invite = repository::by_token(state.database.reader(), &hash).await?.ok_or(Error::NotFound("invite"))?;
    InviteStatus::of(&invite, state.clock.now()).need_open()?;
    let shown = Shown { by_mail: invite.mailed_token_hash.as_ref() == Some(&hash), invite };
    let invite = &shown.invite;
    if let Some(standing) = logged_in {
        let user = members::repository::user(state.database.reader(), standing.user_id).await?.ok_or(Error::SessionRevoked)?;
        if user.email_key != invite.email_key {
            let concerned = Concerned { object_id: Some(invite.id), ..Concerned::session(standing.tenant_id, standing.user_id, standing.session_id) };
            let refused = Witness::new(&state.clock, &state.ids).refused(Act::AcceptInvite, concerned);
            state.database.write(refused, |event, txn| Box::pin(async move { Ok::<_, Error>(event.record(txn).await?) })).await?;
            return Err(Error::InviteEmailMismatch);
        }
        let outcome = come_in(auth, &shown, Guest::LoggedIn(Box::new(standing)), from.user_agent).await?;
        return outcome.ok_or(Error::InvalidCredentials);
    }
    let (key, Request { name, password, factor, .. }) = (EmailKey::of(&invite.email), request);
    let Some(password) = password else {
        return Err(missing("/password", "send a password, or be logged in"));
    };
    if name.is_some() {
        // Of whoever has an account, too: else the answer would tell who has one.
        state.policy.measure(&password).map_err(|flaw| Error::Refused(Problem::invalid(vec![in_password(flaw)])))?;
    }
    let user = members::repository::user_by_email(state.database.reader(), &key).await?;
    if let (None, Some(name)) = (&user, name) {
        // There is no password to guess: what strangers have tried of this address keeps nobody out, and one invite is charged for itself.
        state.throttle.admit_address(from.address.0)?;
        let mut attempt = Attempt::begin(auth, &key, Origin::Known(invite.id)).await?;
        attempt.leave_queue();
        let outcome = match newcomer(auth, invite, key, name, password).await {
            Ok(user) => come_in(auth, &shown, Guest::New(Box::new(user), attempt.charge().clone()), from.user_agent).await,
            Err(error) => Err(error),
        };
        return attempt.end(outcome, Act::AcceptInvite).await;
    }
    let mut attempt = Attempt::begin(auth, &key, Origin::Unknown(from.address.0)).await?;
    // Where there is no account and no name to make one with, it is as a wrong password: the answer does not tell who has one.
    let outcome = match (attempt.verify(password, user.as_ref().map(|user| user.password_hash.clone())).await, user) {
        (Ok(verified), Some(user)) if verified.right && user.disabled_at.is_none() => {
            by_password(auth, &shown, user, factor, attempt.charge().clone(), from.user_agent).await
        }
        (Ok(_), _) => Ok(None),
        (Err(error), _) => Err(error),
    };
    attempt.end(outcome, Act::AcceptInvite).await
}

/// Somebody with an account, whose password was right: an invite is accepted by what a log-in takes.
async fn by_password(
    auth: &Auth,
    shown: &Shown,
    user: user::Model,
    factor: SecondFactor,
    charge: Charge,
    user_agent: UserAgent,
) -> Result<Option<Tokens>, Error> {
    let factor = Charged::begin_if_enrolled(auth, &user, factor).await?;
    let guest = Guest::Known { user_id: user.id, password_hash: user.password_hash, charge, factor: factor.clone().map(Box::new) };
    let outcome = come_in(auth, shown, guest, user_agent).await;
    match factor {
        Some(factor) => factor.end(outcome).await,
        None => outcome,
    }
}

/// Writes it all down. `None` where the account changed meanwhile: another password, or made by somebody else just now.
async fn come_in(auth: &Auth, shown: &Shown, guest: Guest, user_agent: UserAgent) -> Result<Option<Tokens>, Error> {
    let state = auth.0.clone();
    let now = state.clock.now();
    let device = (!matches!(guest, Guest::LoggedIn(_))).then(|| Device::of(auth, None, &user_agent));
    let acceptance = Acceptance {
        device: device.clone(),
        invite_id: shown.invite.id,
        email_key: shown.invite.email_key.clone(),
        by_mail: shown.by_mail,
        tenant_id: shown.invite.tenant_id,
        guest,
        membership_id: state.ids.next(now),
        session: NewSession::begin(&state.ids, now, user_agent),
        epoch: state.epoch(),
        outbox: state.outbox.clone(),
        now,
        witness: Witness::new(&state.clock, &state.ids),
    };
    settled(async move {
        let written = state.database.write(acceptance, |acceptance, txn| Box::pin(turn(acceptance, txn))).await;
        state.outbox.wake();
        let subject = match written {
            // Two tenants have invited the same new address, and the other one's invite was accepted at this moment.
            Err(Error::Database(error)) if violated_constraint(&error).is_some_and(|name| name.contains("email_key")) => None,
            written => written?,
        };
        let tokens = subject.map(|subject| state.tokens.issue(&subject, state.ids.next(now), now)).transpose()?;
        Ok(tokens.map(|tokens| Tokens { device_token: device.and_then(Device::into_token), ..tokens }))
    })
    .await
}

/// Somebody without an account: what theirs will be.
async fn newcomer(auth: &Auth, invite: &invite::Model, key: EmailKey, name: String, password: Password) -> Result<user::Model, Error> {
    let state = &auth.0;
    let tenant = members::repository::open_tenant(state.database.reader(), invite.tenant_id).await?.ok_or(Error::InviteExpired)?;
    let password_hash = hash_new(state, password, &[invite.email.clone(), name.clone(), tenant.name]).await?;
    let now = state.clock.now();
    Ok(user::Model {
        id: state.ids.next(now),
        version: 1,
        created_at: now.into(),
        updated_at: now.into(),
        email: invite.email.clone(),
        email_key: key.0,
        name,
        password_hash,
        disabled_at: None,
        email_verified_at: None,
        erased_at: None,
    })
}

fn missing(pointer: &str, detail: &str) -> Error {
    Error::Refused(Problem::invalid(vec![Violation { pointer: pointer.into(), code: "required".into(), detail: detail.into() }]))
}

async fn turn(acceptance: &Acceptance, txn: &Txn) -> Result<Option<Subject>, Error> {
    let Acceptance { tenant_id, membership_id, outbox, now, .. } = acceptance;
    let session = acceptance.session.clone();
    let (user_id, session) = match &acceptance.guest {
        Guest::LoggedIn(standing) => {
            let user = members::repository::hold_user(txn, standing.user_id).await?.filter(|user| user.disabled_at.is_none());
            // Against an end of the session at the same time: what ends with it must not have a successor.
            sessions::repository::hold(txn, standing.session_id).await?;
            let standing = sessions::repository::standing(txn, standing.session_id).await?.filter(|standing| standing.lasts(*now));
            let user = user.ok_or(Error::SessionRevoked)?;
            if user.email_key != acceptance.email_key {
                return Err(Error::InviteEmailMismatch);
            }
            (user.id, session.after(&standing.ok_or(Error::SessionRevoked)?))
        }
        Guest::Known { user_id, password_hash, charge, factor } => {
            let user = members::repository::hold_user(txn, *user_id).await?;
            let is_still = |user: user::Model| user.disabled_at.is_none() && user.password_hash == *password_hash && user.email_key == acceptance.email_key;
            if !user.is_some_and(is_still) {
                return Ok(None);
            }
            let session = match factor {
                Some(factor) => {
                    factor.accept(txn, *now).await?;
                    session.with_second_factor()
                }
                None if mfa::is_enrolled(txn, *user_id).await? => return Err(Error::MfaInvalid),
                None => session,
            };
            charge.succeed(txn, *now).await?;
            (*user_id, session)
        }
        Guest::New(user, charge) => {
            charge.succeed(txn, *now).await?;
            (user.id, session)
        }
    };
    members::repository::hold_tenant(txn, *tenant_id).await?.ok_or(Error::InviteExpired)?;
    let invite = repository::hold(txn, *tenant_id, acceptance.invite_id).await?;
    let found = repository::with_grants(txn, *tenant_id, invite.into_iter().collect()).await?;
    let Found { invite, grant } = found.into_iter().next().ok_or(Error::InviteExpired)?;
    InviteStatus::of(&invite, *now).need_open()?;
    if !may_still_invite(txn, &invite, &grant).await? {
        return Err(Error::InviteExpired);
    }
    if members::repository::membership_of(txn, *tenant_id, user_id).await?.is_some() {
        return Err(Error::AlreadyMember);
    }
    if let Guest::New(user, _) = &acceptance.guest {
        if members::repository::user_by_email(txn, &EmailKey::of(&invite.email)).await?.is_some() {
            return Ok(None);
        }
        user::Entity::insert(user.as_ref().clone().into_active_model()).exec_without_returning(txn).await?;
    }
    if acceptance.by_mail {
        members::repository::verify_email(txn, user_id, *now).await?;
    }
    // Whoever works for several tenants is nobody's to decide about.
    links::void_handed_out(txn, user_id, *now).await?;
    if grant.role == Role::Owner {
        members::tell_of_owner(txn, outbox, *tenant_id, *now).await?;
    }
    members::repository::insert(txn, outbox.ids(), *now, *membership_id, *tenant_id, user_id, &grant).await?;
    repository::accept(txn, invite.id, user_id, *now).await?;
    let member = Member { user_id, tenant_id: *tenant_id, membership_id: *membership_id, epoch: acceptance.epoch, role: grant.role, sites: grant.sites };
    sessions::repository::insert(txn, session.row(&member)).await?;
    if let Some(device) = &acceptance.device {
        device.record(txn, outbox, user_id, *now).await?;
    }
    let concerned = Concerned { object_id: Some(invite.id), ..Concerned::session(*tenant_id, user_id, session.id) };
    acceptance.witness.done(Act::AcceptInvite, concerned).record(txn).await?;
    Ok(Some(session.subject(&member)))
}

/// Whether whoever invited is still there and may still give that.
async fn may_still_invite(txn: &impl ConnectionTrait, invite: &invite::Model, grant: &Grant) -> Result<bool, Error> {
    let Some(inviter) = members::repository::membership(txn, invite.tenant_id, invite.membership_id).await? else { return Ok(false) };
    let enabled = members::repository::user(txn, inviter.user_id).await?.is_some_and(|user| user.disabled_at.is_none());
    let own = members::repository::grant(txn, &inviter).await?;
    Ok(enabled && own.is_some_and(|own| grant.given_by(&own).is_ok()))
}

/// Accepts an invite, and begins a session in its tenant.
///
/// Whoever has no account yet sends a name and a password, and has one then. Whoever has one is logged in (an access token in the
/// header), or sends its password, and a second factor where they have one. An invite for another address than that of the account is refused and stays open.
#[utoipa::path(
    operation_id = "accept_invite",
    tag = "auth",
    security(("bearer" = []), ()),
    request_body = Request,
    responses(
        (status = 201, description = "A member now, and logged in.", body = Tokens),
        (status = 400, description = "`malformed_json`, `malformed_body`: the body is not JSON. `idempotency_key_not_allowed`: answers with credentials are never stored.", body = ProblemDocument<'_>),
        (status = 401, description = "`invalid_credentials`: not the password of the account with that address, or there is none and no `name` was sent to make one with. `mfa_invalid`: it is, and the second factor is wrong, was used before or was not sent. `token_invalid`, `token_expired`, `session_revoked`.", body = ProblemDocument<'_>),
        (status = 403, description = "`invite_email_mismatch`: it is for another address than that of the session. `forbidden`: an API key accepts nothing. `mfa_enrollment_required`: the session's tenant requires a second factor, which its user does not have.", body = ProblemDocument<'_>),
        (status = 404, description = "`not_found`: no such invite.", body = ProblemDocument<'_>),
        (status = 409, description = "`already_member`.", body = ProblemDocument<'_>),
        (status = 410, description = "`invite_expired`: too late, withdrawn, or whoever invited may no longer give that. `invite_used`: accepted before.", body = ProblemDocument<'_>),
        (status = 422, description = "`invalid_request`, with everything that is wrong in `errors`; there also `password_too_short`, `password_too_long`, `password_blocked`.", body = ProblemDocument<'_>),
        (status = 429, description = "`rate_limited`: too many wrong passwords or codes for that account, or from this address; this one was not looked at. `Retry-After` says when to try again.", body = ProblemDocument<'_>),
        (status = 503, description = "`auth_busy`: too many passwords are being checked. `database_unavailable`: nothing was written. `timed_out`.", body = ProblemDocument<'_>),
    )
)]
#[post("/invites/accept")]
pub(crate) async fn handler(
    auth: web::Data<Auth>,
    request: HttpRequest,
    _: NoIdempotencyKey,
    address: ClientAddress,
    user_agent: UserAgent,
    body: Body<Request>,
) -> Result<HttpResponse, Problem> {
    let logged_in = match bearer(&request) {
        Some(bearer) if crate::api_keys::is_one(&bearer) => return Err(Error::Forbidden("An API key accepts no invite.").into()),
        Some(bearer) => {
            let standing = sessions::authenticate(&auth, &bearer).await?;
            standing.need_enrolled()?;
            Some(standing.as_ref().clone())
        }
        None => None,
    };
    let tokens = execute(&auth, logged_in, body.request, Whence { address, user_agent }).await?;
    Ok(HttpResponse::Created().insert_header(NO_STORE).json(tokens))
}

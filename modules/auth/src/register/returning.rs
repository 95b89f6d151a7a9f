//! Confirming a registration for somebody who has an account and has left, or closed, the last tenant that they were in: without one they
//! cannot log in, and nothing but an invite would let them come back.

use std::sync::Arc;

use auth_entity::{one_time_token, user};
use kernel::{Instant, Txn};
use sea_orm::ConnectionTrait;

use super::confirm::{Confirmed, use_up};
use crate::audit::{Act, Concerned, Witness};
use crate::devices::Device;
use crate::error::Error;
use crate::links;
use crate::members::repository::{hold_user, open_memberships, verify_email};
use crate::mfa::{self, Charged, SecondFactor};
use crate::password::Password;
use crate::sessions::{self, NewSession};
use crate::tenants::{Currency, NewTenant, TimeZone, find_place};
use crate::throttle::{Attempt, Charge, Origin};
use crate::tokens::{Subject, Tokens};
use crate::{Auth, State, settled};

/// Whether that is this user: one who may come in, and is a member of no open tenant.
pub(super) async fn may(connection: &impl ConnectionTrait, user: &user::Model) -> Result<bool, Error> {
    Ok(user.disabled_at.is_none() && user.erased_at.is_none() && open_memberships(connection, user.id).await? == 0)
}

struct Return {
    state: Arc<State>,
    link: one_time_token::Model,
    /// As they were when their password was tried.
    user: user::Model,
    charge: Charge,
    factor: Option<Charged>,
    tenant: NewTenant,
    session: NewSession,
    device: Device,
    now: Instant,
    witness: Witness,
}

/// What became of it.
enum Outcome {
    Made(Box<Subject>),
    /// They are a member by now; the link is used up.
    Taken,
    /// Another password, or another address, meanwhile.
    Changed,
}

/// Makes the tenant with this user as its owner, and logs in, by what a log-in takes. [`Error::InvalidCredentials`] and
/// [`Error::MfaInvalid`] leave the link open.
pub(super) async fn execute(auth: &Auth, confirmed: Confirmed, user: user::Model, password: Password, factor: SecondFactor) -> Result<Tokens, Error> {
    // What strangers have tried of this account keeps out nobody who reads its mail; each link is charged for itself.
    let mut attempt = Attempt::begin(auth, &confirmed.email, Origin::Known(confirmed.link.id)).await?;
    let outcome = match attempt.verify(password, Some(user.password_hash.clone())).await {
        Ok(verified) if verified.right => with_factor(auth, confirmed, user, factor, attempt.charge().clone()).await,
        Ok(_) => Ok(None),
        Err(error) => Err(error),
    };
    attempt.end(outcome, Act::Register).await
}

async fn with_factor(auth: &Auth, confirmed: Confirmed, user: user::Model, factor: SecondFactor, charge: Charge) -> Result<Option<Tokens>, Error> {
    let factor = Charged::begin_if_enrolled(auth, &user, factor).await?;
    let outcome = come_back(auth, confirmed, user, factor.clone(), charge).await;
    match factor {
        Some(factor) => factor.end(outcome).await,
        None => outcome,
    }
}

/// Writes it all down. `None` where the account changed meanwhile.
async fn come_back(auth: &Auth, confirmed: Confirmed, user: user::Model, factor: Option<Charged>, charge: Charge) -> Result<Option<Tokens>, Error> {
    let state = auth.0.clone();
    let now = state.clock.now();
    let Confirmed { link, application, user_agent, device, .. } = confirmed;
    let tenant = NewTenant::new(&state, application.tenant_name, Currency(application.currency), TimeZone(application.time_zone), now);
    let (facts, session) = (tenant.facts(), NewSession::begin(&state.ids, now, user_agent));
    let witness = Witness::new(&state.clock, &state.ids);
    let coming = Return { state: state.clone(), link, user, charge, factor, tenant, session, device: device.clone(), now, witness };
    settled(async move {
        let outcome = state.database.write(coming, |coming, txn| Box::pin(turn(coming, txn))).await;
        state.outbox.wake();
        let subject = match outcome? {
            Outcome::Made(subject) => subject,
            Outcome::Taken => return Err(Error::EmailTaken),
            Outcome::Changed => return Ok(None),
        };
        find_place(&state, facts).await;
        let tokens = state.tokens.issue(&subject, state.ids.next(now), now)?;
        Ok(Some(Tokens { device_token: device.into_token(), ..tokens }))
    })
    .await
}

async fn turn(coming: &Return, txn: &Txn) -> Result<Outcome, Error> {
    let Return { state, link, user: tried, charge, factor, tenant, session, device, now, witness } = coming;
    // Against another link, an invite that they accept, and an erasure at the same time: who gives a membership holds its user.
    let user = hold_user(txn, tried.id).await?.filter(|user| user.disabled_at.is_none());
    let Some(user) = user.filter(|user| user.password_hash == tried.password_hash && user.email_key == tried.email_key) else {
        return Ok(Outcome::Changed);
    };
    use_up(txn, link, *now).await?;
    if !may(txn, &user).await? {
        return Ok(Outcome::Taken);
    }
    let session = match factor {
        Some(factor) => {
            factor.accept(txn, *now).await?;
            session.clone().with_second_factor()
        }
        None if mfa::is_enrolled(txn, user.id).await? => return Err(Error::MfaInvalid),
        None => session.clone(),
    };
    charge.succeed(txn, *now).await?;
    links::forget_content(txn, link.id).await?;
    links::void_handed_out(txn, user.id, *now).await?;
    verify_email(txn, user.id, *now).await?;
    tenant.insert(txn, &state.ids, user.id).await?;
    let owner = tenant.owner(user.id, state.epoch());
    sessions::repository::insert(txn, session.row(&owner)).await?;
    device.record(txn, &state.outbox, user.id, *now).await?;
    let concerned = Concerned { object_id: Some(link.id), ..Concerned::session(owner.tenant_id, user.id, session.id) };
    witness.done(Act::Register, concerned).record(txn).await?;
    Ok(Outcome::Made(Box::new(session.subject(&owner))))
}

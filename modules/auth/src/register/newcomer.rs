//! Confirming a registration where there is no account yet.

use auth_entity::one_time_token;
use kernel::database::violated_constraint;
use kernel::{Instant, Txn};

use super::confirm::{Confirmed, use_up};
use crate::audit::{Act, Concerned, Event, Witness};
use crate::devices::Device;
use crate::email::EmailKey;
use crate::error::Error;
use crate::links;
use crate::members::repository::{user_by_email, verify_email};
use crate::password::{Password, hash_new};
use crate::tenants::{Currency, Founders, Owner, TimeZone, find_place};
use crate::tokens::Tokens;
use crate::{Auth, settled};

struct Confirmation {
    link: one_time_token::Model,
    email: EmailKey,
    founders: Founders,
    device: Device,
    event: Event,
    now: Instant,
}

/// Makes the account with its password, and the tenant, and logs in. [`Error::EmailTaken`] where there is one with that address by now.
pub(super) async fn execute(auth: &Auth, confirmed: Confirmed, password: Password) -> Result<Tokens, Error> {
    let state = auth.0.clone();
    let Confirmed { link, application, email, user_agent, device } = confirmed;
    let about = [application.email.clone(), application.name.clone(), application.tenant_name.clone()];
    let password_hash = hash_new(&state, password, &about).await?;
    // Hashing has taken its time.
    let now = state.clock.now();
    let owner = Owner {
        email: application.email,
        email_key: email.clone(),
        name: application.name,
        password_hash,
        tenant_name: application.tenant_name,
        currency: Currency(application.currency),
        time_zone: TimeZone(application.time_zone),
    };
    let founders = Founders::new(&state, owner, user_agent, now);
    let (member, facts, subject) = (founders.member(), founders.facts(), founders.subject());
    let concerned = Concerned { object_id: Some(link.id), ..Concerned::session(member.tenant_id, member.user_id, founders.session_id()) };
    let event = Witness::new(&state.clock, &state.ids).done(Act::Register, concerned);
    let confirmation = Confirmation { link, email, founders, device: device.clone(), event, now };
    settled(async move {
        let made = state.database.write(confirmation, |confirmation, txn| Box::pin(turn(confirmation, txn))).await;
        match made {
            Ok(true) => {}
            Ok(false) => return Err(Error::EmailTaken),
            // Somebody else has got the address at this moment.
            Err(Error::Database(error)) if violated_constraint(&error).is_some_and(|name| name.contains("email_key")) => return Err(Error::EmailTaken),
            Err(error) => return Err(error),
        }
        find_place(&state, facts).await;
        let tokens = state.tokens.issue(&subject, state.ids.next(now), now)?;
        Ok(Tokens { device_token: device.into_token(), ..tokens })
    })
    .await
}

/// Whether the account was made: false where there is one with that address by now. Then the link is used up all the same.
async fn turn(confirmation: &Confirmation, txn: &Txn) -> Result<bool, Error> {
    let Confirmation { link, email, founders, device, event, now } = confirmation;
    use_up(txn, link, *now).await?;
    if user_by_email(txn, email).await?.is_some() {
        return Ok(false);
    }
    founders.insert(txn).await?;
    links::forget_content(txn, link.id).await?;
    let user_id = founders.member().user_id;
    verify_email(txn, user_id, *now).await?;
    device.keep(txn, user_id, *now).await?;
    event.record(txn).await?;
    Ok(true)
}

use auth_entity::user;
use uuid::Uuid;

use super::failures::Failure;
use super::repository;
use super::rules::Limit;
use super::{Charge, Throttle};
use crate::audit::Act;
use crate::email::EmailKey;
use crate::error::Error;
use crate::mail::Outbox;
use crate::notices::Notice;
use crate::{Auth, links};

/// So many wrong codes in an hour, and the user is told: whoever tries them knows the password.
const REPEATED: i64 = 5;

impl Throttle {
    /// All codes of a user count together, wherever they are shown.
    pub(crate) fn key_of_codes(&self, user_id: Uuid) -> String {
        self.key(Limit::Codes.name(), &[user_id.as_bytes()])
    }
}

/// One try of a code of a user, or of a recovery code, charged before it is looked at. Only who has shown the password, or has a session,
/// gets here: a stranger makes nobody wait.
#[derive(Clone)]
pub(crate) struct CodeAttempt {
    auth: Auth,
    user_id: Uuid,
    account: EmailKey,
    charge: Charge,
}

struct Charging {
    charge: Charge,
    link: Option<Uuid>,
}

impl CodeAttempt {
    /// Charges the try; with a `link` as one of the few that its token has, which is [`Error::MfaInvalid`] where there is none left.
    /// Those and [`Error::OverLimit`] have counted nothing.
    pub(crate) async fn begin(auth: &Auth, user: &user::Model, link: Option<Uuid>) -> Result<Self, Error> {
        let state = &auth.0;
        let keys = [(Limit::Codes, state.throttle.key_of_codes(user.id))].into();
        let charge = Charge::new(keys, state.clock.now());
        // A refusal neither writes nor waits for who does.
        charge.need_room(&repository::read(state.database.reader(), &charge.keys()).await?)?;
        let charging = Charging { charge, link };
        let charged = state.database.write(charging, |Charging { charge, link }, txn| {
            Box::pin(async move {
                if let Some(id) = link
                    && !links::count_try(txn, *id, charge.charged_at).await?
                {
                    return Err(Error::MfaInvalid);
                }
                charge.make(txn).await
            })
        });
        let charge = charged.await?;
        Ok(Self { auth: auth.clone(), user_id: user.id, account: EmailKey(user.email_key.clone()), charge })
    }

    /// What it was charged to: whatever the code was shown for is done in one transaction with [`Charge::succeed`].
    pub(crate) fn charge(&self) -> &Charge {
        &self.charge
    }

    /// Ends it as it came out. [`Error::MfaInvalid`] stays charged and is audited; after any other error nobody knows whether the code was
    /// right, so the charge is given back.
    pub(crate) async fn end<T>(self, outcome: Result<T, Error>) -> Result<T, Error> {
        match &outcome {
            Ok(_) => {}
            Err(Error::MfaInvalid) => self.record_failure().await?,
            Err(_) => self.charge.give_back_or_warn(&self.auth.0).await,
        }
        outcome
    }

    async fn record_failure(&self) -> Result<(), Error> {
        let state = &self.auth.0;
        let failed = Failed { failure: Failure::of(state, Act::ShowSecondFactor, &self.account), user_id: self.user_id, outbox: state.outbox.clone() };
        state
            .database
            .write(failed, |failed, txn| {
                Box::pin(async move {
                    if failed.failure.record(txn).await? == REPEATED {
                        Notice::MfaFailed.tell(txn, &failed.outbox, failed.user_id, failed.failure.now).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

struct Failed {
    failure: Failure,
    user_id: Uuid,
    outbox: Outbox,
}

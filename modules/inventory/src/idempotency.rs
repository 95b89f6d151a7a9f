//! Doing a request once.
//!
//! A key is claimed for the transaction: a failed request leaves it free, and a second request under the same key waits for the
//! first, bounded by the lock timeout. Nothing is written for the claim. What is written is the answer, once and with the last of the work, and
//! its primary key is what makes that impossible a second time; the claim only keeps two from doing the same work at once (docs/decisions/0021).
//!
//! The answer is stored with everything in it but the numbers of a document that was written with it, which the document has; what the caller
//! may not see is left out when it is answered, so a replay shows neither more nor less than the caller's present rights allow.

use std::sync::Arc;

use kernel::http::IdempotencyKey;
use kernel::{Caller, Fingerprint, Instant, Outcome, Txn, database};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Inventory;
use crate::error::Error;
use crate::http::{Answer, HideCosts, Recheck};
use crate::ledger::{self, Writing};
use crate::rows::{self, Batch, Reads, Told};

/// The key of a request and what it asked for.
#[derive(Clone, Debug)]
pub struct Once {
    pub key: IdempotencyKey,
    pub fingerprint: Fingerprint,
}

impl Once {
    /// For work that nobody sends a second time, such as what a program does of its own accord.
    pub fn never_again() -> Self {
        Self { key: IdempotencyKey(None), fingerprint: Fingerprint(String::new()) }
    }
}

/// What a unit of work is given: the module, who asks, when, and for what.
pub struct Task<I> {
    pub state: Inventory,
    pub caller: Caller,
    pub now: Instant,
    pub input: I,
}

#[derive(FromQueryResult)]
struct Stored {
    fingerprint: String,
    status: i64,
    body: String,
}

/// What a unit of work answers; with the document, not numbered yet, that it has left to be written last.
pub struct Done<T> {
    pub body: T,
    pub writing: Option<Writing>,
}

impl<T> From<T> for Done<T> {
    fn from(body: T) -> Self {
        Self { body, writing: None }
    }
}

impl Inventory {
    /// Runs `work` in a transaction under the request's key: 201 with its answer, or the stored answer of the first time.
    pub(crate) async fn create_once<I, T>(
        &self,
        caller: &Caller,
        once: Once,
        input: I,
        work: impl for<'a> Fn(&'a Task<I>, &'a Txn) -> Outcome<'a, T, Error> + Send + Sync + 'static,
    ) -> Result<Answer<T>, Error>
    where
        I: Send + Sync + 'static,
        T: Serialize + DeserializeOwned + HideCosts + Recheck + Send + 'static,
    {
        let work = Arc::new(work);
        self.post_once(caller, once, input, move |task, txn, once| {
            let work = work.clone();
            Box::pin(async move {
                let claimed = once.claimed(once.claim(task, txn).send(txn).await?);
                if claimed.is_some() { Ok(Some(work(task, txn).await?.into())) } else { Ok(None) }
            })
        })
        .await
    }

    /// The same for work that claims the key itself, with the first that it reads, and answers nothing where that is taken.
    pub(crate) async fn post_once<I, T>(
        &self,
        caller: &Caller,
        once: Once,
        input: I,
        work: impl for<'a> Fn(&'a Task<I>, &'a Txn, &'a Once) -> Outcome<'a, Option<Done<T>>, Error> + Send + Sync + 'static,
    ) -> Result<Answer<T>, Error>
    where
        I: Send + Sync + 'static,
        T: Serialize + DeserializeOwned + HideCosts + Recheck + Send + 'static,
    {
        self.ensure_known(caller.tenant_id).await?;
        let task = Task { state: self.clone(), caller: caller.clone(), now: self.now(), input };
        let (work, asked) = (Arc::new(work), once.clone());
        let done = self.database().write((task, once), move |(task, once), txn| -> Outcome<'_, Answer<T>, Error> {
            let work = work.clone();
            Box::pin(async move {
                // Twice, where whoever had the key at first has left no answer: then it is this transaction's.
                for _ in 0..2 {
                    if let Some(done) = work(task, txn, once).await? {
                        return finish(txn, task, once, done).await;
                    }
                    if let Some(answer) = answered_before(txn, &task.caller, once).await? {
                        return Ok(answer);
                    }
                }
                Err(Error::IdempotencyInProgress)
            })
        });
        let answer = match done.await {
            Ok(answer) => answer,
            Err(refusal) => match self.answered_meanwhile(caller, asked).await {
                Ok(Some(answer)) => answer,
                Err(Error::IdempotencyKeyReused) => return Err(Error::IdempotencyKeyReused),
                Ok(None) | Err(_) => return Err(refusal),
            },
        };
        Ok(answer.seen_by(caller))
    }

    /// A claim on Postgres does not see what was stored after its statement had begun and before it had the lock. Its work then meets what the first
    /// request has done, and fails because of that, at the latest where it stores its own answer: which is no answer to give. So whatever failed is looked
    /// up once more.
    async fn answered_meanwhile<T: DeserializeOwned + Recheck + Send + 'static>(&self, caller: &Caller, once: Once) -> Result<Option<Answer<T>>, Error> {
        let reader = self.database().reader();
        if !database::is_postgres(reader) || stored(reader, caller, &once).await?.is_none() {
            return Ok(None);
        }
        let asked = (caller.clone(), once);
        self.database().write(asked, |(caller, once), txn| -> Outcome<'_, Option<Answer<T>>, Error> { Box::pin(answered_before(txn, caller, once)) }).await
    }

    /// Runs `work` in a transaction that nobody can replay: PATCH and DELETE, which carry a version instead.
    pub(crate) async fn write<I, T>(
        &self,
        caller: &Caller,
        input: I,
        work: impl for<'a> Fn(&'a Task<I>, &'a Txn) -> Outcome<'a, T, Error> + Send + Sync + 'static,
    ) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.ensure_known(caller.tenant_id).await?;
        let task = Task { state: self.clone(), caller: caller.clone(), now: self.now(), input };
        self.database().write(task, work).await
    }
}

/// How long an answer is kept for whoever asks again under its key.
const KEPT_DAYS: i64 = 30;
/// How many answers one transaction forgets, so that it is a short one.
const FORGET: i64 = 1_000;

impl Inventory {
    /// Forgets the answers that are older than thirty days, and says how many those were. For the program to call now and then.
    pub async fn forget_old_answers(&self) -> Result<u64, Error> {
        let before = self.now().plus(chrono::TimeDelta::days(-KEPT_DAYS));
        let mut forgotten = 0;
        loop {
            let some = self.database().write(before, |before, txn| -> Outcome<'_, u64, Error> { Box::pin(forget(txn, *before)) }).await?;
            forgotten += some;
            if some == 0 {
                return Ok(forgotten);
            }
        }
    }
}

async fn forget(txn: &Txn, before: Instant) -> Result<u64, Error> {
    // Of all tenants, which no request asks for. The LIMIT stands in the text (docs/decisions/0018).
    let sql = format!(
        "DELETE FROM idempotency WHERE (tenant_id, actor_id, key) IN (SELECT tenant_id, actor_id, key FROM idempotency WHERE created_at < $1 LIMIT {FORGET})"
    );
    let before: chrono::DateTime<chrono::FixedOffset> = before.into();
    Ok(rows::execute(txn, &sql, [before.into()]).await?.rows_affected())
}

const CREATED: i64 = 201;

impl Stored {
    fn answer<T: DeserializeOwned>(self) -> Result<Answer<T>, Error> {
        let body = serde_json::from_str(&self.body).map_err(|error| DbErr::Json(error.to_string()))?;
        Ok(Answer { status: self.status, body, replayed: true })
    }
}

/// What a key is: of an actor in a tenant.
const OF_KEY: &str = "tenant_id = $1 AND actor_id = $2 AND key = $3";
/// The number of the lock that stands for it on Postgres.
const LOCK: &str = "hashtextextended($1::uuid || '/' || $2::uuid || '/' || $3::text, 0)";

impl Once {
    /// Reads to be sent with the claim of the key; without one there is nothing to claim.
    pub fn claim<I>(&self, task: &Task<I>, txn: &Txn) -> Reads {
        let Some(of_key) = self.of_key(&task.caller) else { return Reads::new(txn) };
        // SQLite has one writer: nobody else is at work.
        let lock = if database::is_postgres(txn) { format!(" AND pg_try_advisory_xact_lock({LOCK})") } else { String::new() };
        Reads::claiming(txn, &format!("NOT EXISTS (SELECT 1 FROM idempotency WHERE {OF_KEY}){lock}"), of_key)
    }

    /// What was told with the claim; `None` where the key is taken.
    pub fn claimed(&self, told: Told) -> Option<Told> {
        (self.key.0.is_none() || told.is_claimed()).then_some(told)
    }

    /// What [`LOCK`] and [`OF_KEY`] are asked with.
    fn of_key(&self, caller: &Caller) -> Option<[sea_orm::Value; 3]> {
        let key = self.key.0.clone()?;
        Some([caller.tenant_id.into(), caller.user_id.into(), key.into()])
    }
}

/// Stores what was done under the key.
async fn finish<I, T: Serialize + Recheck>(txn: &Txn, task: &Task<I>, once: &Once, done: Done<T>) -> Result<Answer<T>, Error> {
    let Done { mut body, writing } = done;
    if let Some(mut writing) = writing {
        keep(writing.beside(), task, once, &body)?;
        body.number(&writing.send(txn).await?);
    } else {
        let mut batch = Batch::new(txn);
        keep(&mut batch, task, once, &body)?;
        batch.send(txn).await?;
    }
    Ok(Answer { status: CREATED, body, replayed: false })
}

async fn stored(connection: &impl ConnectionTrait, caller: &Caller, once: &Once) -> Result<Option<Stored>, DbErr> {
    let Some(of_key) = once.of_key(caller) else { return Ok(None) };
    rows::one(connection, &format!("SELECT fingerprint, status, body FROM idempotency WHERE {OF_KEY}"), of_key).await
}

/// What was answered under the key, which is taken. Waits for whoever is at work under it; `None` where that one has left no answer, after which
/// the key is held.
async fn answered_before<T: DeserializeOwned + Recheck>(txn: &Txn, caller: &Caller, once: &Once) -> Result<Option<Answer<T>>, Error> {
    let mut found = stored(txn, caller, once).await?;
    if let Some(of_key) = once.of_key(caller).filter(|_| found.is_none() && database::is_postgres(txn)) {
        // It names the table of the claim: where tables are distributed, both ask the server that has the tenant.
        let wait = format!("SELECT pg_advisory_xact_lock({LOCK}) WHERE NOT EXISTS (SELECT 1 FROM idempotency WHERE {OF_KEY})");
        let waited = rows::execute(txn, &wait, of_key).await;
        waited.map_err(|error| if database::is_lock_timeout(&error) { Error::IdempotencyInProgress } else { error.into() })?;
        found = stored(txn, caller, once).await?;
    }
    let Some(stored) = found else { return Ok(None) };
    if stored.fingerprint != once.fingerprint.0 {
        return Err(Error::IdempotencyKeyReused);
    }
    let mut answer = stored.answer::<T>()?;
    answer.body.recheck(caller, txn).await?;
    if let Some(document) = answer.body.unnumbered() {
        answer.body.number(&ledger::head_of(txn, caller.tenant_id, document).await?);
    }
    Ok(Some(answer))
}

fn keep<I, T: Serialize>(batch: &mut Batch, task: &Task<I>, once: &Once, body: &T) -> Result<(), Error> {
    let Some(of_key) = once.of_key(&task.caller) else { return Ok(()) };
    let body = serde_json::to_string(body).map_err(|error| DbErr::Json(error.to_string()))?;
    let at: chrono::DateTime<chrono::FixedOffset> = task.now.into();
    let insert = "INSERT INTO idempotency (tenant_id, actor_id, key, fingerprint, status, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    batch.add(insert, of_key.into_iter().chain([once.fingerprint.0.clone().into(), CREATED.into(), body.into(), at.into()]));
    Ok(())
}

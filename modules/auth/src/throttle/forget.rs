//! What need not be remembered any more.

use auth_entity::throttle;
use kernel::{Instant, Txn};

use super::{failures, repository};
use crate::Auth;
use crate::audit::Witness;
use crate::error::Error;

/// How many rows are deleted in one transaction.
const AT_ONCE: u64 = 500;
/// How many rows are kept. More than that were made by a flood, and those that hold back nobody go first.
const MOST_ROWS: u64 = 200_000;

impl Auth {
    /// Deletes what counted tries of passwords and says nothing more, and tells the audit what was left to tell. Answers how many rows
    /// those were. Once an hour is often enough.
    pub async fn forget_old_tries(&self) -> Result<u64, Error> {
        let mut forgotten = 0;
        loop {
            let some = self.forget_some(Which::Forgotten, AT_ONCE).await?;
            forgotten += some;
            if some < AT_ONCE {
                break;
            }
        }
        let mut too_many = repository::count(self.0.database.reader()).await?.saturating_sub(MOST_ROWS);
        while too_many > 0 {
            let some = self.forget_some(Which::HarmlessFirst, too_many.min(AT_ONCE)).await?;
            forgotten += some;
            too_many = if some == 0 { 0 } else { too_many.saturating_sub(some) };
        }
        Ok(forgotten)
    }

    async fn forget_some(&self, which: Which, most: u64) -> Result<u64, Error> {
        let state = &self.0;
        let forgetting = Forgetting { now: state.clock.now(), which, most, witness: Witness::new(&state.clock, &state.ids) };
        state.database.write(forgetting, |forgetting, txn| Box::pin(forgetting.run(txn))).await
    }
}

#[derive(Clone, Copy)]
enum Which {
    /// Those that say nothing more.
    Forgotten,
    /// Those that hold back nobody, and the others where there are none.
    HarmlessFirst,
}

struct Forgetting {
    now: Instant,
    which: Which,
    most: u64,
    witness: Witness,
}

impl Forgetting {
    async fn run(&self, txn: &Txn) -> Result<u64, Error> {
        let rows: Vec<throttle::Model> = match self.which {
            Which::Forgotten => repository::hold_forgotten(txn, self.now, self.most).await?,
            Which::HarmlessFirst => repository::hold_harmless_first(txn, self.most).await?,
        };
        let keys: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
        for row in rows {
            failures::tell_the_rest(txn, &self.witness, row).await?;
        }
        Ok(repository::delete(txn, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await?)
    }
}

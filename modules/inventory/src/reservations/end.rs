//! Tidies up the reservations whose time is over.

use kernel::Outcome;

use crate::Inventory;
use crate::error::Error;
use crate::ledger;

impl Inventory {
    /// Marks the reservations that have ended, and says how many those were. For the program to call now and then: from the
    /// instant that they end they set nothing aside, whether or not this has seen them.
    pub async fn end_reservations(&self) -> Result<u64, Error> {
        let now = self.now();
        let mut ended = 0;
        loop {
            let some = self.database().write(now, |now, txn| -> Outcome<'_, u64, Error> { Box::pin(ledger::end_some(txn, *now)) }).await?;
            ended += some;
            if some == 0 {
                return Ok(ended);
            }
        }
    }
}

//! What is of no use any more is deleted now and then.

use chrono::TimeDelta;

use crate::error::Error;
use crate::{Auth, links, notices};

/// So long an ended link is kept, to tell who uses it that it has ended.
const ENDED_LINKS_KEPT: TimeDelta = TimeDelta::days(30);

impl Auth {
    /// Deletes links that ended long ago and notices that are half a year old; answers how many. Once an hour is often enough.
    pub async fn forget_old_links_and_notices(&self) -> Result<u64, Error> {
        let now = self.0.clock.now();
        let before = (now.plus(-ENDED_LINKS_KEPT), now.plus(-notices::KEPT));
        let forgotten = self.0.database.write(before, |(links_before, notices_before), txn| {
            Box::pin(async move {
                let links = links::forget(txn, *links_before).await?;
                Ok::<_, Error>(links + notices::forget(txn, *notices_before).await?)
            })
        });
        forgotten.await
    }
}

//! Which files were taken in, so that the same bytes are not taken in twice by accident.

use chrono::{DateTime, FixedOffset};
use kernel::{Txn, database};
use sea_orm::FromQueryResult;

use crate::error::Error;
use crate::idempotency::Task;
use crate::imports::upload::File;
use crate::rows;

#[derive(FromQueryResult)]
struct Times {
    times: i64,
}

/// Records that a file is being taken in. 409 `import_repeated` where the same bytes were, unless that is wanted. Two at once
/// collide on the unique index, and the second waits for the first.
pub async fn begin<M>(txn: &Txn, task: &Task<File<M>>, content_hash: &str, repeat: bool) -> Result<(), Error> {
    let (tenant, kind) = (task.caller.tenant_id, task.input.kind);
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS times FROM import WHERE tenant_id = $1 AND kind = $2 AND content_hash = $3";
    let times = rows::one::<Times>(txn, sql, [tenant.into(), kind.into(), content_hash.into()]).await?.map_or(0, |row| row.times);
    let repeated =
        || Error::Conflict { code: "import_repeated", detail: "This very file was taken in before; send repeat=true to take it in again.".to_owned() };
    // Where it may be taken in again, another who does so at the same time is only one more before this one.
    let collided = || if repeat { Error::RulesChanged } else { repeated() };
    if times > 0 && !repeat {
        return Err(repeated());
    }
    let insert = "INSERT INTO import (id, tenant_id, kind, content_hash, repetition, rows_posted, rows_skipped, items_created, imported_by, imported_at) \
                  VALUES ($1, $2, $3, $4, $5, 0, 0, false, $6, $7)";
    let at: DateTime<FixedOffset> = task.now.into();
    let values = [task.state.next_id().into(), tenant.into(), kind.into(), content_hash.into(), (times + 1).into(), task.caller.user_id.into(), at.into()];
    rows::execute(txn, insert, values)
        .await
        .map(|_| ())
        .map_err(|error| if database::violated_constraint(&error).is_some() { collided() } else { error.into() })
}

/// How it went.
#[derive(Clone, Copy, Debug)]
pub struct Imported {
    pub posted: usize,
    pub skipped: usize,
    pub items_created: bool,
}

/// Adds how it went. A file of which nothing was posted has not been taken in.
pub async fn finish<M>(txn: &Txn, task: &Task<File<M>>, content_hash: &str, imported: Imported) -> Result<(), Error> {
    let Imported { posted, skipped, items_created } = imported;
    let count = |rows: usize| sea_orm::Value::from(i64::try_from(rows).unwrap_or(i64::MAX));
    let at: DateTime<FixedOffset> = task.now.into();
    let (sql, mut values) = match posted {
        0 => ("DELETE FROM import WHERE tenant_id = $1 AND kind = $2 AND content_hash = $3 AND imported_at = $4", Vec::new()),
        _ => (
            "UPDATE import SET rows_posted = $1, rows_skipped = $2, items_created = $3 WHERE tenant_id = $4 AND kind = $5 AND content_hash = $6 AND imported_at = $7",
            vec![count(posted), count(skipped), items_created.into()],
        ),
    };
    values.extend([task.caller.tenant_id.into(), task.input.kind.into(), content_hash.into(), at.into()]);
    rows::execute(txn, sql, values).await?;
    Ok(())
}

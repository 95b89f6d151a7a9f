//! Indexes that `CREATE INDEX CONCURRENTLY` left unfinished, because it failed or was killed: nobody reads them, every write
//! maintains them, and their names are taken.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::recording::Recorded;

const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Waits until nobody builds an index of this migration any more (a killed deploy's server process goes on for a while), and
/// drops what was left. Answers those that are still being built after `patience`.
pub async fn clear(connection: &DatabaseConnection, recorded: &Recorded, patience: Duration) -> Result<Vec<String>, DbErr> {
    let begun = Instant::now();
    loop {
        let (built, left): (Vec<_>, Vec<_>) =
            invalid(connection).await?.into_iter().filter(|index| is_made_by(recorded, &index.name)).partition(|index| index.is_held);
        if !built.is_empty() && begun.elapsed() < patience {
            tokio::time::sleep(TRY_AGAIN).await;
            continue;
        }
        for index in left {
            tracing::warn!(index = index.name, migration = recorded.name, "dropping an index that an interrupted deploy left unfinished");
            connection.execute_unprepared(&format!("DROP INDEX CONCURRENTLY \"{}\"", index.name)).await?;
        }
        return Ok(built.into_iter().map(|index| index.name).collect());
    }
}

/// The unfinished indexes of this migration, whoever is at work on them.
pub async fn of(connection: &impl ConnectionTrait, recorded: &Recorded) -> Result<Vec<String>, DbErr> {
    let all = invalid(connection).await?.into_iter().map(|index| index.name);
    Ok(all.filter(|name| is_made_by(recorded, name)).collect())
}

/// The unfinished indexes of the schema that nobody is at work on.
pub async fn abandoned(connection: &impl ConnectionTrait) -> Result<Vec<String>, DbErr> {
    let all = invalid(connection).await?.into_iter();
    Ok(all.filter(|index| !index.is_held).map(|index| index.name).collect())
}

struct Invalid {
    name: String,
    /// Whether somebody holds its table as who builds an index does. Locks are seen by every role; the progress of others is
    /// not.
    is_held: bool,
}

async fn invalid(connection: &impl ConnectionTrait) -> Result<Vec<Invalid>, DbErr> {
    let sql = "SELECT c.relname AS name, EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.relation = i.indrelid AND l.granted \
               AND l.pid <> pg_backend_pid() AND l.mode IN ('ShareUpdateExclusiveLock', 'ShareLock') \
               AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS is_held \
               FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE NOT i.indisvalid AND n.nspname = current_schema() ORDER BY 1";
    let rows = connection.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(|row| Ok(Invalid { name: row.try_get("", "name")?, is_held: row.try_get("", "is_held")? })).collect()
}

fn is_made_by(recorded: &Recorded, index: &str) -> bool {
    let quoted = format!("\"{index}\"");
    recorded.statements.iter().any(|statement| statement.contains(&quoted) || statement.split_whitespace().any(|word| word == index))
}

//! What an error of the database means, on both engines.

use sea_orm::{DbErr, RuntimeErr};

/// The database's code of an error: an SQLSTATE on Postgres, an extended result code on SQLite.
pub fn code(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Conn(RuntimeErr::SqlxError(error)) => {
            error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
        }
        _ => None,
    }
}

/// Serialization failure, deadlock, SQLITE_BUSY and its relatives: the same work may succeed in a moment.
pub fn is_transient(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("40001" | "40P01" | "5" | "261" | "517"))
}

/// SQLite: the file must be recovered after a crash before it can be read, and this connection may not write.
pub fn needs_recovery(error: &DbErr) -> bool {
    matches!(code(error).as_deref(), Some("264" | "520" | "776"))
}

/// A lock was not had in time (Postgres `lock_timeout`).
pub fn is_lock_timeout(error: &DbErr) -> bool {
    code(error).as_deref() == Some("55P03")
}

/// The constraint that a write violated: its name on Postgres, the columns on SQLite (`item.tenant_id, item.sku`).
pub fn violated_constraint(error: &DbErr) -> Option<String> {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error else { return None };
    let error = error.as_database_error()?;
    if !error.is_unique_violation() && !error.is_foreign_key_violation() && !error.is_check_violation() {
        return None;
    }
    let sqlite = || error.message().split_once("constraint failed: ").map(|(_, columns)| columns.to_owned());
    error.constraint().map(str::to_owned).or_else(sqlite)
}

/// The database is away, full, too slow or shutting down: not a mistake of the request, and worth another try later.
pub fn is_unavailable(error: &DbErr) -> bool {
    let lost = matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_) | DbErr::Exec(RuntimeErr::SqlxError(_)) | DbErr::Query(RuntimeErr::SqlxError(_)));
    let Some(code) = code(error) else { return lost };
    // Postgres: this database takes no connections at present.
    let closed = code == "55000" && matches!(error, DbErr::Conn(_));
    closed || is_refusal(&code) || is_transient(error) || is_lock_timeout(error)
}

/// The codes with which a database says that it cannot serve now.
fn is_refusal(code: &str) -> bool {
    // Postgres: shutting down, connection lost, out of disk, memory or connections, the disk fails.
    let away = ["57P", "08", "53", "58"].iter().any(|class| code.starts_with(class) && code.len() == 5);
    // Postgres: a statement was cancelled or took too long; a transaction idled too long.
    let too_slow = matches!(code, "57014" | "25P03");
    // SQLite: out of memory, the disk fails, full, the file cannot be opened; in the lower eight bits of an extended code.
    let primary = code.parse::<u32>().ok().filter(|_| code.len() < 5).map(|code| code & 0xff);
    let failing = matches!(primary, Some(7 | 10 | 13 | 14));
    away || too_slow || failing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_serve_now_is_told_from_a_request_that_is_wrong() {
        for away in ["57P01", "08006", "53300", "58030", "57014", "25P03", "7", "10", "266", "4874", "13", "14", "2570"] {
            assert!(is_refusal(away), "{away}");
        }
        for wrong in ["23505", "42601", "55000", "40001", "58", "1", "11", "19", "787", "1555", "2067", "8"] {
            assert!(!is_refusal(wrong), "{wrong}");
        }
    }
}

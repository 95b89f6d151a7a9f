//! What refers to what, and what must not lie anywhere. Each check is one statement that finds what is wrong; another one is
//! added to [`checks`].

use kernel::{TenantId, Txn};
use sea_orm::{DbErr, FromQueryResult};
use uuid::Uuid;

use super::difference::{Check, Difference, Findings};
use super::stored::types;
use crate::documents::{LINE_TABLES, line_tables};
use crate::names::Word as _;
use crate::rows;

/// A statement that answers a row for each thing that is wrong, for the tenant `$1`: `seq` (may be NULL) and `id`.
struct Statement {
    check: Check,
    about: String,
    found: &'static str,
    expected: &'static str,
    sql: String,
}

/// What the entries name, with the table that it lies in.
const NAMED: [(&str, &str); 5] = [("item", "item_id"), ("location", "location_id"), ("lot", "lot_id"), ("document", "document_id"), ("reason", "reason_id")];

fn checks() -> Vec<Statement> {
    let mut checks: Vec<Statement> = NAMED.iter().map(|(table, column)| missing(table, column)).collect();
    checks.push(Statement {
        check: Check::Reference,
        about: "the lot of an entry".to_owned(),
        found: "one of another item",
        expected: "one of the entry's item",
        sql: "SELECT entry.seq AS seq, entry.lot_id AS id FROM ledger_entry AS entry \
              JOIN lot ON lot.tenant_id = entry.tenant_id AND lot.id = entry.lot_id \
              WHERE entry.tenant_id = $1 AND lot.item_id <> entry.item_id"
            .to_owned(),
    });
    checks.push(Statement {
        check: Check::Reference,
        about: "the document that made a lot".to_owned(),
        found: "none",
        expected: "one",
        sql: "SELECT CAST(NULL AS BIGINT) AS seq, lot.id AS id FROM lot \
              LEFT JOIN document ON document.tenant_id = lot.tenant_id AND document.id = lot.origin_document_id \
              WHERE lot.tenant_id = $1 AND document.id IS NULL"
            .to_owned(),
    });
    checks.extend(LINE_TABLES.iter().map(|table| {
        let of: Vec<_> = types().filter(|of| line_tables(*of).iter().any(|own| own.name == table.name)).map(|of| format!("'{}'", of.word())).collect();
        Statement {
            check: Check::Reference,
            about: format!("the document of lines in {}", table.name),
            found: "none, or one of a type that has no such lines",
            expected: "one",
            sql: format!(
                "SELECT DISTINCT CAST(NULL AS BIGINT) AS seq, line.document_id AS id FROM {} AS line \
                 LEFT JOIN document ON document.tenant_id = line.tenant_id AND document.id = line.document_id \
                 WHERE line.tenant_id = $1 AND (document.id IS NULL OR document.type NOT IN ({}))",
                table.name,
                of.join(", ")
            ),
        }
    }));
    checks.push(Statement {
        check: Check::Void,
        about: "a void lot".to_owned(),
        found: "something of it somewhere",
        expected: "nothing (I20)",
        sql: "SELECT DISTINCT CAST(NULL AS BIGINT) AS seq, lot.id AS id FROM lot \
              JOIN balance ON balance.tenant_id = lot.tenant_id AND balance.lot_id = lot.id \
              WHERE lot.tenant_id = $1 AND lot.void AND (balance.quantity <> 0 OR balance.value <> 0)"
            .to_owned(),
    });
    checks
}

/// Entries that name what is not there.
fn missing(table: &str, column: &str) -> Statement {
    Statement {
        check: Check::Reference,
        about: format!("the {table} of an entry"),
        found: "none",
        expected: "one",
        sql: format!(
            "SELECT entry.seq AS seq, entry.{column} AS id FROM ledger_entry AS entry \
             LEFT JOIN {table} AS named ON named.tenant_id = entry.tenant_id AND named.id = entry.{column} \
             WHERE entry.tenant_id = $1 AND entry.{column} IS NOT NULL AND named.id IS NULL"
        ),
    }
}

#[derive(FromQueryResult)]
struct Row {
    seq: Option<i64>,
    id: Uuid,
    number: i64,
}

pub async fn check(txn: &Txn, tenant: TenantId, findings: &mut Findings) -> Result<(), DbErr> {
    for Statement { check, about, found, expected, sql } in checks() {
        let sql = format!("SELECT wrong.seq, wrong.id, COUNT(*) OVER () AS number FROM ({sql}) AS wrong ORDER BY wrong.seq, wrong.id LIMIT 20");
        let rows = rows::all::<Row>(txn, &sql, [tenant.into()]).await?;
        let mut unnamed = rows.first().map_or(0, |row| row.number);
        for (left, row) in (0..rows.len()).rev().zip(&rows) {
            // The last one that is named stands for all that are not.
            let number = if left == 0 { unnamed } else { 1 };
            unnamed -= 1;
            let wrong = Difference::new(check, tenant, format!("{about}, {}", row.id), found, expected);
            findings.add_of(Difference { seq: row.seq, ..wrong }, u64::try_from(number).unwrap_or(1));
        }
    }
    Ok(())
}

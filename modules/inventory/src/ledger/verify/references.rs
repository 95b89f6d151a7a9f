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
    checks.extend(kept());
    checks
}

/// What other tables keep of the ledger, against its entries.
fn kept() -> [Statement; 5] {
    let statement = |check, about: &str, found, expected, sql: &str| Statement { check, about: about.to_owned(), found, expected, sql: sql.to_owned() };
    [
        statement(
            Check::Transfer,
            "a lot that a document moves",
            "more or less in than out",
            "as much in as out (I3)",
            "SELECT MIN(entry.seq) AS seq, entry.lot_id AS id FROM ledger_entry AS entry WHERE entry.tenant_id = $1 AND entry.kind IN ('transfer_out', 'transfer_in') \
             GROUP BY entry.document_id, entry.lot_id HAVING SUM(entry.quantity_delta) <> 0 OR SUM(entry.value_delta) <> 0",
        ),
        statement(
            Check::Transfer,
            "a lot in transit",
            "something else than its transfers have under way",
            "that (I3)",
            "SELECT CAST(NULL AS BIGINT) AS seq, side.lot_id AS id FROM ( \
             SELECT balance.lot_id, balance.quantity FROM balance JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id \
             WHERE balance.tenant_id = $1 AND location.kind = 'transit' \
             UNION ALL SELECT way.lot_id, way.received + way.lost + way.cancelled - way.dispatched FROM transfer_lot AS way \
             JOIN transfer ON transfer.tenant_id = way.tenant_id AND transfer.id = way.transfer_id WHERE way.tenant_id = $1) AS side \
             GROUP BY side.lot_id HAVING SUM(side.quantity) <> 0",
        ),
        statement(
            Check::Checkpoint,
            "a lot at the end of a closed period",
            "another sum than that of its entries",
            "that (I10)",
            "SELECT CAST(NULL AS BIGINT) AS seq, side.lot_id AS id FROM ( \
             SELECT period_id, item_id, location_id, lot_id, quantity, value FROM checkpoint WHERE tenant_id = $1 \
             UNION ALL SELECT period.id, entry.item_id, entry.location_id, entry.lot_id, -entry.quantity_delta, -entry.value_delta FROM ledger_entry AS entry \
             JOIN period ON period.tenant_id = entry.tenant_id AND period.status = 'closed' AND entry.business_date <= period.last_day \
             WHERE entry.tenant_id = $1) AS side \
             GROUP BY side.period_id, side.item_id, side.location_id, side.lot_id HAVING SUM(side.quantity) <> 0 OR SUM(side.value) <> 0",
        ),
        statement(
            Check::Count,
            "what was counted by a document",
            "something else at that moment",
            "what was counted (I19)",
            "SELECT CAST(NULL AS BIGINT) AS seq, truth.document_id AS id FROM count_truth AS truth \
             LEFT JOIN ledger_entry AS entry ON entry.tenant_id = truth.tenant_id AND entry.item_id = truth.item_id AND entry.location_id = truth.location_id \
             AND entry.effective_at <= truth.counted_at AND (truth.lot_id IS NULL OR entry.lot_id = truth.lot_id) \
             WHERE truth.tenant_id = $1 AND truth.marked_by IS NULL \
             GROUP BY truth.document_id, truth.line_no, truth.quantity HAVING COALESCE(SUM(entry.quantity_delta), 0) <> truth.quantity",
        ),
        statement(
            Check::Reserved,
            "an item of which something is set aside",
            "something else than its reservations have left",
            "that",
            "SELECT CAST(NULL AS BIGINT) AS seq, side.item_id AS id FROM ( \
             SELECT item_id, location_id, reserved_quantity AS quantity FROM stock_key WHERE tenant_id = $1 \
             UNION ALL SELECT item_id, location_id, taken - quantity FROM reservation WHERE tenant_id = $1 AND status = 'active') AS side \
             GROUP BY side.item_id, side.location_id HAVING SUM(side.quantity) <> 0",
        ),
    ]
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

//! What one statement each can find: what is named and not there, and what lies where nothing should. Another check is added to
//! [`checks`].

use kernel::{TenantId, Txn};
use sea_orm::{DbErr, FromQueryResult};
use uuid::Uuid;

use super::difference::{Check, Difference, Findings};
use super::stored::types;
use crate::arithmetic::Quantity;
use crate::catalog::locations::LocationKind;
use crate::documents::{LINE_TABLES, line_tables};
use crate::ledger::{DocumentType, EntryKind, VarianceKind};
use crate::names::Word as _;
use crate::rows;

/// A statement that answers a row for each thing that is wrong, for the tenant `$1`: `seq`, `id`, and the quantities `found` and
/// `expected`. All but `id` may be NULL; for quantities the words of the check are told then.
pub(super) struct Statement {
    pub check: Check,
    /// What it is about; the row's id follows.
    pub about: String,
    pub found: &'static str,
    pub expected: &'static str,
    pub sql: String,
}

/// What the entries name, with the table that it lies in.
const NAMED: [(&str, &str); 5] = [("item", "item_id"), ("location", "location_id"), ("lot", "lot_id"), ("document", "document_id"), ("reason", "reason_id")];

fn checks() -> Vec<Statement> {
    let mut checks: Vec<Statement> = NAMED.iter().map(|(table, column)| missing(table, column)).collect();
    // What holds something has entries that name the same; what holds nothing may be left of what was taken away.
    let empty = "kept.quantity = 0 AND kept.value = 0";
    let of_empty = ["item", "location", "lot"].map(|table| missing_of("an empty balance", "balance", table, empty));
    let of_keys = ["item", "location"].map(|table| missing_of("a stock key", "stock_key", table, "1 = 1"));
    checks.extend(of_empty.into_iter().chain(of_keys));
    checks.push(Statement {
        check: Check::Reference,
        about: "the lot of an entry".to_owned(),
        found: "one of another item",
        expected: "one of the entry's item",
        sql: "SELECT entry.seq AS seq, entry.lot_id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM ledger_entry AS entry \
              JOIN lot ON lot.tenant_id = entry.tenant_id AND lot.id = entry.lot_id \
              WHERE entry.tenant_id = $1 AND lot.item_id <> entry.item_id"
            .to_owned(),
    });
    checks.push(Statement {
        check: Check::Reference,
        about: "the document that made a lot".to_owned(),
        found: "none",
        expected: "one",
        sql: "SELECT CAST(NULL AS BIGINT) AS seq, lot.id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM lot \
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
                "SELECT DISTINCT CAST(NULL AS BIGINT) AS seq, line.document_id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM {} AS line \
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
        sql: "SELECT DISTINCT CAST(NULL AS BIGINT) AS seq, lot.id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM lot \
              JOIN balance ON balance.tenant_id = lot.tenant_id AND balance.lot_id = lot.id \
              WHERE lot.tenant_id = $1 AND lot.void AND (balance.quantity <> 0 OR balance.value <> 0)"
            .to_owned(),
    });
    checks.extend(marks());
    checks.extend([sent_and_not_put(), in_transit(), set_aside(), cost_of_lots(), no_longer_true()]);
    checks
}

/// What is undone is marked so, and nothing else: the mark is in no hash, since it changes. A lot is void with the document that
/// made it.
fn marks() -> [Statement; 4] {
    let document = |condition: &str| {
        format!(
            "SELECT document.last_seq AS seq, document.id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM document \
             LEFT JOIN document_detail AS undoing ON undoing.tenant_id = document.tenant_id AND undoing.reverses_id = document.id \
             WHERE document.tenant_id = $1 AND {condition}"
        )
    };
    let lot = |condition: &str| {
        format!(
            "SELECT lot.origin_seq AS seq, lot.id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM lot \
             LEFT JOIN document_detail AS undoing ON undoing.tenant_id = lot.tenant_id AND undoing.reverses_id = lot.origin_document_id \
             WHERE lot.tenant_id = $1 AND {condition}"
        )
    };
    let statement = |check, about: &str, found, expected, sql| Statement { check, about: about.to_owned(), found, expected, sql };
    let undone = "undoing.document_id IS NOT NULL AND document.status <> 'reversed'";
    let standing = "undoing.document_id IS NULL AND document.status <> 'posted'";
    [
        statement(Check::Status, "the status of the document", "another than reversed", "reversed, as a document undoes it", document(undone)),
        statement(Check::Status, "the status of the document", "another than posted", "posted, as no document undoes it", document(standing)),
        statement(Check::Void, "the lot", "in use", "void, as what made it is undone", lot("undoing.document_id IS NOT NULL AND NOT lot.void")),
        statement(Check::Void, "the lot", "void", "in use, as what made it is not undone", lot("undoing.document_id IS NULL AND lot.void")),
    ]
}

/// I3: a document that moves goods takes out of one place what it puts into another, of every lot.
fn sent_and_not_put() -> Statement {
    let of = [DocumentType::Transfer, DocumentType::Dispatch, DocumentType::Arrival, DocumentType::TransferCancel].map(|of| format!("'{}'", of.word()));
    Statement {
        check: Check::Transfer,
        about: "the sum of what a document moves of the lot".to_owned(),
        found: "another value than none",
        expected: "nothing",
        sql: format!(
            "SELECT MAX(entry.seq) AS seq, entry.lot_id AS id, CAST(SUM(entry.quantity_delta) AS BIGINT) AS found, CAST(0 AS BIGINT) AS expected \
             FROM ledger_entry AS entry JOIN document ON document.tenant_id = entry.tenant_id AND document.id = entry.document_id \
             WHERE entry.tenant_id = $1 AND document.type IN ({}) GROUP BY entry.document_id, entry.lot_id \
             HAVING SUM(entry.quantity_delta) <> 0 OR SUM(entry.value_delta) <> 0",
            of.join(", ")
        ),
    }
}

/// I3: in the areas for goods in transit of a site lies what its transfers have under way, of every lot.
fn in_transit() -> Statement {
    Statement {
        check: Check::Transfer,
        about: "what waits in transit of the lot".to_owned(),
        found: "something",
        expected: "what transfers have under way",
        sql: format!(
            "SELECT CAST(NULL AS BIGINT) AS seq, lot_id AS id, CAST(SUM(lies) AS BIGINT) AS found, CAST(SUM(under_way) AS BIGINT) AS expected FROM ( \
             SELECT location.site_id, balance.lot_id, balance.quantity AS lies, 0 AS under_way FROM balance \
             JOIN location ON location.tenant_id = balance.tenant_id AND location.id = balance.location_id \
             WHERE balance.tenant_id = $1 AND location.kind = '{}' \
             UNION ALL SELECT sender.site_id, sent.lot_id, 0, sent.dispatched - sent.received - sent.lost - sent.cancelled FROM transfer_lot AS sent \
             JOIN transfer ON transfer.tenant_id = sent.tenant_id AND transfer.id = sent.transfer_id \
             JOIN location AS sender ON sender.tenant_id = transfer.tenant_id AND sender.id = transfer.from_location_id \
             WHERE sent.tenant_id = $1) AS sides GROUP BY site_id, lot_id HAVING SUM(lies) <> SUM(under_way)",
            LocationKind::Transit.word()
        ),
    }
}

/// What is set aside of an item at a location is what its reservations have left.
fn set_aside() -> Statement {
    Statement {
        check: Check::Reserved,
        about: "what is set aside of the item".to_owned(),
        found: "another quantity",
        expected: "what its reservations have left",
        sql: "SELECT CAST(NULL AS BIGINT) AS seq, item_id AS id, CAST(SUM(aside) AS BIGINT) AS found, CAST(SUM(promised) AS BIGINT) AS expected FROM ( \
              SELECT item_id, location_id, reserved_quantity AS aside, 0 AS promised FROM stock_key WHERE tenant_id = $1 \
              UNION ALL SELECT item_id, location_id, 0, quantity - taken FROM reservation WHERE tenant_id = $1 AND status = 'active') AS sides \
              GROUP BY item_id, location_id HAVING SUM(aside) <> SUM(promised)"
            .to_owned(),
    }
}

/// I4: what a lot cost is all that came onto it (every entry that is no issue, where an issue that is undone is none), and what no
/// shelf took of its cost. What is on hand and what was issued are the sums of the same entries.
fn cost_of_lots() -> Statement {
    let root = "CASE WHEN entry.kind = 'reversal' THEN (SELECT MIN(undone.kind) FROM document_detail AS detail \
        JOIN ledger_entry AS undone ON undone.tenant_id = detail.tenant_id AND undone.document_id = detail.reverses_id \
        WHERE detail.tenant_id = entry.tenant_id AND detail.document_id = entry.document_id AND undone.line_no = entry.line_no \
        AND undone.seq < entry.seq AND undone.lot_id = entry.lot_id AND undone.location_id = entry.location_id \
        AND undone.quantity_delta = -entry.quantity_delta AND undone.value_delta = -entry.value_delta) ELSE entry.kind END";
    let issues = [EntryKind::Waste, EntryKind::Usage, EntryKind::VendorReturn, EntryKind::TransitLoss, EntryKind::CountLoss, EntryKind::TransformationIn];
    let issues = issues.map(|kind| format!("'{}'", kind.word())).join(", ");
    Statement {
        check: Check::Cost,
        about: "what ever came onto the lot".to_owned(),
        found: "another cost",
        expected: "what its entries and its variances say (I4)",
        sql: format!(
            "SELECT CAST(NULL AS BIGINT) AS seq, lot_id AS id, CAST(SUM(basis) AS BIGINT) AS found, CAST(SUM(came) AS BIGINT) AS expected FROM ( \
             SELECT id AS lot_id, basis_quantity AS basis, basis_value AS basis_value, 0 AS came, 0 AS came_value FROM lot WHERE tenant_id = $1 \
             UNION ALL SELECT entry.lot_id, 0, 0, entry.quantity_delta, entry.value_delta FROM (SELECT entry.*, {root} AS root FROM ledger_entry AS entry \
             WHERE entry.tenant_id = $1) AS entry JOIN lot ON lot.tenant_id = entry.tenant_id AND lot.id = entry.lot_id \
             WHERE entry.root NOT IN ({issues}) AND NOT (entry.root = '{}' AND (entry.quantity_delta < 0) <> (entry.kind = 'reversal')) \
             UNION ALL SELECT lot_id, 0, 0, 0, amount FROM cost_variance WHERE tenant_id = $1 AND kind <> '{}') AS sides \
             GROUP BY lot_id HAVING SUM(basis) <> SUM(came) OR SUM(basis_value) <> SUM(came_value)",
            EntryKind::Adjustment.word(),
            VarianceKind::Return.word()
        ),
    }
}

/// I19: a line of a count that stands is kept as true, marked or not, unless a later count had superseded it, or it was short.
fn no_longer_true() -> Statement {
    Statement {
        check: Check::Count,
        about: "a line that is kept as true, of the count with the document".to_owned(),
        found: "none",
        expected: "one for each line of its result",
        sql: "SELECT document.last_seq AS seq, document.id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM count_result_line AS line \
              JOIN document ON document.tenant_id = line.tenant_id AND document.id = line.document_id \
              LEFT JOIN count_truth AS truth ON truth.tenant_id = line.tenant_id AND truth.document_id = line.document_id AND truth.line_no = line.line_no \
              WHERE line.tenant_id = $1 AND document.status = 'posted' AND NOT line.superseded AND line.short_quantity = 0 AND truth.document_id IS NULL"
            .to_owned(),
    }
}

/// Rows of another table than the entries' that name what is not there.
fn missing_of(of: &str, table: &str, named: &str, condition: &str) -> Statement {
    Statement {
        check: Check::Reference,
        about: format!("the {named} of {of}"),
        found: "none",
        expected: "one",
        sql: format!(
            "SELECT DISTINCT CAST(NULL AS BIGINT) AS seq, kept.{named}_id AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM {table} AS kept \
             LEFT JOIN {named} AS named ON named.tenant_id = kept.tenant_id AND named.id = kept.{named}_id \
             WHERE kept.tenant_id = $1 AND {condition} AND named.id IS NULL"
        ),
    }
}

/// Entries that name what is not there.
fn missing(table: &str, column: &str) -> Statement {
    Statement {
        check: Check::Reference,
        about: format!("the {table} of an entry"),
        found: "none",
        expected: "one",
        sql: format!(
            "SELECT entry.seq AS seq, entry.{column} AS id, CAST(NULL AS BIGINT) AS found, CAST(NULL AS BIGINT) AS expected FROM ledger_entry AS entry \
             LEFT JOIN {table} AS named ON named.tenant_id = entry.tenant_id AND named.id = entry.{column} \
             WHERE entry.tenant_id = $1 AND entry.{column} IS NOT NULL AND named.id IS NULL"
        ),
    }
}

#[derive(FromQueryResult)]
struct Row {
    seq: Option<i64>,
    id: Uuid,
    found: Option<i64>,
    expected: Option<i64>,
    number: i64,
}

pub async fn check(txn: &Txn, tenant: TenantId, findings: &mut Findings) -> Result<(), DbErr> {
    for statement in checks() {
        statement.run(txn, tenant, &[], findings).await?;
    }
    Ok(())
}

impl Statement {
    /// Runs it; `more` are the parameters after the tenant.
    pub(super) async fn run(self, txn: &Txn, tenant: TenantId, more: &[sea_orm::Value], findings: &mut Findings) -> Result<(), DbErr> {
        let Self { check, about, found, expected, sql } = self;
        let sql = format!(
            "SELECT wrong.seq, wrong.id, wrong.found, wrong.expected, COUNT(*) OVER () AS number FROM ({sql}) AS wrong ORDER BY wrong.seq, wrong.id LIMIT 20"
        );
        let mut values: Vec<sea_orm::Value> = vec![tenant.into()];
        values.extend_from_slice(more);
        let rows = rows::all::<Row>(txn, &sql, values).await?;
        let mut unnamed = rows.first().map_or(0, |row| row.number);
        for (left, row) in (0..rows.len()).rev().zip(&rows) {
            // The last one that is named stands for all that are not.
            let number = if left == 0 { unnamed } else { 1 };
            unnamed -= 1;
            let wrong = match (row.found, row.expected) {
                // The quantities agree where it is the value that does not.
                (Some(is), Some(should)) if is != should => Difference::new(check, tenant, format!("{about} {}", row.id), Quantity(is), Quantity(should)),
                _ => Difference::new(check, tenant, format!("{about} {}", row.id), found, expected),
            };
            findings.add_of(Difference { seq: row.seq, ..wrong }, u64::try_from(number).unwrap_or(1));
        }
        Ok(())
    }
}

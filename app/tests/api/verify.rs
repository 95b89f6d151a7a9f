//! `larder ledger verify`: a ledger that is what was posted, and every way in which one may not be.

use inventory::verify::{Check, Difference, Verdict};
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};
use serde_json::{Value, json};

use crate::db::transfer::every_kind_of_movement;
use crate::db::{catalogue, texts};
use crate::support::kitchen::{Kitchen, WALK_IN, text, waste_body};
use crate::support::process::{self, Ended};
use crate::support::{Api, Engine, on};

/// Four documents over five entries, and one of another tenant:
/// R-000001 has the entries 1 (ALE) and 2 (BUN) and a charge, W-000001 the entry 3 (ALE), R-000002 the entry 4 (BUN), and
/// W-000002 the entry 5 (BUN).
async fn story(api: &Api) -> Kitchen {
    let stranger = Kitchen::of(api.other_tenant().await).await;
    stranger.item("ALE", json!({})).await;
    stranger.receive(json!([{ "sku": "ALE", "quantity": "1", "line_total": "1" }])).await;
    let kitchen = Kitchen::open(api).await;
    for sku in ["ALE", "BUN"] {
        kitchen.item(sku, json!({})).await;
    }
    let lines = json!([
        { "sku": "ALE", "quantity": "10", "line_total": "20", "batch_code": "L1" },
        { "sku": "BUN", "quantity": "5", "unit_price": "1.5", "expires_on": "2026-12-01" },
    ]);
    let charges = json!([{ "label": "delivery", "amount": "0.5" }]);
    kitchen.owner.post("/v1/inventory/receipts", json!({ "location": WALK_IN, "note": "as ordered", "lines": lines, "charges": charges })).await.ok(201);
    kitchen.waste(json!([{ "sku": "ALE", "quantity": "2" }])).await;
    kitchen.receive(json!([{ "sku": "BUN", "quantity": "4", "line_total": "3" }])).await;
    kitchen.waste(json!([{ "sku": "BUN", "quantity": "1" }])).await;
    kitchen
}

pub async fn verify(txn: &DatabaseTransaction) -> Verdict {
    inventory::verify::verify(txn, None, &mut |_| ()).await.expect("a verdict")
}

/// Fails with everything that is not as it was posted.
pub async fn holds(api: &Api) {
    let txn = api.inventory_db().begin().await.expect("begun");
    let differences = verify(&txn).await.differences;
    txn.rollback().await.expect("ended");
    let says: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert!(says.is_empty(), "{}", says.join("\n"));
}

/// The program itself, on the databases of a test.
fn larder(api: &Api, arguments: &[&str]) -> Ended {
    let variables = api.stores().variables();
    let arguments = [&["ledger", "verify"], arguments].concat();
    process::run(api.stores().folder().path(), &arguments, variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// What somebody does to a ledger who gets past its guards, and how each difference that it makes is named.
struct Damage {
    sql: &'static [&'static str],
    named: &'static [(Check, &'static [&'static str])],
}

const PERIOD: &str = "INSERT INTO period (id, tenant_id, version, created_at, updated_at, last_day, status) \
     VALUES ($X, $T, 1, '$OLD', '$OLD', '2026-11-25', 'closed')";
const CLOSED: &str = "UPDATE ledger_head SET closed_through = '2026-11-25' WHERE tenant_id = $T";
const KEPT: &str = "INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value) \
     SELECT balance.tenant_id, period.id, item_id, location_id, lot_id, quantity, value FROM balance JOIN period ON period.tenant_id = balance.tenant_id \
     WHERE balance.tenant_id = $T";

const LATER: &str = "INSERT INTO checkpoint (tenant_id, period_id, item_id, location_id, lot_id, quantity, value) \
     SELECT balance.tenant_id, period.id, item_id, location_id, lot_id, quantity, value FROM balance JOIN period ON period.tenant_id = balance.tenant_id \
     WHERE balance.tenant_id = $T AND period.last_day = '2026-11-25'";
const EARLIER: &str = "INSERT INTO period (id, tenant_id, version, created_at, updated_at, last_day, status) \
     VALUES ($T, $T, 1, '$OLD', '$OLD', '2026-11-20', 'closed')";
const UNDOES: &str = "INSERT INTO document_detail (tenant_id, document_id, reverses_id) \
     SELECT undoing.tenant_id, undoing.id, undone.id FROM document AS undoing JOIN document AS undone ON undone.tenant_id = undoing.tenant_id \
     WHERE undoing.tenant_id = $T AND undoing.type = 'waste' AND undoing.number = 2 AND undone.type = 'receipt' AND undone.number = 2";

/// In the SQL, `$T` is the tenant, `$X` an id that nothing has, and `$OLD` an instant long ago.
const DAMAGES: &[Damage] = &[
    // An entry's quantity.
    Damage {
        sql: &["UPDATE ledger_entry SET quantity_delta = -1000000 WHERE tenant_id = $T AND seq = 3"],
        named: &[
            (Check::Content, &["seq 3, W-000001", "the hash of the document with its lines and entries (seq 3)"]),
            (Check::Sum, &["seq 3", "ALE at main/walk-in", "(L1)", "there is a balance of 8 worth 16.290909", "there should be 9 worth 16.290909"]),
        ],
    },
    // An entry's value.
    Damage {
        sql: &["UPDATE ledger_entry SET value_delta = value_delta + 1 WHERE tenant_id = $T AND seq = 1"],
        named: &[
            (Check::Content, &["seq 2, R-000001", "(seq 1 to 2)"]),
            (Check::Sum, &["ALE at main/walk-in", "there should be 8 worth 16.29091,"]),
            (Check::Cost, &["there is another cost"]),
        ],
    },
    // An entry's instant: it left before it came.
    Damage {
        sql: &["UPDATE ledger_entry SET effective_at = '$OLD' WHERE tenant_id = $T AND seq = 3"],
        named: &[
            (Check::Content, &["W-000001", "(seq 3)"]),
            (Check::Sign, &["seq 3", "ALE at main/walk-in", "there is -2 worth -4.072727 after this entry, in the order of time"]),
        ],
    },
    // An entry's date, line, lot, reason.
    Damage {
        sql: &["UPDATE ledger_entry SET business_date = '2026-11-24' WHERE tenant_id = $T AND seq = 4"],
        named: &[(Check::Content, &["R-000002", "(seq 4)"])],
    },
    Damage { sql: &["UPDATE ledger_entry SET line_no = 2 WHERE tenant_id = $T AND seq = 4"], named: &[(Check::Content, &["R-000002"])] },
    Damage {
        sql: &["UPDATE ledger_entry SET reason_id = $X WHERE tenant_id = $T AND seq = 5"],
        named: &[(Check::Content, &["W-000002"]), (Check::Reference, &["seq 5", "the reason of an entry", "there is none"])],
    },
    Damage {
        sql: &["UPDATE ledger_entry SET item_id = $X WHERE tenant_id = $T AND seq = 3"],
        named: &[
            (Check::Content, &["W-000001"]),
            (Check::Sum, &["ALE at main/walk-in", "there should be 10 worth 20.363636"]),
            (Check::Sum, &["seq 3", "there is no balance, there should be -2 worth -4.072727"]),
            (Check::Sign, &["seq 3", "there is -2 worth -4.072727"]),
            (Check::Reference, &["seq 3", "the item of an entry", "there is none"]),
            (Check::Reference, &["seq 3", "the lot of an entry", "there is one of another item"]),
        ],
    },
    // What an entry repeats of its document, and a kind that is none.
    Damage {
        sql: &["UPDATE ledger_entry SET recorded_at = '$OLD' WHERE tenant_id = $T AND seq = 2"],
        named: &[(Check::Content, &["seq 2, R-000001", "the recording of the entry: there is 2001-01-01T00:00:00Z, there should be 2026-11-25T12:00:00Z"])],
    },
    Damage {
        sql: &["UPDATE ledger_entry SET actor_id = $X WHERE tenant_id = $T AND seq = 2"],
        named: &[(Check::Content, &["seq 2, R-000001", "the actor of the entry"])],
    },
    Damage {
        sql: &["UPDATE ledger_entry SET kind = 'theft' WHERE tenant_id = $T AND seq = 5"],
        named: &[
            (Check::Content, &["seq 5, W-000002", "the kind of the entry: there is theft, there should be receipt or waste"]),
            (Check::Cost, &["there is 5, there should be 4"]),
        ],
    },
    // A document's note, and every other thing that it says.
    Damage {
        sql: &["UPDATE document SET note = 'as paid' WHERE tenant_id = $T AND type = 'receipt' AND number = 1"],
        named: &[(Check::Content, &["seq 2, R-000001", "(seq 1 to 2)"])],
    },
    Damage {
        sql: &["UPDATE document SET effective_at = '$OLD' WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[(Check::Content, &["W-000002"])],
    },
    Damage {
        sql: &["UPDATE document SET posted_at = '$OLD' WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[(Check::Content, &["W-000002", "the recording of the entry"]), (Check::Content, &["W-000002", "the hash"])],
    },
    Damage {
        sql: &["UPDATE document SET type = 'gift' WHERE tenant_id = $T AND type = 'receipt' AND number = 2"],
        named: &[
            (Check::Document, &["seq 4, gift 2", "there is gift, there should be receipt or waste"]),
            (Check::Number, &["the head's number of the last receipt: there is 2, there should be 1"]),
            (Check::Reference, &["the document of lines in receipt_line", "there is none, or one of a type that has no such lines"]),
        ],
    },
    Damage {
        sql: &["UPDATE document SET number = 7 WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[
            (Check::Number, &["seq 5, W-000007", "the next number of its type: there is W-000007, there should be W-000002"]),
            (Check::Chain, &["seq 5, W-000007"]),
            (Check::Number, &["the head's number of the last waste: there is 2, there should be 7"]),
        ],
    },
    Damage {
        sql: &["UPDATE document SET position = 9 WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[
            (Check::Chain, &["seq 5, W-000002", "the place in the chain: there is 9, there should be 4"]),
            (Check::Chain, &["the head's place in the chain: there is 4, there should be 9"]),
        ],
    },
    // What only some kinds say.
    Damage {
        sql: &["INSERT INTO document_detail (tenant_id, document_id, recipient) \
                SELECT tenant_id, id, 'Tom' FROM document WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[(Check::Content, &["seq 5, W-000002"])],
    },
    Damage {
        sql: &["UPDATE document SET number = 9223372036854775807, last_seq = 9223372036854775807 WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[
            (Check::Document, &["seq 5", "the last entry of the document"]),
            (Check::Number, &["there is W-9223372036854775807, there should be W-000002"]),
            (Check::Chain, &["seq 9223372036854775807", "the link to the document before"]),
            (Check::Sequence, &["the head's sequence number: there is 5, there should be 9223372036854775807"]),
            (Check::Number, &["the head's number of the last waste"]),
        ],
    },
    Damage {
        sql: &["UPDATE ledger_entry SET quantity_delta = -9223372036854775807, value_delta = 9223372036854775807 WHERE tenant_id = $T AND seq IN (3, 5)"],
        named: &[
            (Check::Content, &["W-000001"]),
            (Check::Content, &["W-000002"]),
            (Check::Sum, &["ALE"]),
            (Check::Sum, &["BUN"]),
            (Check::Sign, &["ALE"]),
            (Check::Sign, &["BUN"]),
        ],
    },
    // Its hashes.
    Damage {
        sql: &["UPDATE document SET content_hash = 'x' WHERE tenant_id = $T AND last_seq = 4"],
        named: &[(Check::Content, &["R-000002", "there should be x"]), (Check::Chain, &["R-000002", "the link to the document before"])],
    },
    Damage {
        sql: &["UPDATE document SET chain_hash = 'x' WHERE tenant_id = $T AND last_seq = 4"],
        named: &[(Check::Chain, &["seq 4, R-000002", "there is x"]), (Check::Chain, &["seq 5, W-000002"])],
    },
    // A line of each table: changed, removed, added.
    Damage { sql: &["UPDATE receipt_line SET unit_price = 1 WHERE tenant_id = $T AND line_no = 2"], named: &[(Check::Content, &["R-000001"])] },
    Damage { sql: &["UPDATE receipt_line SET batch_code = NULL WHERE tenant_id = $T AND batch_code = 'L1'"], named: &[(Check::Content, &["R-000001"])] },
    Damage { sql: &["UPDATE receipt_charge SET label = 'gift' WHERE tenant_id = $T"], named: &[(Check::Content, &["R-000001"])] },
    Damage { sql: &["DELETE FROM receipt_charge WHERE tenant_id = $T"], named: &[(Check::Content, &["R-000001"])] },
    Damage { sql: &["UPDATE waste_line SET stage = 'plate' WHERE tenant_id = $T AND value = -4072727"], named: &[(Check::Content, &["seq 3, W-000001"])] },
    Damage {
        sql: &["INSERT INTO receipt_charge (tenant_id, document_id, line_no, label, amount, basis) \
                SELECT tenant_id, id, 1, 'tip', 1, 'value' FROM document WHERE tenant_id = $T AND type = 'waste' AND number = 1"],
        named: &[(Check::Reference, &["the document of lines in receipt_charge"])],
    },
    // An entry is gone: the only one of its document, one of two, the last of all.
    Damage {
        sql: &["DELETE FROM ledger_entry WHERE tenant_id = $T AND seq = 4"],
        named: &[
            (Check::Sequence, &["seq 4: entries: there is none, there should be seq 4"]),
            (Check::Document, &["seq 4, R-000002", "the entries of the document: there is none, there should be seq 4"]),
            (Check::Content, &["R-000002"]),
            (Check::Sum, &["BUN at main/walk-in", "there is a balance of 4 worth 3, there should be 0 worth 0, the sum of its entries"]),
            (Check::Cost, &["there is 4, there should be 0"]),
        ],
    },
    Damage {
        sql: &["DELETE FROM ledger_entry WHERE tenant_id = $T AND seq = 1"],
        named: &[
            (Check::Sequence, &["seq 1: entries: there is none, there should be seq 1"]),
            (Check::Content, &["seq 2, R-000001"]),
            (Check::Sum, &["ALE at main/walk-in"]),
            (Check::Sign, &["seq 3", "ALE at main/walk-in"]),
            (Check::Cost, &["there is 10, there should be 0"]),
        ],
    },
    Damage {
        sql: &["DELETE FROM ledger_entry WHERE tenant_id = $T AND seq = 5"],
        named: &[
            (Check::Document, &["W-000002"]),
            (Check::Content, &["W-000002"]),
            (Check::Sequence, &["entries: there is none, there should be seq 5"]),
            (Check::Sum, &["BUN at main/walk-in", "there should be 5 worth 7.636364"]),
        ],
    },
    // A document is gone, with all that is its own, or leaving its entries behind.
    Damage {
        sql: &["DELETE FROM document WHERE tenant_id = $T AND type = 'waste' AND number = 1"],
        named: &[
            (Check::Document, &["seq 3, R-000002", "there is seq 3 of the document", "which does not exist, there should be entries of R-000002"]),
            (Check::Chain, &["seq 4, R-000002", "the link to the document before"]),
            (Check::Chain, &["seq 4, R-000002", "the place in the chain: there is 3, there should be 2"]),
            (Check::Number, &["seq 5, W-000002", "there is W-000002, there should be W-000001"]),
            (Check::Reference, &["seq 3", "the document of an entry"]),
            (Check::Reference, &["the document of lines in waste_line"]),
        ],
    },
    Damage {
        sql: &["DELETE FROM waste_line WHERE tenant_id = $T AND value <> -4072727", "DELETE FROM document WHERE tenant_id = $T AND last_seq = 5"],
        named: &[
            (Check::Document, &["seq 5", "which does not exist, there should be entries of no document"]),
            (Check::Sequence, &["the head's sequence number: there is 5, there should be 4, where the last document ends"]),
            (Check::Chain, &["the head's hash"]),
            (Check::Chain, &["the head's place in the chain: there is 4, there should be 3"]),
            (Check::Number, &["the head's number of the last waste: there is 2, there should be 1"]),
            (Check::Reference, &["seq 5", "the document of an entry"]),
        ],
    },
    Damage {
        sql: &[
            "DELETE FROM document WHERE tenant_id = $T AND type = 'receipt' AND number = 2",
            "DELETE FROM receipt_line WHERE tenant_id = $T AND value = 3000000",
        ],
        named: &[
            (Check::Document, &["seq 4, W-000002"]),
            (Check::Chain, &["W-000002", "the link to the document before"]),
            (Check::Chain, &["W-000002", "the place in the chain"]),
            (Check::Number, &["the head's number of the last receipt: there is 2, there should be 1"]),
            (Check::Reference, &["seq 4", "the document of an entry"]),
            (Check::Reference, &["the document that made a lot"]),
        ],
    },
    // An entry more: behind the last one, before the first one.
    Damage {
        sql: &["INSERT INTO ledger_entry SELECT tenant_id, 6, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, \
                effective_at, business_date, recorded_at, actor_id, reason_id FROM ledger_entry WHERE tenant_id = $T AND seq = 5"],
        named: &[
            (Check::Sequence, &["seq 6: an entry beyond the head", "none after 5"]),
            (Check::Document, &["seq 6", "which is W-000002, there should be entries of no document"]),
            (Check::Sum, &["BUN at main/walk-in"]),
        ],
    },
    Damage {
        sql: &["INSERT INTO ledger_entry SELECT tenant_id, 0, document_id, line_no, kind, item_id, location_id, lot_id, 0, 0, \
                effective_at, business_date, recorded_at, actor_id, reason_id FROM ledger_entry WHERE tenant_id = $T AND seq = 1"],
        named: &[(Check::Sequence, &["seq 0", "there should be none before seq 1"]), (Check::Content, &["R-000001"])],
    },
    // Two entries change places: in one document, and of two.
    Damage {
        sql: &[
            "UPDATE ledger_entry SET seq = -1 WHERE tenant_id = $T AND seq = 1",
            "UPDATE ledger_entry SET seq = 1 WHERE tenant_id = $T AND seq = 2",
            "UPDATE ledger_entry SET seq = 2 WHERE tenant_id = $T AND seq = -1",
        ],
        named: &[(Check::Content, &["seq 2, R-000001"])],
    },
    Damage {
        sql: &[
            "UPDATE ledger_entry SET seq = -1 WHERE tenant_id = $T AND seq = 3",
            "UPDATE ledger_entry SET seq = 3 WHERE tenant_id = $T AND seq = 4",
            "UPDATE ledger_entry SET seq = 4 WHERE tenant_id = $T AND seq = -1",
        ],
        named: &[
            (Check::Document, &["seq 3, W-000001", "which is R-000002, there should be entries of W-000001"]),
            (Check::Document, &["seq 3, W-000001", "the entries of the document: there is none"]),
            (Check::Content, &["W-000001"]),
            (Check::Document, &["seq 4, R-000002", "which is W-000001, there should be entries of R-000002"]),
            (Check::Document, &["seq 4, R-000002", "the entries of the document: there is none"]),
            (Check::Content, &["R-000002"]),
        ],
    },
    // A document ends elsewhere.
    Damage {
        sql: &["UPDATE document SET last_seq = 6 WHERE tenant_id = $T AND last_seq = 5"],
        named: &[
            (Check::Document, &["seq 5, W-000002", "the last entry of the document: there is seq 5, there should be seq 6"]),
            (Check::Chain, &["seq 6, W-000002"]),
            (Check::Sequence, &["the head's sequence number: there is 5, there should be 6"]),
        ],
    },
    // Balances.
    Damage {
        sql: &["UPDATE balance SET value = value + 1 WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Sum, &["seq 3", "ALE at main/walk-in", "there is a balance of 8 worth 16.29091, there should be 8 worth 16.290909"])],
    },
    Damage {
        sql: &["DELETE FROM balance WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Sum, &["ALE at main/walk-in", "there is no balance, there should be 8 worth"])],
    },
    Damage {
        sql: &["INSERT INTO balance SELECT tenant_id, item_id, location_id, $X, 1, 0 FROM balance WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Sum, &["ALE at main/walk-in", "there is a balance of 0.000001 worth 0, there should be 0 worth 0"])],
    },
    Damage {
        sql: &["UPDATE balance SET quantity = -quantity WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Sum, &["there is a balance of -8 worth"]), (Check::Sign, &["ALE at main/walk-in", "there is a balance of -8 worth"])],
    },
    // The head.
    Damage {
        sql: &["UPDATE ledger_head SET seq = 7 WHERE tenant_id = $T"],
        named: &[
            (Check::Sequence, &["seq 6", "there is none, there should be seq 6 to 7"]),
            (Check::Sequence, &["the head's sequence number: there is 7, there should be 5"]),
        ],
    },
    Damage { sql: &["UPDATE ledger_head SET head_hash = 'x' WHERE tenant_id = $T"], named: &[(Check::Chain, &["the head's hash: there is x"])] },
    Damage {
        sql: &["UPDATE ledger_head SET receipt_number = 3 WHERE tenant_id = $T"],
        named: &[(Check::Number, &["the head's number of the last receipt: there is 3, there should be 2"])],
    },
    Damage {
        sql: &["DELETE FROM ledger_head WHERE tenant_id = $T"],
        named: &[
            (Check::Chain, &["the head of the ledger: there is none"]),
            (Check::Sequence, &["seq 1"]),
            (Check::Sequence, &["seq 2"]),
            (Check::Sequence, &["seq 3"]),
            (Check::Sequence, &["seq 4"]),
            (Check::Sequence, &["seq 5"]),
            (Check::Sequence, &["the head's sequence number"]),
            (Check::Chain, &["the head's hash"]),
            (Check::Chain, &["the head's place in the chain: there is 0, there should be 4"]),
            (Check::Number, &["last receipt: there is 0, there should be 2"]),
            (Check::Number, &["last waste: there is 0, there should be 2"]),
        ],
    },
    // Goods in transit that no transfer knows, and goods that were sent and not put anywhere.
    Damage {
        sql: &["UPDATE location SET kind = 'transit' WHERE tenant_id = $T AND code = 'walk-in'"],
        named: &[
            (Check::Transfer, &["what waits in transit of the lot", "there is 8, there should be 0"]),
            (Check::Transfer, &["there is 4, there should be 0"]),
            (Check::Transfer, &["there is 4, there should be 0"]),
        ],
    },
    Damage {
        sql: &["UPDATE document SET type = 'dispatch', number = 1 WHERE tenant_id = $T AND type = 'waste' AND number = 1"],
        named: &[
            (Check::Content, &["seq 3, TD-000001"]),
            (Check::Number, &["seq 5, W-000002"]),
            (Check::Number, &["last dispatch: there is 0, there should be 1"]),
            (Check::Reference, &["the document of lines in waste_line"]),
            (Check::Transfer, &["seq 3", "the sum of what a document moves of the lot", "there is -2, there should be 0"]),
        ],
    },
    // A period that was closed with what lay there then, and one that kept something else.
    Damage { sql: &[PERIOD, CLOSED, KEPT], named: &[] },
    Damage {
        sql: &[PERIOD, CLOSED, KEPT, "UPDATE checkpoint SET quantity = 9000000 WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Checkpoint, &["what the period through 2026-11-25 kept of the lot", "there is 9, there should be 8"])],
    },
    Damage {
        sql: &[PERIOD, CLOSED, KEPT, "UPDATE checkpoint SET value = value + 1 WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Checkpoint, &["there is another value, there should be what the one before it kept and the entries since"])],
    },
    // Of two, the later one follows from the earlier; where that kept what was not there yet, neither is right.
    Damage { sql: &[EARLIER, PERIOD, CLOSED, LATER], named: &[] },
    Damage {
        sql: &[EARLIER, PERIOD, CLOSED, KEPT],
        named: &[
            (Check::Checkpoint, &["what the period through 2026-11-20 kept of the lot", "there is 8, there should be 0"]),
            (Check::Checkpoint, &["2026-11-20"]),
            (Check::Checkpoint, &["2026-11-20"]),
            (Check::Checkpoint, &["2026-11-25", "there is 8, there should be 16"]),
            (Check::Checkpoint, &["2026-11-25"]),
            (Check::Checkpoint, &["2026-11-25"]),
        ],
    },
    Damage {
        sql: &[PERIOD],
        named: &[
            (Check::Checkpoint, &["there is 0, there should be 8"]),
            (Check::Checkpoint, &[]),
            (Check::Checkpoint, &[]),
            (Check::Period, &["the head's last closed day: there is none, there should be 2026-11-25, the last day of the last closed period"]),
        ],
    },
    // The head says another day than the last closed period: postings ask only the head.
    Damage {
        sql: &[PERIOD, CLOSED, KEPT, "UPDATE ledger_head SET closed_through = NULL WHERE tenant_id = $T"],
        named: &[(Check::Period, &["the head's last closed day: there is none, there should be 2026-11-25"])],
    },
    Damage {
        sql: &[PERIOD, CLOSED, KEPT, "UPDATE ledger_head SET closed_through = '2026-11-20' WHERE tenant_id = $T"],
        named: &[(Check::Period, &["the head's last closed day: there is 2026-11-20, there should be 2026-11-25"])],
    },
    Damage { sql: &[CLOSED], named: &[(Check::Period, &["there is 2026-11-25, there should be none"])] },
    Damage { sql: &[PERIOD, CLOSED], named: &[(Check::Checkpoint, &["there is 0, there should be 8"]), (Check::Checkpoint, &[]), (Check::Checkpoint, &[])] },
    // Stock keys and empty balances name what is not there; there are no foreign keys.
    Damage {
        sql: &["UPDATE stock_key SET item_id = $X WHERE tenant_id = $T AND item_id = (SELECT item_id FROM ledger_entry WHERE tenant_id = $T AND seq = 1)"],
        named: &[(Check::Reference, &["the item of a stock key", "there is none, there should be one"])],
    },
    Damage {
        sql: &["UPDATE stock_key SET location_id = $X WHERE tenant_id = $T AND item_id = (SELECT item_id FROM ledger_entry WHERE tenant_id = $T AND seq = 1)"],
        named: &[(Check::Reference, &["the location of a stock key"])],
    },
    Damage {
        sql: &["INSERT INTO balance SELECT tenant_id, item_id, location_id, $X, 0, 0 FROM balance WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Reference, &["the lot of an empty balance"])],
    },
    Damage {
        sql: &["INSERT INTO balance SELECT tenant_id, item_id, $X, lot_id, 0, 0 FROM balance WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Reference, &["the location of an empty balance"])],
    },
    Damage {
        sql: &["INSERT INTO balance SELECT tenant_id, $X, location_id, lot_id, 0, 0 FROM balance WHERE tenant_id = $T AND quantity = 8000000"],
        named: &[(Check::Reference, &["the item of an empty balance"])],
    },
    // What a lot cost, and what no shelf took of it.
    Damage {
        sql: &["UPDATE lot SET basis_quantity = basis_quantity + 1000000 WHERE tenant_id = $T AND batch_code = 'L1'"],
        named: &[(Check::Cost, &["what ever came onto the lot", "there is 11, there should be 10"])],
    },
    Damage {
        sql: &["UPDATE lot SET basis_value = basis_value + 1 WHERE tenant_id = $T AND batch_code = 'L1'"],
        named: &[(Check::Cost, &["what ever came onto the lot", "there is another cost, there should be what its entries and its variances say (I4)"])],
    },
    Damage {
        sql: &["INSERT INTO cost_variance (tenant_id, document_id, number, lot_id, amount, kind) \
                SELECT tenant_id, document_id, 1, lot_id, 5, 'cost' FROM ledger_entry WHERE tenant_id = $T AND seq = 3"],
        named: &[(Check::Cost, &["what ever came onto the lot", "there is another cost"])],
    },
    // Lots.
    Damage {
        sql: &["UPDATE lot SET void = true WHERE tenant_id = $T AND batch_code = 'L1'"],
        named: &[
            (Check::Void, &["a void lot", "there should be nothing (I20)"]),
            (Check::Void, &["seq 1: the lot", "there is void, there should be in use, as what made it is not undone"]),
        ],
    },
    // What is marked as undone, and is not; and what is undone, and not marked: a document, and the lot that it made.
    Damage {
        sql: &["UPDATE document SET status = 'reversed' WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[(Check::Status, &["seq 5", "the status of the document", "there is another than posted, there should be posted, as no document undoes it"])],
    },
    Damage {
        sql: &["UPDATE document SET status = 'draft' WHERE tenant_id = $T AND type = 'waste' AND number = 2"],
        named: &[(Check::Status, &["seq 5", "there is another than posted"])],
    },
    Damage {
        sql: &[UNDOES],
        named: &[
            (Check::Content, &["seq 5, W-000002"]),
            (Check::Status, &["seq 4", "the status of the document", "there is another than reversed, there should be reversed, as a document undoes it"]),
            (Check::Void, &["seq 4: the lot", "there is in use, there should be void, as what made it is undone"]),
        ],
    },
    Damage {
        sql: &[UNDOES, "UPDATE document SET status = 'reversed' WHERE tenant_id = $T AND type = 'receipt' AND number = 2"],
        named: &[(Check::Content, &["seq 5, W-000002"]), (Check::Void, &["seq 4: the lot"])],
    },
    // A line of a count that is true, one that is not, one of a time before everything, and one of where nothing ever was.
    Damage {
        sql: &["INSERT INTO count_truth (tenant_id, document_id, line_no, item_id, location_id, lot_id, counted_at, quantity) \
                     SELECT tenant_id, document_id, 1, item_id, location_id, lot_id, effective_at, 8000000 FROM ledger_entry WHERE tenant_id = $T AND seq = 1"],
        named: &[],
    },
    Damage {
        sql: &["INSERT INTO count_truth (tenant_id, document_id, line_no, item_id, location_id, counted_at, quantity) \
                SELECT tenant_id, document_id, 1, item_id, location_id, effective_at, 10000000 FROM ledger_entry WHERE tenant_id = $T AND seq = 1"],
        named: &[(Check::Count, &["what was counted by the document", "there is 8, there should be 10"])],
    },
    Damage {
        sql: &[
            "INSERT INTO count_truth (tenant_id, document_id, line_no, item_id, location_id, counted_at, quantity) \
             SELECT tenant_id, document_id, 1, item_id, location_id, '$OLD', 1000000 FROM ledger_entry WHERE tenant_id = $T AND seq IN (1, 5)",
            "INSERT INTO count_truth (tenant_id, document_id, line_no, item_id, location_id, counted_at, quantity) \
             SELECT tenant_id, document_id, 2, item_id, $X, effective_at, 1000000 FROM ledger_entry WHERE tenant_id = $T AND seq IN (1, 5)",
        ],
        named: &[(Check::Count, &["there is 0, there should be 1"]), (Check::Count, &[]), (Check::Count, &[]), (Check::Count, &[])],
    },
    Damage {
        sql: &["DELETE FROM lot WHERE tenant_id = $T AND batch_code = 'L1'"],
        named: &[(Check::Reference, &["seq 1", "the lot of an entry"]), (Check::Reference, &["seq 3", "the lot of an entry"])],
    },
];

/// The names of a table's columns.
async fn columns(api: &Api, table: &str) -> Vec<String> {
    let sql = match api.engine() {
        Engine::Sqlite => format!("SELECT name FROM pragma_table_info('{table}')"),
        Engine::Postgres => format!("SELECT column_name::text FROM information_schema.columns WHERE table_name = '{table}'"),
    };
    texts(api.inventory_db(), &sql).await
}

/// Takes the guards away, inside of a transaction that is undone.
async fn unguarded(api: &Api, txn: &DatabaseTransaction) {
    let statements: &[&str] = match api.engine() {
        Engine::Sqlite => &[
            "PRAGMA defer_foreign_keys = ON",
            "PRAGMA ignore_check_constraints = ON",
            "DROP TRIGGER ledger_entry_no_update",
            "DROP TRIGGER ledger_entry_no_delete",
        ],
        // Neither triggers nor foreign keys are looked at.
        Engine::Postgres => &[
            "SET LOCAL session_replication_role = replica",
            "ALTER TABLE balance DROP CONSTRAINT balance_quantity_not_negative, DROP CONSTRAINT balance_no_value_without_quantity",
        ],
    };
    for statement in statements {
        txn.execute_unprepared(statement).await.expect("no guards");
    }
}

fn assert_named(differences: &[Difference], named: &[(Check, &[&str])], sql: &[&str]) {
    let says: Vec<String> = differences.iter().map(ToString::to_string).collect();
    assert_eq!(says.len(), named.len(), "{sql:?}:\n{}", says.join("\n"));
    for (check, parts) in named {
        let is_it = |(difference, says): &(&Difference, &String)| difference.check == *check && parts.iter().all(|part| says.contains(part));
        assert!(differences.iter().zip(&says).any(|pair| is_it(&pair)), "{sql:?}: no {check} of {parts:?} in\n{}", says.join("\n"));
    }
}

both_engines! {
    async fn every_damage_is_found_and_named(api: Api) {
        let kitchen = story(&api).await;
        let tenant = kitchen.owner.tenant_id;
        let literal = |id: sea_orm::prelude::Uuid| match api.engine() {
            Engine::Sqlite => format!("x'{}'", id.simple()),
            Engine::Postgres => format!("'{id}'"),
        };
        for Damage { sql, named } in DAMAGES {
            let txn = api.inventory_db().begin().await.expect("begun");
            assert_eq!(verify(&txn).await.differences.len(), 0);
            unguarded(&api, &txn).await;
            for statement in *sql {
                let statement = statement.replace("$T", &literal(tenant)).replace("$X", &literal(api.id())).replace("$OLD", "2001-01-01T00:00:00+00:00");
                let done = txn.execute_unprepared(&statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
                assert_ne!(done.rows_affected(), 0, "{statement} changes nothing");
            }
            let verdict = verify(&txn).await;
            assert_named(&verdict.differences, named, sql);
            assert!(verdict.differences.iter().all(|difference| difference.tenant == tenant), "{sql:?}");
            let counted: Vec<_> = verdict.tenants.iter().map(|of| (of.tenant == tenant && !named.is_empty(), of.differences > 0)).collect();
            assert!(counted.iter().all(|(is_it, differs)| is_it == differs), "{sql:?}: {counted:?}");
            txn.rollback().await.expect("undone");
        }
    }

    async fn no_line_of_any_kind_of_document_is_changed_or_taken_away_unnoticed(api: Api) {
        let kitchen = story(&api).await;
        every_kind_of_movement(&kitchen).await;
        holds(&api).await;
        let mut tables = Vec::new();
        for table in catalogue(api.inventory_db()).await {
            let columns = columns(&api, &table).await;
            let is_line = ["document_id", "line_no"].iter().all(|column| columns.iter().any(|name| name == column));
            if is_line && !["count_truth", "ledger_entry", "lot", "shortage"].contains(&table.as_str()) {
                tables.push(table);
            }
        }
        assert_eq!(tables.len(), 12, "{tables:?}");
        for table in tables {
            let one = format!("document_id = (SELECT document_id FROM {table} ORDER BY document_id LIMIT 1)");
            for damage in [format!("UPDATE {table} SET line_no = line_no + 1000 WHERE {one}"), format!("DELETE FROM {table} WHERE {one}")] {
                let txn = api.inventory_db().begin().await.expect("begun");
                unguarded(&api, &txn).await;
                assert_ne!(txn.execute_unprepared(&damage).await.unwrap_or_else(|error| panic!("{damage}: {error}")).rows_affected(), 0, "{damage}");
                let differences = verify(&txn).await.differences;
                assert!(differences.iter().any(|difference| difference.check == Check::Content), "{damage} is not found");
                txn.rollback().await.expect("undone");
            }
        }
    }

    async fn what_is_undone_is_marked_and_no_mark_is_taken_away(api: Api) {
        let kitchen = story(&api).await;
        let received = kitchen.receive(json!([{ "sku": "ALE", "quantity": "1", "line_total": "1" }])).await;
        crate::reversals::reverse(&kitchen.owner, &received).await;
        holds(&api).await;
        let changes: [(&str, Check, &str); 2] = [
            ("UPDATE document SET status = 'posted' WHERE status = 'reversed'", Check::Status, "there is another than reversed, there should be reversed"),
            ("UPDATE lot SET void = false WHERE void", Check::Void, "there is in use, there should be void"),
        ];
        for (change, check, words) in changes {
            let txn = api.inventory_db().begin().await.expect("begun");
            txn.execute_unprepared(change).await.expect("changed");
            assert_named(&verify(&txn).await.differences, &[(check, &["seq 6", words])], &[change]);
            txn.rollback().await.expect("undone");
        }
    }

    async fn a_line_of_a_count_that_is_not_kept_any_more_is_found(api: Api) {
        let kitchen = story(&api).await;
        let count = text(&kitchen.owner.post(crate::counts::COUNTS, json!({ "location": WALK_IN })).await.ok(201)["id"]);
        crate::counts::put(&kitchen.owner, &count, json!([{ "sku": "ALE", "quantity": "8" }, { "sku": "BUN", "quantity": "7" }])).await.ok(200);
        crate::counts::step(&kitchen.owner, &count, "post", json!({})).await.ok(201);
        holds(&api).await;
        // One of them has no entry: nothing but this row says that it was counted.
        for left in ["quantity = 8000000", "quantity = 7000000"] {
            let txn = api.inventory_db().begin().await.expect("begun");
            let delete = format!("DELETE FROM count_truth WHERE {left}");
            assert_eq!(txn.execute_unprepared(&delete).await.expect("deleted").rows_affected(), 1);
            assert_named(&verify(&txn).await.differences, &[(Check::Count, &["a line that is kept as true", "there is none"])], &[&delete]);
            txn.rollback().await.expect("undone");
        }
    }

    async fn every_phase_tells_how_far_it_is(api: Api) {
        let kitchen = story(&api).await;
        let tenant = kitchen.owner.tenant_id;
        let txn = api.inventory_db().begin().await.expect("begun");
        let mut told = Vec::new();
        inventory::verify::verify(&txn, Some(tenant), &mut |progress| told.push((progress.tenant, progress.entries, progress.of))).await.expect("a verdict");
        txn.rollback().await.expect("ended");
        assert_eq!(told, [5, 10, 15, 20].map(|entries| (tenant, entries, 20)));
        let ended = larder(&api, &["--tenant", &tenant.to_string()]);
        ended.says(0, &format!("tenant {tenant}: 5 of 20 entries read, in 4 passes")).says(0, &format!("tenant {tenant}: 20 of 20 entries read, in 4 passes"));
    }

    async fn a_ledger_that_is_what_was_posted_verifies_while_the_server_runs_and_after(api: Api) {
        let kitchen = story(&api).await;
        let last = kitchen.owner.post("/v1/inventory/waste", waste_body(json!([{ "sku": "ALE", "quantity": "1" }]))).await.ok(201);
        let head = text(&last["document"]["chain_hash"]);
        let tenant = kitchen.owner.tenant_id;
        let words = format!("tenant {tenant}: 5 documents, 6 entries, 3 balances: all as it was posted; head {head}");
        larder(&api, &[]).says(0, &words).says(0, ": 1 documents, 1 entries, 1 balances: all as it was posted");
        api.stop().await;
        let one = larder(&api, &["--tenant", &tenant.to_string()]);
        assert_eq!(one.is(0).stdout, format!("{words}\n"));
        let object = larder(&api, &["--json"]).is(0).json();
        assert_eq!((&object["exit"], &object["differences"], &object["more"]), (&json!(0), &json!([]), &json!({})));
        let of = object["tenants"].as_array().expect("tenants").iter().find(|of| of["tenant"] == tenant.to_string()).expect("the tenant");
        assert_eq!(*of, json!({ "tenant": tenant, "documents": 5, "entries": 6, "places": 3, "head_hash": head, "differences": 0 }));
        larder(&api, &["--tenant", &api.id().to_string()]).says(1, "has no tenant");
    }

    async fn the_program_ends_with_4_and_names_what_differs(api: Api) {
        let kitchen = story(&api).await;
        let tenant = kitchen.owner.tenant_id;
        let change = "UPDATE document SET note = 'as paid' WHERE note = 'as ordered'";
        api.inventory_db().execute_unprepared(change).await.expect("changed");
        let ended = larder(&api, &[]);
        ended.says(4, &format!("content    tenant {tenant}, seq 2, R-000001: the hash of the document")).says(4, "4 documents, 5 entries, 3 balances: 1 difference;");
        let object = larder(&api, &["--json", "--tenant", &tenant.to_string()]).is(4).json();
        let difference = &object["differences"][0];
        assert_eq!((&object["exit"], &difference["check"], &difference["seq"], &difference["document"]), (&json!(4), &json!("content"), &json!(2), &json!("R-000001")));
        assert_ne!(difference["found"], difference["expected"]);
        // The other tenant is not concerned.
        let others: Vec<Value> = larder(&api, &["--json"]).is(4).json()["tenants"].as_array().expect("tenants").clone();
        assert_eq!(others.iter().map(|of| of["differences"].as_u64()).sum::<Option<u64>>(), Some(1));
    }
}

/// More than a page of entries, of documents and of balances.
async fn a_large_ledger(api: Api) {
    let kitchen = Kitchen::open(&api).await;
    let rows = (0..5_200).map(|row| format!("SKU{row:04},{},2\n", row + 1));
    let file = std::iter::once("sku,quantity,unit_cost\n".to_owned()).chain(rows).collect::<String>();
    kitchen.owner.post_csv(&format!("/v1/inventory/imports/opening-stock?location={WALK_IN}&create_items=true"), file).await.ok(201);
    kitchen.waste(json!([{ "sku": "SKU0000", "quantity": "1" }])).await;
    let words = format!("tenant {}: 209 documents, 5201 entries, 5200 balances", kitchen.owner.tenant_id);
    larder(&api, &[]).says(0, &format!("{words}: all as it was posted"));
    api.inventory_db().execute_unprepared("UPDATE balance SET value = value + 1 WHERE quantity > 0").await.expect("changed");
    let ended = larder(&api, &[]);
    ended.says(4, &format!("{words}: 5199 differences")).says(4, "sum        and 5179 more");
    assert_eq!(ended.stdout.lines().filter(|line| line.starts_with("sum        tenant")).count(), 20);
    assert_eq!(larder(&api, &["--json"]).is(4).json()["more"], json!({ "sum": 5179 }));
}

const SMALL_DOCUMENTS: (&str, &str) = ("LARDER_INVENTORY_IMPORT_LINES_PER_DOCUMENT", "25");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_ledger_the_first_differences_are_named_and_the_rest_is_counted_sqlite() {
    on(Engine::Sqlite, &[SMALL_DOCUMENTS], a_large_ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_large_ledger_the_first_differences_are_named_and_the_rest_is_counted_postgres() {
    on(Engine::Postgres, &[SMALL_DOCUMENTS], a_large_ledger).await;
}

#[test]
fn what_cannot_be_verified_is_an_error_and_no_verdict() {
    let place = crate::support::place::Place::new(&[]);
    // No file, and none is made by looking.
    place.run(&["ledger", "verify"]).says(1, "cannot be opened");
    assert!(!place.path("data/inventory.db").exists());
    place.run(&["db", "deploy"]).is(0);
    place.run(&["ledger", "verify"]).says(0, "there is no tenant with a ledger yet");
    place.run(&["db", "down", "--db", "inventory", "--yes"]).is(0);
    place.run(&["ledger", "verify"]).says(2, "has pending migrations");
    let memory = crate::support::place::Place::new(&[("USE_IN_MEMORY_REPOSITORIES", "true")]);
    memory.run(&["ledger", "verify"]).says(1, "there is nothing to verify");
    place.run(&["ledger", "verify", "--help"]).says(0, "Exit codes: 0 everything is as it was posted").says(0, "--tenant <ID>");
}

//! Two requests under one key on Postgres, at moments that are hard to meet: the first of them is played by a transaction of the test.
//! What can be met by sending many at once is in `invariants.rs` and `interleavings.rs`; SQLite has one writer, and no such moments.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};
use serde_json::{Value, json};

use crate::receipts::RECEIPTS;
use crate::support::kitchen::{Kitchen, WALK_IN};
use crate::support::patience::soon;
use crate::support::tables::texts;
use crate::support::{Api, Engine, Reply, on};

fn body() -> Value {
    json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "1", "line_total": "1" }] })
}

/// A kitchen that has received under the key `first`.
async fn received(api: &Api) -> (Kitchen, Value) {
    let kitchen = Kitchen::open(api).await;
    kitchen.item("EGG", json!({})).await;
    let first = kitchen.owner.post_with_key(RECEIPTS, "first", body()).await.ok(201);
    (kitchen, first)
}

/// Works under the key `second`, as a request of the kitchen does.
async fn at_work(kitchen: &Kitchen) -> DatabaseTransaction {
    let database = kitchen.owner.api().inventory_db();
    let lock = "SELECT hashtextextended(tenant_id || '/' || actor_id || '/second', 0)::text FROM idempotency WHERE key = 'first'";
    let lock = texts(database, lock).await.pop().expect("an answer");
    let working = database.begin().await.expect("a transaction");
    working.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({lock})")).await.expect("a claim");
    working
}

/// Answers under the key `second` what was answered under `first`.
async fn answer(working: &DatabaseTransaction) {
    let sql = "INSERT INTO idempotency SELECT tenant_id, actor_id, 'second', fingerprint, status, body, created_at FROM idempotency WHERE key = 'first'";
    working.execute_unprepared(sql).await.expect("answered");
}

/// Sends the same under the key `second`, and does something once that waits for somebody.
async fn sent_again(kitchen: &Kitchen, meanwhile: impl Future<Output = ()>) -> Reply {
    let waits = async {
        let waiting = "SELECT pid::text FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        soon("it waits", async || !texts(kitchen.owner.api().inventory_db(), waiting).await.is_empty()).await;
        meanwhile.await;
    };
    tokio::join!(kitchen.owner.post_with_key(RECEIPTS, "second", body()), waits).0
}

async fn assert_answered_as_before(kitchen: &Kitchen, reply: Reply, first: &Value) {
    assert_eq!(reply.header("idempotent-replayed"), "true");
    assert_eq!(reply.ok(201), *first);
    assert_eq!(kitchen.ledger().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_first_is_answered_as_that_was() {
    on(Engine::Postgres, &[], async |api: Api| {
        let (kitchen, first) = received(&api).await;
        let working = at_work(&kitchen).await;
        let meanwhile = async {
            answer(&working).await;
            working.commit().await.expect("answered");
        };
        let reply = sent_again(&kitchen, meanwhile).await;
        assert_answered_as_before(&kitchen, reply, &first).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_one_that_fails_does_it() {
    on(Engine::Postgres, &[], async |api: Api| {
        let (kitchen, first) = received(&api).await;
        let working = at_work(&kitchen).await;
        let reply = sent_again(&kitchen, async { working.rollback().await.expect("failed") }).await;
        assert_eq!(reply.header("idempotent-replayed"), "");
        assert_ne!(reply.ok(201)["document"]["id"], first["document"]["id"]);
        assert_eq!(kitchen.ledger().await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_for_the_first_is_told_to_come_again() {
    on(Engine::Postgres, &[("LARDER_DATABASE_LOCK_TIMEOUT_MS", "200")], async |api: Api| {
        let (kitchen, _) = received(&api).await;
        let working = at_work(&kitchen).await;
        let waiting = kitchen.owner.post_with_key(RECEIPTS, "second", body()).await;
        assert_eq!(waiting.header("retry-after"), "1");
        waiting.refused(409, "idempotency_in_progress");
        working.rollback().await.expect("free");
        kitchen.owner.post_with_key(RECEIPTS, "second", body()).await.ok(201);
    })
    .await;
}

/// Its claim was had before the other's answer could be seen: a program of another version that claims in another way, or the other ended between
/// the moment that the claim sees and the lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_meanwhile_is_not_done_again() {
    on(Engine::Postgres, &[], async |api: Api| {
        let (kitchen, first) = received(&api).await;
        let unseen = api.inventory_db().begin().await.expect("a transaction");
        answer(&unseen).await;
        let reply = sent_again(&kitchen, async { unseen.commit().await.expect("answered") }).await;
        assert_answered_as_before(&kitchen, reply, &first).await;
    })
    .await;
}

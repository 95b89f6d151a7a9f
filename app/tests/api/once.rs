//! Two requests under one key on Postgres, at moments that are hard to meet: the first of them is played by a transaction of the test.
//! What can be met by sending many at once is in `invariants.rs` and `interleavings.rs`; SQLite has one writer, and no such moments.

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};
use serde_json::{Value, json};

use crate::receipts::RECEIPTS;
use crate::support::kitchen::{Kitchen, WALK_IN, waste_body};
use crate::support::patience::soon;
use crate::support::tables::texts;
use crate::support::{Api, Engine, Reply, on};

const WASTE: &str = "/v1/inventory/waste";

/// A request that was answered under the key `first`, and is sent again under `second`.
struct Twice {
    kitchen: Kitchen,
    path: &'static str,
    body: Value,
    first: Value,
    entries: usize,
}

impl Twice {
    /// Of an egg that is received.
    async fn received(api: &Api) -> Self {
        let kitchen = Kitchen::open(api).await;
        kitchen.item("EGG", json!({})).await;
        Self::send(kitchen, RECEIPTS, json!({ "location": WALK_IN, "lines": [{ "sku": "EGG", "quantity": "1", "line_total": "1" }] })).await
    }

    /// Of an egg that is thrown away, where there are so many.
    async fn wasted(api: &Api, of: &str) -> Self {
        let kitchen = Kitchen::open(api).await;
        kitchen.item("EGG", json!({})).await;
        kitchen.receive(json!([{ "sku": "EGG", "quantity": of, "line_total": "1" }])).await;
        Self::send(kitchen, WASTE, waste_body(json!([{ "sku": "EGG", "quantity": "1" }]))).await
    }

    async fn send(kitchen: Kitchen, path: &'static str, body: Value) -> Self {
        let first = kitchen.owner.post_with_key(path, "first", body.clone()).await.ok(201);
        let entries = kitchen.ledger().await.len();
        Self { kitchen, path, body, first, entries }
    }

    async fn begin(&self) -> DatabaseTransaction {
        self.kitchen.owner.api().inventory_db().begin().await.expect("a transaction")
    }

    /// Works under the key `second`, as a request of the kitchen does.
    async fn at_work(&self) -> DatabaseTransaction {
        let lock = "SELECT hashtextextended(tenant_id || '/' || actor_id || '/second', 0)::text FROM idempotency WHERE key = 'first'";
        let lock = texts(self.kitchen.owner.api().inventory_db(), lock).await.pop().expect("an answer");
        let working = self.begin().await;
        working.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({lock})")).await.expect("a claim");
        working
    }

    async fn again(&self) -> Reply {
        self.kitchen.owner.post_with_key(self.path, "second", self.body.clone()).await
    }

    /// Sends it again, and ends a transaction as soon as it waits for a lock.
    async fn again_until(&self, end: impl Future<Output = ()>) -> Reply {
        let waits = async {
            let waiting = "SELECT pid::text FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
            soon("it waits", async || !texts(self.kitchen.owner.api().inventory_db(), waiting).await.is_empty()).await;
            end.await;
        };
        tokio::join!(self.again(), waits).0
    }

    async fn assert_answered_as_before(&self, reply: Reply) {
        assert_eq!(reply.header("idempotent-replayed"), "true", "{}", reply.text);
        assert_eq!(reply.ok(201), self.first);
        assert_eq!(self.kitchen.ledger().await.len(), self.entries);
    }
}

/// Answers under the key `second` what was answered under `first`.
async fn answer(working: &DatabaseTransaction) {
    let sql = "INSERT INTO idempotency SELECT tenant_id, actor_id, 'second', fingerprint, status, body, created_at FROM idempotency WHERE key = 'first'";
    working.execute_unprepared(sql).await.expect("answered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_the_first_is_answered_as_that_was() {
    on(Engine::Postgres, &[], async |api: Api| {
        let twice = Twice::received(&api).await;
        let working = twice.at_work().await;
        let end = async {
            answer(&working).await;
            working.commit().await.expect("answered");
        };
        let reply = twice.again_until(end).await;
        twice.assert_answered_as_before(reply).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_one_that_fails_does_it() {
    on(Engine::Postgres, &[], async |api: Api| {
        let twice = Twice::received(&api).await;
        let working = twice.at_work().await;
        let reply = twice.again_until(async { working.rollback().await.expect("failed") }).await;
        assert_eq!(reply.header("idempotent-replayed"), "");
        assert_ne!(reply.ok(201)["document"]["id"], twice.first["document"]["id"]);
        assert_eq!(twice.kitchen.ledger().await.len(), twice.entries + 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_too_long_for_the_first_is_told_to_come_again() {
    on(Engine::Postgres, &[("LARDER_DATABASE_LOCK_TIMEOUT_MS", "200")], async |api: Api| {
        let twice = Twice::received(&api).await;
        let working = twice.at_work().await;
        let waiting = twice.again().await;
        assert_eq!(waiting.header("retry-after"), "1");
        waiting.refused(409, "idempotency_in_progress");
        working.rollback().await.expect("free");
        twice.again().await.ok(201);
    })
    .await;
}

/// The claim was had before the other's answer could be seen: that one ended between the moment that the claim sees and its lock, or is of a program
/// of another version, which claims in another way. It is met where the answer is stored: with the document or after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_unseen_is_not_done_again() {
    async fn test(twice: Twice) {
        let unseen = twice.begin().await;
        answer(&unseen).await;
        let reply = twice.again_until(async { unseen.commit().await.expect("answered") }).await;
        twice.assert_answered_as_before(reply).await;
    }
    on(Engine::Postgres, &[], async |api: Api| test(Twice::received(&api).await).await).await;
    on(Engine::Postgres, &[], async |api: Api| test(Twice::wasted(&api, "10").await).await).await;
}

/// What it has done is there before its answer is seen, and there is nothing left to take.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_is_it_refused_because_of_what_the_first_has_done() {
    on(Engine::Postgres, &[], async |api: Api| {
        let twice = Twice::wasted(&api, "1").await;
        let unseen = twice.begin().await;
        answer(&unseen).await;
        unseen.execute_unprepared("SELECT * FROM stock_key FOR UPDATE").await.expect("locks");
        let reply = twice.again_until(async { unseen.commit().await.expect("answered") }).await;
        twice.assert_answered_as_before(reply).await;
        // Of another request under that key it is no answer.
        let more = waste_body(json!([{ "sku": "EGG", "quantity": "2" }]));
        twice.kitchen.owner.post_with_key(WASTE, "third", more.clone()).await.refused(409, "insufficient_stock");
        twice.kitchen.owner.post_with_key(WASTE, "second", more).await.refused(422, "idempotency_key_reused");
    })
    .await;
}

//! The fewest statements that a correct posting of one line must run on Postgres, in one transaction. They lock the stock key, read what is held with
//! the head's rules (in the next statement: in one with the lock it would be what was there before the wait), and write everything in one
//! data-modifying statement in which the head depends on the balance.
//!
//! They claim no idempotency key, resolve no names, check no permission and compute no hash. The rows are those that Larder writes, in the
//! same tables under the same constraints.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sea_orm::sqlx::pool::PoolOptions;
use sea_orm::sqlx::{self, AssertSqlSafe, Connection as _, PgPool, Row as _};
use uuid::Uuid;

use super::server::Server;
use crate::Outcome;
use crate::kitchens::Place;

/// Of a tenant, an item and a location: the version of the rules, a reason, who posts, and the lot that is there. On both engines.
pub const FACTS: &str = "SELECT head.rules_version, (SELECT id FROM reason WHERE tenant_id = head.tenant_id AND code = 'spoiled'), \
     (SELECT posted_by FROM document WHERE tenant_id = head.tenant_id LIMIT 1), \
     (SELECT lot_id FROM balance WHERE tenant_id = head.tenant_id AND item_id = $2 AND location_id = $3) \
     FROM ledger_head AS head WHERE tenant_id = $1";

/// What a posting at a place is to know beforehand.
#[derive(Clone, Debug)]
pub struct Facts {
    pub tenant: Uuid,
    pub item: Uuid,
    pub location: Uuid,
    pub site: Uuid,
    pub lot: Uuid,
    pub actor: Uuid,
    pub reason: Uuid,
    pub rules_version: i64,
}

impl Facts {
    pub async fn of_all(url: &str, places: &[Place]) -> Outcome<Vec<Self>> {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        let mut facts = Vec::new();
        for place in places {
            let id = |text: &str| Uuid::parse_str(text);
            let (tenant, item, location, site) = (id(&place.tenant_id)?, id(&place.item_id)?, id(&place.location_id)?, id(&place.site_id)?);
            let row = sqlx::query(FACTS).bind(tenant).bind(item).bind(location).fetch_one(&mut connection).await?;
            facts.push(Self { tenant, item, location, site, lot: row.get(3), actor: row.get(2), reason: row.get(1), rules_version: row.get(0) });
        }
        Ok(facts)
    }
}

/// How the statements are to write each fact.
pub struct Given {
    pub tenant: String,
    pub item: String,
    pub location: String,
    pub site: String,
    pub lot: String,
    pub actor: String,
    pub reason: String,
    pub rules_version: String,
}

/// Locks, reads and writes.
pub fn statements(given: &Given) -> [String; 3] {
    let Given { tenant, item, location, site, lot, actor, reason, rules_version } = given;
    let hash = "0".repeat(64);
    let here = format!("tenant_id = {tenant} AND item_id = {item} AND location_id = {location}");
    let lock = format!("SELECT 1 FROM stock_key WHERE {here} FOR NO KEY UPDATE");
    let read = format!(
        "SELECT lot.id, lot.received_at, lot.expires_on, lot.date_kind, lot.origin_seq, lot.origin_line, lot.cost_floor_at, lot.hold, lot.opened_at, \
         balance.quantity, balance.value, head.rules_version, head.closed_through FROM balance \
         JOIN lot ON lot.tenant_id = balance.tenant_id AND lot.id = balance.lot_id JOIN ledger_head AS head ON head.tenant_id = balance.tenant_id \
         WHERE balance.tenant_id = {tenant} AND balance.item_id = {item} AND balance.location_id = {location} AND balance.quantity > 0"
    );
    let write = format!(
        "WITH taken AS (UPDATE balance SET quantity = quantity - 1000000, value = value - 1000000 WHERE {here} AND lot_id = {lot} RETURNING lot_id), \
         head AS (UPDATE ledger_head SET seq = seq + 1, waste_number = waste_number + 1, position = COALESCE(position, 0) + 1, head_hash = '{hash}' \
         WHERE tenant_id = {tenant} AND rules_version = {rules_version} AND EXISTS (SELECT 1 FROM taken) RETURNING seq, waste_number, position), \
         posted AS (INSERT INTO document (id, tenant_id, type, number, status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, \
         last_seq, content_hash, chain_hash, version, position) SELECT gen_random_uuid(), {tenant}, 'waste', waste_number, 'posted', now(), current_date, now(), \
         now(), {actor}, {site}, {location}, seq, '{hash}', '{hash}', 1, position FROM head RETURNING id, last_seq), \
         line AS (INSERT INTO waste_line (tenant_id, document_id, line_no, item_id, entered_quantity, entered_unit, quantity, value, reason_id, stage) \
         SELECT {tenant}, id, 1, {item}, 1000000, 'g', 1000000, 1000000, {reason}, 'storage' FROM posted) \
         INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, business_date, \
         recorded_at, actor_id, reason_id) SELECT {tenant}, last_seq, id, 1, 'waste', {item}, {location}, {lot}, -1000000, -1000000, now(), \
         current_date, now(), {actor}, {reason} FROM posted"
    );
    [lock, read, write]
}

/// As many as Larder's pool has by itself.
const CONNECTIONS: u32 = 12;
/// About as long as the answer to a posting of one line.
const ANSWER: usize = 1_000;

/// A server that posts with these facts in turn, whatever it is asked, by the driver that Larder uses, and does nothing else.
pub async fn server(url: &str, facts: Vec<Facts>) -> Outcome<Server> {
    let given = Given {
        tenant: "$1::uuid".to_owned(),
        item: "$2::uuid".to_owned(),
        location: "$3::uuid".to_owned(),
        site: "$4::uuid".to_owned(),
        lot: "$5::uuid".to_owned(),
        actor: "$6::uuid".to_owned(),
        reason: "$7::uuid".to_owned(),
        rules_version: "$8::bigint".to_owned(),
    };
    let pool: PgPool = PoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false).connect(url).await?;
    let shared = Arc::new((pool, statements(&given), facts, AtomicUsize::new(0)));
    let post = move || {
        let shared = shared.clone();
        async move {
            let (pool, statements, facts, next) = &*shared;
            let facts = facts.get(next.fetch_add(1, Ordering::Relaxed) % facts.len());
            if let Some(facts) = facts { post(pool, statements, facts).await.is_ok() } else { false }
        }
    };
    Server::after(ANSWER, post)
}

async fn post(pool: &PgPool, [lock, read, write]: &[String; 3], facts: &Facts) -> Result<(), sqlx::Error> {
    let here = |sql: &String| sqlx::query(AssertSqlSafe(sql.clone())).bind(facts.tenant).bind(facts.item).bind(facts.location);
    let mut txn = pool.begin().await?;
    here(lock).fetch_one(&mut *txn).await?;
    here(read).fetch_all(&mut *txn).await?;
    let write = here(write).bind(facts.site).bind(facts.lot).bind(facts.actor).bind(facts.reason).bind(facts.rules_version);
    write.execute(&mut *txn).await?;
    txn.commit().await
}

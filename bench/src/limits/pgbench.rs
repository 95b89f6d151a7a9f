//! The limit of a posting on Postgres: pgbench, with prepared statements, running the fewest that a correct posting of one line must run in one
//! transaction. They lock the stock key, read what is held with the head's rules (in the next statement: in one with the lock it would be
//! what was there before the wait), and write everything in one data-modifying statement in which the head depends on the balance.
//!
//! It claims no idempotency key, resolves no names, checks no permission and computes no hash. The rows are those that Larder writes, in the
//! same tables under the same constraints.

use std::process::{Command, Stdio};
use std::time::Duration;

use sea_orm::sqlx::{self, Row as _};

use crate::Outcome;
use crate::kitchens::Place;

/// What Larder writes for one posted unit, at one place, in SQL.
pub struct Postings {
    url: String,
    folder: tempfile::TempDir,
}

impl Postings {
    /// Prepares the statements of postings at these places, each of which is as likely as the others.
    pub async fn at(url: &str, places: &[Place]) -> Outcome<Self> {
        use sqlx::Connection as _;
        let mut connection = sqlx::PgConnection::connect(url).await?;
        let folder = tempfile::tempdir()?;
        let mut facts = Vec::new();
        for place in places {
            let row = sqlx::query(
                "SELECT head.rules_version, (SELECT id::text FROM reason WHERE tenant_id = head.tenant_id AND code = 'spoiled'), \
                 (SELECT posted_by::text FROM document WHERE tenant_id = head.tenant_id LIMIT 1), \
                 (SELECT lot_id::text FROM balance WHERE tenant_id = head.tenant_id AND item_id = $2::uuid AND location_id = $3::uuid) \
                 FROM ledger_head AS head WHERE tenant_id = $1::uuid",
            )
            .bind(&place.tenant_id)
            .bind(&place.item_id)
            .bind(&place.location_id)
            .fetch_one(&mut connection)
            .await?;
            facts.push(Facts { place: place.clone(), rules_version: row.get(0), reason_id: row.get(1), actor_id: row.get(2), lot_id: row.get(3) });
        }
        std::fs::write(folder.path().join("posting.sql"), script(&facts))?;
        Ok(Self { url: url.to_owned(), folder })
    }

    /// Transactions per second.
    pub fn run(&self, connections: u32, time: Duration) -> Outcome<f64> {
        let mut command = Command::new("pgbench");
        command.args(["--no-vacuum", "--protocol", "prepared", "--client", &connections.to_string(), "--jobs", &connections.min(2).to_string()]);
        command.args(["--time", &time.as_secs().max(1).to_string()]);
        command.arg("--file").arg(self.folder.path().join("posting.sql"));
        transactions_per_second(&mut command, &self.url)
    }
}

/// Runs one script of pgbench that reads, with these connections.
pub fn run_script(url: &str, script: &str, connections: u32, time: Duration) -> Outcome<f64> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("script.sql");
    std::fs::write(&file, script)?;
    let mut command = Command::new("pgbench");
    command.args(["--no-vacuum", "--protocol", "prepared", "--client", &connections.to_string(), "--jobs", &connections.min(2).to_string()]);
    command.args(["--time", &time.as_secs().max(1).to_string(), "--file"]).arg(&file);
    transactions_per_second(&mut command, url)
}

fn transactions_per_second(command: &mut Command, url: &str) -> Outcome<f64> {
    let command = command.arg(url).stdin(Stdio::null());
    let out = tokio::task::block_in_place(|| command.output())?;
    let (said, complained) = (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned());
    let failed = said.lines().any(|line| line.starts_with("number of failed transactions: ") && !line.starts_with("number of failed transactions: 0"));
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")).and_then(|rest| rest.split_whitespace().next()).and_then(|rate| rate.parse().ok());
    match rate {
        Some(rate) if out.status.success() && !failed => Ok(rate),
        _ => Err(format!("pgbench failed: {said}{complained}").into()),
    }
}

struct Facts {
    place: Place,
    rules_version: i64,
    reason_id: String,
    actor_id: String,
    lot_id: String,
}

/// One script for all places, so that a client prepares its statements once: it takes the ids of one of them out of arrays.
fn script(facts: &[Facts]) -> String {
    let of = |value: fn(&Facts) -> String, kind: &str| {
        let values: Vec<_> = facts.iter().map(value).collect();
        format!("('{{{}}}'::{kind}[])[:n]", values.join(","))
    };
    let (tenant_id, site_id) = (of(|facts| facts.place.tenant_id.clone(), "uuid"), of(|facts| facts.place.site_id.clone(), "uuid"));
    let (location_id, item_id) = (of(|facts| facts.place.location_id.clone(), "uuid"), of(|facts| facts.place.item_id.clone(), "uuid"));
    let (reason_id, actor_id) = (of(|facts| facts.reason_id.clone(), "uuid"), of(|facts| facts.actor_id.clone(), "uuid"));
    let (lot_id, rules_version) = (of(|facts| facts.lot_id.clone(), "uuid"), of(|facts| facts.rules_version.to_string(), "bigint"));
    let hash = "0".repeat(64);
    let here = format!("tenant_id = {tenant_id} AND item_id = {item_id} AND location_id = {location_id}");
    let read = format!(
        "SELECT lot.id, lot.received_at, lot.expires_on, lot.date_kind, lot.origin_seq, lot.origin_line, lot.cost_floor_at, lot.hold, lot.opened_at, \
         balance.quantity, balance.value, head.rules_version, head.closed_through FROM balance \
         JOIN lot ON lot.tenant_id = balance.tenant_id AND lot.id = balance.lot_id JOIN ledger_head AS head ON head.tenant_id = balance.tenant_id \
         WHERE balance.tenant_id = {tenant_id} AND balance.item_id = {item_id} AND balance.location_id = {location_id} AND balance.quantity > 0"
    );
    let write = format!(
        "WITH taken AS (UPDATE balance SET quantity = quantity - 1000000, value = value - 1000000 WHERE {here} AND lot_id = {lot_id} RETURNING lot_id), \
         head AS (UPDATE ledger_head SET seq = seq + 1, waste_number = waste_number + 1, position = COALESCE(position, 0) + 1, head_hash = '{hash}' \
         WHERE tenant_id = {tenant_id} AND rules_version = {rules_version} AND EXISTS (SELECT 1 FROM taken) RETURNING seq, waste_number, position), \
         posted AS (INSERT INTO document (id, tenant_id, type, number, status, effective_at, business_date, recorded_at, posted_at, posted_by, site_id, location_id, \
         last_seq, content_hash, chain_hash, version, position) SELECT gen_random_uuid(), {tenant_id}, 'waste', waste_number, 'posted', now(), current_date, now(), \
         now(), {actor_id}, {site_id}, {location_id}, seq, '{hash}', '{hash}', 1, position FROM head RETURNING id, last_seq), \
         line AS (INSERT INTO waste_line (tenant_id, document_id, line_no, item_id, entered_quantity, entered_unit, quantity, value, reason_id, stage) \
         SELECT {tenant_id}, id, 1, {item_id}, 1000000, 'g', 1000000, 1000000, {reason_id}, 'storage' FROM posted) \
         INSERT INTO ledger_entry (tenant_id, seq, document_id, line_no, kind, item_id, location_id, lot_id, quantity_delta, value_delta, effective_at, business_date, \
         recorded_at, actor_id, reason_id) SELECT {tenant_id}, last_seq, id, 1, 'waste', {item_id}, {location_id}, {lot_id}, -1000000, -1000000, now(), \
         current_date, now(), {actor_id}, {reason_id} FROM posted"
    );
    format!("\\set n random(1, {})\nBEGIN;\nSELECT 1 FROM stock_key WHERE {here} FOR NO KEY UPDATE;\n{read};\n{write};\nCOMMIT;\n", facts.len())
}

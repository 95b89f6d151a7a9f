//! Setting a tenant up in this database, as often as one likes.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};
use kernel::{Instant, Outcome, SiteId, TenantId, Txn};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{TenantFacts, seeds};
use crate::Inventory;
use crate::catalog::locations::repository::open_sites;
use crate::error::Error;
use crate::ledger::GENESIS;
use crate::rows::{self, Kind, Relation, given_row};

struct Seeding {
    facts: TenantFacts,
    now: Instant,
    unit_ids: Vec<Uuid>,
    reason_ids: Vec<Uuid>,
}

impl Inventory {
    /// Makes the tenant's settings and head, and copies the seeded units and reasons under it. Where that was done by an older
    /// version, what is new is added; else nothing is done.
    pub async fn ensure_tenant(&self, facts: TenantFacts) -> Result<(), Error> {
        super::currency(&facts.currency)?;
        let unit_ids = seeds::UNITS.iter().map(|_| self.next_id()).collect();
        let reason_ids = seeds::REASONS.iter().map(|_| self.next_id()).collect();
        let seeding = Seeding { facts, now: self.now(), unit_ids, reason_ids };
        self.database().write(seeding, |seeding, txn| -> Outcome<'_, (), Error> { Box::pin(ensure(seeding, txn)) }).await
    }

    /// Which of these are no sites of the tenant, or archived ones.
    pub async fn unknown_sites(&self, tenant: TenantId, sites: BTreeSet<SiteId>) -> Result<BTreeSet<SiteId>, Error> {
        let open = open_sites(self.database().reader(), tenant, &sites).await?;
        Ok(&sites - &open)
    }
}

async fn ensure(seeding: &Seeding, txn: &Txn) -> Result<(), Error> {
    let tenant = seeding.facts.tenant_id;
    let now: DateTime<FixedOffset> = seeding.now.into();
    let settings = "INSERT INTO tenant_settings (tenant_id, currency, time_zone, seed_version, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    let values = [tenant.into(), seeding.facts.currency.clone().into(), seeding.facts.time_zone.clone().into(), seeds::VERSION.into(), now.into()];
    if rows::execute(txn, settings, values).await?.rows_affected() == 0 {
        return add_new_seeds(seeding, txn).await;
    }
    let head = "INSERT INTO ledger_head (tenant_id, seq, receipt_number, waste_number, opening_stock_number, rules_version, closed_through, head_hash) VALUES ($1, 0, 0, 0, 0, 1, NULL, $2)";
    rows::execute(txn, head, [tenant.into(), GENESIS.into()]).await?;
    rows::insert(txn, "unit", UNIT, units(seeding, txn)).await?;
    rows::insert(txn, "reason", REASON, reasons(seeding, txn)).await?;
    Ok(())
}

/// Gives a tenant of an older version the reasons that it does not have. (The units have not changed since the first.)
async fn add_new_seeds(seeding: &Seeding, txn: &Txn) -> Result<(), Error> {
    let raise = "UPDATE tenant_settings SET seed_version = $1 WHERE tenant_id = $2 AND seed_version < $1";
    if rows::execute(txn, raise, [seeds::VERSION.into(), seeding.facts.tenant_id.into()]).await?.rows_affected() == 0 {
        return Ok(());
    }
    // The WHERE keeps SQLite's parser from reading ON as a join's.
    let sql = format!(
        "INSERT INTO reason ({}) SELECT * FROM ({}) AS seeded WHERE true ORDER BY kind, code ON CONFLICT (tenant_id, kind, code) DO NOTHING",
        REASON.names(),
        REASON.select(txn.get_database_backend(), 1)
    );
    rows::execute(txn, &sql, [rows::parameter(reasons(seeding, txn))]).await?;
    Ok(())
}

const UNIT: Relation = Relation(&[
    ("id", Kind::Uuid),
    ("tenant_id", Kind::Uuid),
    ("code", Kind::Text),
    ("name", Kind::Text),
    ("dimension", Kind::Text),
    ("numerator", Kind::Int),
    ("denominator", Kind::Int),
    ("version", Kind::Int),
    ("created_at", Kind::Instant),
    ("updated_at", Kind::Instant),
]);

fn units(seeding: &Seeding, txn: &Txn) -> Vec<serde_json::Value> {
    let (backend, tenant, now) = (txn.get_database_backend(), seeding.facts.tenant_id, seeding.now);
    let row = |(id, unit): (&Uuid, &(&str, &str, &str, i64, i64))| {
        let (code, name, dimension, numerator, denominator) = *unit;
        given_row!(backend, *id, tenant, code, name, dimension, numerator, denominator, 1_i64, now, now)
    };
    seeding.unit_ids.iter().zip(seeds::UNITS).map(row).collect()
}

const REASON: Relation = Relation(&[
    ("id", Kind::Uuid),
    ("tenant_id", Kind::Uuid),
    ("kind", Kind::Text),
    ("code", Kind::Text),
    ("name", Kind::Text),
    ("stage", Kind::Text),
    ("avoidable", Kind::Bool),
    ("version", Kind::Int),
    ("created_at", Kind::Instant),
    ("updated_at", Kind::Instant),
]);

fn reasons(seeding: &Seeding, txn: &Txn) -> Vec<serde_json::Value> {
    let (backend, tenant, now) = (txn.get_database_backend(), seeding.facts.tenant_id, seeding.now);
    let row = |(id, reason): (&Uuid, &(&str, &str, &str, Option<&str>, bool))| {
        let (kind, code, name, stage, avoidable) = *reason;
        given_row!(backend, *id, tenant, kind, code, name, stage, avoidable, 1_i64, now, now)
    };
    seeding.reason_ids.iter().zip(seeds::REASONS).map(row).collect()
}

//! `larder ledger verify`: proves that the ledger is what was posted, and names what is not.

use inventory::verify::{Progress, Verdict, Verified};
use sea_orm::{DatabaseConnection, DbErr};

use super::Verify;
use crate::databases::{self, Role};
use crate::db::{Exit, Report, deploy};
use crate::failure::{Cause, Failure};
use crate::module::Module;
use crate::settings::{Limits, Settings};
use crate::target::Target;

const MODULE: Module = Module::Inventory;

pub async fn run(settings: &Settings, asked: &Verify) -> Exit {
    let mut report = Report::new("differences", asked.json);
    let target = &MODULE.place(&settings.database).target;
    let verdict = match verify(target, &settings.database.limits, asked).await {
        Ok(verdict) => verdict,
        Err(failure) => return report.fail(&failure),
    };
    if let (Some(tenant), true) = (asked.tenant, verdict.tenants.is_empty()) {
        return report.refuse(format!("{target} has no tenant {tenant} with a ledger"));
    }
    let Verdict { tenants, differences, more } = verdict;
    let exit = if differences.is_empty() { Exit::Done } else { Exit::Strange };
    for difference in differences {
        report.line(difference);
    }
    let more: serde_json::Map<_, _> = more.iter().map(|(check, number)| (check.to_string(), (*number).into())).collect();
    for (check, number) in &more {
        report.remark(format_args!("{check:<10} and {number} more"));
    }
    for tenant in &tenants {
        report.remark(words(tenant));
    }
    if tenants.is_empty() {
        report.remark("there is no tenant with a ledger yet");
    }
    report.also("more", more.into());
    report.also("tenants", serde_json::to_value(&tenants).unwrap_or_default());
    report.end(exit)
}

fn words(of: &Verified) -> String {
    let Verified { tenant, documents, entries, places, head_hash, differences } = of;
    let verdict = match differences {
        0 => "all as it was posted".to_owned(),
        1 => "1 difference".to_owned(),
        number => format!("{number} differences"),
    };
    format!("tenant {tenant}: {documents} documents, {entries} entries, {places} balances: {verdict}; head {head_hash}")
}

/// Reads one state of the database with the role of the server, which may read all that this needs.
async fn verify(target: &Target, limits: &Limits, asked: &Verify) -> Result<Verdict, Failure> {
    if let Target::Memory = target {
        return Err(Failure::new(MODULE, "in memory", Cause::Refused("the databases are in memory: there is nothing to verify".into())));
    }
    let connection = databases::connect(MODULE, target, limits, Role::Inspector).await?;
    let verdict = read(&connection, target, limits, asked).await;
    deploy::close(connection).await;
    verdict
}

async fn read(connection: &DatabaseConnection, target: &Target, limits: &Limits, asked: &Verify) -> Result<Verdict, Failure> {
    let failed = |error: DbErr| Failure::new(MODULE, target, Cause::Database(error));
    let txn = databases::begin_snapshot(connection, limits).await.map_err(failed)?;
    let found = databases::inspect(&txn, MODULE, target).await?;
    databases::refuse_strange(&found, MODULE, target)?;
    if !found.pending.is_empty() {
        return Err(Failure::new(MODULE, target, Cause::Pending(found.pending)));
    }
    let mut tell =
        |Progress { tenant, entries, of }| Report::tell(format_args!("tenant {tenant}: {entries} of {of} entries read, in {} passes", Progress::PASSES));
    let verdict = inventory::verify::verify(&txn, asked.tenant, &mut tell).await.map_err(failed)?;
    txn.rollback().await.map_err(failed)?;
    Ok(verdict)
}
